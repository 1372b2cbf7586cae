"""What the arguments of ``compare`` mean: two ways to run a job, or two files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from sonicmini.config import JobConfig, Overrides, load
from sonicmini.errors import ConfigError
from sonicmini.resources import bundled

Kind: TypeAlias = Literal["inference", "workflow", "file"]

_PLACES = ("local", "remote")
_HINT = (
    "two of local and remote (and a workflow), two workflows (.yaml) or two files (.root)"
    " are expected"
)


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """What the command line says besides the two sides.

    Attributes:
        events: process so many at most.
        assignments: ``key.path=value``, for both workflows.
        servers: URLs for remote inference.
        model_repository: folders, in the place of both workflows'.
        tolerance: of what follows from a network; None is the usual one where that is known.
        repetitions: runs of each side, which take turns.
        as_json: print JSON.
        picture: file for a picture of the timing.
        keep: folder for the outputs and the comparison; None keeps nothing.
    """

    events: int | None = None
    assignments: Sequence[str] = ()
    servers: Sequence[str] = ()
    model_repository: Sequence[Path] = ()
    tolerance: float | None = None
    repetitions: int = 1
    as_json: bool = False
    picture: Path | None = None
    keep: Path | None = None

    def faults(self) -> Iterator[str]:
        """What cannot be meant."""
        if self.repetitions < 1:
            yield f"--repetitions {self.repetitions}: at least 1 is needed"
        if self.tolerance is not None and not 0 <= self.tolerance < float("inf"):
            yield f"--tolerance {self.tolerance}: 0 or more is expected, such as 1e-4"

    def of_runs(self) -> Iterator[str]:
        """The options that are given and mean nothing without a run."""
        given = {
            "--events": self.events is not None,
            "--set": self.assignments,
            "--server": self.servers,
            "--model-repository": self.model_repository,
            "--repetitions": self.repetitions != 1,
            "--picture": self.picture,
            "--keep": self.keep,
        }
        yield from (option for option, value in given.items() if value)


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared.

    Attributes:
        name: what it is called.
        place: of inference; None is what the workflow says.
        path: of the workflow, or the file.
    """

    name: str
    place: Literal["local", "remote"] | None
    path: str

    def load(self, output: Path, options: CompareOptions) -> JobConfig:
        """The job that writes this output.

        Raises:
            ConfigError: the workflow or an option is wrong.
        """
        overrides = Overrides(
            output=output,
            events=options.events,
            inference=self.place,
            servers=() if self.place == "local" else options.servers,
            model_repository=options.model_repository,
            assignments=options.assignments,
        )
        return load(Path(self.path), overrides)


def sides(
    first: str, second: str, config: Path | None, options: CompareOptions
) -> tuple[Kind, tuple[Side, Side]]:
    """What is compared with what.

    Raises:
        ConfigError: sides of two kinds or of none, or options that mean nothing; lists them all.
    """
    faults = list(options.faults())
    kinds = _kind(first), _kind(second)
    kind = kinds[0]
    if kind is None or kinds[1] != kind:
        faults.append(f"{first} and {second} cannot be compared: {_HINT}")
    if config is not None and "inference" not in kinds:
        faults.append(f"{config}: only local and remote are followed by a workflow")
    if options.servers and first == second == "local":
        faults.append("--server: neither side is remote")
    if kind == "file" and (useless := list(options.of_runs())):
        faults.append(f"{', '.join(useless)}: of no use where two files are compared")
    if faults or kind is None:
        raise ConfigError("\n".join(faults))
    return kind, (_side(first, kind, config), _side(second, kind, config))


def refuse_other_inputs(both: tuple[Side, Side], configs: Sequence[JobConfig]) -> None:
    """Two workflows can be compared if they read the same.

    Raises:
        ConfigError: they do not.
    """
    inputs = [
        (tuple(file.resolve() for file in config.input.files), config.input.events)
        for config in configs
    ]
    if inputs[0] != inputs[1]:
        lines = [
            f"{side.path}: {'all' if events is None else events} events of"
            f" {', '.join(map(str, files))}"
            for side, (files, events) in zip(both, inputs, strict=True)
        ]
        raise ConfigError(
            "\n".join(["the workflows read different input:", *lines])
            + "\n--events, or --set input.files=[...], gives both the same"
        )


def _kind(argument: str) -> Kind | None:
    if argument in _PLACES:
        return "inference"
    if argument.endswith((".yaml", ".yml")):
        return "workflow"
    return "file" if argument.endswith(".root") else None


def _side(argument: str, kind: Kind, config: Path | None) -> Side:
    if kind != "inference":
        return Side(argument, None, argument)
    workflow = config or bundled("configs") / "miniaod.yaml"
    place = cast("Literal['local', 'remote']", argument)
    return Side(f"{argument} inference, {workflow}", place, str(workflow))
