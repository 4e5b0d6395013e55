"""Comparisons within seeds: both sides met the same environment draw, start and noise."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import hypotheses
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family, Run, Series
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import (
    KAPPA,
    SERIES,
    Column,
    Row,
    Table,
    bounded,
    interval,
    text,
    with_interval,
)


def baseline_of(series: Series, rivals: Sequence[Series], spec: Specification) -> Series | None:
    """The baseline algorithm's series with the same N, then the same variant, then the first."""
    names = sorted({rival.algorithm for rival in rivals})
    name = spec.baseline if spec.baseline in names else names[0]
    own = [rival for rival in rivals if rival.algorithm == name]
    same = [rival for rival in own if rival.agents == series.agents]
    if not same:
        return None
    return min(same, key=lambda rival: (rival.variant != series.variant, rival.rank))


def shared_seeds(
    runs: Sequence[Run], others: Sequence[Run], score: Callable[[Run], float]
) -> tuple[list[float], list[float]]:
    """The scores of both on the seeds they share."""
    left, right = ({run.seed: score(run) for run in side} for side in (runs, others))
    shared = sorted(left.keys() & right.keys())
    return [left[seed] for seed in shared], [right[seed] for seed in shared]


def paired_table(family: Family, spec: Specification) -> Table:
    """Every series against its baseline, within seeds."""
    rows: list[dict[str, Any]] = []
    for kappa, series, runs in family.groups():
        rivals = [other for other in family.series if family.at(kappa, other)]
        baseline = baseline_of(series, rivals, spec)
        if baseline is None or baseline == series:
            continue
        ours, theirs = shared_seeds(runs, family.at(kappa, baseline), lambda run: run.final)
        if not ours:
            continue
        better = st.probability_of_improvement(ours, theirs)
        low, high = st.wilson(better * len(ours), len(ours), spec.level)
        difference = st.estimate(np.subtract(ours, theirs), st.mean, **spec.bootstrap)
        rows.append(
            {"kappa": kappa, "series": series.label, "baseline": baseline.label}
            | {"pairs": len(ours)}
            | bounded("improvement", st.Estimate(better, low, high))
            | bounded("difference", difference)
        )
    return Table(
        f"{family.slug}-paired",
        "Paired comparison",
        "Final score against the baseline, within seeds: both met the same environment draw, "
        "initial parameters and noise. Share of seeds that improve (ties count ½, "
        f"{fm.percent(spec.level)} Wilson interval), and the mean difference with bootstrap "
        f"interval; bold where that interval excludes 0, of {hypotheses.FEWEST} pairs or more.",
        rows,
        (
            *(KAPPA, SERIES, text("against", "baseline")),
            Column("pairs", lambda row: str(row["pairs"]), "pairs"),
            interval("P(improvement)", "improvement", "{:.2f}".format),
            interval("difference of final score", "difference", fm.number, _clear, value=fm.signed),
        ),
    )


def _clear(row: Row) -> bool:
    away = row["difference_low"] > 0 or row["difference_high"] < 0
    return bool(row["pairs"] >= hypotheses.FEWEST and away)


def speed_table(family: Family, reached: Sequence[Reached], spec: Specification) -> Table:
    """Restricted mean steps over the baseline's, within seeds; none where neither side hit."""
    rows: list[dict[str, Any]] = []
    for item in reached:
        rivals = [i for i in reached if (i.kappa, i.epsilon) == (item.kappa, item.epsilon)]
        baseline = baseline_of(item.series, [rival.series for rival in rivals], spec)
        other = next((rival for rival in rivals if rival.series == baseline), item)
        pairs = paired_steps(item, other)
        if other is item or not len(pairs) or (pairs == item.budget).all():
            continue
        sooner = st.probability_of_improvement(-pairs[:, 0], -pairs[:, 1])
        bounds = st.wilson(sooner * len(pairs), len(pairs), spec.level)
        found = hypotheses.ratio_of_means(pairs[:, 0], pairs[:, 1], **spec.bootstrap)
        rows.append(
            {"kappa": item.kappa, "epsilon": item.epsilon, "series": item.series.label}
            | {"baseline": other.series.label, "pairs": len(pairs)}
            | bounded("improvement", st.Estimate(sooner, *bounds))
            | bounded("ratio", found)
            | {"p": hypotheses.sign_flip(pairs[:, 0] - pairs[:, 1], seed=spec.seed)}
        )
    for row, p in zip(rows, hypotheses.holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(p)
    return Table(
        f"{family.slug}-speed",
        "Steps against the baseline",
        "Restricted mean steps per agent to the target, divided by the baseline's, within seeds: "
        "below 1 is sooner. Censored runs count with the common budget, which draws the ratio "
        "towards 1. Share of seeds that hit sooner (both censored is a tie, ties count ½, "
        f"{fm.percent(spec.level)} Wilson interval); ratio with bootstrap interval over pairs, "
        f"bold where it excludes 1, of {hypotheses.FEWEST} pairs or more. Sign-flip p: how often "
        "steps would differ as much in the mean if the two sides of every pair were swapped by "
        "chance, exact for few pairs; corrected by Holm for all rows of this table. Targets that "
        "neither side hit are left out.",
        rows,
        (
            *(KAPPA, Column("ε", lambda row: f"{row['epsilon']:g}", "epsilon"), SERIES),
            text("against", "baseline"),
            Column("pairs", lambda row: str(row["pairs"]), "pairs"),
            interval("P(sooner)", "improvement", "{:.2f}".format),
            with_interval("ratio of steps", "ratio", strong=_apart),
            Column("sign-flip p (Holm)", _p_value, "p_holm", strong=_significant),
        ),
        group=("kappa", "epsilon"),
    )


def paired_steps(item: Reached, other: Reached) -> Array:
    """(n, 2) min(T, B) of both on the seeds they share."""
    ours, theirs = (
        dict(zip(i.seeds, sv.restricted(i.seen, i.budget), strict=True)) for i in (item, other)
    )
    shared = sorted(ours.keys() & theirs.keys())
    return np.array([(ours[seed], theirs[seed]) for seed in shared]).reshape(-1, 2)


def _apart(row: Row) -> bool:
    away = row["ratio_low"] > 1 or row["ratio_high"] < 1
    return bool(row["pairs"] >= hypotheses.FEWEST and away)


def _p_value(row: Row) -> str:
    return "< 0.001" if row["p_holm"] < 0.001 else f"{row['p_holm']:.3f}"


def _significant(row: Row) -> bool:
    return bool(row["p_holm"] < 0.05)
