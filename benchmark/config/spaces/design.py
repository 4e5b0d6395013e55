"""A design: the settings of hyperparameters that all environments and algorithms are tried at."""

from collections.abc import Collection
from itertools import product
from math import prod
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fedrl.benchmark.config.limits import CONFIGURATIONS
from fedrl.benchmark.config.spaces.axis import Axis
from fedrl.envs.validation import shown

MOST_IN_A_GRID = 4  # hyperparameters, if the study does not say which kind it wants
Point = dict[str, float]  # hyperparameter -> coordinate as the study declares it


class Design(BaseModel):
    """The table [design] of a study: a full grid, or a scrambled Sobol set.

    The points are those of Owen's scrambling, Sobol (1967) and Owen (1998); 2^m of them have
    exactly one in each of the 2^m equal parts of every axis.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["grid", "sobol"] | None = None  # None: a grid of up to four hyperparameters
    points: int | None = None  # of a Sobol set, 2^m
    seed: Annotated[int, Field(ge=0)] = 0  # of the scrambling
    evaluations: Annotated[int, Field(ge=1)] | None = None  # of a run, whatever K and B are
    space: dict[str, Axis] = {}

    @model_validator(mode="before")
    @classmethod
    def _chosen(cls, table: Any) -> Any:
        """Fill in the defaults of what the study leaves open."""
        if not isinstance(table, dict):
            return table
        space = table.get("space") or {}
        if not isinstance(space, dict):
            raise ValueError(
                f"design.space is {shown(space)}; it must be a table per hyperparameter, such as "
                "[design.space.beta] with values = [0.1, 0.5]"
            )
        few = len(space) <= MOST_IN_A_GRID
        kind = table.get("kind") or ("grid" if few else "sobol")
        points = {"points": 64} if kind == "sobol" and table.get("points") is None else {}
        return table | {"kind": kind} | points

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.space:
            raise ValueError(
                "design.space is empty; it must hold a table per hyperparameter, such as "
                "[design.space.beta] with values = [0.1, 0.5]"
            )
        for name, axis in self.space.items():
            axis.check(f"design.space.{name}", "a grid" if self.kind == "grid" else "")
        if self.kind == "grid" and self.points is not None:
            raise ValueError(
                'design.points belongs to kind = "sobol"; a grid has the product of its levels'
            )
        size = self.points or prod(axis.size or 1 for axis in self.space.values())
        if size > CONFIGURATIONS:
            what = "design.points is" if self.points else "the product of the levels of design is"
            raise ValueError(f"{what} {size}; it must be at most {CONFIGURATIONS:,}")
        if self.points is not None and (self.points < 2 or self.points.bit_count() != 1):
            near = 2 ** max(1, round(float(np.log2(max(2, self.points)))))
            raise ValueError(
                f"design.points is {self.points}; a Sobol set needs a power of two, such as {near}"
            )
        return self

    def coordinates(self, whole: set[str]) -> list[Point]:
        """The points, each once; coordinates of the hyperparameters in `whole` are rounded."""
        columns = self._grid() if self.kind == "grid" else self._sobol()
        for name in whole & set(self.space):
            if not self.space[name].relative:
                columns[name] = np.round(columns[name])
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in dict.fromkeys(rows)]

    def described(self) -> dict[str, Any]:
        """For a report."""
        space = {name: axis.described() for name, axis in self.space.items()}
        drawn = {} if self.kind == "grid" else {"points": self.points, "seed": self.seed}
        return {"kind": self.kind, **drawn, "space": space}

    def _grid(self) -> dict[str, Any]:
        """The first hyperparameter changes slowest."""
        rows = np.array(list(product(*(axis.listed or () for axis in self.space.values()))))
        return dict(zip(self.space, rows.T, strict=True))

    def _sobol(self) -> dict[str, Any]:
        from scipy.stats import qmc

        assert self.points is not None
        generator = np.random.default_rng(self.seed)
        sequence = qmc.Sobol(len(self.space), scramble=True, rng=generator)
        shares = sequence.random_base2(self.points.bit_length() - 1)
        return {
            name: axis.at(shares[:, place]) for place, (name, axis) in enumerate(self.space.items())
        }


def projected(points: list[Point], names: Collection[str]) -> list[Point]:
    """The points without what is not in `names`; those that then are equal are one."""
    kept = [{name: value for name, value in point.items() if name in names} for point in points]
    return list({tuple(point.values()): point for point in kept}.values())
