"""Opens a job's servers: connects, examines, and makes the route to each model; closes them."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from sonicmini.errors import InferenceError, ServerError, UnavailableError
from sonicmini.inference.access import Access, read_secret
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.batching import Dense
from sonicmini.inference.discovery import Examiner, Served, discover
from sonicmini.inference.embedded.install import install, installed
from sonicmini.inference.embedded.options import ServerOptions, usable_cores
from sonicmini.inference.embedded.server import start
from sonicmini.inference.known import KnownAnswer, known_inputs
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import Folders, ModelSpec
from sonicmini.inference.route import Answer, Direct, Persistence, Route, Servers, Try
from sonicmini.inference.settled import settled
from sonicmini.inference.triton import ModelStatistics, TritonClient, WireOptions
from sonicmini.inference_config import AccessConfig, InferenceConfig
from sonicmini.overlap import Overlap
from sonicmini.report import Report, ServerRecord, ServerSide

LOCAL = "local"
EMBEDDED = "embedded"

_MOST_INSTANCES = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RemoteOptions:
    """What is needed to open the servers of a job.

    Attributes:
        repository: of the models.
        specs: the models to be evaluated remotely, by the names under which they are asked for.
        onnx: evaluates them here: for the known tensors, and as the fallback.
        overlap: told when answers are awaited.
        on_try: told of every try that came to nothing.
    """

    config: InferenceConfig
    repository: Folders
    specs: Mapping[str, ModelSpec]
    onnx: OnnxClient
    overlap: Overlap
    on_try: Callable[[Try], None]


@dataclass
class Remote:
    """The servers of a job, open.

    Attributes:
        routes: where the requests of each model go.
    """

    routes: dict[str, Servers]
    _servers: Sequence[TritonClient]
    _examiner: Examiner
    _before: dict[tuple[str, str], ModelStatistics] = field(default_factory=dict)

    async def begin(self) -> None:
        """Takes note of what the servers have done so far."""
        self._before = await settled(self._statistics)

    async def finish(self, report: Report) -> None:
        """Tells what the servers say of the time since ``begin``, and what became of them.

        A server that was replaced between two requests has gone unnoticed so far: those that
        answered are examined once more.

        Raises:
            ModelError: a server has another model by now; its answers cannot be trusted.
        """
        for (name, model), after in (await settled(self._statistics)).items():
            network = report.networks.get((model, name))
            before = self._before.get((name, model))
            if network is not None and before is not None:
                network.server = _difference(after, before)
        for server in self._servers:
            for model in self.routes:
                if (model, server.name) in report.networks:
                    with contextlib.suppress(ServerError):
                        await self._examiner.examine(server, model)
        report.servers = [self._record(server.name) for server in self._servers]

    async def _statistics(self) -> dict[tuple[str, str], ModelStatistics]:
        found = {}
        for model, route in self.routes.items():
            for link in route.links:
                server = next(one for one in self._servers if one.name == link.server.name)
                with contextlib.suppress(InferenceError):
                    told = await server.statistics(model) if link.usable else None
                    if told is not None:
                        found[server.name, model] = told
        return found

    def _record(self, name: str) -> ServerRecord:
        links = {
            model: link
            for model, route in self.routes.items()
            for link in route.links
            if link.server.name == name
        }
        return ServerRecord(
            name=name,
            models=sorted(links),
            outages=sum(link.outages for link in links.values()),
            fault={model: str(link.fault) for model, link in links.items() if link.fault},
            differing=sorted(model for server, model in self._examiner.differing if server == name),
        )


def _difference(after: ModelStatistics, before: ModelStatistics) -> ServerSide | None:
    side = ServerSide(
        inferences=after.inference_count - before.inference_count,
        executions=after.execution_count - before.execution_count,
        queue_s=after.queue_s - before.queue_s,
        compute_s=after.compute_s - before.compute_s,
    )
    return side if side.inferences >= 0 else None  # a server that was restarted counts anew


@contextlib.asynccontextmanager
async def open_remote(options: RemoteOptions) -> AsyncIterator[Remote]:
    """Connects to the servers, or starts the embedded one, and examines their models.

    Raises:
        ConfigError: a secret that cannot be read.
        ModelError: a server has another model of the same name.
        ServerError: a server refuses us, or nobody serves a model; names all of them.
    """
    async with AsyncExitStack() as stack:
        examiner = Examiner(
            specs=options.specs,
            known={model: await _known(options, model) for model in options.specs},
            tolerance=options.config.tolerance,
            allow_different=options.config.allow_different_models,
        )
        servers = await _connect(options, stack)
        served = await discover(servers, examiner, patience_s=options.config.patience_s)
        remote = Remote(_routes(options, served, _fallback(options, stack)), servers, examiner)
        stack.push_async_callback(_stop_watching, remote)
        yield remote


async def _known(options: RemoteOptions, model: str) -> KnownAnswer:
    inputs = known_inputs(options.specs[model])
    return KnownAnswer(inputs, await options.onnx.infer(model, inputs))


async def _connect(options: RemoteOptions, stack: AsyncExitStack) -> list[TritonClient]:
    config = options.config
    if not config.servers:
        return [await _start_embedded(options, stack)]
    return [
        _open(options, stack, server.url, _access(config.access_of(server)))
        for server in config.servers
    ]


def _open(options: RemoteOptions, stack: AsyncExitStack, url: str, access: Access) -> TritonClient:
    config = options.config
    client = TritonClient(
        ServerAddress.parse(url),
        options.specs,
        access=access,
        options=WireOptions(
            timeout_s=config.timeout_s,
            compression=config.compression,
            shared_memory=config.shared_memory,
        ),
    )
    stack.push_async_callback(client.close)
    return client


def _access(config: AccessConfig) -> Access:
    return Access(
        bearer_token=config.bearer_token and read_secret(config.bearer_token),
        headers={name: read_secret(reference) for name, reference in config.headers.items()},
        ca_file=config.ca_file,
        certificate_file=config.certificate_file,
        key_file=config.key_file,
    )


async def _start_embedded(options: RemoteOptions, stack: AsyncExitStack) -> TritonClient:
    settings = options.config.embedded
    if installed() is None:
        await asyncio.to_thread(install, progress=_log.info)
    _log.info("starting an embedded Triton")
    wanted = ServerOptions(
        instances=settings.instances or min(usable_cores(), _MOST_INSTANCES),
        threads=settings.threads,
        models={spec.name for spec in options.specs.values()},
    )
    given_up = threading.Event()
    try:
        server = await asyncio.to_thread(start, options.repository, wanted, cancel=given_up)
    except asyncio.CancelledError:
        given_up.set()
        raise
    stack.push_async_callback(asyncio.to_thread, server.stop)
    url = server.grpc_url if settings.protocol == "grpc" else server.http_url
    client = _open(options, stack, url, Access())
    client.name = EMBEDDED
    return client


class _EmbeddedOnDemand:
    """The route to an embedded Triton that is started when it is needed first."""

    def __init__(self, options: RemoteOptions, stack: AsyncExitStack) -> None:
        self._options = options
        self._stack = stack
        self._starting = asyncio.Lock()
        self._client: TritonClient | None = None

    async def send(self, model: str, inputs: Dense) -> Answer:
        async with self._starting:
            if self._client is None:
                self._client = await _start_embedded(self._options, self._stack)
        with self._options.overlap.awaiting():
            return await Direct(EMBEDDED, self._client).send(model, inputs)


def _fallback(options: RemoteOptions, stack: AsyncExitStack) -> Route | None:
    match options.config.fallback:
        case "local":
            return Direct(LOCAL, options.onnx)
        case "embedded":
            return _EmbeddedOnDemand(options, stack)
        case _:
            return None


def _routes(options: RemoteOptions, served: Served, fallback: Route | None) -> dict[str, Servers]:
    config = options.config
    if served.missing and fallback is None:
        told = [f"- {model}: {why}" for model, why in served.missing.items()]
        raise UnavailableError(
            "no server answers for the models below. Start a server that has them, name it with"
            " --server, or let this machine help out (--fallback local)\n" + "\n".join(told)
        )
    for model, why in served.missing.items():
        _log.warning("model %s: the fallback (%s) answers: %s", model, config.fallback, why)
    return {
        model: Servers(
            links,
            overlap=options.overlap,
            persistence=Persistence(tries=config.tries, patience_s=config.patience_s),
            preferred=config.preferred,
            fallback=fallback,
            on_try=options.on_try,
        )
        for model, links in served.links.items()
    }


async def _stop_watching(remote: Remote) -> None:
    for route in remote.routes.values():
        for link in route.links:
            await link.close()
