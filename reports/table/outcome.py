"""The outcome of one run. Tuning, sensitivity, reports and compare all take it from here.

A score s is normalised as (s − J_random) / (J_reference − J_random): 0 is the random policy and 1
the reference. Without a reference above the random policy it is s − J_random, in units of the
score, and is compared within its environment only. A diverged run delivers no policy: from its
last finite score to its budget it counts as the random policy, or as that score if it is worse.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics.estimates import Array


def has_scale(random: ArrayLike, reference: ArrayLike) -> NDArray[np.bool_]:
    """Whether scores can be shares of reference − random: both known, the reference above.

    By a reference that is not above the random policy a better score would be a smaller share.
    """
    low, high = np.asarray(random, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    return np.asarray(np.isfinite(low) & np.isfinite(high) & (high > low))


class Outcome(NamedTuple):
    """One run; steps are per agent. Scores are finite, except that of θ_0 perhaps."""

    steps: Array  # (P,) rising
    score: Array  # (P,)
    diverged: bool
    random: float  # score of the uniformly random policy
    reference: float  # NaN when there is none
    budget: float  # steps it was meant to have

    @classmethod
    def of(
        cls,
        steps: Array,
        score: Array,
        diverged: bool,
        random: float,
        reference: float,
        budget: float,
    ) -> "Outcome":
        """From all that was recorded: a score of θ_0 that is not finite ends a run in round 0."""
        if not np.isfinite(score[0]):
            steps, score, diverged = steps[:1], score[:1], True
        return cls(steps, score, diverged, random, reference, budget)

    @property
    def final(self) -> float:
        """Last score; if it diverged, the worse of that and random, −∞ if neither is known."""
        if not self.diverged:
            return float(self.score[-1])
        known = [s for s in (self.score[-1], self.random) if np.isfinite(s)]
        return float(min(known, default=-np.inf))

    @property
    def best(self) -> float:
        """Largest score that was reached, before a divergence too."""
        return float(np.max(self.score)) if np.isfinite(self.score[0]) else self.final

    @property
    def curve(self) -> tuple[Array, Array]:
        """(steps, score) up to the budget; a diverged run goes on at its final score."""
        score = self.score if np.isfinite(self.score[0]) else np.full(1, self.final)
        return carried_on(self.steps, score, self.budget, self.final if self.diverged else None)

    def area(self, budget: float) -> float:
        """Mean score up to a budget, in units of the score."""
        return st.area_under_curve(*self.curve, budget)

    def performance(self, budget: float) -> float:
        """Mean normalised score up to a budget, what settings and algorithms are judged by."""
        return self.normalised(self.area(budget))

    def normalised(self, score: float) -> float:
        """0 for the random policy; 1 for the reference, where there is one above it."""
        if has_scale(self.random, self.reference):
            return float((score - self.random) / (self.reference - self.random))
        return float(score - self.random) if np.isfinite(self.random) else score

    def hitting_time(self, threshold: float, window: int) -> float:
        """Steps to a score that is sustained; ∞ if it never is, or the run diverged."""
        return sv.hitting_time(self.steps, self.score, threshold, window, self.diverged)


def carried_on(x: Array, y: Array, budget: float, end: float | None) -> tuple[Array, Array]:
    """A path of a run that diverged, which goes on at `end` to what others of its kind cost."""
    if end is None or budget <= x[-1]:
        return x, y
    return np.append(x, [np.nextafter(x[-1], np.inf), budget]), np.append(y, [end, end])


def intended(spent: ArrayLike, diverged: Sequence[bool], *kinds: Sequence[Hashable]) -> list[float]:
    """The intended cost of each run; of a diverged one, the most that a sound run of its kind cost.

    `kinds` label the runs from narrow to wide, like by configuration and by environment: the first
    kind that has a sound run is taken. A run costs at least what it did.
    """
    own = [float(cost) for cost in np.asarray(spent, dtype=np.float64)]
    most: list[dict[Hashable, float]] = [{} for _ in kinds]
    for labels, found in zip(kinds, most, strict=True):
        for label, cost, lost in zip(labels, own, diverged, strict=True):
            if not lost:
                found[label] = max(found.get(label, cost), cost)
    meant = []
    for place, (cost, lost) in enumerate(zip(own, diverged, strict=True)):
        sound = [found[k[place]] for k, found in zip(kinds, most, strict=True) if k[place] in found]
        meant.append(max(cost, sound[0]) if lost and sound else cost)
    return meant
