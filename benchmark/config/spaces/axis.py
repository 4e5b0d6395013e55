"""One axis of a design: what values a hyperparameter takes."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from fedrl.benchmark.config.limits import CONFIGURATIONS
from fedrl.envs.family import Array
from fedrl.envs.validation import shown

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Axis(BaseModel):
    """Listed `values`, or an interval that `levels` makes a list: l points, even on its scale.

    A coordinate is a value, or with `relative` a multiple of the value that the study's tables
    give for a family and an algorithm; of λ the multiple is of plain averaging, ηK.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: tuple[Finite, ...] | None = None
    low: Finite | None = None
    high: Finite | None = None
    scale: Literal["log", "linear"] | None = None  # of an interval; "log" if nothing is said
    levels: int | None = None
    relative: bool = False

    def check(self, place: str, needing: str = "") -> None:
        """ValueError that says what is wrong at that place; `needing` is what needs levels."""
        mistake = self._mistake()
        if mistake is None and needing and self.size is None:
            mistake = f"{needing} needs its levels; give levels = 3, or values = [...]"
        if mistake is not None:
            raise ValueError(f"{place}: {mistake}")

    def _mistake(self) -> str | None:
        interval = (self.low, self.high, self.scale, self.levels)
        if self.values is not None:
            if interval != (None,) * 4:
                return TWO_WAYS
            few = len(set(self.values)) < max(2, len(self.values))
            wanted = "at least two different numbers"
            return f"values is {shown(list(self.values))}; it must be {wanted}" if few else None
        if self.low is None or self.high is None:
            return "it has no values; give values = [...], or low and high"
        if not self.low < self.high:
            return f"low is {self.low:g} and high {self.high:g}; low must be smaller"
        if self.logarithmic and self.low <= 0:
            return f'low is {self.low:g}; on a log scale it must be positive, or scale = "linear"'
        if self.levels is not None and self.levels < 2:
            return f"levels is {self.levels}; it must be at least 2"
        if self.levels is not None and self.levels > CONFIGURATIONS:
            return f"levels is {self.levels}; it must be at most {CONFIGURATIONS:,}"
        return None

    def described(self) -> dict[str, Any]:
        """For a report: values, or low, high, scale and levels; and whether they are relative."""
        scale = {} if self.values is not None else {"scale": self.scale or "log"}
        return self.model_dump(mode="json", exclude_none=True) | scale

    @property
    def logarithmic(self) -> bool:
        return self.scale != "linear"

    @property
    def size(self) -> int | None:
        """The number of coordinates where they are finitely many, else None."""
        return self.levels if self.values is None else len(self.values)

    @property
    def listed(self) -> tuple[float, ...] | None:
        """The coordinates where they are finitely many, else None."""
        if self.values is not None or self.levels is None:
            return self.values
        inside = (np.arange(self.levels) / (self.levels - 1)).tolist()
        return tuple(float(self._between(share)) for share in inside)

    def at(self, share: Array) -> Array:
        """Coordinates at shares in [0, 1) of the axis: uniform shares meet every level as often."""
        listed = self.listed
        if listed is None:
            return self._between(share)
        return np.asarray(listed)[np.floor(share * len(listed)).astype(int)]

    def _between(self, share: float | Array) -> Array:
        assert self.low is not None
        assert self.high is not None
        if self.logarithmic:
            inner = np.log(self.low) + np.asarray(share) * (np.log(self.high) - np.log(self.low))
            # The ends are meant as they are written, not as exp(log(.)) rounds them.
            return np.where(
                share == 0, self.low, np.where(share == 1, self.high, np.exp(inner))
            ).astype(float)
        return np.asarray(self.low + np.asarray(share) * (self.high - self.low))


TWO_WAYS = "it has values and an interval; give values, or low and high with scale and levels"
