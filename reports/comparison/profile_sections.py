"""The sections across families: optimality gap and rank, performance and runtime profiles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter

from fedrl.reports.comparison import profiles as pf
from fedrl.reports.comparison.rankings import standing_figure, standing_rows, standing_table
from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.drawing.charts import Chart, Panel, Trace, View, drawn_lines
from fedrl.reports.drawing.section import Section
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.normalised_scores import Entry, scaled
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Column, Row, Table, interval, text

THRESHOLDS = np.array([0.0, 0.25, 0.5, 0.75, 0.9, 1.0])
MULTIPLES = np.array([1.0, 2.0, 4.0, 8.0, pf.EVER])
SCORES = {"final": "final score", "area": "area under the curve"}
TAU = "score τ, 0 random and 1 the reference"
TIMES = "multiple of the reference time"


def across(entries: Sequence[Entry], look: fig.Look, spec: Specification) -> list[Section]:
    """Write the sections on all families together; none when no setting has targets."""
    found = scaled(entries)
    if not found:
        return []
    rows, looks = standing_rows(found, spec), look.curves(*(family for family, _ in entries))
    parts = (standing_figure(rows, looks, spec), standing_table(rows, spec))
    sections = [Section("Optimality gap and mean rank", "standing", parts, folded=True)]
    grid = pf.score_grid(found)
    listed = [
        {"score": score} | row
        for score in SCORES
        for row in _rows(pf.performance(found, score, THRESHOLDS, spec), THRESHOLDS, "above")
    ]
    views = [
        _view(score, name, TAU, pf.performance(found, score, grid, spec))
        for score, name in SCORES.items()
    ]
    note = (
        "Share of runs whose score is above τ, pooled over settings; the highest curve is best, "
        "and the area under it is the mean score."
    )
    shares = [_share(f"τ = {at:g}", f"above_{at:g}") for at in THRESHOLDS]
    of = "runs whose scaled score is above τ (0 the random policy, 1 the reference)"
    table = _table("performance", of, listed, shares, spec, text("score", "score"))
    sections.append(_section("performance", views, note, table, entries, look, spec))
    return [*sections, *_runtime(entries, look, spec)]


def _runtime(entries: Sequence[Entry], look: fig.Look, spec: Specification) -> list[Section]:
    found = pf.raced(entries)
    multiples = pf.multiples_of(found)
    if not len(multiples):
        return []
    profiles = pf.runtime(found, multiples, spec)
    view = _view("runtime", "time", TIMES, profiles)._replace(doubling=True)
    rows = _rows(pf.runtime(found, MULTIPLES, spec), MULTIPLES, "within")
    note = (
        "Share of problems (setting, ε, seed) that were solved within a multiple of the reference "
        "time, the best Kaplan–Meier median of the algorithms in that setting at that ε, up to the "
        "common budget. Where no algorithm solved half of its seeds there is no reference, and the "
        "problem counts as unsolved for all."
    )
    shares = [_share(f"within {at:g}×", f"within_{at:g}") for at in MULTIPLES if at != pf.EVER]
    shares.append(_share("within the budget", "within_any"))
    of = "problems (setting, ε, seed) solved within a multiple of the reference time"
    table = _table("runtime", of, rows, shares, spec)
    return [_section("runtime", [view], note, table, entries, look, spec)]


def _section(
    key: str,
    views: Sequence[View],
    note: str,
    table: Table,
    entries: Sequence[Entry],
    look: fig.Look,
    spec: Specification,
) -> Section:
    """All views to explore, the first as a figure, and the table."""
    families = [family for family, _ in entries]
    lines, looks = drawn_lines(families, look), look.curves(*families)
    chart = Chart("overview", key, table.title, lines, tuple(views), note)
    view, count = views[0], len(views[0].panels)
    with fig.styled():
        figure, axes = fig.tiles(count, fig.across(count), 2.2, sharey=True)
        fig.label(axes, view.x, view.y)
        for axis, panel in zip(axes, view.panels, strict=True):
            marks.draw(axis, view, panel, looks)
            if view.doubling:
                _doubling(axis, panel.traces[0].x)
        fig.legend(figure, fig.keys(looks, marker=""))
        said = (
            f"{note} Band: {fm.percent(spec.level)} pointwise bootstrap interval over whole seeds."
        )
        drawn = fig.saved(figure, table.name, table.title, said)
    return Section(table.title, key, (chart, drawn, table), folded=True)


def _view(key: str, label: str, x: str, profiles: Sequence[pf.Profile]) -> View:
    def trace(own: pf.Profile) -> Trace:
        bounds = (None, None) if np.isnan(own.low).all() else (100 * own.low, 100 * own.high)
        return Trace(own.curve, own.grid, 100 * own.share, *bounds)

    names = list(dict.fromkeys(own.place for own in profiles))
    panels = tuple(Panel(n, tuple(trace(o) for o in profiles if o.place == n)) for n in names)
    share = "problems solved, %" if key == "runtime" else "runs above τ, %"
    return View(key, label, x, share, panels, span=(-4, 104))


def _doubling(axis: Any, x: Array) -> None:
    axis.set_xscale("log", base=2)
    powers = 2.0 ** np.arange(np.floor(np.log2(x[0])), np.ceil(np.log2(x[-1])) + 1)
    axis.xaxis.set_major_locator(FixedLocator(list(powers)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: multiple(v)))
    axis.xaxis.set_minor_locator(FixedLocator([]))


def multiple(value: float) -> str:
    """⅛, ¼, ½, 1, 2, …"""
    return {0.125: "1/8", 0.25: "1/4", 0.5: "1/2"}.get(value, f"{value:g}")


def _rows(profiles: Sequence[pf.Profile], grid: Array, word: str) -> list[dict[str, Any]]:
    rows = []
    for own in profiles:
        row: dict[str, Any] = {"place": own.place, "series": own.curve}
        row |= {"settings": own.settings, "runs": own.runs}
        for i, at in enumerate(grid):
            key = f"{word}_{'any' if at == pf.EVER else f'{at:g}'}"
            row |= {key: own.share[i], f"{key}_low": own.low[i], f"{key}_high": own.high[i]}
        rows.append(row)
    return rows


def _share(header: str, key: str) -> Column:
    """In per cent."""
    return interval(header, key, lambda share: f"{100 * share:.0f}")


def _table(
    key: str,
    of: str,
    rows: Sequence[Row],
    shares: Sequence[Column],
    spec: Specification,
    *first: Column,
) -> Table:
    """The shares of a profile in per cent of what it counts; rules part places, and `first`."""
    return Table(
        f"{key}-profile",
        f"{key.capitalize()} profile",
        f"Per cent of {of}, with {fm.percent(spec.level)} bootstrap interval over whole seeds.",
        rows,
        (
            *(*first, text("where", "place"), text("algorithm", "series")),
            Column("runs", lambda row: str(row["runs"]), "runs"),
            *shares,
        ),
        group=(*(column.key for column in first), "place"),
    )
