"""Figures of one family: performance against one hyperparameter, and against two."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports import figures as fig
from reports import formatting as fm
from reports.design import Environment, Space, Surface, amount, sign
from reports.marginals import Axis, axis, crossed, response
from reports.specification import Sensitivity
from reports.statistics import Array

PERFORMANCE = "performance"
MEANING = (
    "Performance is the mean height of the learning curve up to the common budget, 0 the random "
    "policy and 1 the reference; a diverged run counts as 0 from there on"
)
COLOURS = "viridis"
Looks = Mapping[str, Mapping[str, Any]]


def looks(surfaces: Sequence[Surface]) -> Looks:
    """Colour, dashes and marker of every algorithm."""
    return {
        surface.algorithm: {
            "color": fig.COLOURS[i % len(fig.COLOURS)],
            "linestyle": fig.DASHES[i % len(fig.DASHES)],
            "marker": fig.MARKERS[i % len(fig.MARKERS)],
        }
        for i, surface in enumerate(surfaces)
    }


def grid(environments: Sequence[Environment]) -> tuple[int, int]:
    """Rows and columns of panels: κ across where every N has every κ, else as they come."""
    kappas = {e.kappa for e in environments}
    count = len(environments)
    if count % len(kappas) == 0 and 1 < len(kappas) <= 5:
        return count // len(kappas), len(kappas)
    columns = fig.across(count)
    return -(-count // columns), columns


def response_curves(
    surfaces: Sequence[Surface],
    slug: str,
    family: str,
    name: str,
    styles: Looks,
    space: Space,
    spec: Sensitivity,
) -> fig.Drawn:
    """A panel per environment; solid the best over the other hyperparameters, faint their mean."""
    places = surfaces[0].of(family)
    environments = in_order([surfaces[0].environments[i] for i in places])
    own = [surface for surface in surfaces if name in surface.names]
    rows, columns = grid(environments)
    with fig.styled():
        figure, axes = fig.panels(rows, columns, 2.9, 2.1, sharex=True, sharey=True)
        for axis_, environment in zip(axes.flat, environments, strict=False):
            at = surfaces[0].environments.index(environment)
            for place, surface in enumerate(own):
                along = axis(surface, name, spec)
                found = response(surface, at, along, spec)
                style = dict(styles[surface.algorithm])
                shift = 0.012 * (place - (len(own) - 1) / 2)
                x = _apart(along.centre, shift, space.logarithmic(name, along.low))
                _with_bars(axis_, x, found.best, style | {"markersize": 4.5})
                faint = style | {"marker": "", "linewidth": 1.0, "alpha": 0.75}
                mean = [e.value for e in found.mean]
                axis_.plot(x, mean, **faint | {"linestyle": (0, (1.2, 1.2))})
                lost = found.diverged > 0
                if lost.any():
                    best = np.array([e.value for e in found.best])
                    axis_.plot(
                        x[lost],
                        best[lost],
                        linestyle="none",
                        marker="o",
                        markersize=9,
                        markerfacecolor="none",
                        markeredgecolor=style["color"],
                        markeredgewidth=0.8,
                    )
            axis_.set_title(environment.place)
        for axis_ in axes.flat[len(environments) :]:
            axis_.set_visible(False)
        _values_axis(axes.flat[0], name, own, space, spec)
        for axis_ in axes[-1, :]:
            axis_.set_xlabel(space.axis(name))
        for axis_ in axes[:, 0]:
            axis_.set_ylabel(PERFORMANCE)
        keys = [fig.key(s.algorithm, **styles[s.algorithm], markersize=4.5) for s in own]
        keys.append(fig.key("mean over the others", color=fig.SURROUND, linestyle=(0, (1.2, 1.2))))
        keys.append(fig.key("some runs diverged", color=fig.SURROUND, **HOLLOW))
        fig.legend(figure, keys)
        binned = axis(own[0], name, spec).binned
        return fig.saved(
            figure,
            f"{slug}-response-{name.replace('_', '-')}",
            f"Performance against {sign(name)}",
            f"{MEANING}. Lines with markers: the best over the other hyperparameters, with "
            f"{fm.percent(spec.level)} bootstrap intervals over seeds; it is chosen on the same "
            "seeds, so it leans high. Dotted: the mean over them. "
            + (f"Values are binned, {spec.bins} bins at their medians. " if binned else "")
            + "Ringed: some runs with that value diverged.",
        )


HOLLOW: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 7,
    "markerfacecolor": "none",
}


def heatmaps(
    surfaces: Sequence[Surface],
    slug: str,
    family: str,
    pair: tuple[str, str],
    space: Space,
    spec: Sensitivity,
) -> fig.Drawn | None:
    """`pair` = (down, across); a column of panels per algorithm, a row per environment."""
    down, across = pair
    own = [s for s in surfaces if down in s.names and across in s.names]
    if not own:
        return None
    environments = in_order([own[0].environments[i] for i in own[0].of(family)])
    maps = {
        (e, s.algorithm): crossed(
            s, s.environments.index(e), axis(s, across, spec), axis(s, down, spec)
        )
        for e in environments
        for s in own
    }
    ends = _ends([value for value, _ in maps.values()])
    with fig.styled():
        figure, axes = fig.panels(len(environments), len(own), 2.5, 1.75)
        for row, environment in zip(axes, environments, strict=True):
            for axis_, surface in zip(row, own, strict=True):
                x, y = axis(surface, across, spec), axis(surface, down, spec)
                drawn = _map(axis_, *maps[environment, surface.algorithm], ends)
                _ticks(axis_, x, y)
        for axis_, surface in zip(axes[0], own, strict=True):
            axis_.set_title(surface.algorithm)
        for axis_ in axes[-1, :]:
            axis_.set_xlabel(space.axis(across))
        for axis_, environment in zip(axes[:, 0], environments, strict=True):
            axis_.set_ylabel(f"{environment.place}\n{space.axis(down)}")
        figure.colorbar(drawn, ax=axes, label=PERFORMANCE, shrink=0.8, aspect=30, pad=0.02)
        return fig.saved(
            figure,
            f"{slug}-map-{down.replace('_', '-')}-{across.replace('_', '-')}",
            f"{sign(down)} and {sign(across)}",
            f"The best over the other hyperparameters. {MEANING}. One colour scale for all. "
            "A percentage is the share of diverged runs, over all settings of that field.",
        )


def kappa_maps(
    surfaces: Sequence[Surface], slug: str, family: str, name: str, space: Space, spec: Sensitivity
) -> fig.Drawn | None:
    """`name` against κ: a column of panels per algorithm, a row per N and whatever else varies."""
    own = [s for s in surfaces if name in s.names]
    places = in_order([surfaces[0].environments[i] for i in surfaces[0].of(family)])
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
                for j, kappa in enumerate(kappas):
                    where = Environment(family, kappa, *other)
                    if where in surface.environments:
                        at = surface.environments.index(where)
                        one = Axis(
                            "", along.low[:1], along.high[:1], along.low[:1], 0 * along.place
                        )
                        v, s = crossed(surface, at, one, along)
                        value[:, j], share[:, j] = v[:, 0], s[:, 0]
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
            axis_.set_title(surface.algorithm)
        for axis_ in axes[-1, :]:
            axis_.set_xlabel("heterogeneity κ")
        figure.colorbar(drawn, ax=axes, label=PERFORMANCE, shrink=0.8, aspect=30, pad=0.02)
        return fig.saved(
            figure,
            f"{slug}-map-{name.replace('_', '-')}-kappa",
            f"{sign(name)} and κ",
            f"The best over the other hyperparameters. {MEANING}. One colour scale for all. "
            "A percentage is the share of diverged runs, over all settings of that field.",
        )


def in_order(environments: Sequence[Environment]) -> list[Environment]:
    """N outermost, then κ: as panels are read."""
    return sorted(environments, key=lambda e: (e.rest, e.agents, e.kappa))


def _apart(x: Array, shift: float, logarithmic: bool) -> Array:
    """A little sideways, so that the bars of algorithms do not cover each other."""
    if logarithmic:
        return np.asarray(x * (x.max() / x.min()) ** shift)
    return np.asarray(x + shift * max(float(np.ptp(x)), 1e-12))


def _with_bars(axis_: Any, x: Array, found: Sequence[Any], style: Mapping[str, Any]) -> None:
    y = np.array([e.value for e in found])
    bars = np.array([[e.value - e.low, e.high - e.value] for e in found]).T
    axis_.errorbar(
        x,
        y,
        np.maximum(np.nan_to_num(bars), 0),
        **style,
        elinewidth=0.9,
        markeredgecolor="white",
        markeredgewidth=0.4,
    )


def _values_axis(
    axis_: Any, name: str, own: Sequence[Surface], space: Space, spec: Sensitivity
) -> None:
    """Ticks at the values that were tried, as long as they do not run into each other."""
    along = axis(own[0], name, spec)
    if space.logarithmic(name, along.low):
        axis_.set_xscale("log")
    at = (
        along.centre
        if not along.binned
        else np.unique(np.concatenate([along.low, along.high[-1:]]))
    )
    shown = _spaced(at, space.logarithmic(name, along.low))
    axis_.xaxis.set_major_locator(FixedLocator([float(v) for v in shown]))
    axis_.xaxis.set_minor_locator(NullLocator())
    axis_.xaxis.set_major_formatter(FuncFormatter(lambda v, _: amount(v)))


def _spaced(values: Array, logarithmic: bool) -> Array:
    """Values at least an eighth of the axis apart, the ends first."""
    scale = np.log(values) if logarithmic else values
    least = np.ptp(scale) / 8
    kept = [0]
    for i in range(1, len(values)):
        if scale[i] - scale[kept[-1]] >= least:
            kept.append(i)
    return np.asarray(values[kept])


def _ends(maps: Sequence[Array]) -> tuple[float, float]:
    low = min(float(np.nanmin(value)) for value in maps)
    high = max(float(np.nanmax(value)) for value in maps)
    return low, high if high > low else low + 1.0


def _map(axis_: Any, value: Array, share: Array, ends: tuple[float, float]) -> Any:
    """Fields of one size each, empty where there is no setting."""
    rows, columns = value.shape
    axis_.grid(visible=False)
    drawn = axis_.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(value),
        cmap=COLOURS,
        vmin=ends[0],
        vmax=ends[1],
        linewidth=0,
    )
    for i in range(rows):
        for j in range(columns):
            if share[i, j] > 0:
                dark = value[i, j] < ends[0] + 0.6 * (ends[1] - ends[0])
                axis_.text(
                    *(j, i, _percent(share[i, j])),
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color="#fefefe" if dark else "#010101",
                )
    return drawn


def _percent(share: float) -> str:
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
