"""Runs of published studies for pages of their own: estimates over seeds, and how they are written.

Scores are normalised, 0 the random policy and 1 the reference; intervals redraw whole seeds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fedrl.benchmark.config.study_file import read_table
from fedrl.reports.statistics import whole_seeds
from fedrl.reports.statistics.estimates import Estimate
from making.measured.sensitivity import PUBLISHED

MARK = "<!-- table: {name} -->"
RESAMPLES = 4000


def written(text: str, tables: Mapping[str, str]) -> str:
    """A page with these tables and lists behind their marks."""
    for name, table in tables.items():
        mark = re.escape(MARK.format(name=name))
        text = re.sub(rf"({mark})\n(?:\n(?:[|-].*\n)+)?", lambda m: f"{m[1]}\n\n{table}\n", text)  # noqa: B023
    return text


def ends(study: str) -> pd.DataFrame:
    """The last evaluation point of every run."""
    records = pd.read_parquet(PUBLISHED / study / "records.parquet")
    return records.sort_values("round").groupby(["cell", "seed"], sort=False).tail(1)


def starred(study: str, name: str, value: float, unit: float = 1.0) -> str:
    """A tuned value, with a star where it is an end of the grid, of multiples of `unit`."""
    levels = read_table(study)["tuning"]["levels"][name]["values"]
    ends = (unit * min(levels), unit * max(levels))
    return f"{value:g}" + "*" * any(math.isclose(value, end) for end in ends)


def normalised(rows: Any) -> Any:
    """0 for the random policy, 1 for the reference."""
    score = rows["objective"].where(rows["metric"] == "objective", rows["return"])
    return (score - rows["random"]) / (rows["reference"] - rows["random"])


def word(value: Any) -> str:
    """A cell of records that may be empty, as text."""
    return "" if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)


def chosen(rows: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """The rows with these values, by seed."""
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return rows.set_index("seed").sort_index()


def over(own: pd.DataFrame, what: str) -> Estimate:
    """Mean over seeds."""
    seeds = [[int(seed) for seed in own.index]]
    return whole_seeds.mean(seeds, [own[what].to_numpy(float)], seed=0, resamples=RESAMPLES)


def apart(own: pd.DataFrame, base: pd.DataFrame, what: str) -> Estimate:
    """Mean difference within seeds."""
    return over(own.assign(gap=own[what] - base[what]), "gap")


def told(found: Estimate, places: int) -> str:
    """0.12 [0.10, 0.15]"""
    low, high = number(found.low, places), number(found.high, places)
    return f"{number(found.value, places)} [{low}, {high}]"


def signed(found: Estimate, places: int) -> str:
    """In bold where the interval does not hold 0."""
    parts = [number(v, places, "+") for v in (found.value, found.low, found.high)]
    text = f"{parts[0]} [{parts[1]}, {parts[2]}]"
    return f"**{text}**" if found.low > 0 or found.high < 0 else text


def number(value: float, places: int, sign: str = "") -> str:
    """With a minus sign, and no negative zero."""
    return f"{round(value, places) + 0.0:{sign}.{places}f}".replace("-", "−")


def standing(gap: Estimate) -> str:
    """What an interval of a difference says."""
    return "ahead of" if gap.low > 0 else "behind" if gap.high < 0 else "not told apart from"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names) or "none"
