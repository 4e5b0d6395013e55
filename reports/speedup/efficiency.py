"""The table of E(N), for fits of fixed settings and of tuned ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from fedrl.reports.statistics.estimates import UNKNOWN, Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Column, Row, Table, bounded, with_interval

Fit = tuple[Row, Mapping[int, Estimate]]  # what is fitted, and E at every N


def efficiency_table(
    table: tuple[str, str, str],
    fits: Sequence[Fit],
    columns: tuple[Column, ...],
    group: tuple[str, ...],
    spec: Specification,
) -> Table:
    """A row per fit, a column per N; `table` is name, title and where the numbers come from."""
    name, title, source = table
    levels = sorted({n for _, found in fits for n in found})
    rows: list[dict[str, Any]] = []
    for named, found in fits:
        row = dict(named)
        for n in levels:
            row |= bounded(f"efficiency_{n}", found.get(n, UNKNOWN))
        rows.append(row)
    return Table(
        name,
        title,
        f"E(N) = N₁ T(N₁) / (N T(N)), N₁ = {levels[0]}: 1 is linear speed-up, N₁/N none. {source}, "
        f"over all ε together; {fm.percent(spec.level)} intervals over seeds. – where an N, or N₁, "
        "has no hit.",
        rows,
        (*columns, *(with_interval(f"N = {n}", f"efficiency_{n}") for n in levels)),
        group,
    )
