"""One dimension of a search space: a name, a range, and how it is searched."""

import math
from typing import NamedTuple

EDGE = 0.03  # share of a range that counts as its end
DIGITS = 4  # of a value that is tried: enough for tuning, and the same on every processor

Value = float | int
Values = dict[str, Value]


class Parameter(NamedTuple):
    """A hyperparameter on [low, high]; on a logarithmic scale with `log`, whole with `whole`."""

    name: str
    low: float
    high: float
    log: bool
    whole: bool = False

    def at(self, share: float) -> Value:
        """The value at a share in [0, 1] of the range: u ↦ low + u (high - low), or its log."""
        if self.log:
            value = math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        else:
            value = self.low + share * (self.high - self.low)
        return self.rounded(value)

    def rounded(self, value: float) -> Value:
        """As it is tried: few digits, and inside the range."""
        if self.whole:
            return min(max(round(value), round(self.low)), round(self.high))
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def words(self) -> str:
        """0.25 … 64 (log)."""
        notes = [word for word, on in (("log", self.log), ("whole", self.whole)) if on]
        return f"{self.low:g} … {self.high:g}" + (f" ({', '.join(notes)})" if notes else "")


Space = tuple[Parameter, ...]


def edges(space: Space, values: Values) -> list[str]:
    """Values at an end of their range; a wider range may hold better ones."""
    return [p.name for p in space if not p.at(EDGE) < values[p.name] < p.at(1 - EDGE)]


def worded(space: Space, values: Values) -> str:
    """Values as text, with a star on those at an end of their range."""
    ends = edges(space, values)
    return ", ".join(f"{n} {v:g}{'*' * (n in ends)}" for n, v in values.items())


def sized(space: Space) -> str:
    """How large the space is: dimensions, and points where they can be counted."""
    counts = [round(p.high) - round(p.low) + 1 for p in space if p.whole]
    free = len(space) - len(counts)
    parts = [f"{free} continuous" if free else "", f"{math.prod(counts)} points" if counts else ""]
    return " × ".join(part for part in parts if part)
