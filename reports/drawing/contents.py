"""Contents of a page, before it is written."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fedrl.reports.drawing.section import Chapter, Part, Section
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Table


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
