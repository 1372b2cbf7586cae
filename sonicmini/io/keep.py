"""Which products and branches are written: keep and drop statements, read in order as CMS does.

``keep PATTERN``, or the pattern alone, and ``drop PATTERN``. A pattern matches names of products
(``PackedPFCand``), prefixes in the file (``PFCand``) and branches (``PFCand_cov*``), with the
wildcards ``*``, ``?`` and ``[...]``. The last statement that matches a branch decides. If the first
one drops, everything is kept to begin with. CMSSW: ``outputCommands`` of ``PoolOutputModule``.

Wildcards match what the output's table has and a module makes or the input offers. A product that
the table has not is kept by its own name.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TypeAlias

from sonicmini.errors import ConfigError, nearest
from sonicmini.io.miniaod import MINIAOD
from sonicmini.io.schema import AOD, Collection

EVERYTHING = ("*",)
"""The statements that keep all."""


@dataclass(frozen=True)
class Statement:
    """One line of the output's content.

    Attributes:
        keeps: what it matches; otherwise it drops that.
        pattern: of names of products, prefixes or branches.
    """

    keeps: bool
    pattern: str

    @classmethod
    def parse(cls, text: str) -> "Statement":
        """Reads ``keep PATTERN``, ``drop PATTERN`` or ``PATTERN``.

        Raises:
            ValueError: it is neither.
        """
        match text.split():
            case ["keep" | "drop" as verb, pattern]:
                return cls(verb == "keep", pattern)
            case [pattern] if pattern not in ("keep", "drop"):
                return cls(keeps=True, pattern=pattern)
        raise ValueError("expected keep PATTERN, drop PATTERN or PATTERN")


Table: TypeAlias = Mapping[str, Collection]


def written(
    texts: Iterable[str], made: AbstractSet[str], table: Table = MINIAOD
) -> dict[str, Collection | None]:
    """What statements leave of the products that there are.

    Args:
        texts: the statements.
        made: products of the job's modules.
        table: of the output's format.

    Returns:
        Tables of the products to be written, without the branches that were dropped, in the order
        in which they were first kept. None for a product that no table knows.

    Raises:
        ConfigError: every statement that matches nothing, with the nearest name.
    """
    statements = [(text, Statement.parse(text)) for text in texts]
    if statements and not statements[0][1].keeps:
        statements[:0] = [(text, Statement.parse(text)) for text in EVERYTHING]
    tables: dict[str, Collection | None] = dict(available(made, table))
    kept: dict[str, set[str]] = {}
    faults = []
    for text, statement in statements:
        matched = _matched(statement.pattern, tables, made)
        if not matched:
            faults.append(_fault(text, statement.pattern, table, made))
        for product, branches in matched.items():
            if statement.keeps:
                kept.setdefault(product, set()).update(branches)
            elif product in kept:
                kept[product] -= branches
    if faults:
        raise ConfigError("\n".join(faults))
    return {
        product: _only(tables[product], branches) for product, branches in kept.items() if branches
    }


def _fault(text: str, pattern: str, table: Table, made: AbstractSet[str]) -> str:
    missing = [name for name, one in table.items() if _matched_branches(pattern, name, one)]
    if missing:
        return f"no module makes {', '.join(missing)}, which {text!r} means"
    there = available(made, table).values()
    names = {one.prefix for one in there} | {name for one in there for name in _branches(one)}
    hint = nearest(pattern.replace("*", ""), made | AOD.keys() | names)
    return f"nothing that is made or read matches {text!r}{hint}"


def available(made: AbstractSet[str], table: Table = MINIAOD) -> dict[str, Collection]:
    """The tables' products that are made, or that the input has and no made one replaces.

    Args:
        made: products of the job's modules.
        table: of the output's format.
    """
    claimed = {name for product in made if product in table for name in _branches(table[product])}
    return {
        product: one
        for product, one in table.items()
        if product in made or (product in AOD and claimed.isdisjoint(_branches(one)))
    }


def _matched(
    pattern: str, tables: dict[str, Collection | None], made: AbstractSet[str]
) -> dict[str, set[str]]:
    """Branches by product; a product that is called by its own name joins the tables."""
    found = {
        product: branches
        for product, table in tables.items()
        if (branches := _matched_branches(pattern, product, table))
    }
    if not found and (pattern in made or pattern in AOD):
        tables[pattern] = AOD.get(pattern)
        return _matched(pattern, tables, made)
    return found


def _matched_branches(pattern: str, product: str, table: Collection | None) -> set[str]:
    if table is None:
        return {product} if fnmatchcase(product, pattern) else set()
    branches = _branches(table)
    if fnmatchcase(product, pattern) or fnmatchcase(table.prefix, pattern):
        return branches
    return {name for name in branches if fnmatchcase(name, pattern)}


def _branches(table: Collection) -> set[str]:
    return {table.branch_name(branch) for branch in table.branches}


def _only(table: Collection | None, names: set[str]) -> Collection | None:
    if table is None:
        return None
    kept = tuple(branch for branch in table.branches if table.branch_name(branch) in names)
    return table if kept == table.branches else replace(table, branches=kept)
