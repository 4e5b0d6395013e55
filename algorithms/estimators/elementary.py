"""Functions of arrays or tensors, entry by entry, with the same bits on every processor.

NumPy and torch compute exponentials, logarithms and powers by vectors of the processor, and torch a
square root by a library that rounds it otherwise on another one. Here they are the C library's, one
number after the other, and roots are rounded correctly. They may be lifted by vmap.

Vectors of one agent are (d,), of many at once (L, d).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.lifting import lifted, summed, where
from fedrl.algorithms.estimators.policy import Array


def exponential(values: Any) -> Any:
    """e^x of x (...)."""
    return _each(_exponential, values)


def logarithm(values: Any) -> Any:
    """Log x of x (...)."""
    return _each(_logarithm, values)


def root(values: Any) -> Any:
    """√x of x (...)."""
    return _each(np.sqrt, values)


def power(values: Any, exponent: float) -> Any:
    """x^p of x (...)."""
    return _each(lambda x, out: _power(x, exponent, out), values)


def length(vectors: Any) -> Any:
    """‖·‖ of vectors (..., d): (...)."""
    return root(summed(vectors * vectors))[..., 0]


def normalised(vectors: Any) -> Any:
    """v / ‖v‖ of vectors (..., d), 0 where v is."""
    norm = root(summed(vectors * vectors))
    some = norm > 0
    return where(some, vectors / where(some, norm, 1), 0)


def _each(function: Callable[[Array, Array], Any], values: Any) -> Any:
    def lanes(out: Array, x: Array) -> None:
        found = np.empty(x.size, x.dtype)
        function(x.reshape(-1), found)
        out[...] = found.reshape(out.shape)

    return lifted(lanes, values)


@compiled
def _exponential(x, out):  # type: ignore[no-untyped-def]
    for i in range(len(x)):
        out[i] = np.exp(x[i])


@compiled
def _logarithm(x, out):  # type: ignore[no-untyped-def]
    for i in range(len(x)):
        out[i] = np.log(x[i])


@compiled
def _power(x, exponent, out):  # type: ignore[no-untyped-def]
    for i in range(len(x)):
        out[i] = x[i] ** exponent
