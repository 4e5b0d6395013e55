"""Generalised advantage estimation, written out for numba; sums are in double precision.

Axes: B episodes, M steps taken, episode after episode.
"""

import math
from typing import Any

from fedrl.algorithms.estimators.compilation import jitable

SPREAD = 1e-8  # added to a deviation, so that equal advantages become 0 and not NaN


@jitable
def generalised_advantages(
    reward: Any, value: Any, final: Any, terminated: Any, length: Any, discount: float,
    decay: float, out: Any,
) -> None:  # fmt: skip
    """out_h = Σ_{j≥h} (γλ)^{j-h} δ_j, δ_j = R_j + γ V(s_{j+1}) - V(s_j); decay is λ.

    reward (B, T), value (M,) = V(s_h). After the last step of an episode V is 0 if it terminated,
    and final (B,), the value of the observation it was cut at, if only time was up.
    Schulman et al., ICLR 2016, eq. 16; Pardo et al., ICML 2018 for the last step.
    """
    at = 0
    for b in range(len(length)):
        following = 0.0 if terminated[b] else float(final[b])
        total = 0.0
        for h in range(length[b] - 1, -1, -1):
            error = reward[b, h] + discount * following - value[at + h]
            total = error + discount * decay * total
            out[at + h] = total
            following = float(value[at + h])
        at += length[b]


@jitable
def standardise(advantage: Any, out: Any) -> None:
    """out = (A - mean) / deviation, both over these entries."""
    mean = 0.0
    for m in range(len(advantage)):
        mean += advantage[m]
    mean /= len(advantage)
    square = 0.0
    for m in range(len(advantage)):
        square += (advantage[m] - mean) ** 2
    deviation = math.sqrt(square / len(advantage)) + SPREAD
    for m in range(len(advantage)):
        out[m] = (advantage[m] - mean) / deviation
