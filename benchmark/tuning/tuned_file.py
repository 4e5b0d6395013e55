"""Files of tuned values: <folder>/FAMILY/ALGORITHM.toml, one entry per κ, N and setting.

A file holds what a study needs to use the values and what a reader needs to judge them: scores,
cost of all trials in environment steps, every trial, the search space, what it was tuned for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.files import StoreError, set_aside, write_atomically
from benchmark.settings import SettingError
from benchmark.tuning import toml_text
from benchmark.tuning.identity import options_of, plain, problem_of, release, settings_of
from benchmark.tuning.parameter import Values
from benchmark.tuning.protocol import Protocol
from benchmark.tuning.trial import Tuned
from benchmark.tuning.variance import repeats_of

FORMAT = 1
HEAD = (
    '# Tuned values, written by `fedrl tune`; use: `hyperparameters = "tuned"` in a study.\n'
    "# score: mean normalised area under the curve over the select seeds (docs/tuning.md).\n"
    "# steps: environment steps of all agents in all trials and finalists.\n"
)


class Entry(NamedTuple):
    """Tuned values of one κ, N and setting."""

    kappa: float
    agents: int
    options: dict[str, Any]
    settings: dict[str, Any]
    problem: str
    study: str
    fedrl: str
    values: Values
    told: dict[str, Any]  # everything else

    @property
    def key(self) -> tuple[Any, ...]:
        """Entries with equal keys replace each other."""
        budget = self.told["budget"]
        return self.kappa, self.agents, repr(self.options), repr(self.settings), budget


def path_of(folder: Path, family: str, algorithm: str) -> Path:
    """Where the values of a pair are."""
    return folder / family / f"{algorithm}.toml"


def entry_of(repeats: Sequence[Tuned], protocol: Protocol, study: str) -> Entry:
    """The entry of the first tuner, with the spread of all."""
    one, base = repeats[0], repeats[0].task.base
    names = one.task.names
    interval = one.estimate
    told: dict[str, Any] = {
        "score": one.winner.score,
        "interval": [interval.low, interval.high],
        "diverged": one.winner.diverged,
        "select_seeds": protocol.select_seeds,
        "tune_seeds": protocol.seeds,
        "budget": base.rounds if base.budget is None else base.budget,
        "steps": one.steps,
        "space": [
            {"name": p.name, "low": p.low, "high": p.high, "log": p.log, "whole": p.whole}
            for p in one.task.space
        ],
        "columns": [*names, *(f"tune {n}" for n in range(protocol.seeds)), "diverged"],
        "trials": [
            [*(t.values[n] for n in names), *(_short(s) for s in t.scores), t.diverged]
            for t in one.trials
        ],
        "finalists": [
            {"trial": t.number, "score": t.score, "diverged": t.diverged} for t in one.finalists
        ],
    }
    if len(repeats) > 1:
        told["repeats"] = repeats_of(repeats)
    return Entry(
        *(base.kappa, base.agents, options_of(base), settings_of(base, names), problem_of(base)),
        *(study, release(), dict(one.winner.values), told),
    )


def write(folder: Path, family: str, algorithm: str, entries: Sequence[Entry]) -> Path:
    """Replace the entries with the same keys; others stay. A file that is none is set aside."""
    path = path_of(folder, family, algorithm)
    try:
        known = {entry.key: entry for entry in read(path)} if path.exists() else {}
    except SettingError:
        set_aside(path)
        known = {}
    known |= {entry.key: entry for entry in entries}
    ordered = sorted(known.values(), key=lambda e: (e.study, e.agents, e.kappa, repr(e.key)))
    tables = [
        {
            **{"kappa": e.kappa, "agents": e.agents, "values": e.values},
            **{"study": e.study, "fedrl": e.fedrl, "problem": e.problem},
            **{"options": e.options, "settings": e.settings},
            **e.told,
        }
        for e in ordered
    ]
    head = {"format": FORMAT, "family": family, "algorithm": algorithm, "tuned": tables}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (HEAD + toml_text.document(head)).encode())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from None
    return path


def read(path: Path) -> list[Entry]:
    """The entries of a file; SettingError if it is not one."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is no file of tuned values: {error}") from None
    if table.get("format") != FORMAT:
        raise SettingError(
            f"{path} has the format {table.get('format')!r}; this version reads {FORMAT}: "
            "make it again with `fedrl tune`"
        )
    if (table.get("family"), table.get("algorithm")) != (path.parent.name, path.stem):
        raise SettingError(
            f"{path} holds values of {table.get('family')} / {table.get('algorithm')}; its name "
            f"must be {table.get('family')}/{table.get('algorithm')}.toml"
        )
    known = [name for name in Entry._fields if name != "told"]
    try:
        return [
            Entry(
                **{name: plain(entry[name]) for name in known},
                told={name: value for name, value in entry.items() if name not in known},
            )
            for entry in table["tuned"]
        ]
    except (KeyError, TypeError) as error:
        raise SettingError(f"{path} lacks {error}: make it again with `fedrl tune`") from None


def _short(score: float) -> float:
    """Of the table of trials, which is for readers."""
    return float(f"{score:.6g}")
