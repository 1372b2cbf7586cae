"""For authors of modules: run one module on products, without a job, a file or a server."""

import asyncio

from sonicmini.errors import first_fault
from sonicmini.event import Chunk, Products
from sonicmini.inference.client import Client
from sonicmini.module import Module, SonicProducer
from sonicmini.report import Report
from sonicmini.schedule import Schedule
from sonicmini.workers import Workers


def run_module(module: Module, inputs: Products, client: Client | None = None) -> Products:
    """Runs a module as the framework does and returns its products.

    Args:
        module: the configured module.
        inputs: everything that it consumes, one entry per event.
        client: what answers a network's requests; needed by a ``SonicProducer`` only.

    Raises:
        ModuleError: the module failed, or made other products than it declares.
        ValueError: a network without a client.
    """
    if isinstance(module, SonicProducer) and client is None:
        raise ValueError(f"{type(module).__name__} has a network: give a client, e.g. MockClient")
    events = len(next(iter(inputs.values())))
    chunk = Chunk("test", 0, events, dict(inputs))
    workers = Workers(1)
    clients = {"module": client} if client is not None else {}
    schedule = Schedule({"module": module}, {"module": ()}, clients=clients, workers=workers)
    try:
        asyncio.run(schedule.process(chunk, Report()))
    except ExceptionGroup as group:
        raise first_fault(group) from group
    finally:
        workers.close()
    return {name: chunk.products[name] for name in module.produces}
