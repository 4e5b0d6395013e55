"""One run as a curve, and the runs of one family side by side."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.columns import METRICS
from fedrl.reports.table.outcome import Outcome, has_scale

BEST_HERE = "best in this study"


class Series(NamedTuple):
    """The algorithm and setting that one line of a figure shows."""

    rank: int  # place among the series of its family
    algorithm: str
    variant: str  # "beta=0.2", the hyperparameters that vary, without N
    agents: int | None  # N when several occur in the family, else None
    name: str  # of the algorithm in print

    @property
    def curve(self) -> str:
        return f"{self.name}, {self.variant}" if self.variant else self.name

    @property
    def spoken(self) -> str:
        """For a sentence, where a comma would read as the next item."""
        return f"{self.name} ({self.variant})" if self.variant else self.name

    @property
    def label(self) -> str:
        return self.curve if self.agents is None else f"{self.curve}, N={self.agents}"


@dataclass(frozen=True, eq=False)
class Run:
    """One cell × seed."""

    family: str
    kappa: float
    series: Series
    agents: int
    seed: int
    cell: str
    metric: str
    steps: Array  # (P,) environment steps per agent
    score: Array  # (P,)
    stationarity: Array  # (P,) ‖∇J‖², NaN when unknown
    diverged: bool
    diverged_round: float  # NaN when not
    random: float  # score of the uniformly random policy
    reference: float
    reference_meaning: str
    budget: float  # steps per agent it was meant to have
    last: Mapping[str, Any]  # the row of its last evaluation point
    paths: Mapping[str, Array]  # (P,) each: what it had cost, and diagnostics, in their columns

    @property
    def outcome(self) -> Outcome:
        """The outcome of the run. The best in a study sets targets in it, but no scale."""
        known = np.nan if self.reference_meaning == BEST_HERE else self.reference
        return Outcome(self.steps, self.score, self.diverged, self.random, known, self.budget)

    @property
    def final(self) -> float:
        return self.outcome.final

    def target(self, epsilon: float) -> float:
        """τ_ε, the share ε of reference − random below the reference."""
        return sv.target(self.reference, self.random, epsilon)


@dataclass(frozen=True, eq=False)
class Family:
    """The runs of one environment family, sorted by κ, series and seed."""

    name: str
    runs: tuple[Run, ...]
    suffix: str = ""  # tells families apart whose names give the same file name

    @property
    def slug(self) -> str:
        """The family in file names and anchors."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "family"
        return plain + self.suffix

    @property
    def metric(self) -> str:
        return self.runs[0].metric

    @property
    def unit(self) -> str:
        return METRICS[self.metric]

    @property
    def meanings(self) -> list[str]:
        """The meanings of the references."""
        return sorted({run.reference_meaning for run in self.runs})

    @property
    def kappas(self) -> list[float]:
        return sorted({run.kappa for run in self.runs})

    @property
    def agents(self) -> list[int | None]:
        """The panels over N: every N when several occur in the labels, else one panel."""
        return sorted({run.series.agents for run in self.runs}, key=lambda n: n or 0)

    @property
    def series(self) -> list[Series]:
        return sorted({run.series for run in self.runs})

    @property
    def has_stationarity(self) -> bool:
        return any(np.isfinite(run.stationarity).any() for run in self.runs)

    def at(self, kappa: float, series: Series | None = None) -> list[Run]:
        return [*self._places.get((kappa, series), [])]

    @cached_property
    def _places(self) -> dict[tuple[float, Series | None], list[Run]]:
        """Runs by κ, and by κ and series: thousands of them are asked for series by series."""
        found: dict[tuple[float, Series | None], list[Run]] = {}
        for run in self.runs:
            found.setdefault((run.kappa, None), []).append(run)
            found.setdefault((run.kappa, run.series), []).append(run)
        return found

    def among(self, kappa: float, agents: int | None) -> list[Run]:
        """One panel: the runs at κ with these agents."""
        return [run for run in self.at(kappa) if run.series.agents == agents]

    @property
    def panels(self) -> list[tuple[float, int | None]]:
        """(κ, N), row by row, N outermost."""
        return [(k, n) for n in self.agents for k in self.kappas if self.among(k, n)]

    def has_scale(self, kappa: float) -> bool:
        """Whether scores at κ are shares of reference − random in every run."""
        return kappa not in self._without_scale

    @cached_property
    def _without_scale(self) -> set[float]:
        """κ with a run whose score is no share; asked for run by run, so found once."""
        return {r.kappa for r in self.runs if not has_scale(r.random, r.outcome.reference)}

    def groups(self) -> list[tuple[float, Series, list[Run]]]:
        """(κ, series, its runs by seed), for every pair that has runs."""
        pairs = [(k, s, self.at(k, s)) for k in self.kappas for s in self.series]
        return [(kappa, series, runs) for kappa, series, runs in pairs if runs]

    def budget(self, kappa: float) -> float:
        """The common budget at κ: the smallest of its runs' budgets, steps per agent."""
        return self._budgets[kappa]

    def area(self, run: Run) -> float:
        """Mean height of a run's curve up to the common budget, in units of the score."""
        return run.outcome.area(self.budget(run.kappa))

    @cached_property
    def _budgets(self) -> dict[float, float]:
        return {kappa: min(run.budget for run in self.at(kappa)) for kappa in self.kappas}


def apart(found: Sequence[Family]) -> list[Family]:
    """Families whose names give the same file name are told apart by a number."""
    seen: dict[str, int] = {}
    named = []
    for family in found:
        seen[family.slug] = seen.get(family.slug, 0) + 1
        suffix = f"-{seen[family.slug]}" if seen[family.slug] > 1 else ""
        named.append(replace(family, suffix=suffix))
    return named


def on_grid(curves: Sequence[tuple[Array, Array]], most: int = 200) -> tuple[Array, Array]:
    """Union of the evaluation points that all have (G,) and the curves there (n, G).

    Linear between evaluation points; more than `most` points are thinned to an even grid.
    """
    ends = min(float(x[-1]) for x, _ in curves)
    grid = np.unique(np.concatenate([x[x <= ends] for x, _ in curves] + [np.array([ends])]))
    if len(grid) > most:
        grid = np.linspace(grid[0], grid[-1], most)
    return grid, np.stack([np.interp(grid, x, y) for x, y in curves])


def best_mean_score(runs: Sequence[Run]) -> float:
    """Largest mean over seeds of the score, over series and evaluation points."""
    tops = []
    for series in sorted({run.series for run in runs}):
        curves = [run.outcome.curve for run in runs if run.series == series]
        _, values = on_grid(curves)
        tops.append(float(np.max(st.mean(values))))
    return max(tops)
