# The part of numba that is used here, typed so that kernels keep their signatures.

from collections.abc import Callable
from typing import Any, TypeVar, overload

_F = TypeVar("_F", bound=Callable[..., Any])

@overload
def njit(function: _F, /) -> _F: ...
@overload
def njit(
    *,
    cache: bool = ...,
    error_model: str = ...,
    nogil: bool = ...,
    parallel: bool = ...,
    fastmath: bool | set[str] = ...,
    inline: str = ...,
    boundscheck: bool | None = ...,
) -> Callable[[_F], _F]: ...

prange = range

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
