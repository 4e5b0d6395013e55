"""Performance of one algorithm over environments, settings of the design, and seeds."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.sensitivity.design import Design
from envs.family import Array
from reports import statistics as st
from reports.records import families, hyperparameters

COORDINATE = "design_"  # prefix of the columns of coordinates
PLACE = ("family", "kappa", "agents")  # what every environment is told apart by
Environment = tuple[Hashable, ...]


class Performance(NamedTuple):
    """Only what is complete: every environment has all H settings, and all of them n seeds."""

    algorithm: str
    names: tuple[str, ...]  # the hyperparameters of the design that it has
    settings: list[tuple[float, ...]]  # H coordinates as declared, sorted
    columns: tuple[str, ...]  # what tells environments apart
    environments: list[Environment]  # E
    values: Array  # (E, H, n), area under the score curve at the common budget
    diverged: Array  # (E, H, n), 1.0 where the run diverged

    @property
    def shape(self) -> tuple[int, ...]:
        """Levels of each hyperparameter, if the settings are a full grid of them."""
        return tuple(len(set(column)) for column in zip(*self.settings, strict=True))

    @property
    def is_grid(self) -> bool:
        return int(np.prod(self.shape)) == len(self.settings)


def performances(frame: pd.DataFrame, design: Design) -> list[Performance]:
    """Of every algorithm in the records of a study, by name."""
    columns = (*PLACE, *also_crossed(frame, design))
    told: dict[str, dict[tuple[Any, ...], tuple[float, float]]] = {}
    for family in families(frame):
        budgets = {kappa: family.budget(kappa) for kappa in family.kappas}
        for run in family.runs:
            environment = tuple(_plain(run.last[name]) for name in columns)
            setting = tuple(_plain(run.last[COORDINATE + name]) for name in design.space)
            area = st.area_under_curve(*run.curve, budgets[run.kappa])
            place = environment, setting, run.seed
            told.setdefault(run.series.algorithm, {})[place] = area, float(run.diverged)
    found = (_complete(name, told[name], columns, tuple(design.space)) for name in sorted(told))
    return [one for one in found if one is not None]


def also_crossed(frame: pd.DataFrame, design: Design) -> list[str]:
    """Settings that differ between cells of one family, κ, N, algorithm and place in the design."""
    cells = frame.drop_duplicates("cell")
    known = [name for name in hyperparameters(frame) if not name.startswith(COORDINATE)]
    place = [*PLACE, "algorithm", *(COORDINATE + name for name in design.space)]
    counts = cells.groupby(place, dropna=False)[known].nunique(dropna=False)
    return [name for name in known if (counts[name] > 1).any()]


def _complete(
    algorithm: str,
    told: dict[tuple[Any, ...], tuple[float, float]],
    columns: tuple[str, ...],
    names: tuple[str, ...],
) -> Performance | None:
    """None where nothing is complete."""
    settings = list(dict.fromkeys(setting for _, setting, _ in told))
    seeds = sorted({seed for *_, seed in told})
    environments = [
        environment
        for environment in dict.fromkeys(environment for environment, *_ in told)
        if any(all((environment, s, seed) in told for s in settings) for seed in seeds)
    ]
    common = [
        seed
        for seed in seeds
        if all((environment, s, seed) in told for environment in environments for s in settings)
    ]
    has = [place for place in range(len(names)) if settings[0][place] is not None]
    order = sorted(settings, key=lambda setting: [setting[place] for place in has])
    if not environments or not common or not has:
        return None
    table = np.array([[[told[e, s, seed] for seed in common] for s in order] for e in environments])
    return Performance(
        algorithm,
        tuple(names[place] for place in has),
        [tuple(setting[place] for place in has) for setting in order],
        columns,
        environments,
        table[..., 0],
        table[..., 1],
    )


def _plain(value: Any) -> Hashable:
    """As Python's own numbers and words; a setting that is off is None."""
    value = getattr(value, "item", lambda: value)()
    return None if isinstance(value, float) and np.isnan(value) else value
