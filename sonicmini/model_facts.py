"""What there is to know of a network in a repository, and what is wrong with it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeVar

from sonicmini.errors import InferenceError, ModelError
from sonicmini.inference.complexity import Complexity, complexity
from sonicmini.inference.modelconfig import read_config
from sonicmini.inference.onnx import OnnxClient, profile
from sonicmini.inference.repository import ModelRepository, ModelSpec
from sonicmini.inference.trial import longest, shortest, trial_faults, trial_inputs
from sonicmini.module import SonicProducer
from sonicmini.plugins import available, resolve

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """A version of a network.

    Attributes:
        spec: its interface and where it is.
        size_bytes: of the network file.
        empty: multiply-adds of one row of zeros of the shortest lengths.
        full: of one row of the longest lengths with something in every place.
        title: first heading of its card; empty if it has none.
        card: the file; None if there is none.
    """

    spec: ModelSpec
    size_bytes: int
    empty: Complexity
    full: Complexity
    title: str
    card: Path | None


def all_versions(repository: ModelRepository) -> list[str]:
    """``NAME/VERSION`` of every version that is served; ``NAME`` where that cannot be told."""
    return [
        model
        for name in repository.names()
        for model in ([f"{name}/{version}" for version in _versions(repository, name)] or [name])
    ]


def _versions(repository: ModelRepository, name: str) -> tuple[int, ...]:
    try:
        return repository.versions(name)
    except ModelError:
        return ()


def facts(repository: ModelRepository, model: str) -> ModelFacts:
    """Reads a network and runs it twice, to count its multiply-adds.

    Raises:
        InferenceError: it is missing, damaged or does not run.
    """
    spec = repository.spec(model)
    card = spec.folder / "README.md"
    return ModelFacts(
        spec=spec,
        size_bytes=spec.path.stat().st_size,
        empty=complexity(profile(spec, trial_inputs(spec, "empty", shortest(spec)))),
        full=complexity(profile(spec, trial_inputs(spec, "full", longest(spec)))),
        title=_title(card),
        card=card if card.is_file() else None,
    )


def _title(card: Path) -> str:
    if not card.is_file():
        return ""
    with card.open(encoding="utf-8") as lines:
        return next((line.strip("# \n") for line in lines if line.startswith("#")), "")


def faults(repository: ModelRepository, model: str) -> list[str]:
    """Everything that is wrong with a network; nothing if it is sound.

    Looks at config.pbtxt, the network's own inputs and outputs, checksums, labels, what the modules
    of this package read beside it, and the answers to trial inputs.
    """
    try:
        spec = repository.spec(model)
        client = OnnxClient({model: spec}, _here)
        client.load()
    except InferenceError as error:
        return [str(error)]
    found = [*_label_faults(spec), *_preprocess_faults(spec), *_module_faults(spec)]
    return [*found, *asyncio.run(trial_faults(model, spec, client))]


async def _here(function: Callable[[], T]) -> T:
    return function()


def _label_faults(spec: ModelSpec) -> Iterator[str]:
    for output in read_config(spec.folder / "config.pbtxt").outputs:
        if not output.label_filename:
            continue
        path = spec.folder / output.label_filename
        if not path.is_file():
            yield f"output {output.name}: its labels, {path}, are missing"
        elif (count := len(path.read_text(encoding="utf-8").split())) != prod(output.dims):
            yield f"output {output.name}: {path} has {count} labels, dims are {list(output.dims)}"


def _preprocess_faults(spec: ModelSpec) -> Iterator[str]:
    """Compares CMS's preprocess.json, if there is one, with the interface."""
    path = spec.folder / "preprocess.json"
    if not path.is_file():
        return
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    inputs = {tensor.name: tensor for tensor in spec.inputs}
    groups = content.get("input_names", ())
    yield from (f"{path}: no group for input {name}" for name in inputs if name not in groups)
    for name in groups:
        names = content.get(name, {}).get("var_names", ())
        if name not in inputs:
            yield f"{path}: the network has no input {name}"
        elif len(names) != inputs[name].dims[0]:
            yield f"{path}: {len(names)} features of input {inputs[name]}"
    outputs = sum(prod(tensor.dims) for tensor in spec.outputs)
    if (count := len(content.get("output_names", ()))) != outputs:
        yield f"{path}: {count} output_names of {outputs} outputs"


def _module_faults(spec: ModelSpec) -> Iterator[str]:
    """What the modules that evaluate this network by default find wrong beside it."""
    for name in available():
        cls = resolve(name)
        if not issubclass(cls, SonicProducer):
            continue
        if getattr(cls, "model", "").partition("/")[0] == spec.name:
            try:
                cls().configured(spec.folder)
            except ModelError as error:
                yield f"module {name}: {error}"
