"""Write tables and figures of tuning for readers, in <results>/<study>/tuning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fedrl.benchmark.config.spaces.protocol import Protocol
from fedrl.benchmark.config.storable import stored_as
from fedrl.benchmark.storage.files import write_below
from fedrl.benchmark.tuning.trial import Tuned
from fedrl.benchmark.tuning.variance import spread_of
from fedrl.reports.comparison import tuning_figures
from fedrl.reports.statistics.best_of_k import expected_best, race
from fedrl.reports.table import spreadsheet
from fedrl.reports.table.formatting import panel


def write(folder: Path, found: Sequence[Tuned], protocol: Protocol) -> list[Path]:
    """Tables of all tuners, figures of the first one; the paths, in order."""
    first = [one for one in found if one.tuner == 0]
    tables = {
        "winners.csv": [winner_row(one) for one in found if not one.mistake],
        "trials.csv": [row for one in found for row in _trial_rows(one)],
        "best-of-k.csv": [row for one in found for row in _best_rows(one)],
        "race.csv": [_race_row(one, protocol.wave) for one in first if not one.mistake],
    }
    if len(found) > len(first):
        tables["variance.csv"] = variance_rows(found)
    files = {name: spreadsheet.csv(pd.DataFrame(rows)).encode() for name, rows in tables.items()}
    for family, scores in _panels(first).items():
        for draw in (tuning_figures.best_of_k, tuning_figures.history):
            drawn = draw(family, scores)
            files |= {f"{drawn.name}.svg": drawn.svg, f"{drawn.name}.pdf": drawn.pdf}
    return write_below(folder, files)


def winner_row(one: Tuned) -> dict[str, Any]:
    """The winner of one task."""
    interval = one.estimate
    return {
        **_named(one),
        **one.winner.values,
        "score": one.winner.score,
        "score_low": interval.low,
        "score_high": interval.high,
        "diverged": one.winner.diverged,
        "trial": one.winner.number,
        "of": one.winner.of,
        "trials": len(one.trials),
        "steps": one.steps,
    }


def variance_rows(found: Sequence[Tuned]) -> list[dict[str, Any]]:
    """Per task, the spread of winners and scores over tuners."""
    tasks: dict[str, list[Tuned]] = {}
    for one in found:
        if not one.mistake:
            tasks.setdefault(one.task.id, []).append(one)
    rows = []
    for several in tasks.values():
        scores = [one.winner.score for one in several]
        spread = spread_of(scores, [one.winner.values for one in several])
        named = {key: value for key, value in _named(several[0]).items() if key != "tuner"}
        ranges = {
            f"{name}_{end}": bound
            for name, pair in spread.values.items()
            for end, bound in zip(("low", "high"), pair, strict=True)
        }
        rows.append({**named, **spread._asdict(), **ranges})
        del rows[-1]["values"]
    return rows


def _trial_rows(one: Tuned) -> list[dict[str, Any]]:
    return [
        {
            **_named(one),
            "trial": trial.number,
            **trial.values,
            "score": trial.score,
            **{f"score_{place}": score for place, score in enumerate(trial.scores)},
            "diverged": trial.diverged,
            "steps": trial.steps,
        }
        for trial in one.trials
    ]


def _best_rows(one: Tuned) -> list[dict[str, Any]]:
    best = expected_best([trial.score for trial in one.trials])
    return [{**_named(one), "k": k + 1, "expected_best": value} for k, value in enumerate(best)]


def _race_row(one: Tuned, wave: int) -> dict[str, Any]:
    """Had every wave dropped its worse half after the first seed: does pruning pay?"""
    finalists = [trial.number for trial in one.finalists]
    outcome = race([trial.scores for trial in one.trials], finalists, wave)
    return {**_named(one), **outcome._asdict()}


def _named(one: Tuned) -> dict[str, Any]:
    base = one.task.base
    return {
        "family": base.family,
        "kappa": base.kappa,
        "agents": base.agents,
        "algorithm": base.algorithm,
        **dict(one.task.apart),
        "tuner": one.tuner,
    }


def _panels(found: Sequence[Tuned]) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Family → panel → algorithm, with what tells its tasks apart → scores."""
    families: dict[str, dict[str, dict[str, list[float]]]] = {}
    for one in found:
        base = one.task.base
        panels = families.setdefault(stored_as(base.family).replace("@", "-"), {})
        name = one.task.label.removeprefix(one.task.place.removesuffix(base.algorithm))
        panels.setdefault(panel(base.kappa, base.agents), {})[name] = [t.score for t in one.trials]
    return families
