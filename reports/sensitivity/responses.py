"""Figures of one family: performance against one hyperparameter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.design import Environment, Space, amount, sign
from fedrl.reports.table.surfaces.marginals import Axis, axis, response

PERFORMANCE = "performance"
HOLLOW: dict[str, Any] = {"linestyle": "none", "marker": "o", "markerfacecolor": "none"}
MEANING = (
    "Performance is the mean height of the learning curve up to the common budget, 0 the random "
    "policy and 1 the reference; a diverged run counts as 0 from there on"
)


def columns_of(environments: Sequence[Environment]) -> int:
    """Panels side by side: κ across where every N has every κ, else as they come."""
    kappas, count = {e.kappa for e in environments}, len(environments)
    if count % len(kappas) == 0 and 1 < len(kappas) <= 5:
        return len(kappas)
    return fig.across(count)


def response_curves(study: Study, family: Family, name: str) -> fig.Figure:
    """A panel per environment; solid the best over the other hyperparameters, faint their mean."""
    styles, space, spec = study.looks, study.space, study.spec
    environments = study.environments(family)
    own = [surface for surface in study.surfaces if name in surface.names]
    columns = columns_of(environments)
    with fig.styled():
        figure, axes = fig.tiles(len(environments), columns, 2.1, sharex=True, sharey=True)
        for axis_, environment in zip(axes, environments, strict=True):
            at = study.surfaces[0].environments.index(environment)
            for place, surface in enumerate(own):
                along = axis(surface, name, spec)
                found = response(surface, at, along, spec)
                style = dict(styles[surface.algorithm])
                shift = 0.012 * (place - (len(own) - 1) / 2)
                x = _apart(along.centre, shift, space.logarithmic(name, along.low))
                best, low, high = np.array(found.best).T
                marks.points(axis_, x, best, low, high, **style, markersize=4.5)
                faint = style | {"marker": "", "linewidth": 1.0, "alpha": 0.75}
                mean = [e.value for e in found.mean]
                axis_.plot(x, mean, **faint | {"linestyle": (0, (1.2, 1.2))})
                lost = found.diverged > 0
                if lost.any():
                    ring = {"markersize": 9, "markeredgecolor": style["color"]}
                    axis_.plot(x[lost], best[lost], **HOLLOW, **ring, markeredgewidth=0.8)
            axis_.set_title(environment.place)
        tried = axis(own[0], name, spec)
        _values_axis(axes[0], tried, space)
        fig.label(axes, space.axis(name), PERFORMANCE)
        keys = [fig.key(s.printed, **styles[s.algorithm], markersize=4.5) for s in own]
        keys.append(fig.key("mean over the others", color=fig.SURROUND, linestyle=(0, (1.2, 1.2))))
        keys.append(fig.key("some runs diverged", color=fig.SURROUND, markersize=7, **HOLLOW))
        fig.legend(figure, keys)
        return fig.saved(
            figure,
            f"{family.slug}-response-{name.replace('_', '-')}",
            f"Performance against {sign(name)}",
            f"{MEANING}. Lines with markers: the best over the other hyperparameters, with "
            f"{fm.percent(spec.level)} bootstrap intervals over seeds; it is chosen on the same "
            "seeds, so it leans high. Dotted: the mean over them. "
            + (f"Values are binned, {spec.bins} bins at their medians. " if tried.binned else "")
            + "Ringed: some runs with that value diverged.",
        )


def _apart(x: Array, shift: float, logarithmic: bool) -> Array:
    """A little sideways, so that the bars of algorithms do not cover each other."""
    if logarithmic:
        return np.asarray(x * (x.max() / x.min()) ** shift)
    return np.asarray(x + shift * max(float(np.ptp(x)), 1e-12))


def _values_axis(axis_: Any, along: Axis, space: Space) -> None:
    """Ticks at the values that were tried, as long as they do not run into each other."""
    logarithmic = space.logarithmic(along.name, along.low)
    if logarithmic:
        axis_.set_xscale("log")
    shown = _spaced(np.unique([*along.low, along.high[-1]]), logarithmic)
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
