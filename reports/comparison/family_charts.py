"""Share of runs at a target, and scores over heterogeneity: a chart, and the figure of it."""

from collections.abc import Callable, Sequence

import numpy as np

from fedrl.reports.comparison.scores import of_seeds
from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.drawing.charts import Chart, Guide, Panel, Trace, View, drawn_lines
from fedrl.reports.drawing.curves import STEPS
from fedrl.reports.statistics import survival as sv
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family, Run, Series
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification


def reached_chart(family: Family, reached: Sequence[Reached], look: fig.Look, anchor: str) -> Chart:
    """1 − S(t), Kaplan–Meier: a view per ε that some run reached, a panel per κ and N."""
    epsilons = list(dict.fromkeys(i.epsilon for i in reached if i.mean.value < i.budget))

    def panel(place: tuple[float, int | None], epsilon: float) -> Panel:
        here = [i for i in reached if (i.kappa, i.series.agents, i.epsilon) == (*place, epsilon)]
        return Panel(fm.panel(*place), tuple(_share(item) for item in here))

    def view(epsilon: float) -> View:
        goal = f"{fm.percent(round(1 - epsilon, 6))} of the way, ε = {epsilon:g}"
        panels = tuple(panel(p, epsilon) for p in family.panels)
        kept = tuple(p for p in panels if p.traces)
        share = "runs at the target, %"
        return View(f"{epsilon:g}", goal, STEPS, share, kept, kind="steps", span=(-4, 104))

    return Chart(
        family.slug,
        anchor,
        f"Share of runs that reached a target, {family.name}",
        drawn_lines([family], look),
        tuple(view(epsilon) for epsilon in epsilons),
        "One minus the Kaplan–Meier curve of the steps to a target on the way from the random "
        "policy to the reference, up to the common budget; runs that never hit, and diverged runs, "
        "stay in the denominator. Targets that no run reached are left out.",
    )


def reached_figure(family: Family, chart: Chart, look: fig.Look, spec: Specification) -> fig.Figure:
    """The chart on paper: a row per κ and N, a column per ε."""
    rows = list(dict.fromkeys(panel.title for view in chart.views for panel in view.panels))
    looks = look.curves(family)
    with fig.styled():
        figure, axes = fig.panels(
            len(rows), len(chart.views), 1.95, 1.75, sharey=True, sharex="row"
        )
        for column, view in zip(axes.T, chart.views, strict=True):
            for panel in view.panels:
                axis = column[rows.index(panel.title)]
                marks.draw(axis, view, panel, looks)
                axis.set_title(f"{panel.title}, ε = {view.key}")
                axis.set_yticks([0, 25, 50, 75, 100])
                fig.steps_axis(axis)
        figure.supxlabel(STEPS, fontsize=8)
        figure.supylabel("runs at the target, %", fontsize=8)
        fig.legend(figure, fig.keys(looks, marker=""))
        return fig.saved(
            figure,
            f"{family.slug}-reached",
            "Share of runs that reached a target",
            "One minus the Kaplan–Meier curve of the steps until score ≥ reference − ε (reference "
            f"− random) at {spec.window} evaluation points in a row, one panel per ε and κ, up to "
            "the common budget. Runs that never hit, and diverged runs, stay in the denominator. "
            "Targets that no run reached by then are left out.",
        )


def _share(item: Reached) -> Trace:
    times, surviving = sv.kaplan_meier(item.seen)
    early = times <= item.budget
    x = np.concatenate([[0.0], times[early], [item.budget]])
    alive = np.concatenate([[1.0], surviving[early]])
    hits = [int(np.sum(item.seen.hit & (item.seen.time <= t))) for t in x]
    told = tuple(f"{hit} of {item.runs} runs" for hit in hits)
    return Trace(item.series.curve, x, 100 * (1 - np.append(alive, alive[-1])), told=told)


def heterogeneity_chart(family: Family, look: fig.Look, spec: Specification, anchor: str) -> Chart:
    """Final, best and mean score against κ, a panel per N."""
    unit = family.unit.split(",")[0]
    measures: tuple[tuple[str, str, Callable[[Run], float]], ...] = (
        ("final", f"final {unit}", lambda run: run.final),
        ("best", f"best {unit}", lambda run: run.outcome.best),
        ("area", f"mean {unit} of the curve", family.area),
    )

    def panel(agents: int | None, of: Callable[[Run], float]) -> Panel:
        own = [series for series in family.series if series.agents == agents]
        traces = tuple(_response(family, s, i, len(own), of, spec) for i, s in enumerate(own))
        title = "" if agents is None else f"N = {agents}"
        return Panel(title, traces, _guides(family, agents))

    def view(key: str, label: str, of: Callable[[Run], float]) -> View:
        panels = tuple(panel(agents, of) for agents in family.agents)
        return View(key, label, "heterogeneity κ", label, panels, kind="points")

    return Chart(
        family.slug,
        anchor,
        f"Score and heterogeneity, {family.name}",
        drawn_lines([family], look),
        tuple(view(*measure) for measure in measures),
        f"Interquartile mean over seeds at each κ with {fm.percent(spec.level)} bootstrap "
        "interval; points are set apart sideways. Grey: mean reference (solid) and random policy "
        "(dotted) at that κ.",
    )


def heterogeneity_figure(
    family: Family, chart: Chart, look: fig.Look, spec: Specification
) -> fig.Figure:
    """The final scores of the chart on paper."""
    view, looks = chart.views[0], look.curves(family)
    with fig.styled():
        figure, axes = fig.tiles(len(view.panels), len(view.panels), 2.7, 4.6, sharey=True)
        fig.label(axes, view.x, view.y)
        for axis, panel in zip(axes, view.panels, strict=True):
            marks.draw(axis, view, panel, looks)
            axis.set_xticks(family.kappas)
        guides = {"reference": marks.REFERENCE, "random policy": marks.RANDOM}
        fig.legend(figure, fig.keys(looks | guides))
        return fig.saved(
            figure,
            f"{family.slug}-heterogeneity",
            "Final score and heterogeneity",
            "Interquartile mean over seeds of the final score at each κ, with "
            f"{fm.percent(spec.level)} bootstrap interval; points are set apart sideways so that "
            "intervals can be told apart. Grey: mean reference and random policy at that κ.",
        )


def _response(
    family: Family,
    series: Series,
    place: int,
    count: int,
    of: Callable[[Run], float],
    spec: Specification,
) -> Trace:
    kappas = [kappa for kappa in family.kappas if family.at(kappa, series)]
    found = [of_seeds([of(run) for run in family.at(k, series)], spec) for k in kappas]
    value, low, high = (np.array(bound) for bound in zip(*found, strict=True))
    told = tuple(
        f"{fm.level(kappa)}, {len(family.at(kappa, series))} runs: {fm.estimated(estimate)}"
        for kappa, estimate in zip(kappas, found, strict=True)
    )
    gaps = np.diff(family.kappas)
    sideways = 0.035 * (gaps.min() if len(gaps) else 1.0)  # so that intervals can be told apart
    x = np.array(kappas) + sideways * (place - (count - 1) / 2)
    if np.isnan(low).all():
        return Trace(series.curve, x, value, told=told)
    return Trace(series.curve, x, value, low, high, told)


def _guides(family: Family, agents: int | None) -> tuple[Guide, ...]:
    runs = [run for run in family.runs if run.series.agents == agents]
    kappas = sorted({run.kappa for run in runs})
    reference, random = (
        np.array([np.mean([getattr(run, name) for run in runs if run.kappa == k]) for k in kappas])
        for name in ("reference", "random")
    )
    x = np.array(kappas)
    return Guide(x, reference, "solid"), Guide(x, random, "dot")
