"""Final, best and area-under-curve scores, and how the final one changes over heterogeneity."""

from collections.abc import Sequence

import numpy as np

from fedrl.reports.comparison.paired import shared_seeds
from fedrl.reports.statistics import estimates as st
from fedrl.reports.table import formatting as fm
from fedrl.reports.table import tables as tb
from fedrl.reports.table.agent_scores import agent_scores, known, spread
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.specification import Specification

AGENTS = (
    "Worst agent: its final score; range: the 90th less the 10th percentile of final scores over "
    "agents."
)


def of_seeds(values: Sequence[float], spec: Specification) -> st.Estimate:
    """IQM over seeds with its bootstrap interval."""
    return st.estimate(values, st.interquartile_mean, **spec.bootstrap)


def held(run: Run, spec: Specification) -> bool:
    """A diverged run has not held."""
    return not run.diverged and st.held_at_the_end(run.score, run.random, spec.window, spec.lost)


def score_table(family: Family, spec: Specification) -> tb.Table:
    """IQM of final, best and AUC per κ and series; of the worst agent and the range of agents too.

    The last two only where records have the scores of agents.
    """
    rows, single = [], known(family.runs)
    for kappa, series, runs in family.groups():
        areas = [family.area(run) for run in runs]
        rows.append(
            {"kappa": kappa, "series": series.label, "seeds": len(runs)}
            | tb.bounded("final", of_seeds([run.final for run in runs], spec))
            | tb.bounded("best", of_seeds([run.outcome.best for run in runs], spec))
            | tb.bounded("auc", of_seeds(areas, spec))
            | (_of_agents(runs, spec) if single else {})
            | {"held": sum(held(run, spec) for run in runs)}
            | {"diverged": sum(run.diverged for run in runs)}
            | {"random": float(np.mean([run.random for run in runs]))}
            | {"reference": float(np.mean([run.reference for run in runs]))}
            | {"reference_meaning": ", ".join(sorted({run.reference_meaning for run in runs}))}
        )
    return tb.Table(
        f"{family.slug}-scores",
        "Scores",
        f"{family.unit[0].upper()}{family.unit[1:]}: interquartile mean over seeds with "
        f"{fm.percent(spec.level)} bootstrap interval. AUC is the mean height of the curve up to "
        "the common budget. Held at the end: the last "
        f"{spec.window} evaluation points kept all but {fm.percent(spec.lost)} of the best gain "
        f"over random that {spec.window} points in a row showed. A diverged run has not held, and "
        "its final score is the worse of its last finite one and random."
        + (f" {AGENTS}" if single else ""),
        rows,
        (
            *(tb.KAPPA, tb.SERIES, tb.SEEDS),
            tb.with_interval("final", "final"),
            tb.with_interval("best", "best"),
            tb.with_interval("AUC", "auc"),
            *(tb.OF_AGENTS if single else ()),
            tb.Column("held", lambda row: f"{row['held']}/{row['seeds']}", "held"),
            tb.Column("diverged", lambda row: f"{row['diverged']}/{row['seeds']}", "diverged"),
            tb.numeric("random", "random"),
            tb.numeric("reference", "reference"),
        ),
    )


def _of_agents(runs: Sequence[Run], spec: Specification) -> dict[str, float]:
    found = [agent_scores(run) for run in runs]
    worst = tb.bounded("worst", of_seeds([float(np.min(own)) for own in found], spec))
    return worst | tb.bounded("range", of_seeds([spread(own) for own in found], spec))


def drop_table(family: Family, spec: Specification) -> tb.Table:
    """Final score at each κ minus that at the smallest κ, within seeds."""
    rows = []
    lowest = family.kappas[0]
    for series in family.series:
        before = family.at(lowest, series)
        for kappa in family.kappas[1:]:
            later, first = shared_seeds(family.at(kappa, series), before)
            if not later:
                continue
            change = st.estimate(np.subtract(later, first), st.mean, **spec.bootstrap)
            gap = float(np.mean([run.reference - run.random for run in before]))
            rows.append(
                {"series": series.label, "from_kappa": lowest, "kappa": kappa}
                | {"pairs": len(later)}
                | {"from_final": float(np.mean(first)), "final": float(np.mean(later))}
                | tb.bounded("change", change)
                | {"relative": change.value / gap if gap > 0 else np.nan}
            )
    return tb.Table(
        f"{family.slug}-heterogeneity",
        "Change with heterogeneity",
        f"Mean final score at κ minus that at {fm.level(lowest)}, within seeds, with "
        f"{fm.percent(spec.level)} bootstrap interval. The last column divides by the distance "
        f"from random to the reference at {fm.level(lowest)}. What can be reached changes with κ "
        "too: the figure draws the reference.",
        rows,
        (
            tb.SERIES,
            tb.KAPPA,
            tb.Column("pairs", lambda row: str(row["pairs"]), "pairs"),
            tb.numeric(f"mean final at {fm.level(lowest)}", "from_final"),
            tb.numeric("mean final at κ", "final"),
            tb.interval("mean change", "change", fm.number, value=fm.signed),
            tb.Column("share of the gap", lambda row: _share(row["relative"]), "relative"),
        ),
        group=("series",),
    )


def _share(value: float) -> str:
    return f"{100 * value:+.0f}{fm.THIN}%".replace("-", "−") if np.isfinite(value) else fm.NOTHING
