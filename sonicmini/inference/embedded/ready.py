"""Waits for a server to become ready and to pass its self-test."""

import http.client
import json
import re
import subprocess
import threading
import time
from pathlib import Path

from sonicmini.errors import ServerError
from sonicmini.inference.embedded import guardian
from sonicmini.inference.embedded.launch import LOOPBACK, Task
from sonicmini.inference.embedded.selftest import self_test

_POLL_S = 0.1
_ASK_S = 5.0
_TAIL = 6
_LINE = 400
_ERROR = re.compile(r"^(?:E\d{4} \S+ \d+ (?P<file>\S+)\] |error: )(?P<text>.*)$")
_HARMLESS = ("CudaDriverHelper", "Failed to initialize NVML")


class PortTakenError(ServerError):
    """Somebody else took a port meanwhile."""


def await_ready(task: Task, process: subprocess.Popen[bytes], cancel: threading.Event) -> None:
    """Returns when the server is ready and computes rightly.

    Args:
        task: the server.
        process: its guardian.
        cancel: set to give up.

    Raises:
        PortTakenError: if one of its ports was taken.
        ServerError: if it ends, fails the self-test or takes too long; with the end of its log.
    """
    deadline = time.monotonic() + task.limit_s
    while not _is_ready(task):
        if process.poll() is not None or _has_ended(task.folder):
            raise _failure(task, "did not start")
        if time.monotonic() > deadline:
            raise _failure(task, f"was not ready within {task.limit_s:g} s (start_limit_s)")
        _check_wanted(task, cancel)
        time.sleep(_POLL_S)
    self_test(LOOPBACK, task.ports.http, max(_ASK_S, deadline - time.monotonic()))
    _check_wanted(task, cancel)


def _check_wanted(task: Task, cancel: threading.Event) -> None:
    if cancel.is_set():
        raise ServerError(f"the start of server {task.folder.name} was given up")


def tail(log: Path) -> list[str]:
    """What a server's log says of errors, or its last lines."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = [match["text"] for match in map(_ERROR.match, lines) if match]
    found = [text.split(r"\n\nAt:")[0] for text in found if not any(h in text for h in _HARMLESS)]
    kept = found or [line for line in lines if line.strip()]
    return [line.strip('" ')[:_LINE] for line in dict.fromkeys(kept)][-_TAIL:]


def _is_ready(task: Task) -> bool:
    """Whether it answers, and is ours: another server may be at its port."""
    connection = http.client.HTTPConnection(LOOPBACK, task.ports.http, timeout=_ASK_S)
    try:
        connection.request("GET", "/v2/health/ready")
        with connection.getresponse() as response:
            response.read()
            if response.status != http.client.OK:
                return False
        connection.request("GET", "/v2")
        with connection.getresponse() as response:
            found = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(found, dict) and found.get("name") == task.identity


def _has_ended(folder: Path) -> bool:
    try:
        return guardian.read_json(folder / "processes.json")["ended"] is not None
    except (OSError, ValueError):
        return False


def _failure(task: Task, what: str) -> ServerError:
    lines = tail(task.folder / "log")
    where = ", ".join(map(str, task.repositories))
    message = "\n".join([f"the Triton server on {where} {what}; its log says:", *lines])
    taken = any("already in use" in line for line in lines)
    return PortTakenError(message) if taken else ServerError(message)
