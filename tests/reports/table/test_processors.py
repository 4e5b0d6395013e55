"""Averages and their bands have the same bits whatever instructions a processor has."""

from __future__ import annotations

from older_processor import older_processor, printed

from fedrl.reports.page import table_export
from fedrl.reports.table.tables import Table, numeric

PROGRAM = """
import hashlib
import numpy as np
from fedrl.reports.statistics import estimates as st
from fedrl.reports.table.measures import Measure

scores = np.random.default_rng(0).normal(size=(20, 300))
logarithmic = Measure("x", "x", lambda run: run.score, log=True)
positive = np.random.default_rng(1).lognormal(sigma=9, size=20_000)
found = [
    st.interquartile_mean(scores),
    *st.stratified_interval([scores], st.interquartile_mean, seed=0),
    *st.stratified_interval([scores], st.mean, seed=0),
    logarithmic.back(logarithmic.forth(positive)),
]
print([hashlib.sha256(np.ascontiguousarray(one).tobytes()).hexdigest() for one in found])
"""


def test_an_older_processor_computes_the_same_bits() -> None:
    assert printed(PROGRAM, older_processor()) == printed(PROGRAM, {})


def test_files_have_no_digit_that_a_processor_decides() -> None:
    """A fit by two kinds of linear algebra, as a cell to sort by and as CSV."""
    one, other = (
        Table("fits", "Fits", "", [{"slope": slope}], (numeric("slope", "slope"),))
        for slope in (-1.0631310699066143, -1.063131069906614)
    )
    assert one.cells == other.cells
    assert table_export.csv(one) == table_export.csv(other)
