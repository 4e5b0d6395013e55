"""How numerical code is compiled: in one way, so that what kernels share is compiled once."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile it when it is first called, and keep it on disk.

    A quotient by 0 is infinite or NaN, as in NumPy: a run that diverges is a result, no exception.
    """
    return njit(cache=True, nogil=True, error_model="numpy")(function)
