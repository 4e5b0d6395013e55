"""What a page is made of: sections of parts."""

from dataclasses import dataclass

from reports.charts import Chart
from reports.explorer import Explorer
from reports.figures import Drawn
from reports.tables import Table

Part = Drawn | Table | Explorer | Chart


@dataclass(frozen=True)
class Section:
    """One part of the page, with a heading."""

    title: str
    anchor: str
    parts: tuple[Part, ...]
    note: str = ""
