"""The tidy table: its columns, checked once at the door, and the runs it holds."""

import difflib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fedrl.reports.table import columns as col
from fedrl.reports.table.outcome import has_scale, intended
from fedrl.reports.table.presentation import Presentation
from fedrl.reports.table.runs import BEST_HERE, Family, Run, Series, best_mean_score

USUAL = Presentation()
OF_A_RUN: Mapping[str, Callable[[Any], Any]] = {  # columns that have one value in a run
    **dict.fromkeys(("family", "cell", "metric", "reference_meaning"), str),
    **dict.fromkeys(("kappa", "diverged_round", "random", "reference"), float),
    **dict.fromkeys(("agents", "seed"), int),
}


def check(records: Any) -> None:
    """Raise ValueError, saying what is missing and the nearest name, unless it is the table."""
    if records.empty:
        raise ValueError("records are empty: a report needs at least one evaluation point")
    missing = [name for name in col.REQUIRED if name not in records.columns]
    if missing:
        spare = [str(name) for name in records.columns if name not in col.REQUIRED]
        near = {name: difflib.get_close_matches(name, spare, 1) for name in missing}
        hints = [f"{name} (found {near[name][0]}?)" if near[name] else name for name in missing]
        raise ValueError(f"records lack the columns: {', '.join(hints)}")
    unknown = sorted(set(records["metric"].astype(str)) - col.METRICS.keys())
    if unknown:
        raise ValueError(f"unknown metric {unknown}; known: {', '.join(col.METRICS)}")
    mixed = records.groupby("family")["metric"].nunique()
    if (mixed > 1).any():
        raise ValueError(f"families scored by two metrics: {', '.join(mixed.index[mixed > 1])}")
    twice = records.duplicated(["cell", "seed", "round"])
    if twice.any():
        row = records.loc[twice].iloc[0]
        where = f"cell {row['cell']}, seed {row['seed']}, round {row['round']}"
        raise ValueError(f"{int(twice.sum())} evaluation points occur twice, first: {where}")
    later = records["round"] > 0  # the score of θ_0 may overflow: a run that diverged in round 0
    scores = {n: later & (records["metric"] == n) for n in sorted(set(records["metric"]))}
    for column, rows in {"steps_per_agent": slice(None), **scores}.items():
        if not np.isfinite(records.loc[rows, column].astype(float)).all():
            raise ValueError(f"column {column} holds non-finite values; a run stops before them")


def begun(records: Any) -> Any:
    """The table, in which a run whose score at θ_0 is not finite diverged in round 0."""
    score = records["objective"].where(records["metric"] == "objective", records["return"])
    lost = (records["round"] == 0) & ~np.isfinite(score.astype(float))
    if not lost.any():
        return records
    runs = records.set_index(["cell", "seed"]).index
    unsound = runs.isin(runs[lost.to_numpy()])
    kept = records.assign(
        diverged=records["diverged"].astype(bool) | unsound,
        diverged_round=records["diverged_round"].astype(float).mask(unsound, 0.0),
    )
    return kept[~unsound | lost.to_numpy()]


# Left out of a series' name where the others tell it; a table has them all
FOLLOWING = ("evaluate_every", "rounds", "server_step_size", "step_size", "local_steps")
SCHEDULED = ("beta", "initial_episodes", "initial_momentum")  # so do these, of a study's schedule


def hyperparameters(records: Any) -> list[str]:
    """Every column that is not part of the contract and is constant within each cell."""
    told = {*col.REQUIRED, *col.COUNTED, col.THEORY_EXPONENT, *diagnostics(records)}
    names = [str(name) for name in records.columns if name not in told]
    columns = [name for name in names if not name.startswith(col.AGENT)]
    counts = records.groupby("cell")[columns].nunique(dropna=False)
    return sorted(name for name in columns if (counts[name] == 1).all())


def diagnostics(records: Any) -> list[str]:
    """Columns measured inside a round, in the order of the table."""
    names = [str(name) for name in records.columns]
    return [name for name in names if name.startswith(col.DIAGNOSTIC) or name == col.HETEROGENEITY]


def families(records: Any, shown: Presentation = USUAL) -> list[Family]:
    """The runs of every family, by name, each run with a budget and a reference."""
    check(records)
    if shown.families:
        records = records[records["family"].isin(shown.families)]
    table = begun(records).sort_values(["family", "cell", "seed", "round"]).reset_index(drop=True)
    rows = {str(name): own for name, own in table.groupby("family", sort=True)}
    return [_family(name, rows[name], shown) for name in shown.families or rows]


def _family(name: str, rows: Any, shown: Presentation) -> Family:
    series, rows = _series(rows, shown), rows.reset_index(drop=True)
    # rows are in order of cell and seed: of thousands of runs no table each is made
    ends = np.flatnonzero(~rows.duplicated(["cell", "seed"], keep="last")) + 1
    names = (*col.PROGRESS, *(n for n in col.COUNTED if n in rows), *diagnostics(rows))
    numbers = {
        n: rows[n].to_numpy(dtype=float)
        for n in dict.fromkeys((*col.METRICS, "stationarity", *names))
    }
    lost = rows["diverged"].to_numpy(dtype=bool)
    last = rows.iloc[ends - 1].to_dict("records")
    runs = []
    for start, end, row in zip([0, *ends], ends, last, strict=False):
        points = {name: values[start:end] for name, values in numbers.items()}
        own = {name: kind(row[name]) for name, kind in OF_A_RUN.items()}
        runs.append(
            Run(
                **own,
                series=series[row["cell"]],
                steps=points["steps_per_agent"],
                score=points[own["metric"]],
                stationarity=points["stationarity"],
                diverged=bool(lost[start:end].any()),
                budget=float(row["steps_per_agent"]),
                last=row,
                paths={name: points[name] for name in names},
            )
        )
    runs.sort(key=lambda run: (run.kappa, run.series, run.seed))
    return Family(name, tuple(_referenced(_budgeted(runs))))


def _series(rows: Any, shown: Presentation) -> dict[str, Series]:
    """Cell → series, named by the hyperparameters that vary within a κ, an N and an algorithm.

    A hyperparameter tuned per algorithm, κ or N does not vary in this sense, and what follows from
    the others, such as η tuned for every β, names nothing (`_telling`). Cells that no column tells
    apart are told apart by their id.
    """
    columns = hyperparameters(rows)
    cells = rows.drop_duplicates("cell").sort_values("cell")
    if averages(cells):
        columns = [name for name in columns if name != "server_step_size"]
    telling = {str(name): _telling(own, columns) for name, own in cells.groupby("algorithm")}
    per_agents = bool((cells.groupby("kappa")["agents"].nunique() > 1).any())
    keys: dict[str, tuple[Any, ...]] = {}
    for row in cells.to_dict("records"):
        algorithm = str(row["algorithm"])
        variant = ", ".join(f"{col.typed(c)}={spelled(row[c])}" for c in telling[algorithm])
        order = tuple(_sortable(row[c]) for c in telling[algorithm])
        agents = int(row["agents"]) if per_agents else None
        keys[row["cell"]] = (algorithm, order, agents or 0, variant, agents)
    places = {row["cell"]: (keys[row["cell"]], row["kappa"]) for row in cells.to_dict("records")}
    crowded = Counter(places.values())
    for cell in [cell for cell, place in places.items() if crowded[place] > 1]:
        algorithm, order, rank, variant, agents = keys[cell]
        named = f"{variant}, cell={cell}" if variant else f"cell={cell}"
        keys[cell] = (algorithm, (*order, _sortable(cell)), rank, named, agents)
    ordered = sorted(set(keys.values()), key=lambda key: (shown.place(key[0]), *key[1:4]))
    ranks = {key: rank for rank, key in enumerate(ordered)}  # agents may be None: not compared
    return {
        cell: Series(ranks[key], key[0], key[3], key[4], shown.name(key[0]))
        for cell, key in keys.items()
    }


def _telling(cells: Any, columns: list[str]) -> list[str]:
    """Those that vary within a κ and N, without `FOLLOWING` that no two cells there need."""
    place = ["kappa", "agents"]
    counts = cells.groupby(place)[columns].nunique(dropna=False) if columns else pd.DataFrame()
    scheduled = any(name.startswith(col.SCHEDULE) for name in columns)
    kept = [name for name in columns if (counts[name] > 1).any()]
    apart = len(cells.drop_duplicates([*place, *kept]))
    for name in (*FOLLOWING, *(SCHEDULED if scheduled else ())):
        rest = [each for each in kept if each != name]
        if len(cells.drop_duplicates([*place, *rest])) == apart:
            kept = rest
    return kept


def averages(cells: Any) -> bool:
    """λ = ηK in every cell: the server averages, and λ names nothing that η and K do not."""
    if not {"server_step_size", "step_size", "local_steps"} <= set(cells.columns):
        return False
    plain = cells["step_size"].astype(float) * cells["local_steps"].astype(float)
    return bool(np.allclose(cells["server_step_size"].astype(float), plain, rtol=1e-12))


def spelled(value: Any) -> str:
    """The value of a setting in print, none where it does not apply."""
    if pd.isna(value):
        return "none"
    return f"{value:g}" if isinstance(value, (int, float, np.number)) else str(value)


def _sortable(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then words, then nothing."""
    if pd.isna(value):
        return 2, 0.0, ""
    if isinstance(value, (int, float, np.number)):
        return 0, float(value), ""
    return 1, 0.0, str(value)


def _budgeted(runs: list[Run]) -> list[Run]:
    """A diverged run had the budget of its cell's other runs, or else of the runs at its κ."""
    cells, kappas = [run.cell for run in runs], [run.kappa for run in runs]
    lost = [run.diverged for run in runs]
    meant = intended([run.budget for run in runs], lost, cells, kappas)
    return [replace(run, budget=budget) for run, budget in zip(runs, meant, strict=True)]


def _referenced(runs: list[Run]) -> list[Run]:
    """Where a run has no reference above random, the best mean score at its κ stands in for all."""
    unknown = sorted({run.kappa for run in runs if not has_scale(run.random, run.reference)})
    best = {k: best_mean_score([run for run in runs if run.kappa == k]) for k in unknown}
    return [
        replace(run, reference=best[run.kappa], reference_meaning=BEST_HERE)
        if run.kappa in best
        else run
        for run in runs
    ]
