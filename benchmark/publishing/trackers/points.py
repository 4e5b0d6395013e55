"""Runs of the tidy table as every tracker gets them: settings, and numbers over rounds."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

STEP = "round"
NOT_CURVES = ("seed", STEP)


class Shown(NamedTuple):
    """One run."""

    config: str
    seed: int
    settings: dict[str, Any]  # constant columns that have a value
    points: list[dict[str, Any]]  # rows of the table by round
    columns: list[str]  # its curves, those of every run of the table

    @property
    def name(self) -> str:
        return f"{self.settings['family']}/{self.settings['algorithm']}/{self.config}/{self.seed}"


def curves(frame: Any) -> list[str]:
    """Columns of numbers that change within some run."""
    numbers = frame.select_dtypes("number").columns
    names = [str(name) for name in numbers if name not in NOT_CURVES]
    counts = frame.groupby(["cell", "seed"])[names].nunique()
    return [name for name in names if (counts[name] > 1).any()]


def shown(frame: Any) -> Iterator[Shown]:
    """Every run, by configuration and seed."""
    columns = curves(frame)
    constant = [str(name) for name in frame.columns if name not in (*columns, STEP)]
    for (config, seed), rows in frame.groupby(["cell", "seed"], sort=True):
        points = rows.sort_values(STEP).to_dict("records")
        settings = {name: points[-1][name] for name in constant if pd.notna(points[-1][name])}
        yield Shown(str(config), int(seed), settings, points, columns)


def numbers(point: dict[str, Any], columns: Sequence[str]) -> dict[str, float]:
    """The curves that have a value at this point."""
    return {name: float(point[name]) for name in columns if pd.notna(point[name])}


def seconds(point: dict[str, Any]) -> float:
    """Wall seconds from the start of the run; 0 where they are not known."""
    return float(point["seconds"]) if pd.notna(point["seconds"]) else 0.0
