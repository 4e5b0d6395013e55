"""A table: the frame its CSV holds and the columns the page shows; what was run, and what it cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reports import formatting as fm
from reports.runs import Family, Run

Row = Mapping[str, Any]


class Column(NamedTuple):
    header: str
    show: Callable[[Row], str]
    key: str  # the column of the frame it sorts by
    words: bool = False  # aligned left
    strong: Callable[[Row], bool] = lambda row: False  # printed bold


class Cell(NamedTuple):
    text: str
    key: str
    words: bool
    strong: bool


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    caption: str
    rows: Sequence[Row]
    columns: tuple[Column, ...]
    group: tuple[str, ...] = ("kappa",)  # a rule is drawn where these change

    @property
    def frame(self) -> Any:
        return pd.DataFrame(list(self.rows))

    @property
    def ruled(self) -> list[bool]:
        """For every row, whether a new group begins there."""
        keys = [[row.get(name) for name in self.group] for row in self.rows]
        return [i > 0 and keys[i] != keys[i - 1] for i in range(len(keys))]

    @property
    def cells(self) -> list[list[Cell]]:
        return [
            [
                Cell(c.show(row), str(row.get(c.key, "")), c.words, c.strong(row))
                for c in self.columns
            ]
            for row in self.rows
        ]


def text(header: str, key: str) -> Column:
    return Column(header, lambda row: str(row[key]), key, words=True)


def numeric(header: str, key: str, digits: int = 3) -> Column:
    return Column(header, lambda row: fm.number(row[key], digits), key)


def with_interval(header: str, key: str, digits: int = 3) -> Column:
    """`key` with its bounds in `key`_low and `key`_high."""

    def show(row: Row) -> str:
        bounds = fm.brackets(row[f"{key}_low"], row[f"{key}_high"], digits)
        return f"{fm.number(row[key], digits)} {bounds}".strip()

    return Column(header, show, key)


SERIES = text("algorithm", "series")
KAPPA = Column("κ", lambda row: f"{row['kappa']:g}", "kappa")
SEEDS = Column("seeds", lambda row: str(row["seeds"]), "seeds")


def settings(families: Sequence[Family], hyperparameters: Sequence[str]) -> Table:
    """Every configuration that was run, one row per family × series, κ joined where settings agree."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for family in families:
        for kappa, series, runs in family.groups():
            chosen = {name: _plain(runs[0].last[name]) for name in hyperparameters}
            key = (family.name, series.label, runs[0].agents, *chosen.values())
            row = rows.setdefault(
                key,
                {"family": family.name, "series": series.label, "kappa": "", "seeds": ""}
                | {"agents": runs[0].agents}
                | chosen,
            )
            row["kappa"] = f"{row['kappa']}, {kappa:g}".lstrip(", ")
            row["seeds"] = _joined(row["seeds"], str(len(runs)))
    return Table(
        "settings",
        "What was run",
        "One row per family, algorithm and setting. Seeds are runs per κ; every run of a family "
        "meets the same environment draws, initial parameters and noise, seed by seed.",
        list(rows.values()),
        (
            text("family", "family"),
            SERIES,
            text("κ", "kappa"),
            text("seeds", "seeds"),
            Column("N", lambda row: str(row["agents"]), "agents"),
            *(
                Column(h.replace("_", " "), lambda row, h=h: _shown(row[h]), h)  # type: ignore[misc]
                for h in hyperparameters
            ),
        ),
        group=("family",),
    )


def _joined(so_far: str, count: str) -> str:
    return so_far if so_far == count else f"{so_far}, {count}".lstrip(", ")


def _plain(value: Any) -> Any:
    return "" if pd.isna(value) else value


def _shown(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:g}"
    return str(value) or fm.NOTHING


def seed_scores(family: Family) -> Table:
    """Final score of every run: a row per series and κ, a column per seed."""
    seeds = sorted({run.seed for run in family.runs})
    rows = []
    for kappa, series, runs in family.groups():
        by_seed = {run.seed: run for run in runs}
        row: dict[str, Any] = {"kappa": kappa, "series": series.label}
        for seed in seeds:
            run = by_seed.get(seed)
            row[f"seed_{seed}"] = run.final if run else float("nan")
            row[f"diverged_{seed}"] = bool(run.diverged) if run else None
        rows.append(row)

    def show(seed: int) -> Callable[[Row], str]:
        def cell(row: Row) -> str:
            if row[f"diverged_{seed}"] is None:
                return "no run"
            return fm.number(row[f"seed_{seed}"]) + (" ×" if row[f"diverged_{seed}"] else "")

        return cell

    return Table(
        f"{family.slug}-seeds",
        "Final score of every seed",
        f"{family.unit[0].upper()}{family.unit[1:]}, at the last evaluation point. × marks a run "
        "that diverged; it is given the worse of its last finite score and the random policy's.",
        rows,
        (KAPPA, SERIES, *(Column(f"seed {s}", show(s), f"seed_{s}") for s in seeds)),
    )


def ledger(family: Family) -> Table:
    """What the runs cost: means per run, so series with different numbers of seeds compare."""

    def average(runs: list[Run], key: str) -> float:
        values = np.array([float(run.last[key]) for run in runs])
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else np.nan

    rows = []
    for kappa, series, runs in family.groups():
        ups = np.array([float(run.last["floats_up"]) * run.agents for run in runs])
        downs = np.array([float(run.last["floats_down"]) * run.agents for run in runs])
        keys = (
            *("round", "steps_per_agent", "steps_total"),
            *("trajectories_per_agent", "trajectories_total", "floats_up", "floats_down"),
        )
        rows.append(
            {"kappa": kappa, "series": series.label, "seeds": len(runs), "agents": runs[0].agents}
            | {key: average(runs, key) for key in keys}
            | {"floats_up_total": float(ups.mean()), "floats_down_total": float(downs.mean())}
            | {"diverged": sum(run.diverged for run in runs), "seconds": average(runs, "seconds")}
        )
    timed = any(np.isfinite(row["seconds"]) for row in rows)
    return Table(
        f"{family.slug}-ledger",
        "Ledger",
        "What one run cost, averaged over seeds: environment steps and trajectories used for "
        "training (evaluation is not charged), and numbers sent to (up) and received from (down) "
        "the server. Diverged runs are charged up to their last finite evaluation point.",
        rows,
        (
            *(KAPPA, SERIES, SEEDS, Column("N", lambda row: str(row["agents"]), "agents")),
            numeric("rounds", "round"),
            numeric("steps per agent", "steps_per_agent"),
            numeric("steps in total", "steps_total"),
            numeric("trajectories per agent", "trajectories_per_agent"),
            numeric("trajectories in total", "trajectories_total"),
            numeric("floats up per agent", "floats_up"),
            numeric("floats down per agent", "floats_down"),
            numeric("floats up in total", "floats_up_total"),
            numeric("floats down in total", "floats_down_total"),
            Column("diverged", lambda row: f"{row['diverged']}/{row['seeds']}", "diverged"),
            *((numeric("wall time, s", "seconds"),) if timed else ()),
        ),
    )
