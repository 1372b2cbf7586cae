"""Two files of the same events, branch by branch and event by event: where they differ.

Integers, flags and all that no network has a part in must be equal to the last bit; what follows
from a network may differ within a tolerance, because servers add up in another order. Files are
read branch by branch and some events at a time. What is found is frozen; it is printed elsewhere
(``view.py``). The JSON form is documented in ``docs/compare.md``.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sonicmini.compare.branches import BranchComparison, FilePair, Verdict, compare_branch
from sonicmini.compare.events import EventMatch, match_events
from sonicmini.compare.network import holds, network_products, recorded_steps
from sonicmini.compare.values import Rule
from sonicmini.io.branches import EventFile, open_events
from sonicmini.io.miniaod import MINIAOD, MINIAOD_FORMAT

TOLERANCE = 1e-4
"""Of what follows from a network: relative, and absolute in GeV, radian or score."""

_TOPICS = ("models", "modules", "backends", "inputs", "versions")
_KEPT_BITS = {
    collection.branch_name(branch): branch.bits
    for collection in MINIAOD.values()
    for branch in collection.branches
}


@dataclass(frozen=True)
class Contrast:
    """Something that is not the same in two files; None where a file has it not."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True, kw_only=True)
class FileComparison:
    """All that was found between two files.

    Attributes:
        products: those that follow from a network; None if the files do not tell.
        tolerance: of their values; None if all must be equal.
        branches: that both files have with the same type.
        only_a: branches that the second file has not, as ``only_b``.
        types: branches that have another type.
        provenance: what the files say differently of how they were made; no part of the verdict.
    """

    file_a: str
    file_b: str
    products: tuple[str, ...] | None
    tolerance: float | None
    events: EventMatch
    branches: tuple[BranchComparison, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    types: tuple[Contrast, ...] = ()
    provenance: tuple[Contrast, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Of the physics: events, branches and their values."""
        verdicts = {branch.verdict for branch in self.branches}
        structure = self.only_a or self.only_b or self.types
        if structure or not self.events.agrees or "differ" in verdicts:
            return "differ"
        return "agree within tolerance" if "agree within tolerance" in verdicts else "agree"

    @property
    def differing(self) -> tuple[str, ...]:
        """Names of the branches that do not agree, those that only one file has among them."""
        bad = [branch.name for branch in self.branches if branch.verdict == "differ"]
        return (*bad, *(one.name for one in self.types), *self.only_a, *self.only_b)


def compare_files(
    path_a: str,
    path_b: str,
    *,
    tolerance: float | None = None,
    products: Collection[str] | None = None,
) -> FileComparison:
    """Compares the trees ``Events`` of two files.

    Args:
        path_a: one file.
        path_b: the other.
        tolerance: of values that follow from a network, or of all numbers that are no integers if
            it is not known which these are; None is ``TOLERANCE`` in the first case and no
            difference in the second.
        products: those that follow from a network; None is what the files tell.

    Raises:
        InputError: a file is missing, damaged, or not of numbers with named events.
    """
    with open_events(path_a) as a, open_events(path_b) as b:
        if products is None:
            products = _recorded_products(a, b)
        if tolerance is None and products is not None:
            tolerance = TOLERANCE
        ids = a.event_ids()
        match, pairs = match_events(ids, b.event_ids())
        files = FilePair(a, b, ids, pairs)
        types = list(_contrasts(a.types, b.types))
        unequal = {contrast.name for contrast in types}
        return FileComparison(
            file_a=path_a,
            file_b=path_b,
            products=None if products is None else tuple(sorted(products)),
            tolerance=tolerance,
            events=match,
            branches=tuple(
                compare_branch(files, name, _rule(a, name, tolerance, products))
                for name in a.types
                if name not in unequal
            ),
            only_a=tuple(contrast.name for contrast in types if contrast.b is None),
            only_b=tuple(contrast.name for contrast in types if contrast.a is None),
            types=tuple(one for one in types if one.a is not None and one.b is not None),
            provenance=tuple(_provenance_contrasts(a, b)),
        )


def _recorded_products(a: EventFile, b: EventFile) -> frozenset[str] | None:
    """What follows from a network in either file; None if one of them does not tell."""
    found: set[str] = set()
    for file in (a, b):
        steps = recorded_steps(file.metadata.provenance) if file.metadata else None
        if steps is None:
            return None
        found |= network_products(steps)
    return frozenset(found)


def _rule(
    file: EventFile, name: str, tolerance: float | None, products: Collection[str] | None
) -> Rule:
    real = file.types[name].startswith(("float", "double"))
    rule = Rule(angle=real and name.rpartition("_")[2] == "phi")
    if not real or tolerance is None or not (products is None or holds(name, products)):
        return rule
    ours = file.metadata is not None and file.metadata.format_name == MINIAOD_FORMAT[0]
    return replace(rule, tolerance=tolerance, bits=_KEPT_BITS.get(name) if ours else None)


def _provenance_contrasts(a: EventFile, b: EventFile) -> Iterator[Contrast]:
    said = [_said(file) for file in (a, b)]
    yield from _contrasts(said[0], said[1])


def _said(file: EventFile) -> dict[str, Any]:
    if file.metadata is None:
        return {}
    metadata = file.metadata
    said: dict[str, Any] = {"format": f"{metadata.format_name} {metadata.format_version}"}
    for topic in _TOPICS:
        said |= _leaves(topic, metadata.provenance.get(topic))
    return said


def _leaves(name: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Values of nested mappings and lists by dotted names."""
    if isinstance(value, list):
        value = {str(index): inner for index, inner in enumerate(value)}
    if not isinstance(value, dict):
        return {} if value is None else {name: value}
    leaves: dict[str, Any] = {}
    for key, inner in value.items():
        leaves |= _leaves(f"{name}.{key}", inner)
    return leaves


def _contrasts(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Contrast]:
    for name in dict.fromkeys((*a, *b)):
        if a.get(name) != b.get(name):
            yield Contrast(name, a.get(name), b.get(name))
