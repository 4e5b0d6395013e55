"""One dimension of a search space: a name, a range, and how it is searched."""

import math
from collections.abc import Collection
from itertools import product
from typing import NamedTuple

EDGE = 0.03  # share of a range that counts as its end
DIGITS = 4  # of a value that is tried: enough for tuning, and the same on every processor

Value = float | int
Values = dict[str, Value]


class Parameter(NamedTuple):
    """A hyperparameter on [low, high]; on a logarithmic scale with `log`, whole with `whole`.

    With a `unit`, ηK or 1/η, the range is of multiples of it. With `levels` nothing between them
    is tried.
    """

    name: str
    low: float
    high: float
    log: bool
    whole: bool = False
    unit: str = ""
    levels: tuple[Value, ...] = ()

    def at(self, share: float) -> Value:
        """The value at a share in [0, 1] of the range: u ↦ low + u (high - low), or its log."""
        if self.levels:
            return self.levels[min(int(share * len(self.levels)), len(self.levels) - 1)]
        if self.log:
            value = math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        else:
            value = self.low + share * (self.high - self.low)
        return self.rounded(value)

    def rounded(self, value: float) -> Value:
        """As it is tried: few digits, and inside the range."""
        if self.levels:
            return min(self.levels, key=lambda level: abs(level - value))
        if self.whole:
            return min(max(round(value), round(self.low)), round(self.high))
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def holds(self, value: float) -> bool:
        if self.levels:
            return value in self.levels
        return self.low <= value <= self.high

    @property
    def words(self) -> str:
        """0.25 … 64 (log)."""
        times = self.unit and f" × {self.unit}"
        if self.levels:
            return "{" + ", ".join(f"{level:g}" for level in self.levels) + "}" + times
        notes = [word for word, on in (("log", self.log), ("whole", self.whole)) if on]
        return f"{self.low:g} … {self.high:g}{times}" + (f" ({', '.join(notes)})" if notes else "")


Space = tuple[Parameter, ...]


def is_grid(space: Space) -> bool:
    """Whether every combination of levels can be tried."""
    return all(parameter.levels for parameter in space)


def grid(space: Space) -> list[Values]:
    """Every combination of levels, the first hyperparameter changes slowest."""
    names = [parameter.name for parameter in space]
    return [dict(zip(names, point, strict=True)) for point in product(*(p.levels for p in space))]


def edges(space: Space, point: Values) -> list[str]:
    """Names of coordinates at an end of their range; a wider range may hold better values."""
    return [
        p.name
        for p in space
        if (
            not p.levels[0] < point[p.name] < p.levels[-1]
            if p.levels
            else not p.at(EDGE) < point[p.name] < p.at(1 - EDGE)
        )
    ]


def worded(values: Values, ends: Collection[str]) -> str:
    """Values as text, with a star on those at an end of their range."""
    return ", ".join(f"{n} {v:g}{'*' * (n in ends)}" for n, v in values.items())


def sized(space: Space) -> str:
    """How large the space is: dimensions, and points where they can be counted."""
    counts = [
        len(p.levels) or round(p.high) - round(p.low) + 1 for p in space if p.whole or p.levels
    ]
    free = len(space) - len(counts)
    parts = [f"{free} continuous" if free else "", f"{math.prod(counts)} points" if counts else ""]
    return " × ".join(part for part in parts if part)
