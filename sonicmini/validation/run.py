"""The ``validate`` command: measures a file, compares it with a reference, prints and draws it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sonicmini
from sonicmini.console import output
from sonicmini.errors import ConfigError, nearest
from sonicmini.io.branches import open_events
from sonicmini.progress import progress_bar
from sonicmini.validation.measure import Measurement, measure
from sonicmini.validation.plot import check_folder, draw
from sonicmini.validation.quantities import QUANTITIES
from sonicmini.validation.reference import Reference
from sonicmini.validation.verdict import Finding, Verdict, judge
from sonicmini.validation.view import render

DEVIATES = 7
"""Exit code of the command when a quantity deviates."""

_REFERENCES = Path(__file__).parent / "references"
_SUFFIX = ".json.gz"


@dataclass(frozen=True, kw_only=True)
class ValidationOptions:
    """What the command takes besides the file.

    Attributes:
        reference: name of a bundled one or a file.
        save: instead of comparing, make a reference of the file there.
        pictures: a folder for pictures.
    """

    reference: str = "ttbar"
    save: Path | None = None
    pictures: Path | None = None
    as_json: bool = False


def validate_and_print(file: str, options: ValidationOptions) -> bool:
    """Validates a file, or makes a reference of it; returns whether all agrees.

    Raises:
        InputError: the file is missing, damaged or not of this kind.
        ConfigError: the reference is missing or cannot be written; matplotlib is missing.
    """
    expected = None if options.save else Reference.load(find_reference(options.reference))
    if options.pictures is not None:
        check_folder(options.pictures)
    with open_events(file) as events:
        entries = events.entries
    with progress_bar("validating", entries) as advance:
        measurement = measure(file, QUANTITIES, advance)
    if options.save is not None:
        _reference(measurement, file).save(options.save)
    if expected is None:
        return True
    verdict = judge(measurement, expected, {one.name: one for one in QUANTITIES})
    if options.as_json:
        output().print_json(json.dumps(to_json(verdict, expected.made)))
    else:
        output().print(render(verdict, expected.made))
    if options.pictures is not None:
        draw(measurement, expected, verdict, options.pictures)
    return verdict.agrees


def find_reference(name: str) -> Path:
    """A bundled reference by its name, or a file.

    Raises:
        ConfigError: there is neither.
    """
    if Path(name).suffix or Path(name).exists():
        return Path(name)
    known = sorted(path.name.removesuffix(_SUFFIX) for path in _REFERENCES.glob(f"*{_SUFFIX}"))
    if name not in known:
        raise ConfigError(
            f"--reference {name}: no file, and no bundled reference{nearest(name, known)};"
            f" there are {', '.join(known)}"
        )
    return _REFERENCES / f"{name}{_SUFFIX}"


def _reference(measurement: Measurement, file: str) -> Reference:
    made = {
        "sample": Path(file).stem,
        "events": measurement.events,
        "version": sonicmini.__version__,
    }
    return Reference.of(measurement, {one.name: one for one in QUANTITIES}, made)


def to_json(verdict: Verdict, made: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict as JSON can hold it; what there is not is null."""
    return {
        "agrees": verdict.agrees,
        "reference": dict(made),
        "quantities": {one.quantity.name: _finding(one) for one in verdict.findings},
    }


def _finding(one: Finding) -> dict[str, Any]:
    deviation = one.deviation._asdict() if one.deviation else None
    return {
        "title": one.quantity.title,
        "status": one.status,
        "reason": one.reason,
        "file": _number(one.ours),
        "reference": _number(one.reference),
        "deviation": deviation,
    }


def _number(number: tuple[float, float]) -> dict[str, float] | None:
    value, error = number
    return None if math.isnan(value) else {"value": value, "error": error}
