"""The surrogate gain of a candidate of a trust region, and how far its policy is away."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from torch import Tensor

from fedrl.algorithms.estimators.actor_critic.divergence import divergence_of
from fedrl.algorithms.estimators.coefficients import Options, coefficients, discounted, pack
from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.kernels import body_and_head, source_digest
from fedrl.algorithms.estimators.lifting import lifted
from fedrl.algorithms.estimators.policy import Array
from fedrl.algorithms.estimators.trajectory import Trajectories


def gain_and_divergence(
    gradients: Gradients, theta: Tensor, candidate: Tensor, batch: Trajectories
) -> tuple[Tensor, Tensor]:
    """Σ c (π_θ'/π_θ - 1) and the mean of KL(π_θ(·|s) ‖ π_θ'(·|s)) over the steps sampled at θ.

    c are the coefficients of `gradients.plain`, of which the first sum is the primitive: its
    gradient at θ' = θ is g(θ). Schulman et al., ICML 2015, eq. 14; (1,) each.
    """
    run = compiled_region(type(gradients.policy).__name__)
    options = Options(*(getattr(gradients, name) for name in Options._fields))
    widths = gradients.policy.widths

    def lanes(out: Array, *arrays: Any) -> None:
        run(widths, options, *arrays, out)

    parts = (batch.observation, batch.action, batch.reward, batch.length, batch.value)
    found = lifted(lanes, theta, candidate, *parts)
    return found[..., :1], found[..., 1:2]


@cache
def compiled_region(name: str) -> Callable[..., None]:
    """Compiled for the policy class `name`, L lanes.

    (shape, options, theta (L,d), candidate (L,d), observation (L,B,T,o), action (L,B,T,a),
    reward (L,B,T), length (L,B), value (L,B,T), out (L,d)); the first two entries of `out` are
    written.
    """
    body, head = body_and_head(name)
    forward, log_probability, total = body.forward, head.log_prob, divergence_of(head).total
    version = source_digest(forward, log_probability, total, discounted)

    @compiled
    def examine(  # type: ignore[no-untyped-def]
        shape, options, theta, candidate, observation, action, reward, length, value, out
    ):
        _ = version  # a closed-over value is part of the key of the compilation cache
        work = np.ones((4, reward.shape[1] * reward.shape[2]))
        for lane in range(len(theta)):
            old, new, lengths = theta[lane], candidate[lane], length[lane]
            x, taken = pack(observation[lane], action[lane], lengths, old)
            _, z = forward(shape, old, x)
            _, moved = forward(shape, new, x)
            p = np.empty_like(z)
            before = log_probability(old, z, taken, p)
            after = log_probability(new, moved, taken, p)
            returns = discounted(options, reward[lane], value[lane], before, lengths, work)
            c = np.empty(len(x))
            ones = work[3, : len(x)]
            coefficients(returns.gain, returns.shift, ones, returns.divisor, lengths, c)
            gain = 0.0
            for m in range(len(x)):
                gain += c[m] * (math.exp(after[m] - before[m]) - 1)
            out[lane, 0] = gain
            out[lane, 1] = total(new, moved, old, z) / len(x)
            out[lane, 2:] = 0

    return examine  # type: ignore[no-any-return]
