"""Contents of a page, before it is written: chapters of sections of figures and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fedrl.reports.drawing.charts import Chart
from fedrl.reports.drawing.explorer import Explorer
from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.surface_explorer import SurfaceExplorer
from fedrl.reports.table.runs import Family
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Data, Table

Part = Figure | Table | Data | Explorer | SurfaceExplorer | Chart


@dataclass(frozen=True)
class Section:
    """One part of the page, with a heading; tables without a row are left out."""

    title: str
    anchor: str
    parts: Sequence[Part]
    note: str = ""
    says: Sequence[str] = ()
    folded: bool = False  # on the page; print and paper have it open

    def __post_init__(self) -> None:
        kept = [part for part in self.parts if not isinstance(part, Table) or part.rows]
        object.__setattr__(self, "parts", kept)


@dataclass(frozen=True)
class Chapter:
    """Mostly one family: what is said of it at the top, and its sections."""

    title: str
    scored: str  # how its numbers are to be read
    anchor: str
    says: list[str]
    sections: list[Section]
    family: str = ""  # its name in the registry, where the chapter is of one


class Contents(NamedTuple):
    """The contents of one report."""

    chapters: Sequence[Chapter]
    front: Sequence[Table]
    verdict: str
    totals: Mapping[str, str]
    provenance: Mapping[str, Any]  # as it is printed
    spec: Specification
    fewest: int  # seeds of a series
    designed: str = ""  # of a study with a design: how its numbers are to be read
    together: Sequence[Section] = ()  # what is said of all families
    first: Sequence[Table] = ()  # what the page begins with

    @property
    def parts(self) -> list[Part]:
        """Everything that is written beside the page."""
        chapters = [section for chapter in self.chapters for section in chapter.sections]
        sections = [*self.together, *chapters]
        return [*self.first, *self.front, *(part for section in sections for part in section.parts)]


def scored(family: Family) -> str:
    """Say how a family is scored, and against what."""
    return f"Scored by the {family.unit}. Reference: {', '.join(family.meanings)}."
