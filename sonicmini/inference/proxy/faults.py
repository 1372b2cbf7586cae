"""What the proxy can do to a connection, and the order in which it does it.

A fault hits a request: of HTTP/1.1 and gRPC a real one, of any other protocol (TLS) the bytes that
a client sends after it has heard from the server. Bytes are counted from that request on. Faults
that need to read the protocol do nothing where it cannot be read, and are not counted.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Fault:
    """Base of all faults."""

    @property
    def name(self) -> str:
        """As the counters call it."""
        return type(self).__name__


@dataclass(frozen=True)
class Refuse(Fault):
    """Connections are refused, and those that are open are reset: the server is gone.

    Attributes:
        for_s: how long, from the request on. None: from now on, until something else is set.
    """

    for_s: float | None = None


@dataclass(frozen=True)
class Freeze(Fault):
    """Nothing moves, nothing is lost: the server, or the network, has stopped.

    Attributes:
        for_s: how long, for the connection of the request. None: all connections, from now on,
            until something else is set.
    """

    for_s: float | None = None


@dataclass(frozen=True)
class Reset(Fault):
    """The connection is reset (RST) when more than so many bytes have come.

    Attributes:
        after_bytes: passed on before; at most all but one of an HTTP answer.
        of: the direction that is counted.
    """

    after_bytes: int = 0
    of: Literal["request", "answer"] = "answer"


@dataclass(frozen=True)
class Cut(Fault):
    """The connection is closed in order, in the middle of the answer; bytes as in `Reset`."""

    after_bytes: int = 0


@dataclass(frozen=True)
class BlackHole(Fault):
    """The connection takes everything and never answers, even after the fault is lifted."""


@dataclass(frozen=True)
class Garbage(Fault):
    """Random bytes in the place of the answer; afterwards the connection is as a `BlackHole`."""

    length: int = 256
    seed: int = 0

    def data(self) -> bytes:
        """The bytes; the first is never what an HTTP answer begins with."""
        return b"\x93" + random.Random(self.seed).randbytes(self.length)[1:]  # noqa: S311


@dataclass(frozen=True)
class GoAway(Fault):
    """gRPC only: the server says that it will not process the request, and closes."""


@dataclass(frozen=True)
class Status(Fault):
    """An error is answered, the server does not see the request. Over gRPC the code is translated.

    Attributes:
        code: of http.
        retry_after_s: whole seconds of the header Retry-After of http; None for no such header.
    """

    code: int = 503
    retry_after_s: int | None = None


@dataclass(frozen=True)
class ShortTensor(Fault):
    """The last output lacks bytes, in an answer whose transport is sound.

    Attributes:
        declared: whether ``binary_data_size`` of http says so too.
    """

    missing_bytes: int = 4
    declared: bool = True


@dataclass(frozen=True)
class NanScores(Fault):
    """Every number of every floating-point output is not a number."""


@dataclass(frozen=True)
class WrongShape(Fault):
    """Every output states another shape, of the same bytes.

    Attributes:
        shape: empty for the right one with a dimension of 1 in front.
    """

    shape: tuple[int, ...] = ()


EDITS = (ShortTensor, NanScores, WrongShape)
"""Faults of an answer that has come; of gRPC's answers up to 64 kB, not compressed."""


@dataclass(frozen=True)
class Script:
    """One fault, or None, for each request in turn; after the last all is well."""

    faults: tuple[Fault | None, ...]


@dataclass(frozen=True)
class Random:
    """Each request is hit with the same probability, by any of the faults; repeatable by seed."""

    faults: tuple[Fault, ...]
    probability: float
    seed: int = 0


Plan: TypeAlias = Fault | Script | Random | None
"""A fault for every request, a fault for some of them, or none."""

KINDS: dict[str, type[Fault | Script | Random]] = {
    kind.__name__: kind
    for kind in (
        *(Refuse, Freeze, Reset, Cut, BlackHole, Garbage, GoAway),
        *(Status, ShortTensor, NanScores, WrongShape, Script, Random),
    )
}


def in_turn(plan: Plan) -> Iterator[Fault | None]:
    """The fault, or None, of each request, without end.

    Raises:
        ValueError: if a fault without an end is to come in between others.
    """
    if plan is None or isinstance(plan, Fault):
        return itertools.repeat(plan)
    for fault in plan.faults:
        if isinstance(fault, Refuse | Freeze) and fault.for_s is None:
            raise ValueError(f"{fault.name} in a {type(plan).__name__} never ends: give it for_s")
    if isinstance(plan, Script):
        return itertools.chain(plan.faults, itertools.repeat(None))
    return _drawn(plan)


def _drawn(plan: Random) -> Iterator[Fault | None]:
    generator = random.Random(plan.seed)  # noqa: S311 no secret depends on it
    while True:
        hit = generator.random() < plan.probability
        yield generator.choice(plan.faults) if hit else None
