"""Local optimisers: one ascent step θ ← θ + η (…) along a gradient, written out for numba.

All take θ and what they remember, first and second (d,) each, and change them in place.
"""

import math
from typing import Any

from fedrl.algorithms.estimators.compilation import jitable

OPTIMISERS = ("sgd", "momentum", "adam")  # a kernel knows them by their place
SGD, MOMENTUM, ADAM = range(3)
FRICTION = 0.9  # share of the velocity that momentum keeps
FIRST_DECAY, SECOND_DECAY = 0.9, 0.999  # β₁ and β₂ of Adam
FLOOR = 1e-5  # ε of Adam, as PPO's implementations have it


@jitable
def ascend(
    optimiser: int, rate: float, updates: float, gradient: Any, theta: Any, first: Any, second: Any
) -> None:
    """One step; `updates` (1, 2, …) counts it. Kingma and Ba, ICLR 2015, Algorithm 1, for Adam.

    sgd: θ + η g. momentum: v ← 0.9 v + g, θ + η v. adam: θ + η m̂ / (√v̂ + ε).
    """
    if optimiser == SGD:
        for i in range(len(theta)):
            theta[i] += rate * gradient[i]
    elif optimiser == MOMENTUM:
        for i in range(len(theta)):
            first[i] = FRICTION * first[i] + gradient[i]
            theta[i] += rate * first[i]
    else:
        step = rate / (1 - FIRST_DECAY**updates)
        scale = 1 / (1 - SECOND_DECAY**updates)
        for i in range(len(theta)):
            first[i] = FIRST_DECAY * first[i] + (1 - FIRST_DECAY) * gradient[i]
            second[i] = SECOND_DECAY * second[i] + (1 - SECOND_DECAY) * gradient[i] * gradient[i]
            theta[i] += step * first[i] / (math.sqrt(second[i] * scale) + FLOOR)


@jitable
def limit_norm(gradient: Any, largest: float) -> None:
    """gradient ← gradient · min(1, largest / ‖gradient‖)."""
    square = 0.0
    for i in range(len(gradient)):
        square += float(gradient[i]) * float(gradient[i])
    norm = math.sqrt(square)
    if norm > largest:
        for i in range(len(gradient)):
            gradient[i] *= largest / norm
