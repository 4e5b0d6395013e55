"""Figures of one family: performance against two hyperparameters, and against one and κ."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.sensitivity.responses import MEANING, PERFORMANCE
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.design import Environment, Surface, amount, sign
from fedrl.reports.table.surfaces.marginals import Axis, axis, crossed

WIDE = 5  # panels side by side
Ticks = tuple[NDArray[Any], list[str]]  # where, and what they say


class Map(NamedTuple):
    """One panel, (Ly, Lx): the best over the rest, and the share of diverged runs."""

    value: Array
    share: Array
    x: Ticks
    y: Ticks

    def words(self, i: int, j: int) -> str:
        """The share on a field, where there is any."""
        share = self.share[i, j]
        if not share > 0:
            return ""
        return f"{100 * share:.0f}%" if share >= 0.005 else "<1%"


def heatmaps(study: Study, family: Family, pair: tuple[str, str]) -> fig.Figure | None:
    """`pair` = (down, across); a column of panels per algorithm, a row per environment."""
    (down, across), space, spec = pair, study.space, study.spec
    own = [s for s in study.surfaces if down in s.names and across in s.names]
    if not own:
        return None
    environments = study.environments(family)

    def panel(surface: Surface, environment: Environment) -> Map:
        x, y = axis(surface, across, spec), axis(surface, down, spec)
        found = crossed(surface, surface.environments.index(environment), x, y)
        return Map(*found, _ticks(x), _ticks(y))

    rows = [[panel(surface, environment) for environment in environments] for surface in own]
    sides, heads = [s.printed for s in own], [e.place for e in environments]
    if len(environments) > WIDE:  # one environment below the other, else side by side
        rows, sides, heads = [[*row] for row in zip(*rows, strict=True)], heads, sides
    name = f"{family.slug}-map-{down.replace('_', '-')}-{across.replace('_', '-')}"
    title = f"{sign(down)} and {sign(across)}"
    return _drawn(name, title, rows, heads, sides, space.axis(across), space.axis(down))


def kappa_maps(study: Study, family: Family, name: str) -> fig.Figure | None:
    """`name` against κ: a column of panels per algorithm, a row per N and whatever else varies."""
    space, spec = study.space, study.spec
    own = [s for s in study.surfaces if name in s.names]
    places = study.environments(family)
    kappas = sorted({e.kappa for e in places})
    if not own or len(kappas) < 2:
        return None
    others = {(e.agents, e.rest): e.further for e in places}
    ticks = np.arange(len(kappas)), [f"{kappa:g}" for kappa in kappas]

    def panel(surface: Surface, agents: int, rest: Any) -> Map:
        along = axis(surface, name, spec)
        whole = Axis("", along.low[:1], along.high[:1], along.low[:1], 0 * along.place)
        value = np.full((len(along.low), len(kappas)), np.nan)
        share = value.copy()
        for place in places:
            if (place.agents, place.rest) == (agents, rest):
                at, j = surface.environments.index(place), kappas.index(place.kappa)
                best, lost = crossed(surface, at, whole, along)
                value[:, j], share[:, j] = best[:, 0], lost[:, 0]
        return Map(value, share, ticks, _ticks(along))

    rows = [[panel(surface, *other) for surface in own] for other in others]
    sides = [f"N = {agents}{further}" for (agents, _), further in others.items()]
    file, title = f"{family.slug}-map-{name.replace('_', '-')}-kappa", f"{sign(name)} and κ"
    heads = [surface.printed for surface in own]
    return _drawn(file, title, rows, heads, sides, "heterogeneity κ", space.axis(name))


def _drawn(
    name: str,
    title: str,
    rows: Sequence[Sequence[Map]],
    heads: Sequence[str],
    sides: Sequence[str],
    x: str,
    y: str,
) -> fig.Figure:
    """Heads above the columns, sides beside the rows; x and y name the axes."""
    values = [panel.value for row in rows for panel in row]
    low, high = min(map(np.nanmin, values)), max(map(np.nanmax, values))
    ends = float(low), float(high if high > low else low + 1.0)
    with fig.styled():
        figure, axes = fig.panels(len(rows), len(heads), 2.3, 1.75)
        for (i, j), axis_ in np.ndenumerate(axes):
            drawn = marks.heatmap(axis_, rows[i][j].value, ends, rows[i][j].words)
            axis_.xaxis.set_ticks(*rows[i][j].x)
            axis_.yaxis.set_ticks(*rows[i][j].y)
        for axis_, head in zip(axes[0], heads, strict=True):
            axis_.set_title(head)
        for axis_ in axes[-1]:
            axis_.set_xlabel(x)
        for axis_, side in zip(axes[:, 0], sides, strict=True):
            axis_.set_ylabel(f"{side}\n{y}")
        marks.colour_scale(figure, drawn, axes, PERFORMANCE)
        return fig.saved(
            figure,
            name,
            title,
            f"The best over the other hyperparameters. {MEANING}. One colour scale for all. "
            "A percentage is the share of diverged runs, over all settings of that field.",
        )


def _ticks(along: Axis) -> Ticks:
    """At the middle of each field its value, or at its borders those of the bins."""
    if not along.binned:
        return np.arange(len(along.low)), [amount(value) for value in along.low]
    edges = [along.low[0], *(0.5 * (along.high[:-1] + along.low[1:])), along.high[-1]]
    return np.arange(len(edges)) - 0.5, [amount(float(f"{edge:.2g}")) for edge in edges]
