"""All modules on one chunk, each as soon as its inputs exist."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TypeVar

from sonicmini.errors import ModuleError, SonicminiError
from sonicmini.event import Chunk, Products, Tensors
from sonicmini.inference.client import Client
from sonicmini.module import Module, Producer, SonicProducer
from sonicmini.report import Report
from sonicmini.workers import Workers

T = TypeVar("T")


class Schedule:
    """Runs a graph of modules on chunks; several chunks may be processed at the same time."""

    def __init__(
        self,
        modules: Mapping[str, Module],
        graph: Mapping[str, Collection[str]],
        *,
        clients: Mapping[str, Client],
        workers: Workers,
    ) -> None:
        """Takes modules by label and each one's predecessors, in a running order.

        Args:
            modules: by label.
            graph: labels in a running order, with those that come before each.
            clients: who evaluates the network of a module, by label.
            workers: the threads.
        """
        self._modules = modules
        self._graph = graph
        self._clients = clients
        self._workers = workers

    async def process(self, chunk: Chunk, report: Report) -> Chunk:
        """Adds the products of every module to the chunk.

        Raises:
            ModuleError: a module failed; names it, the events and the cause.
            InferenceError: a network could not be evaluated.
        """
        tasks: dict[str, asyncio.Task[None]] = {}

        async def run_when_ready(label: str) -> None:
            for maker in self._graph[label]:
                await tasks[maker]
            await self._run(label, chunk, report)

        async with asyncio.TaskGroup() as group:
            for label in self._graph:
                tasks[label] = group.create_task(run_when_ready(label))
        return chunk

    async def _run(self, label: str, chunk: Chunk, report: Report) -> None:
        module = self._modules[label]
        inputs = {name: chunk.products[name] for name in module.consumes}
        match module:
            case SonicProducer():
                with report.phase(label, "acquire"):
                    tensors = await self._call(label, chunk, partial(module.acquire, inputs))
                with report.phase(label, "infer"):
                    outputs = await self._infer(label, chunk, module.model, tensors)
                produce = partial(module.produce, inputs, outputs)
            case Producer():
                produce = partial(module.produce, inputs)
            case _:
                raise ModuleError(f"module {label} is neither a Producer nor a SonicProducer")
        with report.phase(label, "produce"):
            products = await self._call(label, chunk, produce)
        _check_products(label, module, products)
        chunk.put(products)

    async def _call(self, label: str, chunk: Chunk, function: Callable[[], T]) -> T:
        try:
            return await self._workers.run(function)
        except SonicminiError as error:
            error.add_note(f"in module {label} on {chunk}")
            raise
        except Exception as error:
            cause = f"{type(error).__name__}: {error}"
            raise ModuleError(f"module {label} failed on {chunk}: {cause}") from error

    async def _infer(self, label: str, chunk: Chunk, model: str, tensors: Tensors) -> Tensors:
        try:
            return await self._clients[label].infer(model, tensors)
        except SonicminiError as error:
            error.add_note(f"in module {label} on {chunk}")
            raise


def _check_products(label: str, module: Module, products: Products) -> None:
    made, declared = set(products), set(module.produces)
    if made != declared:
        raise ModuleError(
            f"module {label} declares the products {sorted(declared)} but made {sorted(made)}"
        )
