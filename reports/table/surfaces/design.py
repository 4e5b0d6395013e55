"""A study with a design: where every cell stands in it, and how every run did.

Columns `design_<NAME>` hold the coordinate of a cell as the design declares it (a multiple of the
family's value where the axis is relative), NaN where the algorithm lacks that hyperparameter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedrl.reports.statistics.estimates import Array, Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.columns import COORDINATE, SYMBOLS
from fedrl.reports.table.identity import identity
from fedrl.reports.table.records import spelled

NUMBERS = ("importance", "low", "high")  # of an importance in a provenance


class Environment(NamedTuple):
    """The task that a setting is tuned for: all that varies outside of the design."""

    family: str
    kappa: float
    agents: int
    rest: tuple[tuple[str, str], ...] = ()  # further columns that vary, with their values
    normalised: bool = True  # by a reference above random; else performance has the score's unit

    @property
    def further(self) -> str:
        """The further columns, each after a comma."""
        return "".join(f", {name.replace('_', ' ')} = {value}" for name, value in self.rest)

    @property
    def place(self) -> str:
        """Without the family."""
        return fm.panel(self.kappa, self.agents) + self.further

    @property
    def label(self) -> str:
        return f"{self.family}, {self.place}"


class Importance(NamedTuple):
    """How much a hyperparameter of an algorithm matters in one environment, as it was computed."""

    place: Environment
    algorithm: str
    hyperparameter: str
    share: Estimate  # of the sum over hyperparameters


@dataclass(frozen=True, eq=False)
class Surface:
    """How one algorithm does over environments, its settings of the design, and seeds.

    The settings of an algorithm that lacks a hyperparameter are the projection of the design:
    points that differ in nothing it has are one.
    """

    algorithm: str
    names: tuple[str, ...]  # hyperparameters of the design that it has
    settings: Array  # (H, hyperparameters), sorted
    environments: tuple[Environment, ...]
    performance: Array  # (E, H, n), of `outcome`: 0 random policy, 1 the reference
    diverged: NDArray[np.bool_]  # (E, H, n)
    cells: tuple[tuple[str, ...], ...]  # (E, H)

    @property
    def printed(self) -> str:
        """The algorithm's name in print."""
        return identity(self.algorithm).name

    @property
    def means(self) -> Array:
        """(E, H), over seeds."""
        return np.asarray(self.performance.mean(axis=2))

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each hyperparameter."""
        return tuple(len(np.unique(column)) for column in self.settings.T)

    @property
    def is_grid(self) -> bool:
        """Whether every combination of values is there."""
        return int(np.prod(self.shape)) == len(self.settings)

    def values(self, name: str) -> Array:
        """(H,) of one hyperparameter."""
        return np.asarray(self.settings[:, self.names.index(name)])

    def of(self, family: str) -> list[int]:
        """The places of a family's environments."""
        return [i for i, e in enumerate(self.environments) if e.family == family]


@dataclass(frozen=True)
class Space:
    """How the axes of the design are written."""

    kind: str  # "grid" or "sobol"
    axes: Mapping[str, Mapping[str, Any]]

    def relative(self, name: str) -> bool:
        """Whether its coordinates are multiples of the family's value."""
        return bool(self.axes.get(name, {}).get("relative"))

    def logarithmic(self, name: str, values: Array) -> bool:
        """As declared, else where positive values span a decade."""
        declared = self.axes.get(name, {}).get("scale")
        if declared is not None:
            return str(declared) == "log"
        return bool(values.min() > 0 and values.max() >= 8 * values.min())

    def axis(self, name: str) -> str:
        """For a figure."""
        return sign(name) + (f" / {_unit(name)}" if self.relative(name) else "")

    def told(self, name: str, value: float, relation: str = "=") -> str:
        """η = 2 × the family's."""
        return f"{sign(name)} {relation} {amount(value)}{self.times(name)}"

    def times(self, name: str) -> str:
        return f" × {_unit(name)}" if self.relative(name) else ""

    def setting(self, names: tuple[str, ...], values: Array) -> str:
        """η = 2×, β = 0.2: a whole setting in short."""
        pairs = zip(names, values, strict=True)
        return ", ".join(
            f"{sign(n)} = {amount(v)}{'×' if self.relative(n) else ''}" for n, v in pairs
        )


def _unit(name: str) -> str:
    """Name the unit of a relative coordinate: plain averaging for λ."""
    return "ηK" if name == "server_step_size" else "the family's"


def sign(name: str) -> str:
    """A hyperparameter as equations call it."""
    return SYMBOLS.get(name, name.replace("_", " "))


def amount(value: float) -> str:
    """Three significant digits, without trailing zeros."""
    return f"{float(f'{value:.3g}'):g}".replace("-", "−")


def is_designed(records: Any) -> bool:
    """Whether the records are of a study with a design."""
    return bool(coordinates(records))


def coordinates(records: Any) -> list[str]:
    """The hyperparameters of the design that some cell has, in the order of the table."""
    names = [str(c) for c in records.columns if str(c).startswith(COORDINATE)]
    return [name.removeprefix(COORDINATE) for name in names if records[name].notna().any()]


def space(provenance: Mapping[str, Any]) -> Space:
    """As the study's configuration has it; without one the coordinates speak for themselves."""
    declared = (provenance.get("configuration") or {}).get("design") or {}
    return Space(str(declared.get("kind", "grid")), declared.get("space") or {})


def importances(provenance: Mapping[str, Any]) -> list[Importance]:
    """Those that are known, in the order of the provenance."""
    told = ("family", "kappa", "agents", "algorithm", "hyperparameter", *NUMBERS)
    found = []
    for row in provenance.get("importance") or []:
        numbers = (np.nan if row[name] is None else float(row[name]) for name in NUMBERS)
        rest = tuple((name, spelled(value)) for name, value in row.items() if name not in told)
        place = Environment(str(row["family"]), float(row["kappa"]), int(row["agents"]), rest)
        names = str(row["algorithm"]), str(row["hyperparameter"])
        found.append(Importance(place, *names, Estimate(*numbers)))
    return [one for one in found if np.isfinite(one.share.value)]


def in_order(environments: Sequence[Environment]) -> list[Environment]:
    """N outermost, then κ: as panels are read."""
    return sorted(environments, key=lambda e: (e.rest, e.agents, e.kappa))
