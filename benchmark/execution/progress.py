"""Progress of a study while it runs: finished, running, failed, remaining time."""

import time
from contextlib import AbstractContextManager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from fedrl.benchmark.execution import attempt
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.estimate import work

LINE_EVERY = 5.0  # s between plain lines
FIRST_LINE = 1.0  # s before the first one
FIRST_ESTIMATE = 0.02  # share of the work that must be measured before the rest is estimated


class Tally:
    """Counts runs, and how much of the expected work is done."""

    def __init__(self, batches: list[Batch]) -> None:
        self.total = sum(map(len, batches))
        self.finished = 0
        self.failed = 0
        self._work = sum(map(cost_of, batches))
        self._done = 0.0
        self._compiling: dict[int, int] = {}  # id of a batch -> functions compiled for it
        self._running: dict[int, tuple[Batch, float]] = {}  # id of a batch -> its share done
        self._first: tuple[float, float] | None = None  # when some work was done, and its share

    def hear(self, event: attempt.Event) -> None:
        """Count it. Until some work is done processes start and compile, which is no measure."""
        batch = event.batch
        if isinstance(event, attempt.Compiling):
            self._compiling[id(batch)] = event.functions
            return
        self._compiling.pop(id(batch), None)
        self._running.pop(id(batch), None)
        if isinstance(event, attempt.Started):
            self._running[id(batch)] = batch, 0.0
        elif isinstance(event, attempt.Advanced):
            self._running[id(batch)] = batch, event.share
        elif not isinstance(event, attempt.Lost) and (
            isinstance(event, attempt.Finished) or len(batch) == 1
        ):
            self._done += cost_of(batch)
            self.finished += len(batch) * isinstance(event, attempt.Finished)
            self.failed += isinstance(event, attempt.Failed)
        if self._first is None and self.share:
            self._first = time.monotonic(), self.share

    @property
    def share(self) -> float:
        """The share of the expected work that is done, in [0, 1]."""
        running = sum(share * cost_of(batch) for batch, share in self._running.values())
        return (self._done + running) / self._work if self._work else 1.0

    def line(self) -> str:
        running = sum(len(batch) for batch, _ in self._running.values())
        parts = [f"{self.finished}/{self.total} finished", f"{running} running"]
        parts.append(f"{self.failed} failed")
        if self._compiling:
            count = sum(self._compiling.values())
            parts.append(f"compiling kernels, once per machine: function {count}")
        since, before = self._first or (0.0, 1.0)
        done, left = self.share - before, 1 - self.share
        # Sums of costs are rounded: counts, not the share, say that everything is done
        open_runs = self.total - self.finished - self.failed
        if open_runs > 0 and done > FIRST_ESTIMATE and left > 0:
            rate = done / (time.monotonic() - since)
            parts.append(f"about {duration(left / rate)} left")
        return ", ".join(parts)


class Display(AbstractContextManager["Display"]):
    """A tally as a bar on a terminal, as a line now and then in a log; None: not shown at all."""

    def __init__(self, console: Console | None, tally: Tally) -> None:
        self._console = Console(quiet=True) if console is None else console
        self._tally, self._last = tally, time.monotonic() + FIRST_LINE - LINE_EVERY
        self._plain = not self._console.is_terminal
        columns = SpinnerColumn(), BarColumn(), TextColumn("{task.description}")
        quiet = console is None or self._plain
        self._bar = Progress(*columns, console=self._console, disable=quiet)
        self._task = self._bar.add_task(tally.line(), total=1.0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def show(self) -> None:
        self._bar.update(self._task, completed=self._tally.share, description=self._tally.line())
        if self._plain and time.monotonic() - self._last >= LINE_EVERY:
            self._print()

    def tell(self, text: str) -> None:
        """One line beside the progress."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __exit__(self, *_: object) -> None:
        self.show()
        self._bar.stop()
        if self._plain:
            self._print()

    def _print(self) -> None:
        self._last = time.monotonic()
        self.tell(self._tally.line())


def duration(seconds: float) -> str:
    """As people say it: 40 s, 3 min, 2 h 10 min, 3 d 4 h."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if minutes < 90:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def cost_of(batch: Batch) -> float:
    """Seconds that a batch is expected to take."""
    return len(batch) * work(batch[0].config).seconds
