"""What a trial is worth: the area under its score curve over environment steps."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fedrl.benchmark.config.configuration import Config
from fedrl.envs.family import Array
from fedrl.reports.statistics.estimates import area_under_curve


class Outcome(NamedTuple):
    """One run of one trial."""

    score: float
    diverged: bool
    steps: int  # environment steps of all agents


def outcome_of(config: Config, columns: Mapping[str, Array]) -> Outcome:
    """(1/B) ∫ s dx up to the budget B of steps per agent, s linear between evaluation points.

    s = (score - random) / (reference - random) where both are known, else the score. A run that
    used up its rounds goes on at its last score. A run that diverged delivers no policy: it has
    the score of the random policy all along, or its own area if that is worse. Where no samples
    are taken (exact gradients) x counts rounds.
    """
    score = columns[str(columns["metric"][-1])].astype(np.float64)
    random, reference = float(columns["random"][-1]), float(columns["reference"][-1])
    diverged = bool(columns["diverged"][-1])
    exact = config.budget is None
    x = columns["round" if exact else "steps_per_agent"].astype(np.float64)
    budget = float(config.rounds if config.budget is None else config.budget)
    if diverged and np.isfinite(random):
        after = np.nextafter(x[-1], np.inf)
        x, score = np.append(x, after), np.append(score, min(score[-1], random))
    area = area_under_curve(x, score, budget)
    if diverged and np.isfinite(random):
        area = min(area, random)
    scale = reference - random
    if np.isfinite(scale) and scale != 0:
        area = (area - random) / scale
    return Outcome(float(area), diverged, int(columns["steps_total"][-1]))
