"""States of unfinished runs on disk, so that a killed study loses seconds of work only.

    <results>/<study>/<cell.id>/seed-00003.checkpoint

A sealed npz archive, which is replaced atomically and removed once the run's result is stored.
"""

import time
from collections.abc import Callable
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

Saving = Callable[[Run, RunState], None]
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
            return decode(read_plain(path), run_key(run))
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


def delayed(save: Saving, patience: float) -> Saving:
    """`save`, but for nothing in the first `patience` seconds of a batch: it may need no more.

    Runs that leave a batch early wait here until the first save; a killed batch loses seconds.
    """
    waiting: list[tuple[Run, RunState]] = []
    until = time.monotonic() + patience

    def save_all(run: Run, state: RunState) -> None:
        waiting.append((run, state))
        if time.monotonic() >= until:
            for one in waiting:
                save(*one)
            waiting.clear()

    return save_all


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
    single = ("round", "finished", "clock", "diverged_round")
    whole = {name: arrays.pop(name).item() for name in single}
    return RunState(**whole, rows=rows, memory=memory, **arrays)
