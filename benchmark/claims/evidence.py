"""What claims are judged by: published records, read once, and studies without any samples."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import built_in
from fedrl.benchmark.execution.execution import run_study
from fedrl.benchmark.publishing import sources
from fedrl.benchmark.publishing.records import load_records, with_theory
from fedrl.benchmark.storage.provenance import folder
from fedrl.reports.table.records import families
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.design import is_designed
from fedrl.reports.table.surfaces.from_records import Designed, surfaces

PUBLISHED = Path("published")


class NotPublishedError(LookupError):
    """A study without published records: what it would decide is undecided."""


class NothingToMeasureError(LookupError):
    """The records have nothing of what a part asks for."""


class Evidence:
    """The records of one study in the forms that estimands need."""

    def __init__(self, study: str, below: Path | None = None) -> None:
        self.study = study
        self.folder = (folder("fedrl.reports") / PUBLISHED if below is None else below) / study

    @classmethod
    def of(cls, study: str, source: sources.Source) -> Evidence:
        """Records that are not published."""
        found = cls(study)
        found.source = source
        found.frame = with_theory(source.frame)
        return found

    @property
    def is_published(self) -> bool:
        """Whether its records are there."""
        return (self.folder / sources.RECORDS).is_file()

    @cached_property
    def source(self) -> sources.Source:
        """Records and provenance; NotPublishedError where there are none."""
        if not self.is_published:
            raise NotPublishedError(f"study {self.study} is not published yet")
        return sources.read_source(self.folder)

    @cached_property
    def frame(self) -> Any:
        """The tidy table; of a study that takes no samples computed here, in a minute or so."""
        if not self.is_published and takes_no_samples(self.study):
            with tempfile.TemporaryDirectory() as results:
                run_study(self.study, results=results, workers=1)
                return load_records(self.study, results)
        return with_theory(self.source.frame)

    @cached_property
    def families(self) -> list[Family]:
        """Runs by family."""
        return families(self.frame)

    def family(self, name: str) -> Family:
        """One family; NothingToMeasureError if the study does not have it."""
        found = [family for family in self.families if family.name == name]
        if not found:
            raise NothingToMeasureError(f"study {self.study} has no {name}")
        return found[0]

    @cached_property
    def designed(self) -> Designed:
        """Surfaces of a study with a design."""
        if not is_designed(self.frame):
            raise NothingToMeasureError(f"study {self.study} has no design")
        return surfaces(self.frame)

    @property
    def configuration(self) -> dict[str, Any]:
        """The study as it was run."""
        return dict(self.source.provenance["configuration"])

    @property
    def looks(self) -> int:
        """How often claims were judged on the way to these records."""
        with suppress(NotPublishedError):
            return int(self.configuration.get("looks", 1))
        return 1


def takes_no_samples(study: str) -> bool:
    """Whether the built-in study of that name knows every model: anybody can compute it at once."""
    if study not in built_in():
        return False
    return all(config.gradients == "exact" for config in load_study(study).configs())
