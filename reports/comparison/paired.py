"""Comparisons within seeds: both sides met the same environment draw, start and noise."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import hypotheses
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table import tables as tb
from fedrl.reports.table.runs import Family, Run, Series
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification

T = TypeVar("T")


def baseline_of(series: Series, rivals: Sequence[Series], spec: Specification) -> Series | None:
    """The baseline algorithm's series with the same N, then the same variant, then the first."""
    names = sorted({rival.algorithm for rival in rivals})
    name = spec.baseline if spec.baseline in names else names[0]
    own = [rival for rival in rivals if rival.algorithm == name]
    same = [rival for rival in own if rival.agents == series.agents]
    if not same:
        return None
    return min(same, key=lambda rival: (rival.variant != series.variant, rival.rank))


def shared_seeds(runs: Sequence[Run], others: Sequence[Run]) -> tuple[list[float], list[float]]:
    """The final scores of both on the seeds they share."""
    pairs = within_seeds(*({run.seed: run.final for run in side} for side in (runs, others)))
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


def within_seeds(ours: Mapping[int, T], theirs: Mapping[int, T]) -> list[tuple[T, T]]:
    """What both have on the seeds that they share."""
    return [(ours[seed], theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]


def paired_table(family: Family, spec: Specification) -> tb.Table:
    """Every series against its baseline, within seeds."""
    rows: list[dict[str, Any]] = []
    differs = _differs("difference", 0)
    for kappa, series, runs in family.groups():
        rivals = [other for other in family.series if family.at(kappa, other)]
        baseline = baseline_of(series, rivals, spec)
        if baseline is None or baseline == series:
            continue
        ours, theirs = shared_seeds(runs, family.at(kappa, baseline))
        if not ours:
            continue
        better = st.probability_of_improvement(ours, theirs)
        low, high = st.wilson(better * len(ours), len(ours), spec.level)
        difference = st.estimate(np.subtract(ours, theirs), st.mean, **spec.bootstrap)
        rows.append(
            {"kappa": kappa, "series": series.label, "baseline": baseline.label}
            | {"pairs": len(ours)}
            | tb.bounded("improvement", st.Estimate(better, low, high))
            | tb.bounded("difference", difference)
        )
    return tb.Table(
        f"{family.slug}-paired",
        "Paired comparison",
        "Final score against the baseline, within seeds: both met the same environment draw, "
        "initial parameters and noise. Share of seeds that improve (ties count ½, "
        f"{fm.percent(spec.level)} Wilson interval), and the mean difference with bootstrap "
        f"interval; bold where that interval excludes 0, of {hypotheses.FEWEST} pairs or more.",
        rows,
        (
            *(tb.KAPPA, tb.SERIES, tb.text("against", "baseline")),
            tb.Column("pairs", lambda row: str(row["pairs"]), "pairs"),
            tb.interval("P(improvement)", "improvement", "{:.2f}".format),
            tb.interval(
                "difference of final score", "difference", fm.number, differs, value=fm.signed
            ),
        ),
    )


def _differs(key: str, nothing: float) -> Callable[[tb.Row], bool]:
    """Whether the interval of an effect leaves `nothing` out, of enough pairs."""
    return lambda row: row["pairs"] >= hypotheses.FEWEST and tb.leaves_out(row, key, nothing)


def speed_table(family: Family, reached: Sequence[Reached], spec: Specification) -> tb.Table:
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
            | tb.bounded("improvement", st.Estimate(sooner, *bounds))
            | tb.bounded("ratio", found)
            | {"p": hypotheses.sign_flip(pairs[:, 0] - pairs[:, 1], seed=spec.seed)}
        )
    for row, p in zip(rows, hypotheses.holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(p)
    return tb.Table(
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
            *(tb.KAPPA, tb.Column("ε", lambda row: f"{row['epsilon']:g}", "epsilon"), tb.SERIES),
            tb.text("against", "baseline"),
            tb.Column("pairs", lambda row: str(row["pairs"]), "pairs"),
            tb.interval("P(sooner)", "improvement", "{:.2f}".format),
            tb.with_interval("ratio of steps", "ratio", strong=_differs("ratio", 1)),
            tb.Column(
                "sign-flip p (Holm)",
                lambda row: "< 0.001" if row["p_holm"] < 0.001 else f"{row['p_holm']:.3f}",
                "p_holm",
                strong=lambda row: bool(row["p_holm"] < 0.05),
            ),
        ),
        group=("kappa", "epsilon"),
    )


def paired_steps(item: Reached, other: Reached) -> Array:
    """(n, 2) min(T, B) of both on the seeds they share."""
    return np.array(within_seeds(item.by_seed, other.by_seed)).reshape(-1, 2)
