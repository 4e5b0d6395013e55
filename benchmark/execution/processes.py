"""Other processes of this machine: how many there may be, how they begin and end.

Light to import: a process that helps to draw needs nothing of what trains.
"""

import gc
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread

THREAD_LIMITS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS"),
)
MOST_HELPERS = 15  # more would import for longer than they draw


def default_workers() -> int:
    """One per core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def single_thread_environment() -> Iterator[None]:
    """Processes started here find the limits before they import anything."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def end_with_parent() -> None:
    """Let this worker process end as soon as its parent does."""
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed closes nothing and stops nobody: its workers see its end here."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


class Helpers(ProcessPoolExecutor):
    """Processes that help this one; they begin with their first task, and end with the block."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._others = {*active_children()}
        # A fork would inherit threads in a broken state.
        super().__init__(count, get_context("spawn"), _begin, (gc.get_threshold(),))

    def expect(self, module: str) -> None:
        """Begin, and import what will be needed soon."""
        for _ in range(self.count):
            self.submit(import_module, module)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # an error, or Ctrl-C: nobody waits for what they are at
            for process in {*active_children()} - self._others:
                process.terminate()
        self.shutdown(cancel_futures=True)


@contextmanager
def helpers(workers: int | None = None) -> Iterator[Helpers | None]:
    """All workers but this process, one per core if nobody says how many; None for no others."""
    count = min((default_workers() if workers is None else workers) - 1, MOST_HELPERS)
    if not count:
        yield None
        return
    with Helpers(count) as pool:
        yield pool


def _begin(garbage: tuple[int, int, int]) -> None:
    """Search for garbage as seldom as the parent, and leave Ctrl-C to it."""
    gc.set_threshold(*garbage)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
