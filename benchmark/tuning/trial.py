"""Trials, and how good they are."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.parameter import Values
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.tuning.objective import Outcome
from fedrl.benchmark.tuning.task import Task
from fedrl.reports.statistics.estimates import Estimate, estimate, mean

RESAMPLES, LEVEL = 2000, 0.95  # of the interval over select seeds


class Trial(NamedTuple):
    """Values with the outcome under every seed."""

    number: int
    values: Values
    outcomes: tuple[Outcome, ...]

    @property
    def scores(self) -> tuple[float, ...]:
        return tuple(outcome.score for outcome in self.outcomes)

    @property
    def score(self) -> float:
        """Mean over the seeds."""
        return math.fsum(self.scores) / len(self.scores)

    @property
    def diverged(self) -> int:
        return sum(outcome.diverged for outcome in self.outcomes)

    @property
    def steps(self) -> int:
        """Environment steps it cost, all agents and seeds."""
        return sum(outcome.steps for outcome in self.outcomes)


class Tuned(NamedTuple):
    """All that tuning one task has found."""

    task: Task
    tuner: int
    trials: tuple[Trial, ...]  # on tune seeds
    finalists: tuple[Trial, ...]  # the best of them on select seeds, the best first

    @property
    def winner(self) -> Trial:
        return self.finalists[0]

    @property
    def estimate(self) -> Estimate:
        """The winner's mean score over select seeds with its bootstrap interval.

        It was chosen by these scores among the finalists, so it is a little too good.
        """
        spec = {"seed": self.task.seed(self.tuner, 0), "resamples": RESAMPLES, "level": LEVEL}
        return estimate(self.winner.scores, mean, **spec)  # type: ignore[arg-type]

    @property
    def steps(self) -> int:
        """Environment steps of all trials and finalists."""
        return sum(trial.steps for trial in (*self.trials, *self.finalists))


Key = tuple[str, Seed]  # of a run: its configuration's id and its seed


def key_of(run: Run) -> Key:
    """Return a hashable identity of a run; a configuration itself has no hash."""
    return run.config.id, run.seed


def runs_of(task: Task, values: Values, seeds: Sequence[Seed]) -> list[Run]:
    """One trial's runs."""
    config = task.config(values)
    return [Run(config, seed) for seed in seeds]


def best(trials: Sequence[Trial]) -> list[Trial]:
    """The best first; of equal ones the earlier."""
    return sorted(trials, key=lambda trial: (-trial.score, trial.number))
