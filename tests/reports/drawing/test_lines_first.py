"""Which of many lines a page shows first."""

import numpy as np
from test_report import synthetic

from fedrl.reports.drawing.charts import CLEAR, shown_first
from fedrl.reports.table.presentation import Presentation
from fedrl.reports.table.records import families


def test_few_lines_are_all_shown_and_of_many_the_best_of_each_algorithm() -> None:
    few = families(synthetic(seeds=2, points=4), Presentation())
    assert shown_first(few) == {series.curve for family in few for series in family.series}
    betas = tuple(np.linspace(0.1, 0.9, CLEAR).round(3))
    (many,) = families(
        synthetic(("gridworld",), (0.0,), seeds=2, points=4, betas=betas), Presentation()
    )
    areas = {
        curve: np.mean(
            [r.outcome.area(many.budget(0.0)) for r in many.runs if r.series.curve == curve]
        )
        for curve in {series.curve for series in many.series}
    }
    algorithm = {series.curve: series.algorithm for series in many.series}
    best = {
        max((c for c in areas if algorithm[c] == name), key=lambda curve: areas[curve])
        for name in set(algorithm.values())
    }
    assert shown_first([many]) == best
