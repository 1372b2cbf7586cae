"""YAML -> validated configuration; every fault in one message, with its place.

``modules`` (with ``model_repository``) is physics. ``inference`` and ``options`` never change the
result. Relative paths are relative to the configuration file; those of the command line to the
current folder.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sonicmini.errors import ConfigError, nearest
from sonicmini.inference_config import Block, InferenceConfig, Place
from sonicmini.io.keep import EVERYTHING, Statement

_SECRET_PLACES = {"access", "servers", "preferred"}
"""Keys below which a mistyped value may be a secret: it is not repeated in a message."""


class InputConfig(Block):
    """What is read."""

    files: Annotated[tuple[Path, ...], Field(min_length=1)]
    events: Annotated[int, Field(ge=0)] | None = None
    """Total number of events over all files; all if absent."""


def _as_statement(text: str) -> str:
    Statement.parse(text)
    return text


KeepStatement: TypeAlias = Annotated[str, AfterValidator(_as_statement)]


class OutputConfig(Block):
    """What is written."""

    file: Path
    format: Literal["ttree", "rntuple"] = "ttree"
    keep: Annotated[tuple[KeepStatement, ...], Field(min_length=1)] = EVERYTHING
    """Statements that keep or drop products and branches, the last that matches decides."""
    compression: Literal["ZSTD", "LZMA", "LZ4", "ZLIB"] = "ZSTD"
    compression_level: Annotated[int, Field(ge=1, le=9)] | None = None
    """The algorithm's usual level if absent."""
    overwrite: bool = False


class OptionsConfig(Block):
    """How the work is cut and spread."""

    chunk_size: Annotated[int, Field(ge=1)] = 100
    streams: Annotated[int, Field(ge=1)] = 4
    """Chunks in flight."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Threads for all CPU work."""
    allow_nonfinite: bool = False
    """Process NaN and infinite input values instead of refusing them."""


def _as_mapping(value: Any) -> Any:  # noqa: ANN401 - whatever stands in the YAML
    return {"type": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:  # noqa: ANN401 - whatever stands in the YAML
    return [value] if isinstance(value, str) else value


class ModuleConfig(BaseModel):
    """A module: its type, and its parameters as further keys."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str

    @property
    def parameters(self) -> Mapping[str, Any]:
        """All keys but ``type``."""
        return self.model_extra or {}


class JobConfig(Block):
    """One run, complete; can be pickled and sent to where it is to be run."""

    input: InputConfig
    output: OutputConfig
    model_repository: Annotated[tuple[Path, ...], BeforeValidator(_as_list), Field(min_length=1)]
    """Folder of the models, or several of which the first that has a model counts."""
    modules: dict[str, Annotated[ModuleConfig, BeforeValidator(_as_mapping)]]
    skim: str | None = None
    """Which events are written: an expression on products; all if absent."""
    inference: InferenceConfig = InferenceConfig()
    options: OptionsConfig = OptionsConfig()


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What the command line says; it wins over the file. None leaves the file's value."""

    inputs: Sequence[Path] = ()
    output: Path | None = None
    events: int | None = None
    chunk_size: int | None = None
    streams: int | None = None
    threads: int | None = None
    overwrite: bool = False
    inference: Place | None = None
    servers: Sequence[str] = ()
    """A server that the file names as well keeps its access."""
    model_repository: Sequence[Path] = ()
    fallback: str | None = None
    allow_different_models: bool = False
    assignments: Sequence[str] = ()
    """``key.path=value`` with a YAML value."""

    def items(self) -> Iterator[tuple[str, Any]]:
        """Key paths and values."""
        for assignment in self.assignments:
            key, equals, value = assignment.partition("=")
            if not equals or not key:
                raise ConfigError(f"--set {assignment}: expected key.path=value")
            try:
                yield key, yaml.safe_load(value)
            except yaml.YAMLError as error:
                raise ConfigError(f"--set {assignment}: the value is not YAML: {error}") from error
        repository = [str(folder.absolute()) for folder in self.model_repository]
        values: dict[str, Any] = {
            "input.files": [file.absolute() for file in self.inputs] or None,
            "model_repository": repository or None,
            "output.file": self.output and self.output.absolute(),
            "output.overwrite": self.overwrite or None,
            "inference.default": self.inference or ("remote" if self.servers else None),
            "inference.fallback": self.fallback,
            "inference.allow_different_models": self.allow_different_models or None,
            "input.events": self.events,
            "options.chunk_size": self.chunk_size,
            "options.streams": self.streams,
            "options.threads": self.threads,
        }
        yield from ((key, value) for key, value in values.items() if value is not None)


def load(path: Path, overrides: Overrides | None = None) -> JobConfig:
    """Reads a configuration file.

    Raises:
        ConfigError: the file cannot be read, or lists every fault of its content with its line.
    """
    tree, lines = _read(path)
    overrides = overrides or Overrides()
    for key, value in overrides.items():
        _assign(tree, key, value)
    if overrides.servers:
        _assign(tree, "inference.servers", _named_servers(tree, overrides.servers))
    try:
        config = JobConfig.model_validate(tree)
    except ValidationError as error:
        faults = [_describe(path, lines, fault) for fault in error.errors()]
        raise ConfigError("\n".join(faults)) from error
    if faults := list(_faults(config)):
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    config = _absolute(config, path.absolute().parent)
    if config.output.file.resolve() in {file.resolve() for file in config.input.files}:
        raise ConfigError(f"{path}: output.file: {config.output.file} is one of the inputs")
    return config


def _named_servers(tree: Mapping[str, Any], urls: Sequence[str]) -> list[Any]:
    """The servers of the command line, with what the file says of them."""
    block = tree.get("inference")
    known = block.get("servers") if isinstance(block, dict) else None
    entries = [entry for entry in known or () if isinstance(entry, dict)]
    return [next((entry for entry in entries if entry.get("url") == url), url) for url in urls]


def _faults(config: JobConfig) -> Iterator[str]:
    """What the values allow one by one, but not together."""
    yield from config.inference.faults()
    for label in config.inference.modules:
        if label not in config.modules:
            yield f"inference.modules.{label}: no such module{nearest(label, config.modules)}"


def _read(path: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a text file") from error
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(tree, dict) or node is None:
        raise ConfigError(f"{path}: expected a mapping with the keys {', '.join(_keys(JobConfig))}")
    lines: dict[tuple[str, ...], int] = {}
    repeated = list(_index(node, (), lines))
    if repeated:
        raise ConfigError(
            "\n".join(f"{path}:{line}: {key} is given twice" for key, line in repeated)
        )
    return tree, lines


def _index(
    node: yaml.Node, place: tuple[str, ...], lines: dict[tuple[str, ...], int]
) -> Iterator[tuple[str, int]]:
    """Fills the line of every key; yields the keys that YAML would silently overwrite."""
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                yield ".".join(inner), key.start_mark.line + 1
            lines[inner] = key.start_mark.line + 1
            yield from _index(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _index(value, (*place, str(position)), lines)


def _assign(tree: dict[str, Any], key: str, value: Any) -> None:  # noqa: ANN401 - YAML value
    *parents, last = key.split(".")
    for depth, parent in enumerate(parents):
        inner = tree.setdefault(parent, {})
        if isinstance(inner, str) and parents[0] == "modules":
            inner = tree[parent] = {"type": inner}
        if not isinstance(inner, dict):
            place = ".".join(parents[: depth + 1])
            raise ConfigError(f"--set {key}: {place} is a value, not a block")
        tree = inner
    tree[last] = value


def _describe(path: Path, lines: Mapping[tuple[str, ...], int], fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    place = tuple(str(step) for step in fault["loc"] if not str(step).startswith("function-"))
    line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), 1)
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        message = f"unknown key{nearest(place[-1], _keys_at(place[:-1]))}"
    elif fault["type"] == "missing":
        message = "required and not given"
    elif not isinstance(fault["input"], dict | list) and not _SECRET_PLACES & set(place):
        message = f"{message[0].lower()}{message[1:]}, not {fault['input']!r}"
    where = ".".join(place)
    return f"{path}:{line}: {where}: {message}" if where else f"{path}: {message}"


def _keys(block: type[BaseModel]) -> list[str]:
    return list(block.model_fields)


def _keys_at(place: tuple[str, ...]) -> list[str]:
    block: type[BaseModel] = JobConfig
    for step in place:
        inner = block.model_fields[step].annotation if step in block.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        block = inner
    return _keys(block)


def _absolute(config: JobConfig, folder: Path) -> JobConfig:
    def absolute(path: Path) -> Path:
        return Path(os.path.normpath(folder / path))

    files = tuple(absolute(file) for file in config.input.files)
    output = absolute(config.output.file)
    return config.model_copy(
        update={
            "model_repository": tuple(map(absolute, config.model_repository)),
            "inference": config.inference.absolute(folder),
            "input": config.input.model_copy(update={"files": files}),
            "output": config.output.model_copy(update={"file": output}),
        }
    )
