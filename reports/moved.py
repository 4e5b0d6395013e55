"""What moved between two tables of the same runs: within seeds, since both met the same dice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from reports import hypotheses
from reports import statistics as st
from reports import survival as sv
from reports.complexity import has_targets
from reports.records import families
from reports.runs import Run
from reports.specification import Specification

EPSILON = 0.25  # of the target whose steps are compared, a share of reference − random
Key = tuple[str, int]  # cell, seed


class Moved(NamedTuple):
    """One cell in both tables."""

    family: str
    kappa: float
    algorithm: str
    cell: str
    pairs: int  # seeds in both
    same: bool  # in all that is compared here
    score: st.Estimate  # mean of final score, new − old
    steps: st.Estimate | None  # RMST new / RMST old; None where no target lies above random


class Comparison(NamedTuple):
    """Of an old and a new table."""

    moved: list[Moved]
    only_old: list[Key]
    only_new: list[Key]


def compared(old: Any, new: Any, spec: Specification | None = None) -> Comparison:
    """Cell by cell, over the seeds that both have; what only one has is listed.

    Targets are the old runs' τ_ε for both sides, the budget of a cell is the smallest of its runs'.
    """
    spec = Specification() if spec is None else spec
    before, after = _runs(old), _runs(new)
    shared = sorted(before.keys() & after.keys())
    found = []
    for cell in dict.fromkeys(cell for cell, _ in shared):
        keys = [key for key in shared if key[0] == cell]
        found.append(_moved([before[key] for key in keys], [after[key] for key in keys], spec))
    found.sort(key=lambda m: (m.family, m.kappa, m.algorithm, m.cell))
    return Comparison(
        found, sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    )


def _runs(table: Any) -> dict[Key, Run]:
    return {(run.cell, run.seed): run for family in families(table) for run in family.runs}


def _moved(old: list[Run], new: list[Run], spec: Specification) -> Moved:
    one = old[0]
    change = np.array([b.final - a.final for a, b in zip(old, new, strict=True)])
    steps = _steps(old, new, spec) if has_targets(old) else None
    same = all(
        np.array_equal(a.steps, b.steps)
        and np.array_equal(a.score, b.score, equal_nan=True)
        and a.diverged == b.diverged
        for a, b in zip(old, new, strict=True)
    )
    return Moved(
        *(one.family, one.kappa, one.series.algorithm, one.cell, len(old), same),
        st.estimate(change, st.mean, **spec.bootstrap),
        steps,
    )


def _steps(old: list[Run], new: list[Run], spec: Specification) -> st.Estimate:
    """mean(min(T_new, B)) / mean(min(T_old, B)) over pairs, B common to both sides."""
    aimed = [
        replace(b, reference=a.reference, random=a.random) for a, b in zip(old, new, strict=True)
    ]
    budget = min(run.budget for run in [*old, *aimed])
    sides = (_restricted(runs, budget, spec) for runs in (aimed, old))
    return hypotheses.ratio_of_means(*sides, **spec.bootstrap)


def _restricted(runs: list[Run], budget: float, spec: Specification) -> st.Array:
    times = [
        sv.hitting_time(
            run.steps,
            run.score,
            sv.target(run.reference, run.random, EPSILON),
            spec.window,
            run.diverged,
        )
        for run in runs
    ]
    return sv.restricted(sv.observed(times, [run.budget for run in runs]), budget)
