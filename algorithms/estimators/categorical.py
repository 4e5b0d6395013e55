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
        highest = z[j] if z[j] > highest else highest
    total = 0.0
    for j in range(len(z)):
        out[j] = math.exp(z[j] - highest)
        total += out[j]
    for j in range(len(z)):
        out[j] /= total
    return highest + math.log(total)


@register_jitable
def log_prob(theta: Any, z: Any, action: Any, p: Any) -> Any:
    """z_a - log Σ exp z of every step; writes the probabilities p."""
    value, total = np.empty(len(z), theta.dtype), np.empty(len(z))
    # As `softmax`, but one loop after the other: calls of exp and log that do not wait for others.
    for m in range(len(z)):
        highest = z[m, 0]
        for j in range(1, z.shape[1]):
            highest = z[m, j] if z[m, j] > highest else highest
        value[m] = highest
        for j in range(z.shape[1]):
            p[m, j] = z[m, j] - highest
    entries = p.reshape(p.size)
    for k in range(len(entries)):
        entries[k] = math.exp(entries[k])
    for m in range(len(z)):
        total[m] = 0.0
        for j in range(z.shape[1]):
            total[m] += p[m, j]
        for j in range(z.shape[1]):
            p[m, j] /= total[m]
    for m in range(len(z)):
        value[m] = z[m, int(action[m, 0])] - (value[m] + math.log(total[m]))
    return value


@register_jitable
def score(theta: Any, z: Any, action: Any, p: Any, c: Any, delta: Any, gradient: Any) -> None:
    """delta = c (e_a - p)."""
    for m in range(len(z)):
        for j in range(z.shape[1]):
            delta[m, j] = p[m, j] * -c[m]
        delta[m, int(action[m, 0])] += c[m]


@register_jitable
def slope(theta: Any, tangent: Any, z: Any, dz: Any, action: Any, p: Any) -> Any:
    """ż_a - ⟨p, ż⟩."""
    value = np.empty(len(z), theta.dtype)
    for m in range(len(z)):
        mean = 0.0
        for j in range(z.shape[1]):
            mean += p[m, j] * dz[m, j]
        value[m] = dz[m, int(action[m, 0])] - mean
    return value


@register_jitable
def score_tangent(
    theta: Any, tangent: Any, z: Any, dz: Any, action: Any, p: Any, c: Any, ddelta: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """ddelta = -c p ∘ (ż - ⟨p, ż⟩)."""
    for m in range(len(z)):
        mean = 0.0
        for j in range(z.shape[1]):
            mean += p[m, j] * dz[m, j]
        for j in range(z.shape[1]):
            ddelta[m, j] = -c[m] * p[m, j] * (dz[m, j] - mean)


@register_jitable(forceinline=True)
def act(theta: Any, z: Any, uniform: Any, action: Any, spare: Any) -> float:
    """Inverse-CDF draw from softmax z with one uniform number."""
    highest = z[0]
    for j in range(1, len(z)):
        highest = z[j] if z[j] > highest else highest
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
