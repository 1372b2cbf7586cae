"""What a run did and how long it took: counts and seconds that add up over runs.

A :class:`Report` is filled on the event loop by the framework alone; modules and clients know
nothing of it. Reports of several processes are added with ``+``. The JSON form is documented in
``docs/report.md``; rendering for the terminal lives in ``report_view.py``.
"""

import bisect
import contextlib
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

REPORT_VERSION = 2


@dataclass
class _Sums:
    """Fields that add up, one by one."""

    def __iadd__(self, other: Self) -> Self:
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))
        return self


@dataclass
class Phase(_Sums):
    """Totals of one phase (acquire, infer, produce, read, write) of one module.

    Attributes:
        calls: how often it ran.
        elapsed_s: from its start to its end, waiting for a thread or a server included.
        busy_s: wall time in worker threads.
        cpu_s: CPU time in worker threads.
        queue_s: time between asking for a thread and getting one.
    """

    calls: int = 0
    elapsed_s: float = 0.0
    busy_s: float = 0.0
    cpu_s: float = 0.0
    queue_s: float = 0.0


_LOWEST_LATENCY_S = 1e-6
_BINS_PER_DECADE = 50
_EDGES_S = [_LOWEST_LATENCY_S * 10 ** (i / _BINS_PER_DECADE) for i in range(9 * _BINS_PER_DECADE)]


@dataclass
class Latencies:
    """Durations in logarithmic bins of 4.7 %, so that memory does not grow with requests."""

    bins: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Counts one duration."""
        self.bins[bisect.bisect_left(_EDGES_S, seconds)] += 1

    def quantile(self, fraction: float) -> float:
        """Upper edge of the bin that holds this quantile, in seconds; 0 without entries."""
        wanted = math.ceil(fraction * self.bins.total())
        seen = 0
        for index in sorted(self.bins):
            seen += self.bins[index]
            if seen >= wanted:
                return _EDGES_S[min(index, len(_EDGES_S) - 1)]
        return 0.0


@dataclass
class ServerSide(_Sums):
    """What a server says of the requests to one of its models during the run, whoever sent them.

    Attributes:
        inferences: rows evaluated; more than those of the run if others use the server too.
        executions: batches evaluated; fewer than the requests if the server merges them.
        queue_s: sum over requests of the time in its queue.
        compute_s: sum over requests of the time in which it computed, input and output included.
    """

    inferences: int = 0
    executions: int = 0
    queue_s: float = 0.0
    compute_s: float = 0.0


@dataclass
class ServerRecord:
    """A server of a run and what became of it.

    Attributes:
        name: its URL, or ``embedded``.
        models: those of the run that it has.
        outages: how often it was found unable to answer, over all of its models.
        fault: why it cannot be used at the end, by model.
        differing: models whose weights are not those of the repository, accepted by the user.
    """

    name: str
    models: list[str]
    outages: int = 0
    fault: dict[str, str] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)


@dataclass
class Network:
    """Totals of the requests to one model on one backend.

    Attributes:
        requests: batches sent.
        rows: objects evaluated.
        bytes_in: size of the padded input tensors.
        bytes_out: size of the output tensors.
        batch_sizes: how many requests had how many rows.
        latencies: from sending a request to having its answer.
        failures: tries that came to nothing; each was made again elsewhere, or ended the run.
        server: what the server says of itself, None if it says nothing.
    """

    requests: int = 0
    rows: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    batch_sizes: Counter[int] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)
    failures: int = 0
    server: ServerSide | None = None

    def add(self, *, rows: int, bytes_in: int, bytes_out: int, latency_s: float) -> None:
        """Counts one answered request."""
        self.requests += 1
        self.rows += rows
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.batch_sizes[rows] += 1
        self.latencies.add(latency_s)

    def __iadd__(self, other: Self) -> Self:
        self.requests += other.requests
        self.rows += other.rows
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.batch_sizes.update(other.batch_sizes)
        self.latencies.bins.update(other.latencies.bins)
        self.failures += other.failures
        if self.server is not None and other.server is not None:
            self.server += other.server
        else:
            self.server = self.server or other.server
        return self


_phase: ContextVar[Phase | None] = ContextVar("phase", default=None)


def current_phase() -> Phase | None:
    """The phase in which the running task is, or None outside of any."""
    return _phase.get()


@dataclass
class Report:
    """Counts and seconds of one run, or of several added up.

    Attributes:
        events: events processed.
        events_written: those of them that the skim kept; all without one.
        chunks: chunks processed.
        start_up_s: wall time before the first event: imports, checks, models, compilation.
        loop_s: wall time from the first chunk read to the output in place.
        cpu_s: CPU time of the process during the loop.
        peak_memory_bytes: largest resident size of a process.
        phases: totals by module label and phase.
        networks: totals by model and backend.
        inputs: event ranges in input order: file, first event, one past the last.
        settings: what does not change physics: streams, threads, chunk size, cores.
        output: path of the written file.
        awaited_s: wall time with at least one answer of a server awaited.
        hidden_s: the part of it in which the threads had work.
        servers: the servers of the run and what became of them, in the order of the configuration.
    """

    events: int = 0
    events_written: int = 0
    chunks: int = 0
    start_up_s: float = 0.0
    loop_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    phases: dict[tuple[str, str], Phase] = field(default_factory=dict)
    networks: dict[tuple[str, str], Network] = field(default_factory=dict)
    inputs: list[tuple[str, int, int]] = field(default_factory=list)
    settings: dict[str, int] = field(default_factory=dict)
    output: str = ""
    awaited_s: float = 0.0
    hidden_s: float = 0.0
    servers: list[ServerRecord] = field(default_factory=list)

    @contextlib.contextmanager
    def phase(self, module: str, phase: str) -> Iterator[None]:
        """Counts the block, and all thread work awaited in it, for this module and phase."""
        totals = self.phases.setdefault((module, phase), Phase())
        token = _phase.set(totals)
        started = time.perf_counter()
        try:
            yield
        finally:
            _phase.reset(token)
            totals.calls += 1
            totals.elapsed_s += time.perf_counter() - started

    def add_input(self, file: str, start: int, stop: int) -> None:
        """Records a processed range; ranges that touch become one."""
        if self.inputs and self.inputs[-1][0] == file and self.inputs[-1][2] == start:
            start = self.inputs.pop()[1]
        self.inputs.append((file, start, stop))

    @property
    def throughput(self) -> float:
        """Events per second of wall time, start-up apart."""
        return self.events / self.loop_s if self.loop_s > 0 else 0.0

    def __iadd__(self, other: Self) -> Self:
        """Adds a report of other events; wall times are the longer, as of parallel runs."""
        self.events += other.events
        self.events_written += other.events_written
        self.chunks += other.chunks
        self.cpu_s += other.cpu_s
        self.awaited_s += other.awaited_s
        self.hidden_s += other.hidden_s
        self.servers += [server for server in other.servers if server not in self.servers]
        self.start_up_s = max(self.start_up_s, other.start_up_s)
        self.loop_s = max(self.loop_s, other.loop_s)
        self.peak_memory_bytes = max(self.peak_memory_bytes, other.peak_memory_bytes)
        for key, phase in other.phases.items():
            self.phases.setdefault(key, Phase()).__iadd__(phase)
        for key, network in other.networks.items():
            self.networks.setdefault(key, Network()).__iadd__(network)
        for file, start, stop in other.inputs:
            self.add_input(file, start, stop)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        return {
            "version": REPORT_VERSION,
            "events": self.events,
            "events_written": self.events_written,
            "chunks": self.chunks,
            "events_per_s": self.throughput,
            "start_up_s": self.start_up_s,
            "loop_s": self.loop_s,
            "cpu_s": self.cpu_s,
            "peak_memory_bytes": self.peak_memory_bytes,
            "awaited_s": self.awaited_s,
            "hidden_s": self.hidden_s,
            "settings": self.settings,
            "output": self.output,
            "inputs": [
                {"file": file, "start": start, "stop": stop} for file, start, stop in self.inputs
            ],
            "phases": [
                {"module": module, "phase": name}
                | {item.name: getattr(phase, item.name) for item in fields(phase)}
                for (module, name), phase in self.phases.items()
            ],
            "servers": [asdict(server) for server in self.servers],
            "networks": [
                {
                    "model": model,
                    "backend": backend,
                    "requests": network.requests,
                    "rows": network.rows,
                    "bytes_in": network.bytes_in,
                    "bytes_out": network.bytes_out,
                    "batch_sizes": {
                        str(rows): n for rows, n in sorted(network.batch_sizes.items())
                    },
                    "latency_p50_s": network.latencies.quantile(0.50),
                    "latency_p95_s": network.latencies.quantile(0.95),
                    "latency_p99_s": network.latencies.quantile(0.99),
                    "failures": network.failures,
                    "server": asdict(network.server) if network.server else None,
                }
                for (model, backend), network in self.networks.items()
            ],
        }
