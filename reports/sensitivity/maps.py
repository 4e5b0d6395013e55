"""Figures of one family: performance against two hyperparameters, and against one and κ."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.sensitivity.responses import MEANING, PERFORMANCE
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.design import amount, sign
from fedrl.reports.table.surfaces.marginals import Axis, axis, crossed

WIDE = 5  # panels side by side


def heatmaps(study: Study, family: Family, pair: tuple[str, str]) -> fig.Figure | None:
    """`pair` = (down, across); a column of panels per algorithm, a row per environment."""
    (down, across), space, spec = pair, study.space, study.spec
    own = [s for s in study.surfaces if down in s.names and across in s.names]
    if not own:
        return None
    environments = study.environments(family)
    maps = {
        (e, s.algorithm): crossed(
            s, s.environments.index(e), axis(s, across, spec), axis(s, down, spec)
        )
        for e in environments
        for s in own
    }
    ends = _ends([value for value, _ in maps.values()])
    wide = len(environments) <= WIDE  # environments side by side, else one below the other
    size = (len(own), len(environments)) if wide else (len(environments), len(own))
    with fig.styled():
        figure, axes = fig.panels(*size, 2.3, 1.75)
        by_algorithm = axes if wide else axes.T
        for row, surface in zip(by_algorithm, own, strict=True):
            for axis_, environment in zip(row, environments, strict=True):
                drawn = _map(axis_, *maps[environment, surface.algorithm], ends)
                _ticks(axis_, axis(surface, across, spec), axis(surface, down, spec))
        heads = [e.place for e in environments], [s.printed for s in own]
        for axis_, word in zip(axes[0], heads[0] if wide else heads[1], strict=True):
            axis_.set_title(word)
        for axis_ in axes[-1, :]:
            axis_.set_xlabel(space.axis(across))
        for axis_, word in zip(axes[:, 0], heads[1] if wide else heads[0], strict=True):
            axis_.set_ylabel(f"{word}\n{space.axis(down)}")
        marks.colour_scale(figure, drawn, axes, PERFORMANCE)
        return fig.saved(
            figure,
            f"{family.slug}-map-{down.replace('_', '-')}-{across.replace('_', '-')}",
            f"{sign(down)} and {sign(across)}",
            f"The best over the other hyperparameters. {MEANING}. One colour scale for all. "
            "A percentage is the share of diverged runs, over all settings of that field.",
        )


def kappa_maps(study: Study, family: Family, name: str) -> fig.Figure | None:
    """`name` against κ: a column of panels per algorithm, a row per N and whatever else varies."""
    space, spec = study.space, study.spec
    own = [s for s in study.surfaces if name in s.names]
    places = study.environments(family)
    kappas = sorted({e.kappa for e in places})
    if not own or len(kappas) < 2:
        return None
    others = list(dict.fromkeys((e.agents, e.rest) for e in places))
    with fig.styled():
        figure, axes = fig.panels(len(others), len(own), 2.3, 1.75)
        maps = {}
        for surface in own:
            along = axis(surface, name, spec)
            for other in others:
                value = np.full((len(along.low), len(kappas)), np.nan)
                share = value.copy()
                for place in places:
                    if (place.agents, place.rest) == other:
                        at, j = surface.environments.index(place), kappas.index(place.kappa)
                        best, lost = crossed(surface, at, _whole(along), along)
                        value[:, j], share[:, j] = best[:, 0], lost[:, 0]
                maps[other, surface.algorithm] = value, share
        ends = _ends([value for value, _ in maps.values()])
        for row, other in zip(axes, others, strict=True):
            for axis_, surface in zip(row, own, strict=True):
                drawn = _map(axis_, *maps[other, surface.algorithm], ends)
                _label(axis_.yaxis, axis(surface, name, spec))
                axis_.set_xticks(range(len(kappas)), [f"{k:g}" for k in kappas])
            axis_ = row[0]
            more = "".join(f", {n.replace('_', ' ')} = {v}" for n, v in other[1])
            axis_.set_ylabel(f"N = {other[0]}{more}\n{space.axis(name)}")
        for axis_, surface in zip(axes[0], own, strict=True):
            axis_.set_title(surface.printed)
        for axis_ in axes[-1, :]:
            axis_.set_xlabel("heterogeneity κ")
        marks.colour_scale(figure, drawn, axes, PERFORMANCE)
        return fig.saved(
            figure,
            f"{family.slug}-map-{name.replace('_', '-')}-kappa",
            f"{sign(name)} and κ",
            f"The best over the other hyperparameters. {MEANING}. One colour scale for all. "
            "A percentage is the share of diverged runs, over all settings of that field.",
        )


def _whole(along: Axis) -> Axis:
    """One place for all settings."""
    return Axis("", along.low[:1], along.high[:1], along.low[:1], 0 * along.place)


def _ends(maps: Sequence[Array]) -> tuple[float, float]:
    low = min(float(np.nanmin(value)) for value in maps)
    high = max(float(np.nanmax(value)) for value in maps)
    return low, high if high > low else low + 1.0


def _map(axis_: Any, value: Array, share: Array, ends: tuple[float, float]) -> Any:
    """The share of diverged runs, where there are any, on each field."""
    return marks.heatmap(axis_, value, ends, lambda i, j: _percent(share[i, j]))


def _percent(share: float) -> str:
    if not share > 0:
        return ""
    return f"{100 * share:.0f}%" if share >= 0.005 else "<1%"


def _ticks(axis_: Any, x: Axis, y: Axis) -> None:
    _label(axis_.xaxis, x)
    _label(axis_.yaxis, y)


def _label(side: Any, along: Axis) -> None:
    """At the middle of each field its value, or at its borders those of the bins."""
    if along.binned:
        edges = [along.low[0], *(0.5 * (a + b) for a, b in _borders(along)), along.high[-1]]
        side.set_ticks(np.arange(len(edges)) - 0.5, [amount(float(f"{v:.2g}")) for v in edges])
    else:
        side.set_ticks(range(len(along.low)), [amount(v) for v in along.low])


def _borders(along: Axis) -> list[tuple[float, float]]:
    ends = list(zip(along.low, along.high, strict=True))
    return [(a[1], b[0]) for a, b in pairwise(ends)]
