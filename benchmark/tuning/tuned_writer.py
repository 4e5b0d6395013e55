"""Write what tuning found into files of tuned values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedrl.benchmark.config import toml_text
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.spaces.parameter import edges
from fedrl.benchmark.config.spaces.protocol import Protocol
from fedrl.benchmark.config.tuned.entries import FORMAT, Entry, path_of, read
from fedrl.benchmark.config.tuned.identity import options_of, problem_of, release, settings_of
from fedrl.benchmark.storage.files import explaining, set_aside, write_atomically
from fedrl.benchmark.storage.provenance import config_code
from fedrl.benchmark.tuning.trial import Tuned

HEAD = (
    '# Tuned values, written by `fedrl tune`; use: `hyperparameters = "tuned"` in a study.\n'
    "# score: mean normalised area under the curve over the select seeds (docs/tuning.md).\n"
    "# steps: environment steps of all agents in all trials and finalists.\n"
)


def entry_of(repeats: Sequence[Tuned], protocol: Protocol, study: str) -> Entry:
    """The entry of the first tuner, with the spread of all."""
    one, base = repeats[0], repeats[0].task.base
    names = one.task.names
    interval = one.estimate
    table: dict[str, Any] = {
        "kappa": base.kappa,
        "agents": base.agents,
        "values": one.winner.values,
        "study": study,
        "fedrl": release(),
        "problem": problem_of(base),
        "code": config_code(base),
        "options": options_of(base),
        "settings": settings_of(base, names),
        "score": one.winner.score,
        "interval": [interval.low, interval.high],
        "diverged": one.winner.diverged,
        "select_seeds": protocol.select_seeds,
        "tune_seeds": protocol.seeds,
        "budget": base.rounds if base.budget is None else base.budget,
        "steps": one.steps,
        "space": [
            {n: v for n, v in p._asdict().items() if v or n not in ("unit", "levels")}
            for p in one.task.space
        ],
        "edges": ends_of(one),
        "columns": [*names, *(f"tune {n}" for n in range(protocol.seeds)), "diverged"],
        "trials": [  # for readers: scores are rounded
            [*(t.values[n] for n in names), *(float(f"{s:.6g}") for s in t.scores), t.diverged]
            for t in one.trials
        ],
        "finalists": [
            {"trial": t.number, "score": t.score, "diverged": t.diverged}
            | ({"of": t.of} if t.of else {})
            for t in one.finalists
        ],
    }
    if one.winner.of:
        table["of"] = one.winner.of
    if len(repeats) > 1:
        table["repeats"] = [
            {
                "tuner": each.tuner,
                "score": each.winner.score,
                "interval": [each.estimate.low, each.estimate.high],
                "values": each.winner.values,
            }
            for each in repeats
        ]
    return Entry(**table)


def ends_of(one: Tuned) -> list[str]:
    """Winning values at an end of the range that was searched, of a start from elsewhere none."""
    inside = one.task.holds(one.winner.values)
    return edges(one.task.space, one.task.point(one.winner.values)) if inside else []


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
    tables = [entry.model_dump(exclude_unset=True) for entry in ordered]
    head = {"format": FORMAT, "family": family, "algorithm": algorithm, "tuned": tables}
    with explaining(f"cannot write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (HEAD + toml_text.document(head)).encode())
    return path
