"""Lifting: methods of an algorithm, written for one agent of one run, over a leading axis."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map

from fedrl.algorithms import Algorithm
from fedrl.envs.family import Array

ARRAYS = (Tensor, np.ndarray)


def lift(
    algorithm: Algorithm, method: str, hyperparameters: dict[str, Tensor], *values: Any
) -> Any:
    """A method of the algorithm over the leading axis of its hyperparameters and all values."""
    if method != "combine" and entrywise(type(algorithm)):  # which is given matrices (n, d)
        every = with_hyperparameters(algorithm, mapped(column, hyperparameters))
        return rows(getattr(every, method)(*mapped(column, values)), len(leaves(values)[0]))

    def one(hyperparameters: dict[str, Tensor], *values: Any) -> Any:
        return getattr(with_hyperparameters(algorithm, hyperparameters), method)(*values)

    return vmap(one)(hyperparameters, *values)


def ready(algorithm: Algorithm, hyperparameters: dict[str, Tensor], memory: Any) -> Tensor | None:
    """Which federations' servers have gathered enough (G,); None where nothing is gathered."""
    if not overrides(algorithm, "ready"):
        return None
    found: Tensor = lift(algorithm, "ready", hyperparameters, memory)
    return found


@cache
def entrywise(kind: type[Algorithm]) -> bool:
    """Whether the algorithm says it is, of the very methods it has: subclasses may change one.

    Such methods need no vmap: numbers become columns, and vectors are rows.
    """
    order = kind.__mro__
    said = next(i for i, each in enumerate(order) if "entrywise" in vars(each))
    return kind.entrywise and not any(map(has_methods, order[:said]))


def has_methods(kind: type) -> bool:
    """Whether a class defines methods or properties itself, beside those dataclasses are given."""
    own = (value for name, value in vars(kind).items() if not name.startswith("__"))
    return any(hasattr(value, "__get__") for value in own)


def mapped(function: Callable[..., Any], values: Any, *others: Any) -> Any:
    """`tree_map` of trees of tensors or arrays, which takes ten times as long for tuples."""
    if isinstance(values, ARRAYS):
        return function(values, *others)
    if isinstance(values, tuple):
        parts = [mapped(function, *each) for each in zip(values, *others, strict=True)]
        return type(values)(*parts) if hasattr(values, "_fields") else tuple(parts)
    if isinstance(values, dict) and not others:
        return {name: mapped(function, value) for name, value in values.items()}
    return tree_map(function, values, *others)


def leaves(values: Any) -> list[Any]:
    """`tree_leaves` of a tree of tensors or arrays, which takes several times as long."""
    if isinstance(values, ARRAYS):
        return [values]
    if isinstance(values, tuple):
        return [leaf for value in values for leaf in leaves(value)]
    return tree_leaves(values)


def picked(values: Any, rows: Array) -> Any:
    """The rows (L,) of values (G, …): (L, …)."""
    return mapped(lambda part: torch.from_numpy(part.numpy().take(rows, axis=0)), values)


def column(values: Any) -> Any:
    """Numbers (L,) as (L, 1); vectors stay (L, d)."""
    return values[:, None] if values.ndim == 1 else values


def columns(values: Any) -> Any:
    """The values (L, …) as arrays, whose numbers (L,) are (L, 1)."""
    return mapped(lambda part: column(part.numpy()), values)


def rows(values: Any, count: int) -> Any:
    """The reverse, of tensors: numbers, of L = `count` lanes or of none in particular, are (L,)."""

    def row(part: Tensor) -> Tensor:
        if part.ndim == 0:
            return part.expand(count).clone()
        return part[:, 0] if part.shape[1:] == (1,) else part

    return mapped(row, values)


def reshaped(values: Any, like: Any) -> Any:
    """The reverse, of arrays: tensors of the shapes that those of `like` have."""
    return mapped(lambda part, one: torch.from_numpy(part).reshape(one.shape), values, like)


def tensors(values: Any) -> Any:
    """Values that are arrays."""
    return mapped(torch.from_numpy, values)


def with_hyperparameters(algorithm: Algorithm, values: dict[str, Tensor]) -> Algorithm:
    """The algorithm with these hyperparameters, 0-d tensors."""
    changed = object.__new__(type(algorithm))  # several times as fast as `copy.copy`
    vars(changed).update(vars(algorithm), **values)
    return changed


def overrides(algorithm: Algorithm, method: str) -> bool:
    """Whether the algorithm has its own version of a method; the default of one need not run."""
    return getattr(type(algorithm), method) is not getattr(Algorithm, method)


def first_memory(method: Callable[[Tensor], Any], theta: Tensor) -> Any:
    """The memory `method` makes of every parameter vector of theta (…, d), leaves (…, …)."""
    lanes = theta.reshape(-1, theta.shape[-1])
    one = method(lanes[0])
    if not tree_leaves(one):
        return one
    leading = theta.shape[:-1]
    found = vmap(method)(lanes)
    return tree_map(lambda leaf: leaf.reshape(*leading, *leaf.shape[1:]).clone(), found)


def require_like(what: str, memory: Any, first: Any) -> None:
    """Refuse a memory that is not made like the one before the first round."""
    (found, new), (expected, old) = tree_flatten(memory), tree_flatten(first)
    if new != old:
        raise ValueError(
            f"{what} returns {len(found)} tensors in a {type(memory).__name__}; it must return a "
            f"{type(first).__name__} of {len(expected)}, like the memory before the first round"
        )
