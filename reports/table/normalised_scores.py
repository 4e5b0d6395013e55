"""Scores on one scale for all settings: 0 is the random policy, 1 the reference."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from fedrl.reports.table.agent_scores import agent_scores, spread
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.sample_complexity import Reached

Entry = tuple[Family, Sequence[Reached]]  # a family and its score targets


def comparable(entries: Sequence[Entry]) -> list[Entry]:
    """Keep scores that may be pooled over families: shares of reference − random."""
    kept: list[Entry] = []
    for family, reached in entries:
        runs = tuple(run for run in family.runs if family.has_scale(run.kappa))
        if runs:
            kappas = {run.kappa for run in runs}
            targets = [item for item in reached if item.kappa in kappas]
            kept.append((replace(family, runs=runs), targets))
    return kept


def final(run: Run) -> float:
    """The normalised final score."""
    return run.outcome.normalised(run.final)


def area(family: Family, run: Run) -> float:
    """The normalised mean height of the learning curve up to the common budget."""
    return run.outcome.performance(family.budget(run.kappa))


def worst(run: Run) -> float:
    """The normalised final score of the worst agent; NaN if it is not known."""
    found = agent_scores(run)
    return run.outcome.normalised(float(found.min())) if len(found) else float("nan")


def over_agents(run: Run) -> float:
    """The range of final scores over agents, in units of the scale; NaN if it is not known."""
    found = agent_scores(run)
    return spread(found) / (run.reference - run.random) if len(found) else float("nan")


class Scaled(NamedTuple):
    """The runs of one curve in one setting (family, κ, N)."""

    curve: str
    family: str
    setting: tuple[str, float, int | None]
    seeds: tuple[int, ...]
    final: tuple[float, ...]  # by seed
    area: tuple[float, ...]
    worst: tuple[float, ...]  # final of the worst agent; NaN where agents' scores are not known
    range: tuple[float, ...]  # over agents, likewise

    def by_seed(self, score: str) -> dict[int, float]:
        """One of the four."""
        return dict(zip(self.seeds, getattr(self, score), strict=True))


def scaled(entries: Sequence[Entry]) -> list[Scaled]:
    """Every curve in every setting."""
    return [
        Scaled(
            series.curve,
            family.name,
            (family.name, kappa, series.agents),
            tuple(run.seed for run in runs),
            tuple(final(run) for run in runs),
            tuple(area(family, run) for run in runs),
            tuple(worst(run) for run in runs),
            tuple(over_agents(run) for run in runs),
        )
        for family, _ in entries
        for kappa, series, runs in family.groups()
    ]
