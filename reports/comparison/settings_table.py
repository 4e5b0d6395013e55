"""The settings of every series."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fedrl.reports.table import formatting as fm
from fedrl.reports.table.columns import SYMBOLS, typed
from fedrl.reports.table.runs import Family
from fedrl.reports.table.tables import SERIES, Column, Table, text


def settings(family: Family, hyperparameters: Sequence[str]) -> Table:
    """The settings of every series: a column for what differs, the rest in the caption."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for kappa, series, runs in family.groups():
        chosen = {"agents": runs[0].agents}
        chosen |= {name: _plain(runs[0].last[name]) for name in hyperparameters}
        row = rows.setdefault(
            (series, *chosen.values()), {"series": series.label, "kappa": ""} | chosen
        )
        row["kappa"] = f"{row['kappa']}, {kappa:g}".lstrip(", ")
    values = {name: {row[name] for row in rows.values()} for name in ("agents", *hyperparameters)}
    differ = [name for name, found in values.items() if len(found) > 1]
    common = [f"{_spelled(n)} {_shown(*v)}" for n, v in values.items() if len(v) == 1 and v != {""}]
    return Table(
        f"{family.slug}-settings",
        "Settings",
        f"Where series differ. The same for all: {', '.join(common)}." if common else "",
        list(rows.values()),
        (
            SERIES,
            text("κ", "kappa"),
            *(
                Column(_spelled(n), lambda row, n=n: _shown(row[n]), n)  # type: ignore[misc]
                for n in differ
            ),
        ),
        group=(),
    )


def _spelled(name: str) -> str:
    """A column's name for reading, with its symbol."""
    symbol = typed(name) if name in SYMBOLS else name
    return name.replace("_", " ") + (f" ({symbol})" if symbol != name else "")


def _plain(value: Any) -> Any:
    return "" if pd.isna(value) else value


def _shown(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:g}"
    return str(value) or fm.NOTHING
