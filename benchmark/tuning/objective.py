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
    run = run_of(columns, "round" if exact else "steps_per_agent", budget)
    size = 0.0 if parameters is None or run.diverged else float(np.abs(parameters).max())
    steps = int(columns["steps_total"][-1])
    return Outcome(run.performance(budget), run.diverged, steps, size)


# Columns that `run_of` reads, over steps.
READ = ("steps_per_agent", "metric", "objective", "return", "diverged", "random", "reference")


def run_of(columns: Mapping[str, Array], over: str, budget: float) -> outcome.Outcome:
    """One run by its columns, a row per evaluation point: its score over rounds or steps."""
    last = {name: columns[name][-1] for name in ("metric", "diverged", "random", "reference")}
    return outcome.Outcome.of(
        columns[over].astype(np.float64),
        columns[str(last["metric"])].astype(np.float64),
        bool(last["diverged"]),
        float(last["random"]),
        float(last["reference"]),
        budget,
    )
