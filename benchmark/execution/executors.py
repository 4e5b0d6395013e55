"""Where a study is computed: in processes of this machine, or wherever another package can."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

from fedrl.benchmark.config import registry
from fedrl.benchmark.execution import processes
from fedrl.benchmark.execution.attempt import Listener
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.estimate import size
from fedrl.benchmark.execution.workers import compute
from fedrl.envs.validation import nearest

if TYPE_CHECKING:
    from fedrl.benchmark.execution.checkpoint import Checkpoints

GROUP = "fedrl.executors"  # entry points of other packages; the value is a subclass of Executor
FAR_BEYOND = 4  # times the memory of a machine: no estimate is that wrong
EXECUTORS = {  # imported when asked for
    "local": "fedrl.benchmark.execution.executors:Local",
    "ray": "fedrl.benchmark.execution.ray_executor:Ray",
    "slurm": "fedrl.benchmark.execution.slurm_executor:Slurm",
}


class ExecutorError(ValueError):
    """An executor that cannot be used; the message is one line."""


class Executor(ABC):
    """Something that computes batches: a callable `(queue, workers, listener, checkpoints)`.

    `address` is what the user gave with --address, None if nothing.
    """

    def __init__(self, address: str | None = None) -> None:
        self.address = address

    @abstractmethod
    def __call__(
        self, queue: deque[Batch], workers: int, listener: Listener, checkpoints: Checkpoints | None
    ) -> None:
        """Work `queue` off with at most `workers` batches at a time, and return when it is empty.

        For every batch the listener hears Started, now and then Compiling or Advanced, at last
        Finished or Failed, all on the calling thread; it stores results, and may append batches to
        `queue`.
        `attempt.attempt` computes one batch; it belongs below `attempt.one_thread`, or the bits
        depend on the machine. A batch may be computed again if its results were lost.
        KeyboardInterrupt stops the computation and goes on to the caller.
        """

    def default_workers(self) -> int:
        """How many batches to compute at a time if nobody says."""
        return processes.default_workers()


class Local(Executor):
    """This process, or worker processes of this machine."""

    def __init__(self, address: str | None = None) -> None:
        if address is not None:
            raise ExecutorError(
                "--address is for executors that leave this machine, such as --executor ray"
            )
        super().__init__()

    def __call__(
        self, queue: deque[Batch], workers: int, listener: Listener, checkpoints: Checkpoints | None
    ) -> None:
        compute(queue, workers, listener, checkpoints)


def require_memory(batches: Sequence[Batch]) -> None:
    """ExecutorError for batches that need far more memory than this machine has."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system tells
        return
    need = size(batches).worker_bytes
    if need > FAR_BEYOND * there:
        raise ExecutorError(
            f"a worker needs about {need / 1e9:,.0f} GB, and this machine has {there / 1e9:.0f}; "
            "take fewer agents or episodes, or shorter ones"
        )


def find(name: str, address: str | None = None) -> Executor:
    """The executor of this name; ExecutorError names the nearest known one, or what is missing."""
    try:
        points = registry.added(EXECUTORS, GROUP)
    except ValueError as error:
        raise ExecutorError(str(error)) from None
    known = EXECUTORS | {entry: point.value for entry, point in points.items()}
    if name not in known:
        raise ExecutorError(nearest("executor", name, known))
    try:
        kind: type[Executor] = EntryPoint(name, known[name], GROUP).load()
    except ModuleNotFoundError as error:
        remedy = f"pip install '.[{name}]' in a clone" if name in EXECUTORS else known[name]
        raise ExecutorError(
            f"executor {name!r} needs the package {error.name!r}, which is not installed: {remedy}"
        ) from None
    return kind(address)
