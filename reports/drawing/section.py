"""What a page is made of: chapters of sections of parts."""

from dataclasses import dataclass

from fedrl.reports.drawing.charts import Chart
from fedrl.reports.drawing.explorer import Explorer
from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.surface_explorer import SurfaceExplorer
from fedrl.reports.table.runs import Family
from fedrl.reports.table.tables import Data, Table

Part = Figure | Table | Data | Explorer | SurfaceExplorer | Chart


@dataclass(frozen=True)
class Section:
    """One part of the page, with a heading."""

    title: str
    anchor: str
    parts: tuple[Part, ...]
    note: str = ""
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """Mostly one family: what is said of it at the top, and its sections."""

    title: str
    scored: str  # how its numbers are to be read
    anchor: str
    says: list[str]
    sections: list[Section]


def scored(family: Family) -> str:
    """What the score of a family is."""
    return f"Scored by the {family.unit}. Reference: {', '.join(family.meanings)}."
