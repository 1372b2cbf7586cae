"""How the simulation's inner loops are compiled."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

Records: TypeAlias = Any
"""A structured array, or one record of it, which numba lets read as attributes; its type is one of
``simulation.records``."""

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


def kernel(function: Function) -> Function:
    """Compile a loop: cached on disk, without the interpreter lock, IEEE division.

    The default error model would raise on division by zero inside a loop over events.
    """
    return njit(cache=True, error_model="numpy", nogil=True)(function)
