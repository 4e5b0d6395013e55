"""How far a setting that was tuned in one environment carries into another."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.sensitivity.maps import COLOURS
from fedrl.reports.statistics import sensitivity_statistics as ss
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.design import Environment, Surface, in_order
from fedrl.reports.table.specification import Sensitivity


def transfer(performance: Array, spec: Sensitivity) -> Array:
    """(E, E): what row's best setting gives in column, as a share of column's own best.

    Settings are chosen on one half of the seeds and scored on the other, the column's own too, so
    the diagonal is 1 and noise is rewarded nowhere. NaN where the own best is not above random.
    """
    environments, _, seeds = performance.shape
    if seeds < 2:
        means = performance.mean(axis=2)
        return _shares(_scores(means, means))
    parts = ss.halves(seeds, spec.splits, np.random.default_rng(spec.seed))
    total = np.zeros((environments, environments))
    for one, other in parts:
        left, right = performance[:, :, one].mean(axis=2), performance[:, :, other].mean(axis=2)
        total += _scores(left, right) + _scores(right, left)
    return _shares(total / (2 * len(parts)))


def _scores(choose: Array, score: Array) -> Array:
    """(E, E): score in column of the setting chosen in row."""
    return np.asarray(score[:, np.argmax(choose, axis=1)].T)


def _shares(scores: Array) -> Array:
    own = np.diag(scores)
    return np.asarray(np.where(own > 0, scores / np.where(own > 0, own, 1.0), np.nan))


def transfer_maps(
    surfaces: Sequence[Surface], slug: str, family: str, spec: Sensitivity
) -> fig.Figure | None:
    """A panel per algorithm."""
    places = in_order([surfaces[0].environments[i] for i in surfaces[0].of(family)])
    own = [surface for surface in surfaces if len(surface.settings) > 1]
    if len(places) < 2 or not own:
        return None
    columns = fig.across(len(own)) if len(places) > 4 else min(len(own), 4)
    rows = -(-len(own) // columns)
    side = max(1.9, 0.42 * len(places) + 0.8)
    with fig.styled():
        figure, axes = fig.panels(rows, columns, side + 0.5, side + 0.1, sharey=True)
        for axis, surface in zip(axes.flat, own, strict=False):
            order = [surface.environments.index(place) for place in places]
            shares = transfer(surface.performance[order], spec)
            drawn = _drawn(axis, shares)
            axis.set_title(surface.algorithm)
            axis.set_xticks(range(len(places)), [_short(p) for p in places], rotation=90)
            axis.set_yticks(range(len(places)), [_short(p) for p in places])
        for axis in axes.flat[len(own) :]:
            axis.set_visible(False)
        for axis in axes[:, 0]:
            axis.set_ylabel("tuned at (κ, N)")
        for axis in axes[-1, :]:
            axis.set_xlabel("used at (κ, N)")
        figure.colorbar(
            drawn, ax=axes, label="share of the best there", shrink=0.8, aspect=30, pad=0.02
        )
        return fig.saved(
            figure,
            f"{slug}-transfer",
            "Tuned here, used there",
            "Performance of the setting that is best in the environment of the row when it is used "
            "in that of the column, as a share of the best there, both chosen on one half of the "
            "seeds and scored on the other. Below 0 it is worse than the random policy.",
        )


def _drawn(axis: Any, shares: Array) -> Any:
    count = len(shares)
    edges = np.arange(count + 1) - 0.5
    axis.grid(visible=False)
    drawn = axis.pcolormesh(
        edges, edges, np.ma.masked_invalid(np.clip(shares, 0, 1)), cmap=COLOURS, vmin=0, vmax=1
    )
    axis.set_ylim(count - 0.5, -0.5)
    if count <= 9:
        for i in range(count):
            for j in range(count):
                if np.isfinite(shares[i, j]):
                    colour = "#fefefe" if shares[i, j] < 0.6 else "#010101"
                    words = f"{100 * shares[i, j]:.0f}".replace("-", "−")
                    axis.text(j, i, words, ha="center", va="center", fontsize=6.5, color=colour)
    return drawn


def _short(place: Environment) -> str:
    more = "".join(f", {value}" for _, value in place.rest)
    return f"{place.kappa:g}, {place.agents}{more}"
