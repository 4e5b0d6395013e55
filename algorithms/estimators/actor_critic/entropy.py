"""A policy's entropy H = -Σ π log π, and its gradient written out for numba.

(theta, z, factor, delta, gradient) adds the gradient of factor · Σ_m H_m over M steps: that in z to
delta (M, a), that in the head's own parameters to gradient (d,).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba.extending import register_jitable
from torch import Tensor

from fedrl.algorithms.estimators import categorical, gaussian
from fedrl.algorithms.estimators.categorical import softmax
from fedrl.algorithms.estimators.kernels import Head
from fedrl.algorithms.estimators.policy import GaussianMLP, Policy


def entropy(policy: Policy, theta: Tensor, observation: Tensor) -> Tensor:
    """H(π_θ(·|s)), of a Gaussian the differential entropy: (d,), (..., o) -> (...)."""
    if isinstance(policy, GaussianMLP):
        total = (theta[-policy.outputs :] + gaussian.HALF_LOG_2PI + 0.5).sum()
        return total.expand(observation.shape[:-1])
    every = [observation.new_full((*observation.shape[:-1], 1), a) for a in range(policy.shape[-1])]
    log_prob = torch.stack([policy.log_prob(theta, observation, action) for action in every], -1)
    return -(log_prob.exp() * log_prob).sum(-1)


@register_jitable
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


@register_jitable
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
