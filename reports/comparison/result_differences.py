"""Differences between two tables of the same runs, within seeds: common random numbers."""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import hypotheses
from fedrl.reports.statistics import survival as sv
from fedrl.reports.table.records import averages, families, hyperparameters
from fedrl.reports.table.runs import Run
from fedrl.reports.table.sample_complexity import has_targets
from fedrl.reports.table.specification import Specification

EPSILON = 0.25  # of the target whose steps are compared, a share of reference − random
Key = tuple[str, int]  # cell, seed
Place = tuple[Any, ...]  # what a cell is matched by


class Moved(NamedTuple):
    """One cell in both tables, or two that differ in nothing but what is ignored."""

    family: str
    kappa: float
    agents: int
    algorithm: str
    cell: str
    new_cell: str
    pairs: int  # seeds in both
    same: bool  # in all that is compared here
    score: st.Estimate  # mean of final score, new − old
    old_area: float  # mean height of the old curves
    area: st.Estimate  # new − old
    steps: st.Estimate | None  # RMST new / RMST old; None where no target lies above random


class Comparison(NamedTuple):
    """The differences of an old and a new table."""

    moved: list[Moved]
    only_old: list[Key]
    only_new: list[Key]


def compared(
    old: Any, new: Any, spec: Specification | None = None, ignore: Sequence[str] = ()
) -> Comparison:
    """Cell by cell, over the seeds that both have; what only one has is listed.

    Targets are the old runs' τ_ε for both sides, the budget of a cell is the smallest of its runs'.
    With `ignore`, cells that differ in these columns only are the same. ValueError if there is no
    such column, or if it is all that tells two cells of one table apart.
    """
    spec = Specification() if spec is None else spec
    before, after = _runs(old), _runs(new)
    names = _telling(old, new, ignore)
    one, other = (_places(runs, names, ignore) for runs in (before, after))
    shared = sorted(one.keys() & other.keys(), key=one.__getitem__)
    found = []
    for place in dict.fromkeys(place for place, _ in shared):
        keys = [key for key in shared if key[0] == place]
        left, right = (
            [runs[side[key]] for key in keys] for runs, side in ((before, one), (after, other))
        )
        found.append(_moved(left, right, spec))
    found.sort(key=lambda m: (m.family, m.kappa, m.agents, m.algorithm, m.cell))
    return Comparison(
        found,
        sorted(one[key] for key in one.keys() - other.keys()),
        sorted(other[key] for key in other.keys() - one.keys()),
    )


def _runs(table: Any) -> dict[Key, Run]:
    return {(run.cell, run.seed): run for family in families(table) for run in family.runs}


def _telling(old: Any, new: Any, ignore: Sequence[str]) -> list[str]:
    """The columns that cells are matched by; none when their id does it."""
    if not ignore:
        return []
    known = sorted({*hyperparameters(old), *hyperparameters(new)})
    for name in ignore:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"no column '{name}' tells cells apart{hint}")
    dropped = {*ignore}
    if dropped & {"step_size", "local_steps"} and averages(old) and averages(new):
        dropped.add("server_step_size")  # ηK in every cell: it follows
    return [name for name in known if name not in dropped]


def _places(
    runs: dict[Key, Run], names: Sequence[str], ignore: Sequence[str]
) -> dict[tuple[Place, int], Key]:
    """Place and seed to cell and seed."""
    found: dict[tuple[Place, int], Key] = {}
    for key, run in runs.items():
        told = (_told(run.last.get(name)) for name in names)
        same = (run.family, run.kappa, run.agents, run.series.algorithm, *told)
        place = (same if ignore else (run.cell,), run.seed)
        if place in found:
            raise ValueError(
                f"only {', '.join(ignore)} tells {found[place][0]} from {run.cell}, which are in "
                "one table"
            )
        found[place] = key
    return found


def _told(value: Any) -> Any:
    """Make a value comparable: None and NaN are alike, and so are numbers of all types."""
    if value is None or value != value:
        return None
    return float(value) if isinstance(value, (int, float, np.number)) else str(value)


def _moved(old: list[Run], new: list[Run], spec: Specification) -> Moved:
    one = old[0]
    # Both sides are measured by the old runs' random policy and reference.
    measured = {"random", "reference", "reference_meaning"}
    new = [
        replace(b, **{name: getattr(a, name) for name in measured})
        for a, b in zip(old, new, strict=True)
    ]
    change = np.array([b.final - a.final for a, b in zip(old, new, strict=True)])
    steps = _steps(old, new, spec) if has_targets(old) else None
    same = all(
        np.array_equal(a.steps, b.steps)
        and np.array_equal(a.score, b.score, equal_nan=True)
        and a.diverged == b.diverged
        for a, b in zip(old, new, strict=True)
    )
    budget = min(run.budget for run in [*old, *new])
    areas = [np.array([run.outcome.performance(budget) for run in side]) for side in (old, new)]
    return Moved(
        *(one.family, one.kappa, one.agents, one.series.algorithm, one.cell, new[0].cell),
        *(len(old), same),
        st.estimate(change, st.mean, **spec.bootstrap),
        float(areas[0].mean()),
        st.estimate(areas[1] - areas[0], st.mean, **spec.bootstrap),
        steps,
    )


def _steps(old: list[Run], new: list[Run], spec: Specification) -> st.Estimate:
    """mean(min(T_new, B)) / mean(min(T_old, B)) over pairs, B common to both sides."""
    budget, sides = min(run.budget for run in [*old, *new]), []
    for runs in (new, old):
        times = [run.outcome.hitting_time(run.target(EPSILON), spec.window) for run in runs]
        sides.append(sv.restricted(sv.observed(times, [run.budget for run in runs]), budget))
    return hypotheses.ratio_of_means(*sides, **spec.bootstrap)
