"""Running a study on this machine: what is missing is computed and stored, run by run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from benchmark.batches import Batch, cut
from benchmark.cell import Run
from benchmark.estimate import Size, size
from benchmark.progress import Tally, display
from benchmark.provenance import cell_code
from benchmark.store import Store
from benchmark.study import DEFAULT_RESULTS, Study, load_study
from benchmark.workers import Event, Failed, Finished, compute, default_workers


class Failure(NamedTuple):
    """A run that could not be computed."""

    run: Run
    reason: str  # one line


class Plan(NamedTuple):
    """What is to be done, decided before any compute."""

    study: Study
    store: Store
    stored: list[Run]  # done, by the present code and versions
    stale: list[Run]  # done by other code or versions: computed again
    missing: list[Run]
    workers: int

    @property
    def batches(self) -> list[Batch]:
        return cut([*self.missing, *self.stale], self.workers)

    def prepare(self) -> None:
        """Make sure that results can be stored, and under which code they will be."""
        if self.missing or self.stale:
            self.store.prepare()
        for cell in self.study.cells():
            cell_code(cell)  # remembered: a file edited meanwhile must not get the credit

    @property
    def size(self) -> Size:
        """Of the whole study."""
        return size(cut(self.study.runs(), self.workers))


@dataclass
class Summary:
    """What became of a study."""

    study: str
    folder: Path  # of the results
    runs: int  # of the study
    skipped: int  # were stored already
    finished: int = 0
    failed: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        return self.skipped + self.finished == self.runs


class InterruptedStudy(KeyboardInterrupt):
    """Ctrl-C; `summary` says what is done."""

    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self.summary = summary


def run_study(
    study: str | Path | Study,
    *,
    results: str | Path = DEFAULT_RESULTS,
    workers: int | None = None,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    console: Console | None = None,
) -> Summary:
    """Compute the runs of a study that are not stored yet; `load_records` reads them.

    `study` is a built-in name, a path to a TOML file or a `Study`; `overrides` and `only` are as on
    the command line (`settings.agents=2`, `algorithm=fedpg`). `workers` processes share the runs,
    default one per core; with more than one, a script must call this below
    `if __name__ == "__main__":`. Progress is shown on `console`, if one is given. Results are the
    same for any number of workers.

    Raises StudyError for a study that is not valid and StoreError for a results folder that cannot
    be used, both before any compute. A run that fails is listed in the summary and the others go
    on. Ctrl-C raises InterruptedStudy; what was finished is stored.
    """
    if not isinstance(study, Study):
        study = load_study(study, overrides, only)
    planned = plan(study, results, workers)
    planned.prepare()
    return execute(planned, console)


def plan(study: Study, results: str | Path, workers: int | None = None) -> Plan:
    """Compare the study with what is stored; StoreError if a stored file is corrupt."""
    workers = default_workers() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1")
    store, runs = Store(results, study.name), study.runs()
    found = {store.path(entry.run): entry for entry in store.load(runs)}
    return Plan(
        study=study,
        store=store,
        stored=[entry.run for entry in found.values() if not entry.stale],
        stale=[entry.run for entry in found.values() if entry.stale],
        missing=[run for run in runs if store.path(run) not in found],
        workers=workers,
    )


def execute(plan: Plan, console: Console | None = None) -> Summary:
    """Compute and store what is missing or stale; call `plan.prepare` before."""
    summary = Summary(plan.study.name, plan.store.folder, len(plan.study.runs()), len(plan.stored))
    batches = plan.batches
    if not batches:
        return summary
    queue, tally = deque(batches), Tally(batches)
    started = time.perf_counter()
    with display(console, tally) as shown:

        def listen(event: Event) -> None:
            if isinstance(event, Finished):
                for run, (columns, seconds) in zip(event.batch, event.results, strict=True):
                    plan.store.save(run, columns, seconds)
                    summary.finished += 1
            elif isinstance(event, Failed) and len(event.batch) > 1:
                queue.extend([run] for run in event.batch)  # one bad run must not lose the others
            elif isinstance(event, Failed):
                summary.failed.append(Failure(event.batch[0], event.reason))
            tally.hear(event)
            shown.show()

        try:
            compute(queue, min(plan.workers, len(batches)), listen)
        except KeyboardInterrupt:
            raise InterruptedStudy(summary) from None
        finally:
            summary.seconds = time.perf_counter() - started
    return summary
