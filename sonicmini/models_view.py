"""What ``sonicmini models`` and ``sonicmini models verify`` do and print."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.console import output
from sonicmini.errors import InferenceError, ModelError
from sonicmini.inference.repository import ModelRepository, ModelSpec, TensorSpec
from sonicmini.inference.trial import longest, shortest
from sonicmini.model_facts import ModelFacts, all_versions, facts, faults
from sonicmini.resources import bundled

_EXPLAINED = (
    "multiply-adds are those of one row: from one of zeros, of the shortest lengths, to one of the"
    " longest lengths with something in every place"
)


def list_and_print(folders: Sequence[Path], *, as_json: bool) -> None:
    """Shows all networks of a repository.

    Args:
        folders: of the repository; the bundled one if empty.
        as_json: print JSON.

    Raises:
        ModelError: networks that cannot be read or run, after those that can be are shown.
    """
    repository = _repository(folders)
    found: list[ModelFacts] = []
    broken: list[str] = []
    for model in all_versions(repository):
        try:
            found.append(facts(repository, model))
        except InferenceError as error:
            broken.append(str(error))
    if as_json:
        _print_json([to_dict(one) for one in found])
    else:
        output().print(render(found))
    if broken:
        raise ModelError("\n".join(broken))


def verify_and_print(models: Sequence[str], folders: Sequence[Path], *, as_json: bool) -> None:
    """Verifies networks, all if none is named, and shows which are sound.

    Args:
        models: ``NAME`` (the latest version) or ``NAME/VERSION``.
        folders: of the repository; the bundled one if empty.
        as_json: print JSON.

    Raises:
        ModelError: some are not; lists every fault.
    """
    repository = _repository(folders)
    verdicts = {model: faults(repository, model) for model in models or all_versions(repository)}
    if as_json:
        _print_json([{"model": model, "faults": found} for model, found in verdicts.items()])
    else:
        for model, found in verdicts.items():
            output().print(Text(f"{model}: {'FAULTY' if found else 'sound'}"))
    if any(verdicts.values()):
        lines = [f"{model}: {fault}" for model, found in verdicts.items() for fault in found]
        raise ModelError("\n".join(lines))


def _repository(folders: Sequence[Path]) -> ModelRepository:
    repository = ModelRepository(folders or bundled("models"))
    if not repository.names():
        raise ModelError(f"model repository {repository}: no folder in it has a config.pbtxt")
    return repository


def render(found: Sequence[ModelFacts]) -> RenderableType:
    """A block for each network."""
    return Group(*map(_block, found), Text(_EXPLAINED))


def _block(one: ModelFacts) -> RenderableType:
    spec = one.spec
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "inputs": ", ".join(map(_tensor, spec.inputs)),
        "outputs": ", ".join(map(_tensor, spec.outputs)),
        "rows": _rows(spec),
        "multiply-adds": _multiply_adds(one),
        "size": f"{one.size_bytes / 1000:.1f} kB",
        "sha256": spec.sha256,
        "file": str(spec.path),
        "card": "none" if one.card is None else str(one.card),
    }
    for heading, value in rows.items():
        table.add_row(Text(f"  {heading}"), Text(value))
    return Group(Text.assemble((str(spec), "bold"), f"  {one.title}"), table)


def _tensor(tensor: TensorSpec) -> str:
    longest_row = "any" if tensor.max_length is None else str(tensor.max_length)
    lengths = f"{max(1, tensor.min_length)}..{longest_row}"
    dims = " x ".join(lengths if dim == -1 else str(dim) for dim in tensor.dims)
    return f"{tensor.name} {dims}"


def _rows(spec: ModelSpec) -> str:
    preferred = " or ".join(map(str, spec.preferred_batch_size))
    wish = f"; servers prefer {preferred}" if preferred else ""
    return f"at most {spec.max_batch_size} a request{wish}"


def _multiply_adds(one: ModelFacts) -> str:
    bounds = [f"{part.multiply_adds / 1e6:.3g} M" for part in (one.empty, one.full)]
    text = " to ".join(dict.fromkeys(bounds))
    missing = ", ".join(one.full.uncounted)
    return f"{text}, not counting {missing}" if missing else text


def to_dict(one: ModelFacts) -> dict[str, Any]:
    """The facts of a network as JSON can hold them."""
    spec = one.spec
    return {
        "name": spec.name,
        "version": spec.version,
        "title": one.title,
        "inputs": [_tensor_dict(tensor) for tensor in spec.inputs],
        "outputs": [_tensor_dict(tensor) for tensor in spec.outputs],
        "max_batch_size": spec.max_batch_size,
        "preferred_batch_size": list(spec.preferred_batch_size),
        "size_bytes": one.size_bytes,
        "multiply_adds": {
            "empty": one.empty.multiply_adds,
            "full": one.full.multiply_adds,
            "uncounted": list(one.full.uncounted),
            "shortest": shortest(spec),
            "longest": longest(spec),
        },
        "sha256": spec.sha256,
        "file": str(spec.path),
        "card": None if one.card is None else str(one.card),
    }


def _tensor_dict(tensor: TensorSpec) -> dict[str, Any]:
    return {"name": tensor.name, "type": str(tensor.dtype), "dims": list(tensor.dims)}


def _print_json(value: list[dict[str, Any]]) -> None:
    output().print_json(json.dumps(value, allow_nan=False))
