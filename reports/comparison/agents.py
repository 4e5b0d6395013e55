"""What every agent gets: the worst one, the spread over agents, who gains over whom."""

from typing import Any

import numpy as np

from fedrl.reports.comparison.finals import dots, panels
from fedrl.reports.comparison.paired import within_seeds
from fedrl.reports.drawing import figures as fig
from fedrl.reports.statistics import estimates as st
from fedrl.reports.table import formatting as fm
from fedrl.reports.table import tables as tb
from fedrl.reports.table.agent_scores import agent_scores, spread
from fedrl.reports.table.runs import Family, Series
from fedrl.reports.table.specification import Specification

ALONE = "independent-pg"  # whose agents learn without the others


def rivals(family: Family, series: Series, spec: Specification) -> list[Series]:
    """Whom gains are taken over: the common policy of the baseline, and who learns alone."""
    names = (spec.baseline, ALONE)
    first = [min((s for s in family.series if s.algorithm == n), default=None) for n in names]
    return [other for other in first if other is not None and other != series]


def agents_table(family: Family, spec: Specification) -> tb.Table:
    """Worst agent, spread over agents and gains of agents within seeds, per κ and series."""
    rows: list[dict[str, Any]] = []
    over = {other for series in family.series for other in rivals(family, series, spec)}
    named = sorted(over)
    for kappa, series, runs in family.groups():
        scores = {run.seed: agent_scores(run) for run in runs}
        row = {"kappa": kappa, "series": series.label, "seeds": len(runs)}
        mean, worst, range_ = (
            st.estimate([float(of(s)) for s in scores.values()], st.mean, **spec.bootstrap)
            for of in (np.mean, np.min, spread)
        )
        row |= tb.bounded("mean", mean) | tb.bounded("worst", worst) | tb.bounded("range", range_)
        for place, other in enumerate(named):
            theirs = {run.seed: agent_scores(run) for run in family.at(kappa, other)}
            both = within_seeds(scores, theirs) if other != series else []
            pairs = [one - rival for one, rival in both if len(one) == len(rival)]
            gains = [float(p.mean()) for p in pairs]
            gain = st.estimate(gains, st.mean, **spec.bootstrap) if gains else st.UNKNOWN
            share = float(np.mean([np.mean(p > 0) for p in pairs])) if pairs else np.nan
            row |= tb.bounded(f"gain_{place}", gain) | {f"gaining_{place}": share}
        rows.append(row)
    columns = []
    for place, other in enumerate(named):
        name = f"gain over {other.label}"
        columns.append(tb.interval(name, f"gain_{place}", fm.number, value=fm.signed))
        columns.append(_gaining(f"gaining_{place}"))
    return tb.Table(
        f"{family.slug}-agents",
        "Agents",
        f"Final scores of single agents, means over seeds with {fm.percent(spec.level)} bootstrap "
        "intervals: of all agents, of the worst, and the range from the 10th to the 90th "
        "percentile over agents. Gains are of an agent over the same agent, within seeds.",
        rows,
        (
            *(tb.KAPPA, tb.SERIES, tb.SEEDS),
            tb.with_interval("mean", "mean"),
            tb.with_interval("worst agent", "worst"),
            tb.with_interval("range over agents", "range"),
            *columns,
        ),
    )


def _gaining(key: str) -> tb.Column:
    def show(row: tb.Row) -> str:
        return fm.percent(row[key]) if np.isfinite(row[key]) else fm.NOTHING

    return tb.Column("agents that gain", show, key)


def agents_figure(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """A row per series, a panel per κ, a mark per agent: its mean over seeds."""
    with fig.styled():
        figure, drawn = panels(family)
        for axis, kappa in drawn:
            for place, series in enumerate(family.series):
                runs = family.at(kappa, series)
                if runs:
                    mean = np.mean([agent_scores(run) for run in runs], axis=0)
                    every = np.arange(len(mean))
                    dots(axis, mean, place, every, len(mean), **look.of(series))
                    axis.plot([mean.min()] * 2, [place - 0.34, place + 0.34], color="black")
        return fig.saved(
            figure,
            f"{family.slug}-agents",
            "Final score of every agent",
            "One mark per agent, the mean over seeds; an agent keeps its height within each row. "
            "Black: the worst agent.",
        )
