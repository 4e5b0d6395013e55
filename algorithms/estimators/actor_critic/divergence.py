"""Divergence KL(π_h(·|s) ‖ π_θ(·|s)) from a policy that is held, and its gradient, for numba.

Of M steps, with outputs z of θ and held_z of the held parameters h (M, a): `total` returns the sum
over the steps; `add` (theta, z, held, held_z, factor, delta, gradient) adds the gradient in θ of
-factor times it, that in z to delta (M, a), that in the head's own parameters to gradient (d,).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fedrl.algorithms.estimators import categorical, gaussian
from fedrl.algorithms.estimators.categorical import softmax
from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.kernels import Head


class Divergence(NamedTuple):
    """Sum and gradient for one kind of head."""

    total: Callable[..., Any]
    add: Callable[..., None]


@jitable
def total_categorical(theta: Any, z: Any, held: Any, held_z: Any) -> float:
    """Σ_m Σ_j q_j log(q_j / p_j), q of the held policy."""
    p, q = np.empty(z.shape[1], theta.dtype), np.empty(z.shape[1], theta.dtype)
    found = 0.0
    for m in range(len(z)):
        softmax(z[m], p)
        softmax(held_z[m], q)
        for j in range(len(p)):
            if q[j] > 0.0:
                found += q[j] * math.log(q[j] / p[j])
    return found


@jitable
def add_categorical(
    theta: Any, z: Any, held: Any, held_z: Any, factor: float, delta: Any, gradient: Any
) -> None:
    """-∂KL/∂z_j = q_j - p_j."""
    p, q = np.empty(z.shape[1], theta.dtype), np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        softmax(z[m], p)
        softmax(held_z[m], q)
        for j in range(len(p)):
            delta[m, j] += factor * (q[j] - p[j])


@jitable
def total_gaussian(theta: Any, z: Any, held: Any, held_z: Any) -> float:
    """Σ_m Σ_j ℓ_j - ℓ'_j + (exp 2ℓ'_j + (μ'_j - μ_j)²) exp(-2ℓ_j) / 2 - 1/2, ' of the held one."""
    found = 0.0
    tail = len(theta) - z.shape[1]
    for j in range(z.shape[1]):
        spread, before = float(theta[tail + j]), float(held[tail + j])
        for m in range(len(z)):
            square = math.exp(2 * before) + (held_z[m, j] - z[m, j]) ** 2
            found += spread - before + 0.5 * square * math.exp(-2 * spread) - 0.5
    return found


@jitable
def add_gaussian(
    theta: Any, z: Any, held: Any, held_z: Any, factor: float, delta: Any, gradient: Any
) -> None:
    """-∂KL/∂μ = (μ' - μ) / σ², -∂KL/∂ℓ = (σ'² + (μ' - μ)²) / σ² - 1."""
    tail = len(theta) - z.shape[1]
    for j in range(z.shape[1]):
        precision, variance = math.exp(-2 * theta[tail + j]), math.exp(2 * held[tail + j])
        for m in range(len(z)):
            error = held_z[m, j] - z[m, j]
            delta[m, j] += factor * error * precision
            gradient[tail + j] += factor * ((variance + error * error) * precision - 1)


def divergence_of(head: Head) -> Divergence:
    """The one that belongs to this head."""
    known: dict[Any, Divergence] = {
        categorical.score: Divergence(total_categorical, add_categorical),
        gaussian.score: Divergence(total_gaussian, add_gaussian),
    }
    return known[head.score]
