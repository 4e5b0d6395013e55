"""Trials, and how good they are."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.spaces.parameter import Values
from fedrl.benchmark.tuning.objective import Outcome
from fedrl.benchmark.tuning.task import Task
from fedrl.reports.statistics.estimates import Estimate, estimate, mean

RESAMPLES, LEVEL = 2000, 0.95  # of the interval over select seeds
ALIKE = 1e-12  # relative difference of scores that is none


LARGEST = 1e6  # |θ| of a policy that can be shipped: beyond it float32 resolves no step of 0.03


class Trial(NamedTuple):
    """Values with the outcome under every seed."""

    number: int
    values: Values
    outcomes: tuple[Outcome, ...]
    of: str = ""  # the algorithm whose winner this is, where the task's own contains it

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
    def size(self) -> float:
        """Largest |θ| at the end of a run that did not diverge."""
        return max(outcome.size for outcome in self.outcomes)

    @property
    def sound(self) -> bool:
        """Whether it may win: some run did not diverge, and no θ went off to where none learns."""
        return self.diverged < len(self.outcomes) and self.size <= LARGEST

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
        """The best finalist; there is none where `mistake` says why."""
        return self.finalists[0]

    @property
    def is_flat(self) -> bool:
        """Whether all trials scored alike."""
        scores = [trial.score for trial in self.trials]
        return len(scores) > 1 and max(scores) - min(scores) <= ALIKE * (1 + abs(max(scores)))

    @property
    def mistake(self) -> str:
        """Say why nothing was tuned; empty where there is a winner."""
        if self.finalists:
            return ""
        count, label = len(self.trials), self.task.label
        if all(trial.diverged == len(trial.outcomes) for trial in self.trials):
            return f"{label}: every run of all {count} trials diverged: nothing was tuned"
        if self.is_flat:
            score = self.trials[0].score
            return f"{label}: all {count} trials scored {score:.4g}: nothing was tuned"
        return (
            f"{label}: of all {count} trials either every run diverged or |θ| went beyond "
            f"{LARGEST:g}: nothing was tuned; search smaller values of step_size"
        )

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


def runs_of(task: Task, values: Values, seeds: Sequence[Seed]) -> list[Run]:
    """One trial's runs."""
    config = task.config(values)
    return [Run(config, seed) for seed in seeds]


def best(trials: Sequence[Trial]) -> list[Trial]:
    """The best first; of equal ones the earlier."""
    return sorted(trials, key=lambda trial: (-trial.score, trial.number))
