"""How numerical code is compiled: in one way, so that what kernels share is compiled once.

No entry for C is made: it takes time to compile, and nobody calls it.
"""

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.extending import register_jitable


def compiled(function: Callable[..., Any]) -> Any:
    """Compile it when it is first called, and keep it on disk.

    A quotient by 0 is infinite or NaN, as in NumPy: a run that diverges is a result, no exception.
    """
    options: dict[str, Any] = {"error_model": "numpy", "no_cfunc_wrapper": True}
    return njit(cache=True, nogil=True, **options)(function)


def jitable(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile it with the kernels that call it; in Python it stays as it is."""
    made = register_jitable(no_cfunc_wrapper=True, **options)
    return made if function is None else made(function)
