"""Coefficients of ∇log π_θ(a_h|s_h) in an estimator, step by step, written out for numba.

c_h = (Σ_{j≥h} u_j γ^j r_j - u_h shift_h) / divisor, with u = 1 except for per-decision weights,
r_j = R_j - τ log π_θ(a_j|s_j) and shift_h = γ^h value_h. Whitening adds the batch mean to the shift
and multiplies the divisor by the batch deviation. All sums are kept in double precision.

Axes: B episodes, T steps, M steps taken, episode after episode. Padding is never read.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from fedrl.algorithms.estimators.compilation import jitable

WHITENING = 1e-8  # added to the deviation, so that equal coefficients become 0 and not NaN


class Options(NamedTuple):
    """The fields of `estimators.gradients.Gradients` that kernels need, under the same names."""

    discount: float
    weight_cap: float
    per_decision: bool
    whiten: bool
    entropy: float
    per_step_mean: bool


class Returns(NamedTuple):
    """Discounted rewards of the steps taken, and what is subtracted and divided by."""

    power: Any  # (M,), γ^h
    gain: Any  # (M,), γ^h r_h
    shift: Any  # (M,), γ^h value_h, and the batch mean if whitened
    divisor: float


@jitable
def steps_of(length: Any) -> int:
    """Σ length. Written out: NumPy's takes longer to compile."""
    steps = 0
    for each in length:
        steps += each
    return steps


@jitable
def pack(observation: Any, action: Any, length: Any, dtype_of: Any) -> Any:
    """Observations and actions of the M steps really taken."""
    steps = steps_of(length)
    x = np.empty((steps, observation.shape[2]), dtype_of.dtype)
    taken = np.empty((steps, action.shape[2]), dtype_of.dtype)
    at = 0
    for b in range(len(length)):
        for h in range(length[b]):
            for j in range(x.shape[1]):
                x[at, j] = observation[b, h, j]
            for j in range(taken.shape[1]):
                taken[at, j] = action[b, h, j]
            at += 1
    return x, taken


@jitable
def discounted(options: Any, reward: Any, value: Any, log_pi: Any, length: Any, work: Any) -> Any:
    """`Returns` of B episodes, in work (4, B T); log_pi (M,) is read if entropy is not 0."""
    steps = steps_of(length)
    power, gain, shift = work[0, :steps], work[1, :steps], work[2, :steps]
    at = 0
    for b in range(len(length)):
        discount = 1.0
        for h in range(length[b]):
            power[at] = discount
            gain[at] = discount * reward[b, h]
            if options.entropy != 0.0:
                gain[at] -= discount * options.entropy * log_pi[at]
            shift[at] = discount * value[b, h]
            discount *= options.discount
            at += 1
    divisor = float(steps) if options.per_step_mean else float(len(length))
    if options.whiten:
        divisor *= whiten(gain, shift, length)
    return Returns(power, gain, shift, divisor)


@jitable
def whiten(gain: Any, shift: Any, length: Any) -> float:
    """Adds the mean of all coefficients to the shift; returns their deviation."""
    steps = len(gain)
    raw = np.empty(steps)
    coefficients(gain, shift, np.ones(steps), 1.0, length, raw)
    mean = 0.0
    for m in range(steps):
        mean += raw[m]
    mean /= steps
    square = 0.0
    for m in range(steps):
        square += (raw[m] - mean) ** 2
        shift[m] += mean
    return math.sqrt(square / steps) + WHITENING


@jitable
def coefficients(gain: Any, shift: Any, factor: Any, divisor: float, length: Any, out: Any) -> None:
    """out_h = (Σ_{j≥h} u_j gain_j - u_h shift_h) / divisor, u = factor (M,)."""
    at = 0
    for b in range(len(length)):
        total = 0.0
        for m in range(at + length[b] - 1, at - 1, -1):
            total += factor[m] * gain[m]
            out[m] = (total - factor[m] * shift[m]) / divisor
        at += length[b]


@jitable
def weights(
    options: Any, log_pi: Any, log_prob: Any, length: Any, log_weight: Any, decision: Any
) -> None:
    """log w of every episode (B,), uncapped; capped w_{0:h} of every step (M,) if per decision."""
    at = 0
    for b in range(len(length)):
        total = 0.0
        for h in range(length[b]):
            total += log_pi[at + h] - log_prob[b, h]
            if options.per_decision:
                decision[at + h] = min(math.exp(total), options.weight_cap)
        log_weight[b] = total
        at += length[b]


@jitable
def step_coefficients(
    weighted: bool, options: Any, reward: Any, value: Any, log_prob: Any, length: Any, log_pi: Any,
    work: Any, log_weight: Any, c: Any,
) -> Any:  # fmt: skip
    """Coefficients of one agent's steps into c (M,), times importance weights if weighted."""
    returns = discounted(options, reward, value, log_pi, length, work)
    _, gain, shift, divisor = returns
    factor = work[3, : len(c)]
    if weighted:
        weights(options, log_pi, log_prob, length, log_weight, factor)
    coefficients(gain, shift, factor, divisor, length, c)
    if weighted and not options.per_decision:
        at = 0
        for b in range(len(length)):
            weight = min(math.exp(log_weight[b]), options.weight_cap)
            for m in range(at, at + length[b]):
                c[m] *= weight
            at += length[b]
    return returns


@jitable
def differentiate_coefficients(options: Any, returns: Any, along: Any, length: Any, c: Any) -> None:
    """c ← derivative of the weighted coefficients where w = 1, along_h = ⟨∇log π(a_h|s_h), v⟩.

    d w_{0:j} = Σ_{l≤j} along_l, d w = Σ_l along_l, d r_j = -τ along_j.
    """
    reach = np.empty(len(along))  # Σ_{l≤h} along_l
    at = 0
    for b in range(len(length)):
        total = 0.0
        for m in range(at, at + length[b]):
            total += along[m]
            reach[m] = total
        tail = 0.0
        for m in range(at + length[b] - 1, at - 1, -1):
            if options.entropy != 0.0:
                tail -= options.entropy * returns.power[m] * along[m]
            if options.per_decision:
                tail += reach[m] * returns.gain[m]
                c[m] = (tail - reach[m] * returns.shift[m]) / returns.divisor
            elif options.entropy != 0.0:
                c[m] = c[m] * total + tail / returns.divisor
            else:
                c[m] *= total
        at += length[b]
