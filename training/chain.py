"""Our own chain up to what a network reads: modules of configs/miniaod.yaml, as they are there."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from sonicmini.config import load
from sonicmini.event import Chunk
from sonicmini.graph import build_graph
from sonicmini.io.root_source import RootSource
from sonicmini.io.schema import AOD
from sonicmini.module import Module, Producer
from sonicmini.plugins import instantiate, resolve

WORKFLOW: Final = Path(__file__).parents[1] / "configs" / "miniaod.yaml"


class Chain:
    """Makes products from files of events with those modules that they need.

    Args:
        wanted: names of products that modules of the workflow or the files have.
    """

    def __init__(self, wanted: Collection[str]) -> None:
        self.modules = _needed(wanted, _producers())
        made = {product for module in self.modules for product in module.produces}
        consumed = {product for module in self.modules for product in module.consumes}
        self._read = sorted((consumed | set(wanted)) - made)

    def chunks(self, file: Path) -> Iterator[Chunk]:
        """Yields the events of a file with the wanted products, and those on the way to them."""
        for chunk in RootSource([file], self._read).chunks():
            for module in self.modules:
                chunk.put(module.produce({name: chunk.products[name] for name in module.consumes}))
            yield chunk


def _producers() -> dict[str, Producer]:
    entries = load(WORKFLOW).modules
    made: dict[str, Module] = {
        label: instantiate(resolve(entry.type), entry.parameters)
        for label, entry in entries.items()
    }
    return {label: module for label, module in made.items() if isinstance(module, Producer)}


def _needed(wanted: Collection[str], modules: dict[str, Producer]) -> list[Producer]:
    """The modules on the way to the wanted products, in a running order."""
    graph = build_graph(modules, AOD)
    needed = {label for label, module in modules.items() if {*module.produces} & {*wanted}}
    for label in reversed(graph):
        if label in needed:
            needed |= graph[label]
    return [modules[label] for label in graph if label in needed]
