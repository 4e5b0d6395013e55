"""An executor that computes in this process, the shortest batch first."""

from __future__ import annotations

from collections import deque

from fedrl.benchmark.execution.attempt import Listener, Started, attempt, one_thread
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.execution.executors import Executor


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
