"""The categorical head of a policy: log π(a) = z_a - log Σ exp z.

See `estimators.kernels` for the contract.
"""

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable


@register_jitable
def softmax(z: Any, out: Any) -> float:
    """Writes the probabilities; returns log Σ exp z."""
    highest = z[0]
    for j in range(1, len(z)):
        highest = max(highest, z[j])
    total = 0.0
    for j in range(len(z)):
        out[j] = math.exp(z[j] - highest)
        total += out[j]
    for j in range(len(z)):
        out[j] /= total
    return highest + math.log(total)


@register_jitable
def log_prob(theta: Any, z: Any, action: Any) -> Any:
    """z_a - log Σ exp z of every step."""
    value = np.empty(len(z), theta.dtype)
    scratch = np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        value[m] = z[m, int(action[m, 0])] - softmax(z[m], scratch)
    return value


@register_jitable
def score(theta: Any, z: Any, action: Any, c: Any, delta: Any, gradient: Any) -> None:
    """delta = c (e_a - p)."""
    for m in range(len(z)):
        softmax(z[m], delta[m])
        for j in range(z.shape[1]):
            delta[m, j] *= -c[m]
        delta[m, int(action[m, 0])] += c[m]


@register_jitable
def slope(theta: Any, tangent: Any, z: Any, dz: Any, action: Any) -> Any:
    """ż_a - ⟨p, ż⟩."""
    value = np.empty(len(z), theta.dtype)
    p = np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        softmax(z[m], p)
        mean = 0.0
        for j in range(z.shape[1]):
            mean += p[j] * dz[m, j]
        value[m] = dz[m, int(action[m, 0])] - mean
    return value


@register_jitable
def score_tangent(
    theta: Any, tangent: Any, z: Any, dz: Any, action: Any, c: Any, ddelta: Any, gradient: Any
) -> None:
    """ddelta = -c p ∘ (ż - ⟨p, ż⟩)."""
    p = np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        softmax(z[m], p)
        mean = 0.0
        for j in range(z.shape[1]):
            mean += p[j] * dz[m, j]
        for j in range(z.shape[1]):
            ddelta[m, j] = -c[m] * p[j] * (dz[m, j] - mean)


@register_jitable
def act(theta: Any, z: Any, uniform: Any, action: Any, spare: Any) -> float:
    """Inverse-CDF draw from softmax z with one uniform number."""
    highest = z[0]
    for j in range(1, len(z)):
        highest = max(highest, z[j])
    total = 0.0
    for j in range(len(z)):
        spare[j] = math.exp(z[j] - highest)
        total += spare[j]
    remaining = uniform[0] * total
    choice = len(z) - 1
    for j in range(len(z)):
        remaining -= spare[j]
        if remaining < 0.0:
            choice = j
            break
    action[0] = choice
    return z[choice] - highest - math.log(total)
