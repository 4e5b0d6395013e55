"""An executor that computes in this process, the shortest batch first."""

from __future__ import annotations

from collections import deque

from benchmark.batches import Batch
from benchmark.checkpoint import Checkpoints
from benchmark.executors import Executor
from benchmark.workers import Listener, Started, attempt, one_thread


class ShortestFirst(Executor):
    """Batches come longest first, so this one takes from the other end."""

    def __call__(
        self,
        queue: deque[Batch],
        workers: int,
        listener: Listener,
        checkpoints: Checkpoints | None,
    ) -> None:
        with one_thread():
            while queue:
                batch = queue.pop()
                listener(Started(batch))
                listener(attempt(batch, listener, checkpoints))
