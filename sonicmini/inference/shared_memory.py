"""Inputs through system shared memory instead of the message, for a server on this machine.

A region belongs to one request at a time and is used again afterwards. A request that ended without
an answer (time limit, connection lost, cancelled) may still be read by the server: its region is
never written again, loses its name at once, and is unmapped there after a while. What cannot be
shared, for whatever reason, is sent in the message.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from sonicmini.event import Array
from sonicmini.inference.wire import Slot, Wire, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError

_log = logging.getLogger(__name__)

_ALIGNMENT = 64
_SMALLEST = 1 << 16
_QUARANTINE_S = 120.0
_PATIENCE_S = 0.05

_NOT_SHAREABLE = (Fault.ABSENT, Fault.FAILED, Fault.MODEL, Fault.REFUSED, Fault.REGION)
"""Answers to a registration that show a server which cannot open our regions."""

_UNANSWERED = (Fault.DAMAGED, Fault.LOST, Fault.SILENT)
"""Faults after which the server may still be reading a request's inputs."""


class Region:
    """A named piece of memory that the server may map.

    Python's resource tracker removes the name even if this process is killed.

    Attributes:
        key: the name as other processes open it.
        size: in bytes.
        asked: whether the server was told of it, so that it may have mapped it.
        registered: whether the server said that it has.
    """

    def __init__(self, size: int) -> None:
        """Creates it.

        Raises:
            OSError: if there is not so much shared memory.
        """
        name = f"sonicmini_{os.getpid()}_{secrets.token_hex(6)}"
        self._memory = SharedMemory(name, create=True, size=size)
        self.name = name
        self.key = f"/{name}"
        self.size = size
        self.asked = False
        self.registered = False
        try:
            # Pages that are not there when they are written would kill this process.
            _reserve(Path("/dev/shm") / name, size)  # noqa: S108 - where Linux has them
        except OSError:
            self.remove()
            raise

    def fill(self, inputs: Mapping[str, Array]) -> dict[str, Slot]:
        """Copies tensors into the region and says where they are."""
        slots = {}
        offset = 0
        for name, array in inputs.items():
            np.copyto(np.ndarray(array.shape, array.dtype, self._memory.buf, offset), array)
            slots[name] = Slot(self.name, offset, array.nbytes)
            offset += _aligned(array.nbytes)
        return slots

    def remove(self) -> None:
        """Takes the name away and unmaps; the memory goes when the server has unmapped it, too."""
        self._memory.close()
        with suppress(FileNotFoundError):
            self._memory.unlink()


class SharedInputs:
    """Sends requests whose inputs are in regions, as long as the server can open them."""

    def __init__(self, wire: Wire) -> None:
        """Creates nothing yet."""
        self._wire = wire
        self._usable = True
        self._free: list[Region] = []
        self._busy: set[Region] = set()
        self._abandoned: dict[str, float] = {}

    async def infer(self, request: WireRequest) -> Mapping[str, Array]:
        """As :meth:`Wire.infer`, of a request without slots.

        Raises:
            WireError: as that does.
        """
        size = sum(_aligned(array.nbytes) for array in request.inputs.values())
        region = self._taken(size) if self._usable and size else None
        if region is None:
            return await self._wire.infer(request)
        answered = False
        try:
            answer = await self._infer(request, region)
            answered = True
        except WireError as error:
            answered = error.fault not in _UNANSWERED
            raise
        finally:
            self._busy.discard(region)
            if answered and self._usable:
                self._free.append(region)
            else:
                self._abandon(region)
        return answer

    async def close(self) -> None:
        """Frees everything, here at once, then at the server, which may still be reading.

        Calls under way must have ended. May take as long as the server reads: set a limit.
        """
        for region in (*self._free, *self._busy):
            self._abandon(region)
        self._free.clear()
        self._busy.clear()
        await self._unregister_abandoned(0.0)
        while self._abandoned:
            await asyncio.sleep(_PATIENCE_S)
            await self._unregister_abandoned(0.0)

    async def _infer(self, request: WireRequest, region: Region) -> Mapping[str, Array]:
        """A server that was restarted does not know its regions: they are registered once more."""
        shared = replace(request, slots=region.fill(request.inputs))
        for _ in range(2):
            if not await self._registered(region):
                break
            try:
                return await self._wire.infer(shared)
            except WireError as error:
                if error.fault is not Fault.REGION:
                    raise
                region.registered = False
        else:
            self._give_up("the server does not find it")
        return await self._wire.infer(request)

    async def _registered(self, region: Region) -> bool:
        if region.registered:
            return True
        region.asked = True
        try:
            await self._unregister_abandoned(_QUARANTINE_S)
            await self._wire.register(region.name, region.key, region.size)
        except WireError as error:
            if error.fault not in _NOT_SHAREABLE:
                raise
            self._give_up(str(error))
            return False
        region.registered = True
        return True

    def _taken(self, size: int) -> Region | None:
        """A free region, or a new one in the place of one that is too small."""
        fitting = [region for region in self._free if region.size >= size]
        if fitting:
            region = min(fitting, key=lambda region: region.size)
            self._free.remove(region)
        else:
            if self._free:
                self._abandon(self._free.pop())
            try:
                region = Region(max(_SMALLEST, 1 << (size - 1).bit_length()))
            except OSError as error:
                self._give_up(str(error))
                return None
        self._busy.add(region)
        return region

    def _give_up(self, cause: str) -> None:
        if self._usable:
            _log.info("shared memory cannot be used, inputs are sent in messages: %s", cause)
        self._usable = False

    def _abandon(self, region: Region) -> None:
        region.remove()
        if region.asked:
            self._abandoned[region.name] = asyncio.get_running_loop().time()

    async def _unregister_abandoned(self, age_s: float) -> None:
        """Young ones may still be read; unmapping those has crashed servers of older versions."""
        now = asyncio.get_running_loop().time()
        for name in [name for name, since in self._abandoned.items() if now - since >= age_s]:
            try:
                await self._wire.unregister(name)
            except WireError as error:
                if error.fault is Fault.REGION:  # still in use there
                    continue
            self._abandoned.pop(name, None)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _reserve(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
