"""All results of a study as one tidy table: one row per evaluation point."""

import json
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.schedule import Schedule
from fedrl.benchmark.config.selection import facts
from fedrl.benchmark.config.settings import words
from fedrl.benchmark.config.study import DEFAULT_RESULTS, Study, load_study
from fedrl.benchmark.storage.files import StoreError, explaining, write_atomically
from fedrl.benchmark.storage.store import Store, Stored
from fedrl.reports.table import columns as col
from fedrl.reports.table import spreadsheet

BESIDE = ("return_worst", "return_best", "stationarity", "heterogeneity", "seconds")  # scores
ORDER = ("family", "kappa", "algorithm", "agents", "cell", "seed", "round")


class Records(NamedTuple):
    """The table of what is stored, and what is not as it should be."""

    frame: pd.DataFrame
    stored: list[Stored]
    stale: int  # runs computed by other code or versions than the present ones
    missing: list[str]  # runs that are not stored


def load_records(
    study: str | Path | Study,
    results: str | Path = DEFAULT_RESULTS,
    *,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
) -> pd.DataFrame:
    """The tidy table of a study's stored runs, sorted; one row per evaluation point.

    Columns: study, family, kappa, algorithm, agents, seed, cell (the id); every other setting
    (lists as JSON, NaN where a setting does not apply); what was measured; wall seconds; of a
    study with a design its coordinates, `design_<NAME>`, or with a schedule its constants,
    `schedule_<NAME>`.

    Raises StudyError for a study that is not valid, StoreError for a corrupt or empty store.
    """
    if not isinstance(study, Study):
        study = load_study(study, overrides, only)
    found = read_records(study, results)
    if found.stale:
        warnings.warn(stale_message(found.stale), stacklevel=2)
    return found.frame


def read_records(study: Study, results: str | Path) -> Records:
    """The table and its gaps; StoreError when nothing of the study is stored."""
    stored, missing = stored_runs(study, results)
    kept = [thinned(entry, study.thinning) for entry in stored]
    frame = placed(tidy_table(study.name, kept), study)
    if not study.diagnostics or study.measured != "all":
        frame = frame.drop(
            columns=[name for name in frame.columns if name.startswith(col.DIAGNOSTIC)]
        )
    if study.measured != "all":
        frame = scores_only(frame, keep=["stationarity"] * (study.measured == "gradients"))
    return Records(frame, stored, sum(entry.stale for entry in stored), missing)


def stored_runs(study: Study, results: str | Path) -> tuple[list[Stored], list[str]]:
    """Runs of a study that are stored, and labels of the others; StoreError when none is."""
    store, runs = Store(results, study.name), study.runs()
    stored = store.load(runs)
    if not stored:
        raise StoreError(
            f"no results of study {study.name} in {store.folder}; compute them with `fedrl run`, "
            "or name their folder with --results"
        )
    have = {store.path(entry.run) for entry in stored}
    return stored, [label(run) for run in runs if store.path(run) not in have]


def stale_message(count: int) -> str:
    """Write the caveat about stale runs."""
    return (
        f"{count} stored run(s) were computed by other code or versions than the present ones; "
        "`fedrl run` recomputes them"
    )


def label(run: Run) -> str:
    """A run as people refer to it."""
    return f"{run.config.id} seed {run.seed.index}"


def export(frame: pd.DataFrame, out: Path) -> None:
    """Write the table as its suffix says."""
    write = writer_of(out)
    with explaining(f"cannot write {out}"):
        write_atomically(out, write(frame))


def writer_of(out: Path) -> Callable[[pd.DataFrame], bytes]:
    """The content of a file of that suffix; StoreError unless the suffix names a format."""
    if out.suffix not in WRITERS:
        raise StoreError(
            f"{out} has the unknown suffix {out.suffix!r}; it must be one of {', '.join(WRITERS)}"
        )
    return WRITERS[out.suffix]


def _json_rows(frame: pd.DataFrame) -> Iterable[str]:
    for row in frame.to_dict("records"):
        yield json.dumps({str(name): or_null(value) for name, value in row.items()})


WRITERS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    ".csv": lambda frame: spreadsheet.csv(frame).encode(),
    ".parquet": lambda frame: frame.to_parquet(index=False),
    ".json": lambda frame: ("[\n" + ",\n".join(_json_rows(frame)) + "\n]\n").encode(),
    ".jsonl": lambda frame: "".join(f"{row}\n" for row in _json_rows(frame)).encode(),
}


def thinned(entry: Stored, factor: float) -> Stored:
    """The run's first point, its last, and where rounds grew by the factor since one was kept."""
    rounds = entry.columns["round"]
    kept, after = np.zeros(len(rounds), bool), 0.0
    for place, number in enumerate(rounds):
        kept[place] = number >= after or place == len(rounds) - 1
        after = number * factor if kept[place] else after
    columns = {name: column[kept] for name, column in entry.columns.items()}
    return entry._replace(columns=columns, seconds=entry.seconds[kept])


def tidy_table(study: str, stored: Sequence[Stored]) -> pd.DataFrame:
    """One row per evaluation point of these runs, sorted."""
    settings = pd.DataFrame([_described(study, entry.run) for entry in stored])
    others = sorted(name for name in settings.columns if name not in col.IDENTITY)
    lengths = [len(entry.seconds) for entry in stored]
    settings = settings[[*col.IDENTITY, *others]]
    frame = settings.loc[settings.index.repeat(lengths)].reset_index(drop=True)
    measured = [entry.columns | {"seconds": entry.seconds} for entry in stored]
    for entry, own in zip(stored, measured, strict=True):
        if lacking := [
            name for name in col.REQUIRED if name not in own and name not in col.IDENTITY
        ]:
            raise StoreError(
                f"the result of {label(entry.run)} has no column {lacking[0]!r}: no version "
                "wrote it; remove it, and `fedrl run` computes it again"
            )
    # Runs of an earlier version may lack a column that is counted now.
    names = dict.fromkeys(name for entry in measured for name in entry)
    columns = {
        name: np.concatenate(
            [
                entry[name] if name in entry else np.full(len(entry["seconds"]), math.nan)
                for entry in measured
            ]
        )
        for name in names
    }
    frame = pd.concat([frame, pd.DataFrame(columns)], axis=1)
    # Whole numbers where all runs diverged, NaN elsewhere: one type for both.
    frame = frame.astype({"diverged_round": float})
    return with_theory(frame.sort_values(list(ORDER), ignore_index=True))


def with_theory(frame: pd.DataFrame) -> pd.DataFrame:
    """With the exponent that each algorithm's paper claims, where the table does not have it yet.

    Tables of 0.1.0 lack it; algorithms that are not known here have none.
    """
    if col.THEORY_EXPONENT in frame:
        return frame
    known = {name: kind.exponent for name, kind in ALGORITHMS.items()}
    claimed = frame["algorithm"].map(known).astype(float)
    # Joined, not assigned: of a table that was joined of many columns pandas warns at one more.
    return pd.concat([frame, claimed.rename(col.THEORY_EXPONENT)], axis=1)


def placed(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """With the coordinates of a design or schedule as columns, NaN where there are none."""
    start, names = col.COORDINATE, () if study.design is None else tuple(study.design.space)
    if study.schedule is not None:
        start, names = col.SCHEDULE, tuple(Schedule.model_fields)
    columns = {
        f"{start}{name}": frame["cell"].map(
            {config: point.get(name, math.nan) for config, point in study.coordinates.items()}
        )
        for name in names
    }
    return frame.assign(**{name: column.astype(float) for name, column in columns.items()})


def scores_only(frame: pd.DataFrame, keep: Sequence[str] = ()) -> pd.DataFrame:
    """NaN for all that is measured but the score of a family, its cost, and what to `keep`."""
    nothing = {name: math.nan for name in BESIDE if name in frame and name not in keep}
    scores = {name: frame[name].where(frame["metric"] == name) for name in ("objective", "return")}
    return frame.assign(**nothing, **scores)


def _described(study: str, run: Run) -> dict[str, Any]:
    settings = {name: _flat(value) for name, value in facts(run).items()}
    return settings | {"study": study, "cell": run.config.id}


def _flat(value: Any) -> Any:
    """A setting as one entry of a table."""
    if value is None:
        return math.nan
    if isinstance(value, dict):
        return words(value)
    return json.dumps(value) if isinstance(value, list | tuple) else value


def or_null(value: Any) -> Any:
    """A value for JSON, which has no numbers that are not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
