"""The page: its parts numbered, and the scripts that it needs."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.inline import glyphs
from fedrl.reports.drawing.section import Chapter, Part, Section
from fedrl.reports.drawing.surface_explorer import SurfaceExplorer
from fedrl.reports.page.film import FILMS, film_of
from fedrl.reports.page.templates import environment
from fedrl.reports.table.tables import Table


def page(*, chapters: Sequence[Chapter], together: Sequence[Section], **words: Any) -> str:
    """The whole page as text."""
    sections = [*together, *(section for own in chapters for section in own.sections)]
    parts = [part for section in sections for part in section.parts]
    letters = glyphs(
        part.svg.decode() for part in parts if isinstance(part, Figure) and part.on_page
    )
    words |= {"chapters": chapters, "together": together, "letters": letters}
    first = {own.family: own.anchor for own in reversed(chapters)}
    known = words["provenance"].get(FILMS, ())
    words["films"] = {first[name]: film_of(name) for name in known if name in first}
    words["numbers"] = _numbers([*words["first"], *words["front"], *parts])
    heat = any(isinstance(part, SurfaceExplorer) for part in parts)
    return environment().get_template("report.html.j2").render(plotly=_plotly(heat), **words)


def _numbers(parts: Sequence[Part]) -> dict[str, str]:
    """Kind and name of a part → Figure 1, Table 1, in the order of the page."""
    counts = {"Figure": 0, "Table": 0}
    found: dict[str, str] = {}
    for part in parts:
        if isinstance(part, Figure | Table):
            kind = "Figure" if isinstance(part, Figure) else "Table"
            counts[kind] += 1
            found[f"{kind} {part.name}"] = f"{kind} {counts[kind]}"
    return found


@cache
def _plotly(whole: bool) -> str:
    """plotly.js for a <script> element: as its package ships it, for heat maps.

    Else its lines and points, a quarter of the size.
    """
    if whole:
        from plotly.offline import get_plotlyjs

        source = str(get_plotlyjs())
    else:
        source = (Path(__file__).parent / "vendor/plotly-basic.min.js").read_text("utf-8")
    if "</script" in source or "<!--" in source:
        raise ValueError("plotly.js holds text that would end its <script> element")
    return source
