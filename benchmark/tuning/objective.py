"""A trial's objective: the area under its normalised score curve over environment steps."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fedrl.benchmark.config.configuration import Config
from fedrl.envs.family import Array
from fedrl.reports.table import outcome


class Outcome(NamedTuple):
    """One run of one trial."""

    score: float
    diverged: bool
    steps: int  # environment steps of all agents
    size: float = 0.0  # max |θ| at the end


def outcome_of(
    config: Config, columns: Mapping[str, Array], parameters: Array | None = None
) -> Outcome:
    """Performance up to the budget of steps per agent, as reports have it of a single run.

    A run that used up its rounds goes on at its last score. Where no samples are taken (exact
    gradients) the curve is over rounds.
    """
    exact = config.budget is None
    budget = float(config.rounds if config.budget is None else config.budget)
    run = outcome.Outcome.of(
        columns["round" if exact else "steps_per_agent"].astype(np.float64),
        columns[str(columns["metric"][-1])].astype(np.float64),
        bool(columns["diverged"][-1]),
        float(columns["random"][-1]),
        float(columns["reference"][-1]),
        budget,
    )
    size = 0.0 if parameters is None or run.diverged else float(np.abs(parameters).max())
    steps = int(columns["steps_total"][-1])
    return Outcome(run.performance(budget), run.diverged, steps, size)
