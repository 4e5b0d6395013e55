"""Choices of a report's reader that change what it says first, not what was computed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

from fedrl.reports.table.identity import identity, place

# Inches of one column and of the whole text, as the style files of 2025 say; NeurIPS has one column
WIDTHS = {"icml": (3.25, 6.75), "icml-column": (3.25, 3.25), "neurips": (5.5, 5.5)}
KEY = "presentation"  # of a report's provenance, so that it can be made again


@dataclass(frozen=True)
class Presentation:
    """Empty fields leave what is usual."""

    baseline: str = ""  # algorithm that paired comparisons are against
    labels: Mapping[str, str] = field(default_factory=dict)  # algorithm → its name in print
    order: tuple[str, ...] = ()  # algorithms that come first
    families: tuple[str, ...] = ()  # the only families shown, in this order
    size: str = ""  # figures as wide as a column of this conference's style

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> "Presentation":
        """As a report's provenance tells it; ValueError for a key that is not known."""
        told = dict(provenance.get(KEY) or {})
        for name in ("order", "families"):
            told[name] = tuple(told.get(name) or ())
        try:
            return cls(**told)
        except TypeError as error:
            raise ValueError(f"{KEY} of the provenance: {error}") from None

    @property
    def told(self) -> dict[str, Any]:
        """What differs from the usual, for the provenance."""
        return {name: value for name, value in asdict(self).items() if value}

    def name(self, algorithm: str) -> str:
        """The algorithm in print."""
        return self.labels.get(algorithm) or identity(algorithm).name

    def place(self, algorithm: str) -> tuple[int, int, str]:
        """Order of legends and tables."""
        first = self.order.index(algorithm) if algorithm in self.order else len(self.order)
        return (first, *place(algorithm))

    def check(self, algorithms: Sequence[str], families: Sequence[str]) -> None:
        """ValueError, with the nearest name, for what is not in the study."""
        for option, names, known in (
            ("baseline", [self.baseline] if self.baseline else [], algorithms),
            ("label", list(self.labels), algorithms),
            ("order", self.order, algorithms),
            ("families", self.families, families),
            ("size", [self.size] if self.size else [], tuple(WIDTHS)),
        ):
            for name in names:
                if name not in known:
                    near = get_close_matches(name, known, 1)
                    hint = f"did you mean {near[0]!r}? " if near else ""
                    raise ValueError(f"{option}: no {name!r} here; {hint}known: {', '.join(known)}")
        shown = [self.name(algorithm) for algorithm in algorithms]
        for name in shown:
            if shown.count(name) > 1:
                raise ValueError(f"label: two algorithms would be called {name!r}")
