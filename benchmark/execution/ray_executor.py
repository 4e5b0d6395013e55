"""Computing batches on the nodes of a Ray cluster. The only file that knows Ray.

Every batch is one task. Results come back to the process that started the study and are stored
there at once, so a lost node costs the unfinished runs of its batches and nothing else.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import ray
from ray import exceptions
from ray.util.queue import Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from fedrl.benchmark.execution.attempt import (
    Advanced,
    Event,
    Failed,
    Finished,
    Listener,
    Started,
    attempt,
    one_thread,
)
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.executors import Executor, ExecutorError
from fedrl.benchmark.execution.processes import THREAD_LIMITS
from fedrl.benchmark.storage.provenance import DECISIVE, config_code, run_key, versions
from fedrl.benchmark.storage.run_code import worded

if TYPE_CHECKING:
    from fedrl.benchmark.execution.checkpoint import Checkpoints

NEWS_EVERY = 2.0  # s between a task's reports on its rounds
POLL_EVERY = 1.0  # s between looks at these reports
KNOCK = 20.0  # s for a cluster to answer
LONGEST_WAIT = 120.0  # s without any node before a study gives up
CRASHES = 3  # of a batch's process, before the batch counts as failed
STORE_BYTES = 200_000_000  # of a local Ray's object store; results are small

GONE = (exceptions.NodeDiedError, exceptions.ObjectLostError)  # the batch is blameless
CRASHED = (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError)  # it may have caused that
SAME = "install the same versions of fedrl and of its packages on all nodes"


class Ticket(NamedTuple):
    """The identity of a task, sent with its batch."""

    number: int  # of the task
    key: str  # the first run's, as the driver computes it
    facts: dict[str, str]  # code and versions of the driver


class Ray(Executor):
    """A cluster: `address` is host:port of its head or "auto"; without one, a local Ray."""

    def __init__(self, address: str | None = None) -> None:
        if address is not None and not re.fullmatch(r"auto|[^:/\s]+:\d+", address):
            raise ExecutorError(
                f"--address is {address!r}; it must be host:port of the cluster's head node, or "
                "auto on a node of the cluster"
            )
        super().__init__(address)

    def __call__(
        self, queue: deque[Batch], workers: int, listener: Listener, checkpoints: Checkpoints | None
    ) -> None:
        with _connected(self.address, workers):
            tasks = _Tasks(listener, checkpoints)
            try:
                while queue or tasks.running:
                    while queue and len(tasks.running) < workers:
                        tasks.submit(queue.popleft())
                    tasks.wait(queue)
            finally:
                tasks.cancel()

    def default_workers(self) -> int:
        """One per CPU of the cluster."""
        if self.address is None:
            return super().default_workers()
        with _connected(self.address, 1):
            return max(1, int(_cpus()))


class _Tasks:
    """The tasks of one study, as the driver sees them."""

    def __init__(self, listener: Listener, checkpoints: Checkpoints | None) -> None:
        self.running: dict[Any, Batch] = {}  # reference to the result -> batch
        self._listener = listener
        if checkpoints is not None:  # tasks have working folders of their own
            checkpoints = replace(checkpoints, results=checkpoints.results.resolve())
        self._checkpoints = checkpoints
        self._batches: dict[int, Batch] = {}  # number of the task -> batch
        self._crashes: Counter[tuple[str, int]] = Counter()
        self._count = 0
        self._alive = time.monotonic()
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self._news = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        environment = {"env_vars": dict.fromkeys(THREAD_LIMITS, "1")}
        self._task = ray.remote(compute_batch).options(  # type: ignore[attr-defined]
            num_cpus=1, max_retries=0, runtime_env=environment
        )

    def submit(self, batch: Batch) -> None:
        config = batch[0].config
        self._count += 1
        ticket = Ticket(
            self._count, run_key(batch[0]), {"code": worded(config_code(config))} | versions()
        )
        reference = self._task.remote(batch, ticket, self._checkpoints, self._news)
        self.running[reference] = self._batches[self._count] = batch

    def wait(self, queue: deque[Batch]) -> None:
        """Until a task has ended or it is time for news; lost batches go back into the queue."""
        ended, _ = ray.wait(list(self.running), num_returns=1, timeout=POLL_EVERY)
        self._hear_news()
        for reference in ended:
            batch = self.running.pop(reference)
            outcome = self._outcome(reference, batch)
            if outcome is None:
                queue.appendleft(batch)
            else:
                self._listener(outcome._replace(batch=batch))
        if not ended:
            self._check_nodes()

    def cancel(self) -> None:
        for reference in self.running:
            with suppress(exceptions.RayError, ValueError):
                ray.cancel(reference, force=True)
        with suppress(exceptions.RayError):
            self._news.shutdown(force=True)

    def _outcome(self, reference: Any, batch: Batch) -> Finished | Failed | None:
        """Return the result of a task; None if it was lost."""
        try:
            outcome: Finished | Failed | str = ray.get(reference)
        except GONE:
            return None
        except CRASHED as error:
            crash = run_key(batch[0]), len(batch)
            self._crashes[crash] += 1
            if self._crashes[crash] < CRASHES:
                return None
            return Failed(batch, f"its process died {CRASHES} times: {_last_line(error)}")
        except exceptions.RayError as error:
            raise ExecutorError(
                f"a node of the Ray cluster cannot run fedrl: {_last_line(error)}; {SAME}"
            ) from None
        if isinstance(outcome, str):
            raise ExecutorError(outcome)
        return outcome

    def _hear_news(self) -> None:
        with suppress(exceptions.RayError):  # a study does not need its progress bar
            for number, share in self._news.get_nowait_batch(self._news.qsize()):
                batch = self._batches[number]
                if any(batch is other for other in self.running.values()):
                    self._listener(Advanced(batch, share) if share else Started(batch))

    def _check_nodes(self) -> None:
        if _cpus() >= 1:
            self._alive = time.monotonic()
        elif time.monotonic() - self._alive > LONGEST_WAIT:
            raise ExecutorError(
                f"the Ray cluster has had no CPU for {LONGEST_WAIT:.0f} s; finished runs are "
                "stored, the same command goes on"
            )


def compute_batch(
    batch: Batch, ticket: Ticket, checkpoints: Checkpoints | None, news: Queue
) -> Event | str:
    """The task: train a batch with one thread, or why this node would compute other numbers."""
    refusal = _refusal(batch, ticket)
    if refusal is not None:
        return refusal
    last = 0.0

    def tell(event: Event) -> None:
        nonlocal last
        if isinstance(event, Advanced) and time.monotonic() - last >= NEWS_EVERY:
            last = time.monotonic()
            _report(news, ticket.number, event.share)

    if checkpoints is not None and not (checkpoints.results / checkpoints.study).is_dir():
        checkpoints = None  # the results folder is not shared with this node
    _report(news, ticket.number, 0.0)
    with one_thread():
        return attempt(batch, tell, checkpoints)._replace(batch=[])  # the driver knows the batch


def _report(news: Queue, number: int, share: float) -> None:
    with suppress(exceptions.RayError):
        news.put_nowait((number, share))


def _refusal(batch: Batch, ticket: Ticket) -> str | None:
    node = f"node {ray.util.get_node_ip_address()} of the Ray cluster"
    try:
        if run_key(batch[0]) == ticket.key:
            return None
        facts = {"code": worded(config_code(batch[0].config))} | versions()
    except Exception as error:  # an algorithm or family that only the driver has
        return f"{node} cannot run the study: {' '.join(str(error).split())}; {SAME}"
    differing = [
        f"{name} {ticket.facts.get(name, 'missing')} here, {facts.get(name, 'missing')} there"
        for name in ("code", "python", *DECISIVE)
        if ticket.facts.get(name) != facts.get(name)
    ]
    return f"{node} would compute other numbers ({'; '.join(differing)}); {SAME}"


# --- the connection -------------------------------------------------------------------------------


@contextmanager
def _connected(address: str | None, cpus: int) -> Iterator[None]:
    """A session with the cluster; one that the caller has opened is used and stays open."""
    if ray.is_initialized():
        yield
        return
    on_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)  # Ray replaces it
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody asked for telemetry
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or a warning appears
    try:
        if address is None:
            ray.init(
                "local",
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                **quiet,
            )
        else:
            _knock(address)
            ray.init(address, **quiet)
    except (exceptions.RayError, ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = "a local Ray" if address is None else f"the Ray cluster at {address}"
        raise ExecutorError(f"cannot connect to {where}: {_last_line(error)}") from None
    finally:
        if on_main_thread:
            signal.signal(signal.SIGTERM, before)
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Left alone, Ray tries for minutes to reach an address where nobody answers."""
    if address == "auto":
        return
    host, port = address.split(":")
    socket.create_connection((host, int(port)), KNOCK / 4).close()
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=KNOCK, check=False)
    except subprocess.TimeoutExpired:
        raise ConnectionError(f"no answer within {KNOCK:.0f} s") from None
    if answer.returncode != 0:
        raise ConnectionError("no Ray answers there; start one with `ray start --head`")


def _cpus() -> float:
    return float(ray.cluster_resources().get("CPU", 0))


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
