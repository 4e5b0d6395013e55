"""Other processes at work on the same results: hints that save double work, never locks.

Every process leaves a small file in the folder of the study while it works. Who comes later starts
at another place of the queue, and everybody skips what has been stored meanwhile. If a hint is
late, wrong or left behind by a killed process, some runs are computed twice, to the same bits.
"""

import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.storage.files import token
from fedrl.benchmark.storage.store import Store

PREFIX = ".at-work"


@contextmanager
def presence(folder: Path) -> Iterator[int]:
    """Be seen by others; yields how many of them came before."""
    there = _others(folder)
    mine = folder / f"{PREFIX}.{len(there):03d}.{token()}"
    with suppress(OSError):
        mine.touch()
    try:
        # Of processes that started together, and so have the same number, names decide.
        together = [name for name in _others(folder) - there if name < mine.name]
        yield len(there) + len(together)
    finally:
        with suppress(OSError):
            mine.unlink(missing_ok=True)


def place(before: int, length: int) -> int:
    """Where in a queue to start after `before` others: 0, 1/2, 1/4, 3/4, 1/8, … of its length."""
    share, scale = 0.0, 0.5
    while before:
        share += scale * (before % 2)
        before, scale = before // 2, scale / 2
    return int(share * length)


def drop_stored(queue: deque[Batch], store: Store, ahead: int) -> list[Run]:
    """Take runs that are stored by now out of the next `ahead` batches; return them."""
    dropped: list[Run] = []
    ready: list[Batch] = []
    while queue and len(ready) < ahead:
        batch = queue.popleft()
        stored = [run for run in batch if store.has(run)]
        rest = [run for run in batch if run not in stored]
        ready += [rest] if rest else []
        dropped += stored
    queue.extendleft(reversed(ready))
    return dropped


def jump(queue: deque[Batch]) -> None:
    """Go on at a random place, after the work of another process was met."""
    if queue:
        queue.rotate(random.randrange(len(queue)))


def _others(folder: Path) -> set[str]:
    with suppress(OSError):
        return {path.name for path in folder.glob(f"{PREFIX}.*")}
    return set()
