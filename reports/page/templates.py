"""Jinja as the page and the paper use it: strict, escaping, and knowing the parts of a report."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from fedrl.reports.drawing.charts import Chart
from fedrl.reports.drawing.explorer import Explorer
from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.surface_explorer import SurfaceExplorer
from fedrl.reports.table.tables import Table

KINDS = {
    "figure": Figure,
    "table": Table,
    "explorer": Explorer,
    "chart": Chart,
    "surface": SurfaceExplorer,
}


@cache  # with its templates, which are compiled when they are first asked for
def environment(**options: Any) -> jinja2.Environment:
    """The templates of a report; `part is figure` and so on tell its parts apart."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        **options,
    )
    for name, kind in KINDS.items():
        made.tests[name] = _is(kind)
    made.tests["flat"] = _flat
    return made


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda part: isinstance(part, kind)


def _flat(value: Any) -> bool:
    """True for a list of dicts of scalars, which prints as one table."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(item, dict)
            and not any(isinstance(entry, (dict, list)) for entry in item.values())
            for item in value
        )
    )
