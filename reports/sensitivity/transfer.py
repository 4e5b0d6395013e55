"""How far a setting that was tuned in one environment carries into another."""

from collections.abc import Callable

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics import sensitivity_statistics as ss
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.runs import Family
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Environment


def transfer(performance: Array, spec: Sensitivity) -> Array:
    """(E, E): what row's best setting gives in column, as a share of column's own best.

    Settings are chosen on one half of the seeds and scored on the other, the column's own too, so
    the diagonal is 1 and noise is rewarded nowhere. NaN where the own best is not above random.
    """
    options = spec.redraws | {"resamples": 0}
    scores, _ = ss.resampled(performance, _scores, **options)
    own = np.diag(scores)
    return np.asarray(np.where(own > 0, scores / np.where(own > 0, own, 1.0), np.nan))


def _scores(choose: Array, score: Array) -> Array:
    """(E, E): score in column of the setting chosen in row."""
    return np.asarray(score[:, np.argmax(choose, axis=1)].T)


def transfer_maps(study: Study, family: Family) -> fig.Figure | None:
    """A panel per algorithm."""
    places = study.environments(family)
    own = [surface for surface in study.surfaces if len(surface.settings) > 1]
    if len(places) < 2 or not own:
        return None
    columns = fig.across(len(own)) if len(places) > 4 else min(len(own), 4)
    side = max(1.9, 0.42 * len(places) + 0.8)
    with fig.styled():
        figure, axes = fig.tiles(len(own), columns, side + 0.1, side + 0.5, sharey=True)
        for axis, surface in zip(axes, own, strict=True):
            order = [surface.environments.index(place) for place in places]
            shares = transfer(surface.performance[order], study.spec)
            drawn = marks.heatmap(axis, np.clip(shares, 0, 1), (0, 1), _words(shares))
            axis.set_title(surface.printed)
            axis.set_xticks(range(len(places)), [_short(p) for p in places], rotation=90)
            axis.set_yticks(range(len(places)), [_short(p) for p in places])
            axis.set_ylim(len(places) - 0.5, -0.5)
        fig.label(axes, "used at (κ, N)", "tuned at (κ, N)")
        marks.colour_scale(figure, drawn, axes, "share of the best there")
        return fig.saved(
            figure,
            f"{family.slug}-transfer",
            "Tuned here, used there",
            "Performance of the setting that is best in the environment of the row when it is used "
            "in that of the column, as a share of the best there, both chosen on one half of the "
            "seeds and scored on the other. Below 0 it is worse than the random policy.",
        )


def _words(shares: Array) -> Callable[[int, int], str]:
    """Per cent on the fields of a map that is small enough to be read."""

    def words(i: int, j: int) -> str:
        if len(shares) > 9 or not np.isfinite(shares[i, j]):
            return ""
        return f"{100 * shares[i, j]:.0f}".replace("-", "−")

    return words


def _short(place: Environment) -> str:
    more = "".join(f", {value}" for _, value in place.rest)
    return f"{place.kappa:g}, {place.agents}{more}"
