"""A table: rows for its CSV, columns for the page."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.identity import identity

Row = Mapping[str, Any]


class Column(NamedTuple):
    """One column of the page, made from a row of the frame."""

    header: str
    show: Callable[[Row], str]
    key: str  # the column of the frame it sorts by
    words: bool = False  # aligned left
    strong: Callable[[Row], bool] = lambda row: False  # printed bold


class Cell(NamedTuple):
    """One printed cell."""

    text: str
    key: str
    words: bool
    strong: bool


@dataclass(frozen=True)
class Data:
    """Rows as CSV beside the page, with a link; alone where they are too many to be read."""

    name: str
    title: str
    caption: str
    rows: Sequence[Row]

    @property
    def frame(self) -> Any:
        return pd.DataFrame(list(self.rows))


@dataclass(frozen=True)
class Table(Data):
    """One table, on the page and as CSV."""

    columns: tuple[Column, ...]
    group: tuple[str, ...] = ("kappa",)  # a rule is drawn where these change

    @property
    def turned(self) -> bool:
        """Whether columns are lines in Markdown."""
        return False

    @property
    def short(self) -> "Table":
        """What of it Markdown shows: all."""
        return self

    @property
    def ruled(self) -> list[bool]:
        """For every row, whether a new group begins there; groups of one row need no rules."""
        keys = [[row.get(name) for name in self.group] for row in self.rows]
        begins = [i > 0 and keys[i] != keys[i - 1] for i in range(len(keys))]
        return [begin and not all(begins[1:]) for begin in begins]

    def __getstate__(self) -> dict[str, Any]:
        """Printed: another process is told what its columns show, not how."""
        bare = tuple(column._replace(show=str, strong=bool) for column in self.columns)
        return self.__dict__ | {"columns": bare, "cells": self.cells}

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """Row by row; asked for by every format."""
        return [
            [
                Cell(c.show(row), key_of(row.get(c.key, "")), c.words, c.strong(row))
                for c in self.columns
            ]
            for row in self.rows
        ]


DIGITS = "%.10g"  # of numbers in files: the last ones of sixteen depend on the processor


def key_of(value: object) -> str:
    """What a column is sorted by."""
    return DIGITS % value if isinstance(value, float) else str(value)


def text(header: str, key: str) -> Column:
    """Words, aligned left."""
    return Column(header, lambda row: str(row[key]), key, words=True)


def numeric(header: str, key: str, digits: int = 3) -> Column:
    """A number to some significant digits."""
    return Column(header, lambda row: fm.number(row[key], digits), key)


def bounded(name: str, value: Estimate) -> dict[str, float]:
    """The columns of a frame that hold an estimate."""
    return {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}


def leaves_out(row: Row, key: str, value: float) -> bool:
    """Whether a value lies outside of the bounds of an estimate."""
    return bool(value < row[f"{key}_low"] or value > row[f"{key}_high"])


def with_interval(
    header: str, key: str, digits: int = 3, strong: Callable[[Row], bool] = lambda row: False
) -> Column:
    """A number to some significant digits, with its bounds."""
    return interval(header, key, lambda value: fm.number(value, digits), strong)


def interval(
    header: str,
    key: str,
    number: Callable[[float], str],
    strong: Callable[[Row], bool] = lambda row: False,
    *,
    value: Callable[[float], str] | None = None,
    unit: str = "",
) -> Column:
    """`key` with its bounds in `key`_low and `key`_high, all as `number` writes them.

    Without bounds where there are none; `value` writes `key` itself in another way.
    """

    def show(row: Row) -> str:
        low, high = row[f"{key}_low"], row[f"{key}_high"]
        known = not (math.isnan(low) or math.isnan(high))
        bounds = f" [{number(low)}, {number(high)}]" if known else ""
        return f"{(value or number)(row[key])}{bounds}{unit}"

    return Column(header, show, key, strong=strong)


SERIES = text("algorithm", "series")
ALGORITHM = Column(
    "algorithm", lambda row: identity(row["algorithm"]).name, "algorithm", words=True
)
KAPPA = Column("κ", lambda row: f"{row['kappa']:g}", "kappa")
SEEDS = Column("seeds", lambda row: str(row["seeds"]), "seeds")
OF_AGENTS = (with_interval("worst agent", "worst"), with_interval("range of agents", "range"))
