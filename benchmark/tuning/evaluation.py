"""Runs of trials, computed and stored by the machinery that computes studies."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.execution.execution import Wave, execute, plan
from fedrl.benchmark.execution.executors import Executor
from fedrl.benchmark.storage import parameters
from fedrl.benchmark.storage.files import StoreError
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.tuning.objective import Outcome, outcome_of
from fedrl.benchmark.tuning.trial import Key


class TuningError(ValueError):
    """Tuning that cannot go on; the message is one line."""


@dataclass(frozen=True)
class Evaluator:
    """Runs in, outcomes out: what is stored is read, what is missing is computed."""

    results: Path
    study: str
    workers: int | None
    executor: Executor | None
    console: Console | None

    def __call__(self, title: str, runs: Iterable[Run]) -> dict[Key, Outcome]:
        wanted = {run.key: run for run in runs}
        wave = Wave(self.study, title, tuple(wanted.values()))
        planned = plan(wave, self.results, self.workers, self.executor)
        notes = planned.prepare()
        if self.console is not None:
            todo = len(planned.missing) + len(planned.stale)
            for line in (*notes, f"{title}: {len(wanted)} runs, {todo} to compute"):
                self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        summary = execute(planned, self.console)
        if summary.failed:
            run, reason = summary.failed[0]
            raise TuningError(
                f"{len(summary.failed)} run(s) of {title} failed, first {run.config.id} "
                f"{run.seed.namespace} seed {run.seed.index}: {reason}; the same command goes on"
            )
        return {key: self._read(run) for key, run in wanted.items()}

    def _read(self, run: Run) -> Outcome:
        store = Store(self.results, self.study)
        stored = store.read(run)
        if stored is None:
            raise StoreError(f"{store.path(run)} has vanished; the same command computes it again")
        theta = parameters.read(parameters.beside(store.path(run)))
        return outcome_of(run.config, stored.columns, None if theta is None else theta.theta)
