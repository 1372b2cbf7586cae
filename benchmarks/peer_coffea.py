"""DeepMET on the same candidates and the same server, through coffea's client and through ours.

``python -m benchmarks.peer_coffea configs/miniaod.yaml`` prints the table of
``benchmarks/README.md``. Both start from the candidates' features, one ragged row per event, and
end with the network's answers. Needs the extra ``test``, which has coffea.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

import awkward as ak
import numpy as np
from coffea.ml_tools.triton_wrapper import triton_wrapper

from benchmarks.common import command_line, scratch_job, spread
from benchmarks.recorded import recorded
from sonicmini.config import JobConfig
from sonicmini.event import Array, Ragged, Tensors
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import EmbeddedServer, start
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
from sonicmini.inference.triton import TritonClient, WireOptions
from sonicmini.workers import Workers

MODEL = "deepmet/1"
OUTPUT = "output/BiasAdd"
ROWS = 4500


class Peer(triton_wrapper):  # type: ignore[misc]  # coffea has no types
    """DeepMET as a user of coffea writes it."""

    def prepare_awkward(
        self, output: list[str], **inputs: ak.Array
    ) -> tuple[tuple[list[str], dict[str, ak.Array]], dict[str, object]]:
        """Pads every event to the network's length."""
        padded = {}
        for name, value in inputs.items():
            nothing = np.zeros(int(value.type.content.content.size), np.float32)
            rows = ak.pad_none(value, ROWS, axis=1, clip=True)
            padded[name] = ak.to_regular(ak.fill_none(rows, nothing, axis=1))
        return (output, padded), {}


def as_awkward(tensors: Tensors) -> dict[str, ak.Array]:
    """The same rows as a user of coffea has them."""
    return {
        name: ak.unflatten(ak.from_numpy(value.content, regulararray=True), value.counts)
        for name, value in tensors.items()
        if isinstance(value, Ragged)
    }


def through_coffea(url: str, batch_size: int, chunks: Sequence[Tensors]) -> list[Array]:
    """Asks the server chunk by chunk."""
    address = urlsplit(url)
    arguments = {"ssl": False} if address.scheme == "grpc" else {}
    wrapper = Peer(
        f"triton+{address.scheme}://{address.netloc}/{MODEL}", arguments, batch_size=batch_size
    )
    return [ak.to_numpy(wrapper([OUTPUT], **as_awkward(tensors))[OUTPUT]) for tensors in chunks]


async def _ask(
    config: JobConfig, url: str, options: WireOptions, chunks: Sequence[Tensors]
) -> list[Array]:
    specs = ModelRepository(config.model_repository).specs([MODEL])
    client = TritonClient(ServerAddress.parse(url), specs, options=options)
    workers = Workers(config.options.threads)
    service = InferenceService({MODEL: (specs[MODEL], Direct(url, client))}, workers.run)
    try:
        answers = [(await service.infer(MODEL, tensors))[OUTPUT] for tensors in chunks]
    finally:
        await client.close()
        workers.close()
    return [answer for answer in answers if isinstance(answer, np.ndarray)]


def through_ours(
    config: JobConfig, url: str, options: WireOptions, chunks: Sequence[Tensors]
) -> list[Array]:
    """Asks the server chunk by chunk, one chunk at a time as coffea does."""
    return asyncio.run(_ask(config, url, options, chunks))


def variants(
    config: JobConfig, server: EmbeddedServer, chunks: Sequence[Tensors]
) -> dict[str, Callable[[], list[Array]]]:
    """What is compared; over http coffea 2026.9 asks tritonclient 2.73 for what it has not."""
    http, grpc = server.http_url, server.grpc_url
    preferred, ours = 8, 10
    message, memory = WireOptions(shared_memory="never"), WireOptions(shared_memory="always")
    return {
        "coffea, grpc, batches of 8": partial(through_coffea, grpc, preferred, chunks),
        "coffea, grpc, batches of 10": partial(through_coffea, grpc, ours, chunks),
        "sonicmini, grpc": partial(through_ours, config, grpc, message, chunks),
        "sonicmini, http": partial(through_ours, config, http, message, chunks),
        "sonicmini, http, shared memory": partial(through_ours, config, http, memory, chunks),
    }


def timed(function: Callable[[], list[Array]]) -> tuple[float, float, Array]:
    """Wall and CPU seconds of this process, and the answers."""
    started, cpu_started = time.perf_counter(), time.process_time()
    answers = np.concatenate(function())
    return time.perf_counter() - started, time.process_time() - cpu_started, answers


def main() -> None:
    """Measures and prints."""
    given = command_line(__doc__, repetitions=7).parse_args()
    with scratch_job(given) as config:
        chunks = recorded(config).asked[MODEL]
    seconds: dict[str, list[tuple[float, float]]] = {}
    reference: Array | None = None
    with start(config.model_repository, ServerOptions()) as server:
        for repetition in range(given.repetitions + 1):
            for name, function in variants(config, server, chunks).items():
                wall_s, cpu_s, answers = timed(function)
                reference = answers if reference is None else reference
                np.testing.assert_allclose(
                    answers.astype(float), reference.astype(float), rtol=1e-4, atol=1e-4
                )
                if repetition:  # the first opens connections
                    seconds.setdefault(name, []).append((wall_s, cpu_s))
    assert reference is not None  # noqa: S101 - for the type
    events = len(reference)
    base = [wall_s for wall_s, _ in seconds["coffea, grpc, batches of 10"]]
    print("| client | inferences/s | against coffea, grpc, batches of 10 | client CPU ms each |")
    print("|---|---|---|---|")
    for name, times in seconds.items():
        ratios = [theirs / wall_s for (wall_s, _), theirs in zip(times, base, strict=True)]
        rates = [events / wall_s for wall_s, _ in times]
        cpu = [1e3 * cpu_s / events for _, cpu_s in times]
        print(f"| {name} | {spread(rates)} | {spread(ratios, 2)} | {spread(cpu, 2)} |")


if __name__ == "__main__":
    main()
