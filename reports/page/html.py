"""The templates of the page, and what they need to know of Python objects."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from plotly.offline import get_plotlyjs

from fedrl.reports.drawing.charts import Chart
from fedrl.reports.drawing.explorer import Explorer
from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.inline import glyphs
from fedrl.reports.drawing.section import Chapter, Section
from fedrl.reports.drawing.surface_explorer import SurfaceExplorer
from fedrl.reports.table.tables import Data


def page(*, chapters: Sequence[Chapter], together: Sequence[Section], **words: Any) -> str:
    """The whole page as text."""
    sections = [*together, *(section for own in chapters for section in own.sections)]
    parts = [part for section in sections for part in section.parts]
    letters = glyphs(part.svg.decode() for part in parts if isinstance(part, Figure))
    words |= {"chapters": chapters, "together": together, "letters": letters}
    template = _environment().get_template("report.html.j2")
    return template.render(plotly=_library(), **words)


@cache
def _library() -> str:
    """plotly.js as its package ships it, to stand inside a <script> element."""
    source = get_plotlyjs()
    if "</script" in source or "<!--" in source:
        raise ValueError("plotly.min.js holds text that would end its <script> element")
    return source


def _environment() -> jinja2.Environment:
    """Templates beside this file; everything is escaped unless it is our own SVG."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.tests["figure"] = lambda part: isinstance(part, Figure)
    environment.tests["flat"] = _flat
    environment.tests["explorer"] = lambda part: isinstance(part, Explorer)
    environment.tests["chart"] = lambda part: isinstance(part, Chart)
    environment.tests["surface"] = lambda part: isinstance(part, SurfaceExplorer)
    environment.tests["data"] = lambda part: isinstance(part, Data)
    return environment


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
