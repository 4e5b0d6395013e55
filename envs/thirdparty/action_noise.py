"""Noise on the actions of environments that have none of their own, a knob of every agent."""

import numpy as np
from gymnasium import spaces

from fedrl.envs.family import Array
from fedrl.envs.normal import box_muller

NAME = "action_noise"


def draws(space: spaces.Space[object]) -> int:
    """Uniform numbers that a step takes."""
    if isinstance(space, spaces.Discrete):
        return 2
    entries = int(np.prod(space.shape or (1,)))
    return entries + entries % 2


def noisy(space: spaces.Space[object], action: Array, level: Array, uniform: Array) -> Array:
    """Actions (L, a) as they arrive; `level` (L,) of the lanes, `uniform` (L, `draws`).

    Discrete: with probability `level` another draw, uniform over all actions. Box: a + level ε,
    ε ~ N(0, 1) by Box and Muller, before actions are clipped.
    """
    if isinstance(space, spaces.Discrete):
        other = np.floor(uniform[:, 1:2] * int(space.n))
        return np.where(uniform[:, :1] < level[:, None], other, action)
    half = uniform.shape[1] // 2
    normal = box_muller(1 - uniform[:, :half], np.ascontiguousarray(uniform[:, half:]))
    return np.asarray(action + level[:, None] * normal[:, : action.shape[1]])
