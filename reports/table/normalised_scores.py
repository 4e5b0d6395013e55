"""Scores on one scale for all settings: 0 is the random policy, 1 the reference."""

from collections.abc import Sequence
from typing import NamedTuple

from fedrl.reports.statistics import estimates as st
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.sample_complexity import Reached, has_targets

Entry = tuple[Family, Sequence[Reached]]  # a family and its score targets


def gain(run: Run, score: float) -> float:
    """(score − random) / (reference − random)."""
    return float((score - run.random) / (run.reference - run.random))


def area(family: Family, run: Run) -> float:
    """The scaled mean height of the learning curve up to the common budget."""
    return gain(run, st.area_under_curve(*run.curve, family.budget(run.kappa)))


class Scaled(NamedTuple):
    """The runs of one curve in one setting (family, κ, N)."""

    curve: str
    family: str
    setting: tuple[str, float, int | None]
    seeds: tuple[int, ...]
    final: tuple[float, ...]  # by seed
    area: tuple[float, ...]


def scaled(entries: Sequence[Entry]) -> list[Scaled]:
    """Every curve in every setting that has targets."""
    return [
        Scaled(
            series.curve,
            family.name,
            (family.name, kappa, series.agents),
            tuple(run.seed for run in runs),
            tuple(gain(run, run.final) for run in runs),
            tuple(area(family, run) for run in runs),
        )
        for family, _ in entries
        for kappa, series, runs in family.groups()
        if has_targets(family.at(kappa))
    ]
