"""Learning curves as data: what the page draws when its reader picks axes, algorithms, seeds.

Averages and bands are those of the static figures, once per axis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing.array_encoding import number, numbers, packed
from fedrl.reports.drawing.averages import Average, average
from fedrl.reports.drawing.charts import drawn_lines
from fedrl.reports.drawing.clipping import span
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.measures import AXES, Measure, axes_of, cost, measures_of
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.specification import Specification

POINTS = 40  # of one line on the page; the static figures have all
MANY = 500  # runs of a family; more are shown by their averages alone, or the page grows too large


@dataclass(frozen=True)
class Explorer:
    """One family's curves, ready for the page."""

    slug: str
    title: str
    axes: tuple[tuple[str, str], ...]  # (key, label)
    measures: tuple[tuple[str, str], ...]  # likewise
    lines: tuple[Mapping[str, Any], ...]  # label and look of every curve
    seeds: tuple[int, ...]
    level: str  # of the bootstrap intervals
    span: tuple[float, float] | None  # of the y axis of the score, where something is cut off
    data: str  # JSON for the page


def explorer(family: Family, look: fig.Look, spec: Specification, anchor: str) -> Explorer:
    """Every panel, line and seed of a family along every axis; `anchor`: the section it stands in.

    Of more than `MANY` runs only the averages of score and ‖∇J‖².
    """
    curves = list(dict.fromkeys(series.curve for series in family.series))
    measures, axes = measures_of(family), axes_of(family)
    many = len(family.runs) > MANY
    if many:
        measures = [measure for measure in measures if measure.resampled]

    def line(runs: Sequence[Run]) -> dict[str, Any]:
        return {
            "line": curves.index(runs[0].series.curve),
            "averages": {
                m.key: {axis: _line(average(family, runs, m, axis, spec, POINTS)) for axis in axes}
                for m in measures
            },
            "seeds": [] if many else [_seed(run, measures, axes) for run in runs],
        }

    def panel(kappa: float, agents: int | None) -> dict[str, Any]:
        runs = family.among(kappa, agents)
        series = sorted({run.series for run in runs})
        return {
            "title": fm.panel(kappa, agents),
            "reference": number(float(np.mean([run.reference for run in runs]))),
            "random": number(float(np.mean([run.random for run in runs]))),
            "lines": [line([run for run in runs if run.series == own]) for own in series],
        }

    def described(measure: Measure) -> dict[str, Any]:
        """With whether a logarithmic axis can show it."""
        found = np.concatenate([measure.of(run) for run in family.runs])
        positive = measure.log or bool((found[np.isfinite(found)] > 0).all())
        return {"label": measure.label, "log": measure.log, "positive": positive}

    named = tuple((axis, AXES[axis]) for axis in axes)
    lines = drawn_lines([family], look)
    seeds = () if many else tuple(sorted({run.seed for run in family.runs}))
    ends = span(family.runs, [run.score for run in family.runs])
    value = {
        "slug": family.slug,
        "anchor": anchor,
        "axes": dict(named),
        "measures": {measure.key: described(measure) for measure in measures},
        "span": None if ends is None else [number(end) for end in ends],
        "lines": lines,
        "seeds": seeds,
        "panels": [panel(*place) for place in family.panels],
    }
    told = tuple((measure.key, measure.label) for measure in measures)
    level, data = fm.percent(spec.level), packed(value)
    return Explorer(family.slug, family.name, named, told, lines, seeds, level, ends, data)


def _line(found: Average | None) -> dict[str, list[Any]] | None:
    """For the page; what is not known is left out."""
    if found is None:
        return None
    return {name: numbers(part) for name, part in found._asdict().items() if part is not None}


def _seed(run: Run, measures: Sequence[Measure], axes: Sequence[str]) -> dict[str, Any]:
    """One run up to its end or divergence, as it was measured."""
    kept = np.unique(np.linspace(0, len(run.steps) - 1, POINTS).round().astype(int))
    return {
        "seed": run.seed,
        "diverged": run.diverged,
        "x": {axis: numbers(cost(run, axis)[kept]) for axis in axes},
        "y": {m.key: numbers(m.of(run)[kept]) for m in measures},
    }
