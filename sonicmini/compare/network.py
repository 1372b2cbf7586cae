"""Which products, and so which branches, follow from a network."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sonicmini.io.miniaod import MINIAOD
from sonicmini.io.schema import AOD
from sonicmini.module import Module, SonicProducer


@dataclass(frozen=True)
class Step:
    """What there is to know of a module.

    Attributes:
        network: whether it evaluates one.
    """

    consumes: Collection[str]
    produces: Collection[str]
    network: bool


def steps_of(modules: Iterable[Module]) -> list[Step]:
    """The steps of modules that have been made."""
    return [
        Step(module.consumes, module.produces, isinstance(module, SonicProducer))
        for module in modules
    ]


def recorded_steps(provenance: Mapping[str, Any]) -> list[Step] | None:
    """The steps that a file says it was made by; None if it does not say.

    Nothing that the file names is imported: a file must not choose what is executed.
    """
    parts = provenance.get("merged", [provenance])
    try:
        return [
            Step(tuple(entry["consumes"]), tuple(entry["produces"]), bool(entry["network"]))
            for part in parts
            for entry in part["modules"].values()
        ]
    except (AttributeError, KeyError, TypeError):
        return None


def network_products(steps: Iterable[Step]) -> frozenset[str]:
    """Products of networks, and all that are made of them."""
    steps = list(steps)
    found: set[str] = set()
    while True:
        made = {
            product
            for step in steps
            if step.network or not found.isdisjoint(step.consumes)
            for product in step.produces
        }
        if made <= found:
            return frozenset(found)
        found |= made


def holds(branch: str, products: Iterable[str]) -> bool:
    """Whether a branch belongs to one of the products."""
    return any(_holds(branch, product) for product in products)


def _holds(branch: str, product: str) -> bool:
    listed = MINIAOD.get(product) or AOD.get(product)
    if listed is None:
        return branch in (product, f"n{product}") or branch.startswith(f"{product}_")
    # Others may have branches with the same prefix: columns of the same objects.
    return branch == listed.counter or branch in map(listed.branch_name, listed.branches)
