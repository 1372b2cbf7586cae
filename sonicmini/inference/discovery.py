"""Before the first event: which server has which model, and is it the same model?"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from sonicmini.errors import InferenceError, ModelError, ServerError, UnavailableError
from sonicmini.inference.known import KnownAnswer, check_answer
from sonicmini.inference.link import Backoff, Link, Load, Server
from sonicmini.inference.repository import ModelSpec, Signature, check_signature

_QUESTIONS = 3
"""To a server that is well, before it is taken not to have a model."""

_log = logging.getLogger(__name__)


class RemoteServer(Server, Protocol):
    """What discovery needs of a server's client besides answers."""

    async def check_ready(self) -> None:
        """Raises UnavailableError unless the server is ready."""
        ...

    async def signature(self, model: str) -> Signature | None:
        """Inputs and outputs of a model, None if the server does not tell."""
        ...


@dataclass(kw_only=True)
class Examiner:
    """Decides whether a server's model can be used in the place of ours.

    Attributes:
        specs: the models, by the names under which they will be asked for.
        known: each one's known tensor and local answer to it.
        tolerance: of the answer, relative to the largest value.
        allow_different: accept other weights, but not another interface.
        differing: servers and models with other weights that were accepted.
    """

    specs: Mapping[str, ModelSpec]
    known: Mapping[str, KnownAnswer]
    tolerance: float
    allow_different: bool = False
    differing: set[tuple[str, str]] = field(default_factory=set)

    async def examine(self, server: RemoteServer, model: str) -> None:
        """Passes if the server is ready, and its model has our interface and gives our answer.

        Raises:
            UnavailableError: not now.
            ServerError: the server refuses the request.
            ModelError: it has another model of this name.
        """
        await server.check_ready()
        spec, known = self.specs[model], self.known[model]
        signature = await server.signature(model)
        if signature is not None:
            check_signature(spec, signature, server.name)
        outputs = await server.infer(model, known.inputs)
        try:
            check_answer(spec, known.outputs, outputs, server=server.name, tolerance=self.tolerance)
        except ModelError as error:
            if not self.allow_different:
                raise
            self.differing.add((server.name, model))
            _log.warning("accepted: %s", error)


@dataclass(frozen=True)
class Served:
    """What was found.

    Attributes:
        links: by model, one for each server that has it or could not be asked yet.
        missing: models that no server can answer for now.
    """

    links: dict[str, list[Link]]
    missing: dict[str, str]


async def discover(
    servers: Sequence[RemoteServer],
    examiner: Examiner,
    *,
    patience_s: float,
    backoff: Backoff | None = None,
) -> Served:
    """Asks every server for every model; waits for servers that are not there yet if need be.

    Raises:
        ModelError, ServerError: servers with other models of these names, or that refuse us; one
            message with all of them.
    """
    backoff = backoff or Backoff()
    loads = {server.name: Load() for server in servers}
    found = await _ask_all(servers, examiner, {})
    deadline, rounds = time.monotonic() + patience_s, 0
    while _missing(found, examiner) and _unreachable(found):
        rounds += 1
        delay_s = backoff.delay_s(rounds)
        if time.monotonic() + delay_s > deadline:
            break
        if rounds == 1:
            names = ", ".join(sorted({server for server, _ in _unreachable(found)}))
            _log.warning("waiting up to %g s for %s", patience_s, names)
        await asyncio.sleep(delay_s)
        found = await _ask_all(servers, examiner, found)
    _raise_faults(found)
    by_name = {server.name: server for server in servers}
    links: dict[str, list[Link]] = {model: [] for model in examiner.specs}
    for (name, model), fault in found.items():
        if isinstance(fault, _NotThereError):
            continue
        server = by_name[name]
        link = Link(server, loads[name], partial(examiner.examine, server, model), backoff)
        if isinstance(fault, UnavailableError):
            link.down(fault)
        links[model].append(link)
    return Served(links, _missing(found, examiner))


class _NotThereError(UnavailableError):
    """The server is well, but does not have the model."""


_Found = dict[tuple[str, str], InferenceError | None]


async def _ask_all(servers: Sequence[RemoteServer], examiner: Examiner, before: _Found) -> _Found:
    """Every server for every model, those apart that have answered before."""
    found = dict(before)
    pending = [
        (server, model)
        for server in servers
        for model in examiner.specs
        if (server.name, model) not in found or type(found[server.name, model]) is UnavailableError
    ]
    faults = await asyncio.gather(*(_ask(server, model, examiner) for server, model in pending))
    asked: _Found = {
        (server.name, model): fault for (server, model), fault in zip(pending, faults, strict=True)
    }
    return {**found, **asked}


async def _ask(server: RemoteServer, model: str, examiner: Examiner) -> InferenceError | None:
    try:
        await server.check_ready()
    except InferenceError as error:
        return error
    fault: InferenceError | None = None
    for _ in range(_QUESTIONS):
        try:
            await examiner.examine(server, model)
        except UnavailableError as error:
            fault = _NotThereError(str(error))
        except InferenceError as error:
            return error
        else:
            return None
    return fault


def _unreachable(found: _Found) -> list[tuple[str, str]]:
    return [place for place, fault in found.items() if type(fault) is UnavailableError]


def _missing(found: _Found, examiner: Examiner) -> dict[str, str]:
    """Models without a server, with what each server said."""
    served = {model for (_, model), fault in found.items() if fault is None}
    return {
        model: "; ".join(str(fault) for (_, asked), fault in found.items() if asked == model)
        for model in examiner.specs
        if model not in served
    }


def _raise_faults(found: _Found) -> None:
    faults = [
        fault
        for fault in found.values()
        if fault is not None and not isinstance(fault, UnavailableError)
    ]
    if faults:
        message = "\n".join(dict.fromkeys(str(fault) for fault in faults))
        kind = ModelError if isinstance(faults[0], ModelError) else ServerError
        raise kind(message)
