"""The categorical head of a policy: log π(a) = z_a - log Σ exp z.

See `estimators.kernels` for the contract.
"""

import math
from typing import Any

import numpy as np

from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.networks.borrowed import borrowed, entries
from fedrl.algorithms.estimators.networks.columns import SLOTS
from fedrl.algorithms.estimators.networks.exponential import exp_into, less_log, log_into
from fedrl.algorithms.estimators.networks.vector import larger, rows

raised, minus, plus, over, times_negative = (
    rows(compute, SLOTS)
    for compute in (
        larger,
        lambda a, b: a - b,
        lambda a, b: a + b,
        lambda a, b: a / b,
        lambda a, b: a * (b * -1.0),
    )
)


@jitable
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


@jitable
def ready(z: Any, p: Any, total: Any, near: Any) -> None:
    """p = exp(z - max z) of every row, their sum, and about its logarithm."""
    z, p = borrowed(z), borrowed(p)
    for m in range(len(z)):
        highest = largest(z[m])
        for j in range(z.shape[1]):
            p[m, j] = z[m, j] - highest
    exp_into(entries(p, 0, p.size))
    for m in range(len(z)):
        total[m] = 0.0
        for j in range(z.shape[1]):
            total[m] += p[m, j]
        near[m] = total[m]
    log_into(near)


@jitable(forceinline=True)
def largest(z: Any) -> Any:
    """max z."""
    highest = z[0]
    for j in range(1, len(z)):
        highest = z[j] if z[j] > highest else highest
    return highest


@jitable
def log_prob(theta: Any, z: Any, action: Any, p: Any) -> Any:
    """z_a - log Σ exp z of every step; writes the probabilities p."""
    value, total, near = np.empty(len(z), theta.dtype), np.empty(len(z)), np.empty(len(z))
    ready(z, p, total, near)
    for m in range(len(z)):
        for j in range(z.shape[1]):
            p[m, j] /= total[m]
        value[m] = less_log(z[m, int(action[m, 0])], largest(borrowed(z)[m]), total[m], near[m])
    return value


@jitable
def score(theta: Any, z: Any, action: Any, p: Any, c: Any, delta: Any, gradient: Any) -> None:
    """delta = c (e_a - p)."""
    for m in range(len(z)):
        for j in range(z.shape[1]):
            delta[m, j] = p[m, j] * -c[m]
        delta[m, int(action[m, 0])] += c[m]


@jitable
def slope(theta: Any, tangent: Any, z: Any, dz: Any, action: Any, p: Any) -> Any:
    """ż_a - ⟨p, ż⟩."""
    value = np.empty(len(z), theta.dtype)
    for m in range(len(z)):
        mean = 0.0
        for j in range(z.shape[1]):
            mean += p[m, j] * dz[m, j]
        value[m] = dz[m, int(action[m, 0])] - mean
    return value


@jitable
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


@jitable(forceinline=True)
def act(
    theta: Any, z: Any, uniform: Any, action: Any, p: Any, total: float, near: float
) -> Any:  # fmt: skip
    """Inverse-CDF draw from softmax z with one uniform number, after `ready`."""
    remaining, choice = uniform[0] * total, 0
    for j in range(len(z) - 1):  # without a branch that nobody can predict
        remaining -= p[j]
        choice += 0 if remaining < 0.0 else 1
    action[0] = choice
    return less_log(z[choice] - largest(z), 0.0, total, near)


@jitable
def ready_abreast(z: Any, p: Any, total: Any, near: Any) -> None:
    """`ready` of steps of every slot."""
    actions = len(z) // len(total)
    for m in range(len(total)):
        at = m * actions
        raised(p, at, z, at, z, at)
        for j in range(1, actions):
            raised(p, at, p, at, z, at + j)
        for j in range(actions - 1, -1, -1):
            minus(p, at + j, z, at + j, p, at)
    exp_into(entries(p, 0, p.size))
    sums, logs = entries(total, 0, total.size), entries(near, 0, near.size)
    for k in range(len(sums)):
        sums[k] = 0
    for m in range(len(total)):
        for j in range(m * actions, (m + 1) * actions):
            plus(total, m, total, m, p, j)
    for k in range(len(sums)):
        logs[k] = sums[k]
    log_into(logs)


@jitable
def log_prob_abreast(
    theta: Any, z: Any, action: Any, total: Any, near: Any, steps: Any, log_pi: Any
) -> None:
    """`log_prob` of the steps of every slot into log_pi (S, …), after `ready_abreast`."""
    actions = len(z) // len(total)
    for s in range(SLOTS):
        for m in range(steps[s]):
            at = m * actions
            highest = largest(borrowed(z)[at : at + actions, s])
            chosen = z[at + int(action[m, s]), s]
            log_pi[s, m] = less_log(chosen, highest, total[m, s], near[m, s])


@jitable
def score_abreast(
    theta: Any, z: Any, action: Any, p: Any, total: Any, steps: Any, c: Any, gradient: Any
) -> None:
    """z ← delta = c (e_a - p / total), of the c (…, S) of every slot's steps."""
    actions = len(z) // len(total)
    for m in range(len(total)):
        for j in range(m * actions, (m + 1) * actions):
            over(p, j, p, j, total, m)
            times_negative(z, j, p, j, c, m)
    for s in range(SLOTS):
        for m in range(steps[s]):
            z[m * actions + int(action[m, s]), s] += c[m, s]
