"""The Gaussian head of a policy: log π(a) = Σ_j -½ ((a - z) e^{-ℓ})² - ℓ - ½ log 2π.

See `estimators.kernels` for the contract; ℓ = log σ are the last entries of θ.
"""

import math
from typing import Any

import numpy as np

from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.networks.columns import SLOTS

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@jitable
def log_prob(theta: Any, z: Any, action: Any, p: Any) -> Any:
    """Log density of every step's action."""
    value = np.empty(len(z), theta.dtype)
    size = z.shape[1]
    log_std = theta[len(theta) - size :]
    for m in range(len(z)):
        total = 0.0
        for j in range(size):
            error = (action[m, j] - z[m, j]) * math.exp(-log_std[j])
            total += -0.5 * error * error - log_std[j] - HALF_LOG_2PI
        value[m] = total
    return value


@jitable
def score(theta: Any, z: Any, action: Any, p: Any, c: Any, delta: Any, gradient: Any) -> None:
    """delta = c (a - z) / σ²; gradient of ℓ: c ((a - z)² / σ² - 1)."""
    size = z.shape[1]
    tail = len(theta) - size
    for j in range(size):
        precision = math.exp(-2 * theta[tail + j])
        total = 0.0
        for m in range(len(z)):
            error = action[m, j] - z[m, j]
            delta[m, j] = c[m] * error * precision
            total += c[m] * (error * error * precision - 1)
        gradient[tail + j] += total


@jitable
def slope(theta: Any, tangent: Any, z: Any, dz: Any, action: Any, p: Any) -> Any:
    """Σ_j (a - z) ż / σ² + ((a - z)² / σ² - 1) ℓ̇."""
    value = np.zeros(len(z), theta.dtype)
    size = z.shape[1]
    tail = len(theta) - size
    for j in range(size):
        precision = math.exp(-2 * theta[tail + j])
        for m in range(len(z)):
            error = action[m, j] - z[m, j]
            value[m] += error * dz[m, j] * precision
            value[m] += (error * error * precision - 1) * tangent[tail + j]
    return value


@jitable
def score_tangent(
    theta: Any, tangent: Any, z: Any, dz: Any, action: Any, p: Any, c: Any, ddelta: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """Derivative of `score` along the tangent."""
    size = z.shape[1]
    tail = len(theta) - size
    for j in range(size):
        precision = math.exp(-2 * theta[tail + j])
        stretch = tangent[tail + j]
        total = 0.0
        for m in range(len(z)):
            error = action[m, j] - z[m, j]
            ddelta[m, j] = -c[m] * precision * (dz[m, j] + 2 * error * stretch)
            total -= 2 * c[m] * precision * error * (dz[m, j] + error * stretch)
        gradient[tail + j] += total


@jitable
def ready(z: Any, p: Any, total: Any, near: Any) -> None:
    """Nothing: `act` needs z alone."""


@jitable(forceinline=True)
def act(
    theta: Any, z: Any, uniform: Any, action: Any, p: Any, total: float, near: float
) -> float:  # fmt: skip
    """a = z + σ ε, ε by Box-Muller: two uniform numbers give two entries."""
    total = radius = angle = 0.0
    tail = len(theta) - len(z)
    for j in range(len(z)):
        if j % 2 == 0:
            radius = math.sqrt(-2 * math.log(1 - uniform[j]))
            angle = 2 * math.pi * uniform[j + 1]
            normal = radius * math.cos(angle)
        else:
            normal = radius * math.sin(angle)
        action[j] = z[j] + math.exp(theta[tail + j]) * normal
        total += -0.5 * normal * normal - theta[tail + j] - HALF_LOG_2PI
    return total


@jitable
def ready_abreast(z: Any, p: Any, total: Any, near: Any) -> None:
    """Nothing."""


@jitable
def log_prob_abreast(
    theta: Any, z: Any, action: Any, total: Any, near: Any, steps: Any, log_pi: Any
) -> None:
    """`log_prob` of the steps of every slot into log_pi (S, …)."""
    size = len(z) // len(total)
    mean, chosen = z.reshape(len(total), size, SLOTS), action.reshape(len(total), size, SLOTS)
    for s in range(SLOTS):
        own = mean[: steps[s], :, s]
        value = log_prob(theta[:, s], own, chosen[: steps[s], :, s], own)
        for m in range(len(value)):
            log_pi[s, m] = value[m]


@jitable
def score_abreast(
    theta: Any, z: Any, action: Any, p: Any, total: Any, steps: Any, c: Any, gradient: Any
) -> None:
    """z ← delta, `score` of the steps of every slot."""
    size = len(z) // len(total)
    mean, chosen = z.reshape(len(total), size, SLOTS), action.reshape(len(total), size, SLOTS)
    for s in range(SLOTS):
        own, weight = mean[: steps[s], :, s], c[: steps[s], s]
        score(theta[:, s], own, chosen[: steps[s], :, s], own, weight, own, gradient[:, s])
