"""A policy's entropy H = -Σ π log π, and its gradient written out for numba.

(theta, z, factor, delta, gradient) adds the gradient of factor · Σ_m H_m over M steps: that in z to
delta (M, a), that in the head's own parameters to gradient (d,).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fedrl.algorithms.estimators import categorical, gaussian
from fedrl.algorithms.estimators.categorical import softmax
from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.kernels import Head


@jitable
def add_categorical(theta: Any, z: Any, factor: float, delta: Any, gradient: Any) -> None:
    """∂H/∂z_j = -p_j (log p_j + H)."""
    p = np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        softmax(z[m], p)
        mean = 0.0
        for j in range(len(p)):
            if p[j] > 0.0:
                mean += p[j] * math.log(p[j])
        for j in range(len(p)):
            if p[j] > 0.0:
                delta[m, j] -= factor * p[j] * (math.log(p[j]) - mean)


@jitable
def add_gaussian(theta: Any, z: Any, factor: float, delta: Any, gradient: Any) -> None:
    """H = Σ_j ℓ_j + constant in every state: ∂H/∂ℓ_j = 1."""
    for j in range(z.shape[1]):
        gradient[len(gradient) - 1 - j] += factor * len(z)


def entropy_gradient(head: Head) -> Callable[..., None]:
    """The one that belongs to this head."""
    known: dict[Any, Callable[..., None]] = {
        categorical.score: add_categorical,
        gaussian.score: add_gaussian,
    }
    return known[head.score]
