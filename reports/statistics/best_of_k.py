"""Value of a tuning budget: expected best of k trials, and the cost of a race."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fedrl.reports.statistics.estimates import Array


def expected_best(scores: ArrayLike) -> Array:
    """E[max of k] for k = 1 … n, k draws with replacement from the n scores: (n,).

    v_1 ≤ … ≤ v_n: Σ_i v_i [(i/n)^k − ((i−1)/n)^k].  Dodge, Gururangan, Card, Schwartz and Smith
    2019, Show Your Work, section 3.1. Scores of an adaptive tuner are not independent: then the
    curve describes how concentrated its good trials are.

    >>> expected_best([0.0, 1.0]).tolist()
    [0.5, 0.75]
    """
    values = np.sort(np.asarray(scores, dtype=np.float64))
    n = len(values)
    k = np.arange(1, n + 1)[:, None]
    rank = np.arange(n + 1) / n
    weights = np.diff(rank[None, :] ** k, axis=1)
    return np.asarray(weights @ values)


class Race(NamedTuple):
    """Successive halving with one cut: what it saves and what it loses."""

    saved: float  # share of the runs of all trials
    lost: float  # of the finalists' places, the share that the cut had dropped
    winner_lost: bool


def race(scores: Sequence[Sequence[float]], finalists: Sequence[int], wave: int) -> Race:
    """After one of the n seeds, every wave drops its worse half.

    `scores` (trials, n); `finalists` are trials that were chosen on all seeds, the winner first.
    """
    values = np.asarray(scores, dtype=np.float64)
    trials, seeds = values.shape
    kept: set[int] = set()
    for start in range(0, trials, wave):
        order = np.argsort(-values[start : start + wave, 0], kind="stable")
        kept |= {start + int(place) for place in order[: -(-len(order) // 2)]}
    saved = (trials - len(kept)) * (seeds - 1) / (trials * seeds)
    dropped = [trial not in kept for trial in finalists]
    return Race(saved, float(np.mean(dropped)), dropped[0])
