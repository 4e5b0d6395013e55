"""Sample complexity: environment steps per agent to a target, censored runs counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import survival as sv
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family, Run, Series
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import KAPPA, SERIES, Column, Row, Table, bounded, interval


@dataclass(frozen=True, eq=False)
class Reached:
    """One series at one κ against one target."""

    kappa: float
    series: Series
    epsilon: float
    seen: sv.Observed
    budget: float  # common to all runs at this κ
    spec: Specification
    seeds: tuple[int, ...]  # of the runs, in the order of `seen`
    unconfirmed: int  # hits seen fewer times than the window, at the end of a curve

    @cached_property
    def mean(self) -> st.Estimate:
        """RMST(budget)."""
        times = sv.restricted(self.seen, self.budget)
        return st.estimate(times, st.mean, **self.spec.bootstrap)

    @property
    def by_seed(self) -> dict[int, float]:
        """min(T, B) of every seed."""
        return dict(zip(self.seeds, sv.restricted(self.seen, self.budget), strict=True))

    @property
    def runs(self) -> int:
        return len(self.seen.time)

    @property
    def censored(self) -> int:
        return self.runs - self.seen.hits


def has_targets(runs: Sequence[Run]) -> bool:
    """Targets lie between random and reference, so the reference has to be the better one."""
    reference = np.mean([run.reference for run in runs])
    return bool(reference > np.mean([run.random for run in runs]))


def score_targets(family: Family, spec: Specification) -> list[Reached]:
    """T(τ_ε) for every κ, ε and series; none at a κ whose reference is not above random.

    A target that was met before training is left out: it measures the start, not the learning.
    """
    return [
        _reached(family, kappa, series, epsilon, spec, stationarity=False)
        for kappa in family.kappas
        if has_targets(family.at(kappa))
        for epsilon in spec.epsilons
        if not met_before_training(family, kappa, epsilon, spec)
        for series in family.series
        if family.at(kappa, series)
    ]


def met_before_training(family: Family, kappa: float, epsilon: float, spec: Specification) -> bool:
    """Half of the runs of some series or more hold the target from their first point on."""

    def early(run: Run) -> bool:
        index = sv.hitting_index(run.score, run.target(epsilon), spec.window, run.diverged)
        return index == 0 and len(run.score) > 1

    groups = [family.at(kappa, series) for series in family.series]
    return any(2 * sum(map(early, runs)) >= len(runs) for runs in groups if runs)


def stationarity_targets(
    family: Family,
    spec: Specification,
    ladder: Callable[[float, int], tuple[float, ...]] = sv.decades_below,
    within: float | None = None,
) -> list[Reached]:
    """T of ‖∇J(θ)‖² ≤ ε, ε on a ladder below the median initial value in this family.

    With `within`, the score has to be at least reference − within (reference − random) as well.
    The first ε that no run reaches is kept, those below it say nothing more.
    """
    first = [float(run.stationarity[0]) for run in family.runs]
    initial = float(np.nanmedian(first)) if np.isfinite(first).any() else float("nan")
    found = [
        _reached(family, kappa, series, epsilon, spec, stationarity=True, within=within)
        for kappa in family.kappas
        for epsilon in ladder(initial, spec.decades)
        for series in family.series
        if family.at(kappa, series)
    ]
    hits = {item.epsilon for item in found if item.seen.hits}
    unhit = [item.epsilon for item in found if item.epsilon not in hits]
    return [item for item in found if item.epsilon >= max(unhit, default=0.0)]


def _reached(
    family: Family,
    kappa: float,
    series: Series,
    epsilon: float,
    spec: Specification,
    *,
    stationarity: bool,
    within: float | None = None,
) -> Reached:
    runs, budget = family.at(kappa, series), family.budget(kappa)
    times, late = [], 0
    for run in runs:
        curve = -run.stationarity if stationarity else run.score
        if within is not None:
            good = run.score >= run.target(within)
            curve = np.where(good, curve, -np.inf)
        threshold = -epsilon if stationarity else run.target(epsilon)
        index = sv.hitting_index(curve, threshold, spec.window, run.diverged)
        times.append(np.inf if index is None else float(run.steps[index]))
        late += index is not None and not sv.confirmed(index, len(curve), spec.window)
    seen = sv.observed(times, [run.budget for run in runs])
    seeds = tuple(run.seed for run in runs)
    return Reached(kappa, series, epsilon, seen, budget, spec, seeds, late)


def _row(reached: Reached, level: float) -> dict[str, Any]:
    seen, runs = reached.seen, reached.runs
    success = st.Estimate(seen.hits / runs, *st.wilson(seen.hits, runs, level))
    return {
        **{"kappa": reached.kappa, "epsilon": reached.epsilon, "series": reached.series.label},
        **{"runs": runs, "hits": seen.hits, "unconfirmed_hits": reached.unconfirmed},
        **bounded("success", success),
        "median": sv.median_time(seen, reached.budget),
        "common_budget": reached.budget,
        **bounded("rmst", reached.mean),
        "ert": sv.expected_running_time(seen),
        "steps_spent": float(seen.time.sum()),
    }


def _hits(row: Row) -> str:
    return f"{row['hits']}/{row['runs']}" + ("*" if row["unconfirmed_hits"] else "")


def _median(row: Row) -> str:
    if np.isfinite(row["median"]):
        return fm.number(row["median"])
    return f"> {fm.number(row['common_budget'])} ({row['hits']}/{row['runs']})"


def _mean(row: Row) -> str:
    if row["rmst"] >= row["common_budget"]:
        return f"≥ {fm.number(row['common_budget'])}"
    return f"{fm.number(row['rmst'])} {fm.brackets(row['rmst_low'], row['rmst_high'])}".strip()


def _ert(row: Row) -> str:
    if np.isfinite(row["ert"]):
        return fm.number(row["ert"])
    return f"> {fm.number(row['steps_spent'])}"


def complexity_table(
    family: Family, reached: Sequence[Reached], spec: Specification, *, stationarity: bool = False
) -> Table:
    """Rows κ × target × series."""
    criterion = "‖∇J‖² ≤ ε" if stationarity else "score ≥ reference − ε (reference − random)"
    hardest = min((item.epsilon for item in reached), default=0.0)
    unreached = stationarity and not any(i.seen.hits for i in reached if i.epsilon == hardest)
    epsilon = fm.power_of_ten if stationarity else "{:g}".format
    return Table(
        f"{family.slug}-{'stationarity' if stationarity else 'complexity'}",
        "Steps to stationarity" if stationarity else "Sample complexity",
        f"Environment steps per agent until {criterion} at {spec.window} evaluation points "
        "in a row (at the end of a curve: at all that are left; * marks rows with such a hit). "
        "Runs that never hit, and diverged runs, are censored at their budget and stay in every "
        f"number. Hits with {fm.percent(spec.level)} Wilson interval of the share; median by "
        "Kaplan–Meier, “> B (hits/runs)” when half had not hit by the common budget B, the "
        "smallest of the runs at this κ; restricted mean of min(T, B) with bootstrap interval over "
        "seeds, “≥ B” when none hit by B; ERT = steps spent by all runs until they hit or ended, "
        "divided by hits, “>” steps spent when none hit."
        + (" Smaller powers of ten were not reached either." if unreached else ""),
        [_row(item, spec.level) for item in reached],
        (
            KAPPA,
            Column("ε", lambda row: epsilon(row["epsilon"]), "epsilon"),
            SERIES,
            Column("hits", _hits, "hits"),
            interval("share", "success", "{:.2f}".format),
            Column("median (KM)", _median, "median"),
            Column("restricted mean", _mean, "rmst"),
            Column("up to B", lambda row: fm.number(row["common_budget"]), "common_budget"),
            Column("ERT", _ert, "ert"),
        ),
        group=("kappa", "epsilon"),
    )
