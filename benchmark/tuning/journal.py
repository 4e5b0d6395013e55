"""Trials as Optuna studies in one journal file, for optuna-dashboard and for Optuna's own tools.

    <results>/<study>/tuning/journal.log

The journal is a copy, written after every wave: the truth is the stored runs, from which the same
trials follow. A changed copy replaces the file at once (rename), so that neither a killed process
nor several at work can leave half a line; who writes last adds what is missing.
"""

import json
import warnings
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial

from fedrl.benchmark.storage.files import explaining, read_plain, set_aside, write_atomically
from fedrl.benchmark.tuning.sampler import distribution
from fedrl.benchmark.tuning.task import Task
from fedrl.benchmark.tuning.trial import Trial, Tuned

NAME = "journal.log"


def path_of(results: Path, study: str) -> Path:
    """Where a study's journal is."""
    return results / study / "tuning" / NAME


def study_name(one: Tuned) -> str:
    """Name one task under one tuner."""
    repeat = f"/tuner{one.tuner}" if one.tuner else ""
    return f"{one.task.place}/{one.task.id}{repeat}"


def record(path: Path, found: Sequence[Tuned]) -> None:
    """Bring the journal up to date with these trials; a damaged journal is set aside.

    Raises StoreError if it cannot be written, as on a full disk: the stored runs stay.
    """
    remedy = "; finished trials are stored, and the same command goes on from there"
    with explaining(f"cannot write {path}", remedy):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            before = read_plain(path) if path.exists() else b""
            after = updated(before, found)
        except OSError:
            raise
        except Exception:
            # What Optuna cannot read is no journal: it holds nothing that is not stored elsewhere.
            if path.exists():
                warnings.warn(
                    f"{path} is damaged; it is kept as {set_aside(path).name} and written again",
                    stacklevel=2,
                )
            before, after = b"", updated(b"", found)
        if after != before:
            write_atomically(path, after)


class Lines(BaseJournalBackend):
    """A journal in memory; ValueError for bytes that are no whole lines of JSON.

    Optuna's own file has a lock beside it, which a killed process would leave.
    """

    def __init__(self, content: bytes) -> None:
        if content and not content.endswith(b"\n"):
            raise ValueError("the journal ends within a line")
        self.content = content
        self._logs: list[dict[str, Any]] = [json.loads(line) for line in content.splitlines()]

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        self.content += "".join(f"{line}\n" for line in lines).encode()
        self._logs += [json.loads(line) for line in lines]


def storage_of(lines: Lines) -> JournalStorage:
    """The journal as Optuna's storage."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return JournalStorage(lines)


def updated(before: bytes, found: Sequence[Tuned]) -> bytes:
    """The journal's bytes with what it lacks appended."""
    lines = Lines(before)
    storage = storage_of(lines)
    for one in found:
        _append(storage, one)
    return lines.content


def _append(storage: JournalStorage, one: Tuned) -> None:
    name = study_name(one)
    known = {study.study_name for study in storage.get_all_studies()}
    if name in known:
        study = optuna.load_study(study_name=name, storage=storage)
    else:
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    stored = study.get_trials(deepcopy=False)
    new = [frozen(one.task, trial) for trial in one.trials]
    told = attrgetter("params", "value", "user_attrs")
    same = all(told(a) == told(b) for a, b in zip(stored, new, strict=False))
    if not same:  # of other code or versions: those trials are no longer what is stored
        optuna.delete_study(study_name=name, storage=storage)
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
        stored = []
    for trial in new[len(stored) :]:
        study.add_trial(trial)
    if one.finalists and study.user_attrs.get("winner") != one.winner.values:
        study.set_user_attr("winner", one.winner.values)
        study.set_user_attr("select score", one.winner.score)


def frozen(task: Task, trial: Trial) -> FrozenTrial:
    """A trial in Optuna's words; a start from outside of the space has its values as a note."""
    inside = task.holds(trial.values)
    return optuna.trial.create_trial(
        params=task.point(trial.values) if inside else {},
        distributions={p.name: distribution(p) for p in task.space} if inside else {},
        value=trial.score,
        user_attrs={
            "scores": list(trial.scores),
            "diverged": trial.diverged,
            "steps": trial.steps,
            "cell": task.config(trial.values).id,
            **({"of": trial.of} if trial.of else {}),
        },
    )
