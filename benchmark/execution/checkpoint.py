"""States of unfinished runs on disk, so that a killed study loses seconds of work only.

    <results>/<study>/<cell.id>/seed-00003.checkpoint

A sealed npz archive, which is replaced atomically and removed once the run's result is stored.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.storage.files import read_plain, set_aside, write_atomically
from fedrl.benchmark.storage.provenance import run_key
from fedrl.benchmark.storage.sealed_npz import seal, unseal
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.training.record import RunState
from fedrl.envs.family import Array

ROW, MEMORY = "row/", "memory/"  # prefixes of arrays: columns of the record, memories


@dataclass(frozen=True)
class Checkpoints:
    """Checkpoints of one study; made from its store, sent to workers."""

    results: Path
    study: str

    @classmethod
    def beside(cls, store: Store) -> Self:
        """In the same folders as the results."""
        return cls(store.folder.parent, store.folder.name)

    def path(self, run: Run) -> Path:
        return Store(self.results, self.study).path(run).with_suffix(".checkpoint")

    def save(self, run: Run, state: RunState) -> None:
        """Replace the run's checkpoint; on a full disk training goes on without it."""
        path = self.path(run)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, encode(state, run_key(run)))

    def load(self, run: Run) -> RunState | None:
        """The state to go on from; None if there is none, or only one of other code or versions.

        A damaged file is set aside under another name, and the run begins anew.
        """
        path = self.path(run)
        try:
            content = read_plain(path)
            return decode(content, run_key(run))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            set_aside(path)
            return None

    def remove(self, run: Run) -> None:
        """Forget the run's checkpoint, if there is one."""
        path = self.path(run)
        if path.exists():  # a finished study may be on a file system that is read-only
            path.unlink(missing_ok=True)


class DelayedCheckpointer:
    """Saves states, but none in the first `patience` seconds of a batch: it may need no more.

    Runs that leave a batch early wait here until the first save; a killed batch loses seconds.
    """

    def __init__(self, checkpoints: Checkpoints, patience: float) -> None:
        self._checkpoints = checkpoints
        self._waiting: list[tuple[Run, RunState]] = []
        self._until = time.monotonic() + patience

    def save(self, run: Run, state: RunState) -> None:
        self._waiting.append((run, state))
        if time.monotonic() >= self._until:
            for waiting in self._waiting:
                self._checkpoints.save(*waiting)
            self._waiting.clear()


def encode(state: RunState, key: str) -> bytes:
    """The file's content."""
    arrays: dict[str, Array] = {
        name: np.asarray(value)
        for name, value in state._asdict().items()
        if name not in ("rows", "memory")
    }
    arrays |= {ROW + name: column for name, column in state.rows.items()}
    arrays |= {MEMORY + name: leaf for name, leaf in state.memory.items()}
    return seal({"key": np.array(key)} | arrays)


def decode(content: bytes, key: str) -> RunState | None:
    """The state, None if it belongs to another key; ValueError if a single bit is damaged."""
    arrays: dict[str, Any] = unseal(content)
    try:
        return _state(arrays) if str(arrays.pop("key")) == key else None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it holds no state: {error}") from None


def _state(arrays: dict[str, Any]) -> RunState:
    rows, memory = (
        {name.removeprefix(kind): arrays.pop(name) for name in list(arrays) if kind in name}
        for kind in (ROW, MEMORY)
    )
    whole = {name: arrays.pop(name).item() for name in ("round", "finished", "clock")}
    diverged = arrays.pop("diverged_round").item()
    return RunState(**whole, diverged_round=diverged, rows=rows, memory=memory, **arrays)
