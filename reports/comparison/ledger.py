"""Costs of the runs, and the outcome of every one."""

from functools import partial
from typing import Any

import numpy as np

from fedrl.reports.table import formatting as fm
from fedrl.reports.table.columns import COUNTED
from fedrl.reports.table.measures import AXES
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.tables import KAPPA, SEEDS, SERIES, Column, Row, Table, numeric


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

    def cell(seed: int, row: Row) -> str:
        if row[f"diverged_{seed}"] is None:
            return "no run"
        return fm.number(row[f"seed_{seed}"]) + (" ×" if row[f"diverged_{seed}"] else "")

    return Table(
        f"{family.slug}-seeds",
        "Final score of every seed",
        f"{family.unit[0].upper()}{family.unit[1:]}, at the last evaluation point. × marks a run "
        "that diverged; it is given the worse of its last finite score and the random policy's.",
        rows,
        (KAPPA, SERIES, *(Column(f"seed {s}", partial(cell, s), f"seed_{s}") for s in seeds)),
    )


def ledger(family: Family) -> Table:
    """Tabulate costs, means per run, so that series with other numbers of seeds compare."""

    def average(runs: list[Run], key: str) -> float:
        values = np.array([float(run.last[key]) for run in runs])
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else np.nan

    rows: list[dict[str, Any]] = []
    for kappa, series, runs in family.groups():
        ups = np.array([float(run.last["floats_up"]) * run.agents for run in runs])
        downs = np.array([float(run.last["floats_down"]) * run.agents for run in runs])
        counted = [key for key in COUNTED if key in runs[0].paths]
        keys = (
            *counted,
            *("round", "steps_per_agent", "steps_total"),
            *("trajectories_per_agent", "trajectories_total", "floats_up", "floats_down"),
        )
        rows.append(
            {"kappa": kappa, "series": series.label, "seeds": len(runs), "agents": runs[0].agents}
            | {key: average(runs, key) for key in keys}
            | {"floats_up_total": float(ups.mean()), "floats_down_total": float(downs.mean())}
            | {"diverged": sum(run.diverged for run in runs), "seconds": average(runs, "seconds")}
        )
    told = [key for key in COUNTED if any(np.isfinite(row.get(key, np.nan)) for row in rows)]
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
            *(numeric(AXES.get(key, "bits received per agent"), key) for key in told),
            Column("diverged", lambda row: f"{row['diverged']}/{row['seeds']}", "diverged"),
            *((numeric("compute time, s", "seconds"),) if timed else ()),
        ),
    )
