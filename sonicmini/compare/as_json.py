"""A comparison as JSON, documented in ``docs/compare.md``."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sonicmini.compare.files import FileComparison
from sonicmini.compare.timing import TimingComparison

COMPARISON_VERSION = 1


def to_json(
    files: FileComparison,
    timing: TimingComparison | None,
    names: tuple[str, str],
    reports: Sequence[Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """Everything that was found, of types that JSON has.

    Args:
        files: what was found in the files.
        timing: of the runs that made them; None if there were none.
        names: what the two sides are called.
        reports: of the runs of A and of those of B, in their JSON form; empty if there were none.
    """
    content = asdict(files)
    for branch, entry in zip(files.branches, content["branches"], strict=True):
        entry["verdict"] = branch.verdict
    content["events"]["agrees"] = files.events.agrees
    tree = {
        "version": COMPARISON_VERSION,
        "a": names[0],
        "b": names[1],
        "verdict": files.verdict,
        "agrees": files.verdict != "differ",
        "differing": files.differing,
        "files": content,
        "timing": None if timing is None else asdict(timing),
        "reports": {"a": reports[0], "b": reports[1]} if reports else None,
    }
    encoded: dict[str, Any] = _encoded(tree)
    return encoded


def _encoded(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON has no NaN and no infinity: their names stand for them."""
    if isinstance(value, Mapping):
        return {str(key): _encoded(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_encoded(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
