"""A Triton model repository as it stands: ``NAME/config.pbtxt``, ``NAME/VERSION/model.onnx``.

It may be spread over several folders, as with several ``--model-repository`` of Triton. What a
server would refuse is refused here too, so that a local run and a remote one see the same models.
The keys are those of Triton's ``model_config.proto``.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from sonicmini.errors import ModelError, nearest
from sonicmini.inference.modelconfig import ModelConfig, TensorConfig, read_config

_BLOCK = 1 << 20


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model.

    Attributes:
        dims: without the batch dimension; -1 is a variable one.
        min_length: shortest variable dimension that the model computes rightly.
        max_length: longest one that its inputs are made with, None if there is no such limit.
    """

    name: str
    dtype: np.dtype[np.generic]
    dims: tuple[int, ...]
    min_length: int = 0
    max_length: int | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}{list(self.dims)}"


@dataclass(frozen=True)
class ModelSpec:
    """One version of a model: what is needed to run it and to feed it.

    Attributes:
        path: its network file.
        inputs: in the order of config.pbtxt, as ``outputs``.
        max_batch_size: largest number of rows of a request.
        preferred_batch_size: of Triton's dynamic batching; empty if it is not configured.
        sha256: of the network file, for the provenance.
    """

    name: str
    version: int
    path: Path
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch_size: int
    preferred_batch_size: tuple[int, ...]
    sha256: str

    @property
    def folder(self) -> Path:
        """Of the model in the repository, with config.pbtxt and what else belongs to it."""
        return self.path.parent.parent

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


Signature: TypeAlias = tuple[Sequence[TensorSpec], Sequence[TensorSpec]]
"""Inputs and outputs as a network file or a server has them, batch dimension first."""


Folders: TypeAlias = Path | Sequence[Path]
"""A model repository: a folder, or several of which the first that has a model counts."""


class ModelRepository:
    """The models of one or more folders, by ``NAME`` (its latest version) or ``NAME/VERSION``."""

    def __init__(self, folders: Folders) -> None:
        """Looks at the folders only; a model is read when it is asked for.

        Raises:
            ModelError: if there is no such folder.
        """
        self.folders = (folders,) if isinstance(folders, Path) else tuple(folders)
        if missing := [str(folder) for folder in self.folders if not folder.is_dir()]:
            raise ModelError(f"model repository {', '.join(missing)} is not a folder")

    def __str__(self) -> str:
        return ", ".join(map(str, self.folders))

    def names(self) -> tuple[str, ...]:
        """Names of the models in the folders, sorted."""
        found = (path for folder in self.folders for path in folder.glob("*/config.pbtxt"))
        return tuple(sorted({path.parent.name for path in found}))

    def versions(self, name: str) -> tuple[int, ...]:
        """Versions of a model that its version policy serves, ascending.

        Raises:
            ModelError: if the model is unknown or its config.pbtxt unreadable.
        """
        folder = self._folder_of(name)
        return _versions(folder, read_config(folder / "config.pbtxt"))

    def spec(self, model: str) -> ModelSpec:
        """Reads one model and verifies its checksums.

        Raises:
            ModelError: if it is missing, unreadable or damaged; lists every fault.
        """
        name, _, wanted = model.partition("/")
        folder = self._folder_of(name)
        config = read_config(folder / "config.pbtxt")
        faults = _config_faults(config, folder)
        version = _pick_version(wanted, _versions(folder, config), folder, faults)
        path = folder / str(version) / (config.default_model_filename or "model.onnx")
        if version is not None and not path.is_file():
            faults.append(f"{path} is missing")
        faults += _checksum_faults(folder, config)
        if faults or version is None:
            raise ModelError(_message(f"model {model} in {folder.parent}", faults))
        lengths = _lengths(folder)
        return ModelSpec(
            name=name,
            version=version,
            path=path,
            inputs=tuple(_tensor(tensor, lengths) for tensor in config.inputs),
            outputs=tuple(_tensor(tensor, {}) for tensor in config.outputs),
            max_batch_size=config.max_batch_size,
            preferred_batch_size=config.preferred_batch_size,
            sha256=_digest(path, "sha256"),
        )

    def specs(self, models: Iterable[str]) -> dict[str, ModelSpec]:
        """Reads several models, by the names under which they were asked for.

        Raises:
            ModelError: lists the faults of all of them.
        """
        found: dict[str, ModelSpec] = {}
        faults: list[str] = []
        for model in models:
            try:
                found[model] = self.spec(model)
            except ModelError as error:
                faults.append(str(error))
        if faults:
            raise ModelError("\n".join(faults))
        return found

    def _folder_of(self, name: str) -> Path:
        places = [folder / name for folder in self.folders if (folder / name).is_dir()]
        for place in places:
            if (place / "config.pbtxt").is_file():
                return place
        if places:
            raise ModelError(f"model {name} in {places[0].parent} has no config.pbtxt")
        hint = nearest(name, self.names()) or f"; it has {_list(self.names())}"
        raise ModelError(f"model {name} is not in the repository {self}{hint}")


def check_signature(spec: ModelSpec, found: Signature, where: str) -> None:
    """Compares config.pbtxt with what a network file or a server says of itself.

    Inputs must be the same set; config.pbtxt may leave out outputs. A variable dimension may be
    narrowed by config.pbtxt, not widened.

    Args:
        spec: what config.pbtxt says.
        found: what is there.
        where: names the place in the message.

    Raises:
        ModelError: lists every difference.
    """
    faults: list[str] = []
    for kind, ours, theirs in (
        ("input", spec.inputs, found[0]),
        ("output", spec.outputs, found[1]),
    ):
        others = {tensor.name: tensor for tensor in theirs}
        for tensor in ours:
            other = others.pop(tensor.name, None)
            if other is None:
                faults.append(
                    f"{kind} {tensor} is not there, it has {_list(t.name for t in theirs)}"
                )
            elif fault := _tensor_fault(tensor, other):
                faults.append(f"{kind} {tensor} {fault}")
        if kind == "input":
            faults += [f"input {tensor} is not in config.pbtxt" for tensor in others.values()]
    if faults:
        raise ModelError(_message(f"model {spec}: {where} differs from config.pbtxt", faults))


def _tensor_fault(ours: TensorSpec, theirs: TensorSpec) -> str:
    if ours.dtype != theirs.dtype:
        return f"has type {theirs.dtype} there"
    batch, dims = theirs.dims[:1], theirs.dims[1:]
    if batch != (-1,):
        return f"has shape {list(theirs.dims)} there, whose first dimension is no batch dimension"
    if len(dims) != len(ours.dims) or any(
        there not in (here, -1) for here, there in zip(ours.dims, dims, strict=True)
    ):
        return f"has dims {list(dims)} there"
    return ""


def _config_faults(config: ModelConfig, folder: Path) -> list[str]:
    faults = list(config.faults)
    if config.name not in ("", folder.name):
        faults.append(f"config.pbtxt names the model {config.name!r}")
    if "onnx" not in (config.platform or config.backend):
        faults.append(
            f"platform {config.platform!r}, backend {config.backend!r}: expected onnxruntime_onnx"
        )
    if config.max_batch_size < 1:
        faults.append("max_batch_size is below 1: only models with a batch dimension can be used")
    return faults


def _versions(folder: Path, config: ModelConfig) -> tuple[int, ...]:
    present = sorted(
        int(path.name) for path in folder.iterdir() if path.is_dir() and path.name.isdecimal()
    )
    if config.specific_versions:
        return tuple(version for version in present if version in config.specific_versions)
    return tuple(present if config.latest_versions == 0 else present[-config.latest_versions :])


def _pick_version(
    wanted: str, served: tuple[int, ...], folder: Path, faults: list[str]
) -> int | None:
    if not wanted and served:
        return served[-1]
    if wanted.isdecimal() and int(wanted) in served:
        return int(wanted)
    what = f"version {wanted} is not served" if wanted else "no version is served"
    here = f"versions {_list(map(str, served))}" if served else "none"
    faults.append(f"{what}: its version folders and version_policy in {folder} give {here}")
    return None


def _checksum_faults(folder: Path, config: ModelConfig) -> list[str]:
    """Triton's ``checksum`` repository agent: ``MD5:PATH`` and the expected value."""
    faults = []
    for key, expected in config.checksums.items():
        method, _, relative = key.partition(":")
        path = folder / relative
        if method != "MD5":
            faults.append(f"checksum {key}: only MD5 is known")
        elif not path.is_file():
            faults.append(f"checksum {key}: {path} is missing")
        elif (actual := _digest(path, "md5")) != expected.lower():
            faults.append(f"{path} has MD5 {actual}, config.pbtxt says {expected}")
    return faults


def _lengths(folder: Path) -> dict[str, tuple[int, int | None]]:
    """Shortest and longest variable dimension by input, from CMS's preprocess.json if any."""
    path = folder / "preprocess.json"
    if not path.is_file():
        return {}
    try:
        groups = json.loads(path.read_text())
        return {
            name: (int(group.get("min_length", 0)), group.get("max_length"))
            for name, group in groups.items()
            if isinstance(group, dict)
        }
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{path} is unreadable: {error}") from error


def _tensor(config: TensorConfig, lengths: dict[str, tuple[int, int | None]]) -> TensorSpec:
    shortest, longest = lengths.get(config.name, (0, None))
    return TensorSpec(config.name, config.dtype, config.dims, shortest, longest)


def _digest(path: Path, method: str) -> str:
    digest = hashlib.new(method, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _message(subject: str, faults: Sequence[str]) -> str:
    return f"{subject}: {faults[0]}" if len(faults) == 1 else "\n- ".join([f"{subject}:", *faults])


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
