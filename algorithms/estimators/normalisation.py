"""Running normalisation of observations and rewards, kept as sums of what an agent has seen.

Sums s (2o + 3,) in double precision: the number of steps, Σ x and Σ x² of the observations, Σ ρ and
Σ ρ² of the discounted returns so far, ρ_h = γ ρ_{h-1} + R_h. They are added when batches, rounds or
agents are pooled. An observation becomes (x - mean) / deviation, a reward R / deviation of ρ.
Engstrom et al., ICLR 2020, Section 2, without their clipping: so a policy of normalised
observations is a policy of plain ones, with another first layer (`fold`).

Axes: L lanes, B episodes, T steps, o observation.
"""

import numpy as np

from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.policy import Array

FLOOR = 1e-8  # added to a variance


def width(observation: int) -> int:
    """Length of the sums, for observations of so many entries."""
    return 2 * observation + 3


def normalised(sums: Array, observation: Array) -> Array:
    """(x - mean) / deviation of observations (L, ..., o); x itself before anything was seen."""
    lanes, size = len(sums), observation.shape[-1]
    centre, spread = moments(sums, size)
    shape = (lanes, *(1,) * (observation.ndim - 2), size)
    plain = (observation - centre.reshape(shape)) / spread.reshape(shape)
    return plain.astype(observation.dtype)  # type: ignore[no-any-return]


def scaled(sums: Array, reward: Array) -> Array:
    """R / deviation of ρ, rewards (L, B, T)."""
    count = np.maximum(sums[:, 0], 1.0)
    mean, square = sums[:, -2] / count, sums[:, -1] / count
    spread = np.where(sums[:, 0] > 0, np.sqrt(np.maximum(square - mean**2, 0.0) + FLOOR), 1.0)
    return (reward / spread[:, None, None]).astype(reward.dtype)  # type: ignore[no-any-return]


def moments(sums: Array, size: int) -> tuple[Array, Array]:
    """Mean and deviation of the observations, (L, o) each; 0 and 1 before anything was seen."""
    count = np.maximum(sums[:, :1], 1.0)
    centre = sums[:, 1 : 1 + size] / count
    variance = np.maximum(sums[:, 1 + size : 1 + 2 * size] / count - centre**2, 0.0)
    return centre, np.where(sums[:, :1] > 0, np.sqrt(variance + FLOOR), 1.0)


def extended(
    sums: Array, observation: Array, reward: Array, length: Array, discount: float
) -> Array:
    """The sums after these episodes as well: (L, 2o + 3)."""
    found = sums.copy()
    _add(observation, reward, length, discount, found)
    return found


def fold(sums: Array, shape: tuple[int, ...], theta: Array) -> Array:
    """θ (L, d) of a network of normalised observations, as one of the observations themselves.

    W₁ ← W₁ / deviation, b₁ ← b₁ - W₁ᵀ mean / deviation; every other parameter stays.
    """
    found = np.ascontiguousarray(theta).copy()
    _fold(*moments(sums, shape[0]), shape[1], found)
    return found


@compiled
def _add(observation, reward, length, discount, sums):  # type: ignore[no-untyped-def]
    size = observation.shape[3]
    for lane in range(len(sums)):
        own = sums[lane]
        for b in range(length.shape[1]):
            total = 0.0
            for h in range(length[lane, b]):
                own[0] += 1
                for j in range(size):
                    entry = np.float64(observation[lane, b, h, j])  # float() keeps single
                    own[1 + j] += entry
                    own[1 + size + j] += entry * entry
                total = discount * total + reward[lane, b, h]
                own[1 + 2 * size] += total
                own[2 + 2 * size] += total * total


@compiled
def _fold(centre, spread, columns, theta):  # type: ignore[no-untyped-def]
    rows = centre.shape[1]
    for lane in range(len(theta)):
        for j in range(columns):
            shift = 0.0
            for i in range(rows):
                weight = theta[lane, i * columns + j] / spread[lane, i]
                shift += weight * centre[lane, i]
                theta[lane, i * columns + j] = weight
            theta[lane, rows * columns + j] -= shift
