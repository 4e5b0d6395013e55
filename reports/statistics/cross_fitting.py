"""Hitting times under settings chosen per N and ε, scored on seeds that did not choose.

Theorems choose the step size by N and ε; runs at one step size say little about them. Here every
(N, ε) has M settings tried with the same G seeds. The setting with the smallest time on a set C of
seeds is m*(C) = argmin_m Σ_{g ∈ C} log min(T_gm, B), the first of equals. Scored on C itself, its
time would be the least of M noisy numbers, which is too small, the more so the noisier it is: where
noise falls with N, as averaging over agents makes it, that alone would flatten a speed-up. So seeds
are split in two halves H, H'; seed g ∈ H is scored under m*(H') and the other way round: every seed
counts once, and none had a part in choosing its own setting. Censored and diverged runs stay in, at
their budget, in the choice as in the score.

Axes: … any leading, N agents, E targets ε, G seeds, M settings.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedrl.reports.statistics.estimates import Array

Places = NDArray[np.intp]


def halves(seeds: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(G,) twice: every second seed, and the others."""
    even = np.arange(seeds) % 2 == 0
    return even, ~even


def best(time: Array, shared: tuple[int, ...] = ()) -> Places:
    """argmin_m of the mean over seeds of log min(T, B): time (…, G, M) -> (…,).

    Along the axes `shared` (negative, counted in `time`) the choice is one and the same.
    """
    # a start that already meets ε has T = 0 and no logarithm: one step instead
    cost = np.log(np.maximum(time, 1.0)).mean(axis=(-2, *shared), keepdims=True)
    chosen = np.argmin(cost, axis=-1)[..., 0]
    return np.broadcast_to(chosen, time.shape[:-2])


def chosen(time: Array, shared: tuple[int, ...] = ()) -> Places:
    """The setting every seed is scored under, chosen on the half it is not in: (…, G)."""
    one, two = halves(time.shape[-2])
    found = np.empty(time.shape[:-1], dtype=np.intp)
    for choosing, scoring in ((one, two), (two, one)):
        found[..., scoring] = best(time[..., choosing, :], shared)[..., None]
    return found


def at(values: NDArray[Any], setting: Places) -> NDArray[Any]:
    """values (…, G, M) of every seed under its setting (…, G): (…, G)."""
    return np.take_along_axis(values, setting[..., None], axis=-1)[..., 0]
