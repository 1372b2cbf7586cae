"""Faults of transports: one vocabulary for http and grpc, and what is said of each."""

import re
from collections.abc import Collection
from enum import Enum

from sonicmini.errors import ServerError, UnavailableError


class Fault(Enum):
    """What can go wrong with a call: what is said of it, the way out, whether to try again."""

    ABSENT = ("the server does not offer this", "", ServerError)
    BUSY = ("overloaded", "", UnavailableError)
    DAMAGED = ("its answer cannot be decoded", "", UnavailableError)
    DENIED = (
        "access denied",
        "see bearer_token, headers and certificate_file of inference.access",
        ServerError,
    )
    FAILED = ("the server failed", "", UnavailableError)
    LOST = ("no connection", "", UnavailableError)
    MODEL = ("the model is not there", "", UnavailableError)
    NO_TLS = ("no TLS connection", "does the server expect http:// or grpc:// there?", ServerError)
    REFUSED = ("refused", "", ServerError)
    REGION = ("shared memory is refused", "set inference.shared_memory to never", ServerError)
    SILENT = ("no answer in time", "", UnavailableError)
    TOO_LARGE = (
        "the message is too large",
        "lower inference.max_bytes or raise the limit of the server",
        ServerError,
    )
    UNREADABLE = ("the server cannot read the request", "", ServerError)
    UNTRUSTED = (
        "its certificate is not trusted",
        "give that of its authority as inference.access.ca_file",
        ServerError,
    )

    def __init__(self, phrase: str, way_out: str, error: type[ServerError]) -> None:
        """Names the parts of the value."""
        self.phrase = phrase
        self.way_out = way_out
        self.error = error


class WireError(Exception):
    """A call that failed; becomes an error of the public tree where subject and server are known.

    Attributes:
        cause: in the words of the server or of the library below.
    """

    def __init__(self, fault: Fault, cause: str) -> None:
        super().__init__(f"{fault.phrase}: {cause}")
        self.fault = fault
        self.cause = cause

    def public(self, subject: str, server: str, secrets: Collection[str] = ()) -> ServerError:
        """The error that the user sees, in one line; a server may repeat what it was sent."""
        cause = " ".join(self.cause.split())
        cause = "".join(letter if letter.isprintable() else "?" for letter in cause)
        for secret in secrets:
            cause = cause.replace(secret, "***")
        parts = [self.fault.phrase, _shortened(cause)]
        message = f"{subject} on {server}: {': '.join(part for part in parts if part)}"
        way_out = f"; {self.fault.way_out}" if self.fault.way_out else ""
        return self.fault.error(message + way_out)


# What servers say is the same over http and grpc, and tells more than their status.
_SAYINGS = (
    (re.compile(r"shared memory region", re.IGNORECASE), Fault.REGION),
    (re.compile(r"message larger than max|too large", re.IGNORECASE), Fault.TOO_LARGE),
    (
        re.compile(
            r"unknown model|no available versions|stub process"
            r"|model\b.*\b(is not (found|available|ready|loaded)|not found|does not exist)",
            re.IGNORECASE,
        ),
        Fault.MODEL,
    ),
)


def fault_of(said: str, otherwise: Fault) -> Fault:
    """The fault that a server's message tells of."""
    return next((fault for pattern, fault in _SAYINGS if pattern.search(said)), otherwise)


def _shortened(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."
