"""The names that training writes are those that reports read."""

from fedrl.benchmark.training.diagnostics import NAMES, PREFIX
from fedrl.reports.table import measures
from fedrl.reports.table.columns import DIAGNOSTIC, SYMBOLS, typed


def test_diagnostics_have_the_prefix_that_reports_look_for() -> None:
    assert PREFIX == DIAGNOSTIC
    others = {"heterogeneity", "value_error"}
    assert {DIAGNOSTIC + name for name in NAMES} == {*measures.NAMES} - others


def test_a_symbol_can_be_typed() -> None:
    assert all(typed(name).isascii() for name in SYMBOLS)
    assert (typed("step_size"), typed("agents"), typed("capacity")) == ("eta", "N", "capacity")
