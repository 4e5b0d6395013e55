"""Computing batches: in this process, or in worker processes with one thread each."""

import gc
import signal
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Self

from fedrl.benchmark.execution.attempt import (
    Advanced,
    Compiling,
    Event,
    Failed,
    Listener,
    Lost,
    Started,
    attempt,
    one_thread,
)
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.execution.processes import end_with_parent, single_thread_environment

DEATHS = 3  # of workers, after which their batch counts as the cause
LAST_WORDS = 10.0  # s that a worker which has closed its connection may take to end


class WorkerError(RuntimeError):
    """Worker processes cannot be started."""


def compute(
    queue: deque[Batch], workers: int, listener: Listener, checkpoints: Checkpoints | None = None
) -> None:
    """Work `queue` off; the listener hears all events and may append batches.

    Unfinished runs are saved in `checkpoints`, and go on from there.

    KeyboardInterrupt stops the workers and goes on to the caller.
    """
    if workers == 1:
        with one_thread():
            while queue:
                batch = queue.popleft()
                listener(Started(batch))
                listener(attempt(batch, listener, checkpoints))
    else:
        _in_processes(queue, workers, listener, checkpoints)


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    batch: Batch | None = None
    ready: bool = False

    @classmethod
    def start(cls, checkpoints: Checkpoints | None) -> Self:
        context = get_context("spawn")  # a fork would inherit torch's threads in a broken state
        ours, theirs = context.Pipe()
        given = (theirs, checkpoints, gc.get_threshold())
        process = context.Process(target=serve, args=given, daemon=True)
        with single_thread_environment():
            process.start()
        theirs.close()
        return cls(process, ours)

    def assign(self, batch: Batch) -> None:
        self.batch = batch
        with suppress(ConnectionError):  # a dead worker is noticed when it is heard
            self.connection.send(batch)

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()
        self.connection.close()


def _in_processes(
    queue: deque[Batch], workers: int, listener: Listener, checkpoints: Checkpoints | None
) -> None:
    team: list[_Worker] = []
    deaths: Counter[object] = Counter()
    try:
        while queue or any(worker.batch for worker in team):
            idle = [worker for worker in team if worker.batch is None]
            for _ in range(min(workers - len(team), len(queue) - len(idle))):
                idle.append(_Worker.start(checkpoints))
                team.append(idle[-1])
            for worker in idle[: len(queue)]:
                worker.assign(queue.popleft())
            connections = {worker.connection: worker for worker in team if worker.batch}
            for connection in wait(list(connections)):
                worker = connections[connection]  # type: ignore[index]
                batch = worker.batch
                assert batch is not None
                if _hear(worker, batch, listener):
                    continue
                team.remove(worker)
                deaths[batch[0].key] += 1
                reason = f"its worker process died, exit code {worker.process.exitcode}"
                if deaths[batch[0].key] < DEATHS:
                    queue.append(batch)  # another worker takes it
                    listener(Lost(batch, reason))
                else:
                    listener(Failed(batch, f"{reason}, {DEATHS} times"))
    finally:
        for worker in team:
            worker.stop()


def _hear(worker: _Worker, batch: Batch, listener: Listener) -> bool:
    """Pass the worker's next event on; False if the worker was killed."""
    try:
        event = worker.connection.recv()
    except (EOFError, OSError):  # also within a message
        worker.process.join(LAST_WORDS)  # how it ends by itself is its exit code
        worker.stop()
        if not worker.ready and (worker.process.exitcode or 0) >= 0:
            raise WorkerError(
                "a worker process ended before it could start; from a Python script, call "
                "run_study below `if __name__ == '__main__':`"
            ) from None
        return False
    if isinstance(event, Started):
        worker.ready = True
    elif not isinstance(event, Advanced | Compiling):
        worker.batch = None
    listener(event._replace(batch=batch))
    return True


def serve(
    connection: Connection, checkpoints: Checkpoints | None, garbage: tuple[int, int, int]
) -> None:
    """Life of a worker: batches in, events out, until the parent closes the connection.

    It searches for garbage as seldom as its parent.
    """
    gc.set_threshold(*garbage)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    end_with_parent()

    def tell(event: Event) -> None:
        connection.send(event._replace(batch=[]))  # the parent knows the batch

    with one_thread():
        while True:
            try:
                batch = connection.recv()
            except EOFError:
                return
            tell(Started([]))
            tell(attempt(batch, tell, checkpoints))
