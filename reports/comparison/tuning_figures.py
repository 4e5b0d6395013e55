"""Figures of tuning: expected best of k trials, and the trials in their order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.statistics.best_of_k import expected_best

Panel = str  # "κ = 0, N = 5"
Scores = Mapping[Panel, Mapping[str, Sequence[float]]]  # panel → algorithm → scores of its trials


def best_of_k(family: str, scores: Scores) -> fig.Figure:
    """E[best of k] of every algorithm, a panel per κ and N."""

    def draw(axis: Any, values: Sequence[float], look: dict[str, Any]) -> None:
        best = expected_best(values)
        axis.plot(np.arange(1, len(best) + 1), best, **look, markersize=3, markevery=0.2)

    return _drawn(
        *(family, scores, draw, "best-of-k", "What a tuning budget buys"),
        "Expected best score of k trials drawn with replacement from an algorithm's trials "
        "(Dodge et al. 2019). Flat from the start: hardly any tuning is needed. Later trials are "
        "not independent, so the curve shows how concentrated the good ones are.",
        "trials k",
    )


def history(family: str, scores: Scores) -> fig.Figure:
    """Scores in the order of the trials, and the best so far."""

    def draw(axis: Any, values: Sequence[float], look: dict[str, Any]) -> None:
        number = np.arange(1, len(values) + 1)
        dots = {"color": look["color"], "marker": look["marker"]}
        axis.plot(number, values, linestyle="", markersize=2.5, alpha=0.6, **dots)
        axis.plot(number, np.maximum.accumulate(values), **(look | {"marker": ""}))

    return _drawn(
        *(family, scores, draw, "tuning-history", "Trials in their order"),
        "Dots: mean score of a trial over the tune seeds. Line: the best so far.",
        "trial",
    )


def _drawn(
    family: str, scores: Scores, draw: Any, name: str, title: str, caption: str, x: str
) -> fig.Figure:
    names = list(dict.fromkeys(n for panel in scores.values() for n in panel))
    looks = fig.looks(names)
    with fig.styled():
        figure, axes = fig.tiles(len(scores), fig.across(len(scores)), 2.45)
        fig.label(axes, x, "score")
        for axis, (panel, algorithms) in zip(axes, scores.items(), strict=True):
            axis.set_title(panel)
            for algorithm, values in algorithms.items():
                draw(axis, values, looks[algorithm])
            _focus(axis, [v for values in algorithms.values() for v in values])
        fig.legend(figure, fig.keys(looks))
        return fig.saved(figure, f"{family}-{name}", title, caption)


def _focus(axis: Any, values: Sequence[float]) -> None:
    """From the lower quartile up: one failed trial must not hide all others."""
    low, high = float(np.quantile(values, 0.25)), float(np.max(values))
    room = 0.05 * (high - low) or 0.05 * max(abs(high), 1e-3)
    axis.set_ylim(low - room, high + room)
