"""A linear value function of state and time, fitted by ridge regression to rewards to go.

Features with t = h/T: for a discrete state (`states` > 0) its indicator, t, t², t³; for a vector o
the entries of o and o², t, t², t³, 1. Duan et al., ICML 2016, Section 5. Fitted on episodes other
than those it is subtracted from, it leaves the estimators unbiased.

Axes: L lanes (agents), each on its own; B episodes, T steps, o observation, f features.
"""

import numpy as np
from numba import njit

from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.linear import solve
from fedrl.algorithms.estimators.policy import Array

RIDGE = 1e-5  # times the number of steps: added to the diagonal of ΣΦΦᵀ


def features(states: int, width: int) -> int:
    """f for observations of `width` entries; `states` is 0 unless the observation is an index."""
    return states + 3 if states else 2 * width + 4


def fit(
    observation: Array, reward: Array, length: Array, discount: float, states: int = 0
) -> Array:
    """argmin_w Σ (w·φ(s_h, h) - Σ_{j≥h} γ^{j-h} R_j)² + ridge M |w|² of each lane: (L, f) float64.

    observation (L, B, T, o), reward (L, B, T), length (L, B).
    """
    weights = np.zeros((len(reward), features(states, observation.shape[-1])))
    _fit(observation, reward, length, discount, states, weights)
    return weights


def predict(weights: Array, observation: Array, length: Array, states: int = 0) -> Array:
    """w·φ(s_h, h) of the steps taken, 0 past the end: (L, B, T), in the observation's dtype."""
    value = np.zeros(observation.shape[:-1], observation.dtype)
    _predict(weights, observation, length, states, value)
    return value


@compiled
def _describe(observation, time, states, phi):  # type: ignore[no-untyped-def]
    """φ of one step."""
    if states > 0:
        phi[:states] = 0.0
        phi[int(observation[0])] = 1.0
        at = states
    else:
        at = 2 * len(observation)
        for j in range(len(observation)):
            entry = float(observation[j])
            phi[j] = entry
            phi[len(observation) + j] = entry * entry
        phi[at + 3] = 1.0
    phi[at] = time
    phi[at + 1] = time * time
    phi[at + 2] = time * time * time


@njit(nogil=True, error_model="numpy")  # a diverged run's infinities become NaN, not an exception
def _fit(observation, reward, length, discount, states, weights):  # type: ignore[no-untyped-def]
    size = weights.shape[1]
    horizon = reward.shape[2]
    phi = np.empty(size)
    for lane in range(len(weights)):
        gram = np.zeros((size, size))
        target = weights[lane]
        steps = 0
        for b in range(length.shape[1]):
            total = 0.0
            for h in range(length[lane, b] - 1, -1, -1):
                total = reward[lane, b, h] + discount * total
                _describe(observation[lane, b, h], h / horizon, states, phi)
                for i in range(size):
                    if phi[i] != 0.0:
                        target[i] += phi[i] * total
                        for j in range(size):
                            gram[i, j] += phi[i] * phi[j]
            steps += length[lane, b]
        for i in range(size):
            gram[i, i] += RIDGE * steps
        solve(gram, target)


@compiled
def _predict(weights, observation, length, states, value):  # type: ignore[no-untyped-def]
    size = weights.shape[1]
    phi = np.empty(size)
    for lane in range(len(weights)):
        for b in range(length.shape[1]):
            for h in range(length[lane, b]):
                _describe(observation[lane, b, h], h / value.shape[2], states, phi)
                total = 0.0
                for i in range(size):
                    total += weights[lane, i] * phi[i]
                value[lane, b, h] = total
