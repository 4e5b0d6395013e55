"""Apply conditions to episodes and to exact values. Axes: L lanes, B episodes, T steps."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from fedrl.algorithms.estimators.compilation import compiled, jitable
from fedrl.algorithms.estimators.kernels import source_digest
from fedrl.benchmark.config.conditions import Draw, RewardCliff, RewardNoise
from fedrl.benchmark.training.noise import fill_uniform
from fedrl.benchmark.training.rollout import Episodes, Stream
from fedrl.envs.family import Array


def noisy(noise: RewardNoise | None, played: Episodes, stream: Stream) -> Episodes:
    """The episodes with noise in their rewards, read from `stream` at (agent, draw, episode, t)."""
    if noise is None:
        return played
    reward = played.reward.copy()
    compiled_noise(noise.draw)(reward, played.length, *stream, noise.scale, noise.tail)
    return played._replace(reward=reward)


def charged(cliff: RewardCliff | None, played: Episodes) -> Episodes:
    """The episodes with the cliff's cost on every step whose action was probable enough."""
    if cliff is None:
        return played
    steep = played.log_prob > math.log(cliff.threshold)
    cost = np.where(steep, np.asarray(cliff.height, played.reward.dtype), 0)
    return played._replace(reward=played.reward - cost)


def charged_reward(cliff: RewardCliff, reward: Array, policy: Array, terminal: Array) -> Array:
    """R_i(s, a) - height · 1[π_i(a|s) > threshold]: (N, Z, A). Nothing is charged at the end.

    With π fixed, exact values of this reward are J_i(π); their gradient is ∇J_i wherever it exists.
    """
    steep = (policy > cliff.threshold) & ~terminal[..., None]
    return reward - cliff.height * steep  # type: ignore[no-any-return]


@cache
def compiled_noise(draw: Draw) -> Callable[..., None]:
    """A compiled function that adds noise to rewards, lane after lane, real steps only."""
    number = jitable(draw)
    version = source_digest(draw, fill_uniform)

    @compiled
    def add(reward, length, keys, agents, draw, scale, tail):  # type: ignore[no-untyped-def]
        _ = version  # a closed-over value is part of the key of the compilation cache
        uniform = np.empty(2)
        for lane in range(reward.shape[0]):
            for b in range(reward.shape[1]):
                for t in range(length[lane, b]):
                    fill_uniform(uniform, 2, keys[lane], agents[lane], draw, b, t)
                    u = 1.0 - uniform[0]  # in (0, 1]: its logarithm is finite
                    reward[lane, b, t] += scale * number(u, uniform[1], tail)

    return add  # type: ignore[no-any-return]
