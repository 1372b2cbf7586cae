"""The exceptions that a user may meet, each with the exit code of the command line.

::

    SonicminiError           1  anything below
    +-- ConfigError          2  the configuration or the command line
    |   +-- GraphError          modules whose inputs and products do not fit together
    +-- InputError           3  an input file or its content
    +-- OutputError          4  the output file, its folder or its disk
    +-- InferenceError       5  a model, its repository or its server
    |   +-- ModelError          a model that cannot be read or is not what its config says
    |   +-- ServerError         a server that refuses, or whose answer cannot be used
    |       +-- UnavailableError    a server that did not answer this time: worth another try
    +-- ModuleError          6  a module failed on events that it was given

Ctrl-C ends with 130. Every message names the thing, the place and the way out.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class SonicminiError(Exception):
    """Base of all errors that are reported to the user without a traceback."""

    exit_code: ClassVar[int] = 1


class ConfigError(SonicminiError):
    """A configuration or command line that cannot be run; the message lists every fault."""

    exit_code = 2


class GraphError(ConfigError):
    """Modules whose declared inputs and products do not form a graph; lists every fault."""


class InputError(SonicminiError):
    """An input file that is missing, unreadable, incomplete or of another format."""

    exit_code = 3


class OutputError(SonicminiError):
    """An output that cannot be written; nothing that looks finished is left behind."""

    exit_code = 4


class InferenceError(SonicminiError):
    """An inference request that ended without an answer."""

    exit_code = 5


class ModelError(InferenceError):
    """A model that is missing, unreadable, or differs from its config.pbtxt."""


class ServerError(InferenceError):
    """A server that refuses a request, or whose answer cannot be used; trying again is no use."""


class UnavailableError(ServerError):
    """A server that did not answer this time: another try, or another server, may.

    Connection refused or lost, no answer in time, overload, a model not loaded at the moment.
    """


class ModuleError(SonicminiError):
    """A module that failed on a chunk of events."""

    exit_code = 6


def nearest(name: str, known: Iterable[str]) -> str:
    """A suggestion for a mistyped name, to be appended to a message; empty if nothing is near."""
    lower = {candidate.lower(): candidate for candidate in known}
    match = difflib.get_close_matches(name.lower(), lower, n=1)
    return f"; did you mean {lower[match[0]]}?" if match else ""


def first_fault(error: BaseException) -> BaseException:
    """The fault that stopped a group of tasks; asyncio nests it in groups of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
