"""The input of the chapters of a study with a design."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fedrl.reports.drawing import figures as fig
from fedrl.reports.table.runs import Family
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces import design
from fedrl.reports.table.surfaces.from_records import Designed
from fedrl.reports.table.surfaces.representative_settings import Shown, shown, shown_families
from fedrl.reports.table.surfaces.tuning_sensitivity import TuningSensitivity, gammas, owed

Looks = Mapping[str, Mapping[str, Any]]
FIRST = ("step_size", "local_steps", "server_step_size", "episodes", "beta")  # as they are read


@dataclass(frozen=True, eq=False)
class Study:
    """Records, surfaces and importance of a study with a design."""

    records: Any
    designed: Designed
    space: design.Space
    importance: Sequence[design.Importance]
    spec: Sensitivity

    def __getstate__(self) -> dict[str, Any]:
        """For another process: what is found in the records, and without them."""
        found = {"names": self.names, "curves": self.curves, "owed": self.owed}
        without = {"records": None, "designed": self.designed._replace(runs=None)}
        return self.__dict__ | found | without

    @property
    def surfaces(self) -> list[design.Surface]:
        """By algorithm; all have the same environments."""
        return self.designed.surfaces

    @property
    def families(self) -> list[str]:
        return sorted({e.family for e in self.surfaces[0].environments})

    def environments(self, family: Family) -> list[design.Environment]:
        """Those of a family, as panels are read."""
        first = self.surfaces[0]
        return design.in_order([first.environments[i] for i in first.of(family.name)])

    @cached_property
    def names(self) -> list[str]:
        """The hyperparameters that vary, in the order they are read."""
        found = [
            name
            for name in design.coordinates(self.records)
            if any(name in s.names and s.shape[s.names.index(name)] > 1 for s in self.surfaces)
        ]
        rank = {name: place for place, name in enumerate(FIRST)}
        return sorted(found, key=lambda name: (rank.get(name, len(FIRST)), name))

    @cached_property
    def scaled(self) -> tuple[list[Any], list[int]]:
        """Γ of every algorithm and the environments it is of."""
        return gammas(self.surfaces)

    @cached_property
    def owed(self) -> list[TuningSensitivity]:
        values, kept = self.scaled
        return [
            owed(surface, gamma, kept, self.spec)
            for surface, gamma in zip(self.surfaces, values, strict=True)
        ]

    @cached_property
    def looks(self) -> Looks:
        """Colour, dashes and marker of every algorithm."""
        return fig.looks([surface.algorithm for surface in self.surfaces])

    @cached_property
    def shown(self) -> list[Shown]:
        return [one for family in self.families for one in shown(self.surfaces, family, self.space)]

    @cached_property
    def curves(self) -> list[Family]:
        return shown_families(self.records, self.designed, self.shown)
