"""Functions of arrays whose leading axis is the lane, called on arrays, or on tensors by vmap.

And functions of one agent's vectors (d,), or of those of many at once (L, d), arrays or tensors,
whose bits neither lifting nor the processor can change. Sums are made in order. NumPy and torch
compute exponentials, logarithms and powers by vectors of the processor, and torch a square root by
a library that rounds it otherwise on another one: here they are the C library's, one number after
the other, and roots are rounded correctly.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from fedrl.algorithms.estimators.compilation import compiled


def lifted(function: Callable[..., None], first: Any, *others: Any) -> Any:
    """A tensor shaped like the vector `first` (d,), written by function(out, first, *others).

    `function` gets arrays with one leading axis L, the lanes: all axes that vmap lifts, and those
    `first` has beyond its own, in row-major order, the outermost first. It must compute every lane
    from that lane alone; then a result does not depend on what else is lifted with it. Of arrays
    with that axis, it writes an array.
    """
    if isinstance(first, np.ndarray):
        out = np.empty_like(first)
        function(out, *map(np.ascontiguousarray, (first, *others)))
        return out

    def lanes(*tensors: Tensor) -> Tensor:
        shape = tensors[0].shape
        axes = len(shape) - 1
        flat = tensors if axes == 1 else [t.reshape(-1, *t.shape[axes:]) for t in tensors]
        result = torch.empty_like(flat[0])
        function(result.numpy(), *(np.ascontiguousarray(t.numpy()) for t in flat))
        return result if axes == 1 else result.reshape(shape)

    if not any(map(is_functorch_wrapped_tensor, (first, *others))):
        return lanes(first, *others)  # without the dispatch of vmap, which costs 0.2 ms
    result: Tensor = _Lifted.apply(lanes, first, *others)  # type: ignore[no-untyped-call]
    return result


class _Lifted(torch.autograd.Function):
    """Calls a function of tensors with any leading axes; under vmap, with one axis more."""

    @staticmethod
    def forward(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:  # type: ignore[override]
        return function(*tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def vmap(  # type: ignore[override]
        info: Any,
        in_dims: tuple[int | None, ...],
        function: Callable[..., Tensor],
        *tensors: Tensor,
    ) -> tuple[Tensor, int]:
        lifted = [
            tensor.expand(info.batch_size, *tensor.shape)
            if axis is None
            else tensor.movedim(axis, 0)
            for tensor, axis in zip(tensors, in_dims[1:], strict=True)
        ]
        result: Tensor = _Lifted.apply(function, *lifted)  # type: ignore[no-untyped-call]
        return result, 0


def where(condition: Any, one: Any, other: Any) -> Any:
    """`one` where the condition holds, else `other`."""
    choose: Any = np.where if isinstance(condition, np.ndarray) else torch.where
    return choose(condition, one, other)


def flat(values: Any) -> Any:
    """What steps have, (..., B, T), as vectors (..., B·T)."""
    return values.reshape(*values.shape[:-2], -1)


def joined(parts: Sequence[Any]) -> Any:
    """Vectors behind each other."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis=-1)
    return torch.cat(tuple(parts), dim=-1)


def summed(vectors: Any) -> Any:
    """Σ over the last axis, which stays: (..., 1)."""
    if isinstance(vectors, np.ndarray):
        return summed(torch.from_numpy(vectors)).numpy()
    return vectors.cumsum(-1)[..., -1:]


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


def _each(function: Callable[[Any, Any], Any], values: Any) -> Any:
    def lanes(out: Any, x: Any) -> None:
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
