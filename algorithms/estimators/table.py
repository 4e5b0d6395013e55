"""A table as the body of a policy: z = θ[s].

See `estimators.kernels` for the contract; θ is the row-major (states, actions) table.
"""

from typing import Any

import numpy as np

from fedrl.algorithms.estimators.compilation import jitable


@jitable
def forward(shape: Any, theta: Any, x: Any) -> Any:
    """z[m] = θ[s_m]; nothing to cache."""
    z = np.empty((len(x), shape[1]), theta.dtype)
    for m in range(len(x)):
        row = int(x[m, 0]) * shape[1]
        for j in range(shape[1]):
            z[m, j] = theta[row + j]
    return np.empty(0, theta.dtype), z


@jitable
def backward(shape: Any, theta: Any, x: Any, cache: Any, delta: Any, gradient: Any) -> None:
    """gradient[s_m] += delta[m]."""
    for m in range(len(x)):
        row = int(x[m, 0]) * shape[1]
        for j in range(shape[1]):
            gradient[row + j] += delta[m, j]


@jitable
def forward_tangent(shape: Any, theta: Any, tangent: Any, x: Any, cache: Any) -> Any:
    """ż[m] = tangent[s_m]: z is linear in θ."""
    return forward(shape, tangent, x)


@jitable
def backward_tangent(
    shape: Any, theta: Any, tangent: Any, x: Any, cache: Any, dcache: Any, delta: Any, ddelta: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """gradient[s_m] += ddelta[m]."""
    backward(shape, theta, x, cache, ddelta, gradient)


@jitable
def load(theta: Any, columns: Any, slot: int) -> None:
    """Do nothing: `outputs` reads one row of θ itself."""


@jitable
def outputs(shape: Any, theta: Any, lanes: Any, columns: Any, x: Any, scratch: Any, z: Any) -> None:
    """z (out, SLOTS) of one observation x (1, SLOTS) of every slot."""
    for s in range(len(lanes)):
        row = int(x[0, s]) * shape[1]
        for j in range(shape[1]):
            z[j, s] = theta[lanes[s], row + j]
