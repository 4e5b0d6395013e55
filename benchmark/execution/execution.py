"""Running a study: what is missing is computed and stored, run by run."""

import time
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.study import DEFAULT_RESULTS, Study, load_study
from fedrl.benchmark.execution import coordination
from fedrl.benchmark.execution.attempt import Event, Failed, Finished, Lost
from fedrl.benchmark.execution.batches import Batch, cut
from fedrl.benchmark.execution.checkpoint import Checkpoints, decode
from fedrl.benchmark.execution.estimate import Size, size
from fedrl.benchmark.execution.executors import Executor, Local, find, require_memory
from fedrl.benchmark.execution.progress import Display, Tally
from fedrl.benchmark.storage.files import read_plain, set_aside, tidy
from fedrl.benchmark.storage.provenance import config_code, engine
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.storage.tuned_code import tuned_elsewhere


class Failure(NamedTuple):
    """A run that could not be computed."""

    run: Run
    reason: str  # one line


@dataclass(frozen=True)
class Wave:
    """Runs that are computed as those of a study are: one wave of tuning trials."""

    name: str  # of the folder of results
    title: str
    every: tuple[Run, ...]

    def runs(self) -> list[Run]:
        return list(self.every)

    def configs(self) -> list[Config]:
        return list({run.config.id: run.config for run in self.every}.values())


class Plan(NamedTuple):
    """Runs by what will happen to them, decided before any compute."""

    study: Study | Wave
    store: Store
    stored: list[Run]  # done, by the present code and versions
    stale: list[Run]  # done by other code or versions: computed again
    missing: list[Run]
    workers: int
    executor: Executor
    corrupt: tuple[Path, ...] = ()  # files of missing runs, and manifests
    foreign: tuple[Path, ...] = ()  # sound files of other runs in the place of missing ones

    @property
    def batches(self) -> list[Batch]:
        return cut([*self.missing, *self.stale], self.workers)

    def prepare(self) -> list[str]:
        """Make sure that results can be stored, and under which code they will be.

        Corrupt and foreign files are set aside; the answer has a line for each, one for
        hyperparameters tuned under other code, and one if the engine is slow.
        """
        if type(self.executor) is Local:
            require_memory(self.batches)
        if self.missing or self.stale or self.corrupt or self.foreign:
            self.store.prepare()
        else:
            tidy(self.store.folder)  # killed after its last run, a process left its sign
        notes = [
            f"{path} is {fault}; it is kept as {set_aside(path).name}, and "
            + ("is written again" if path.suffix == ".json" else "its run is computed again")
            for fault, paths in (("corrupt", self.corrupt), ("of another run", self.foreign))
            for path in paths
        ]
        self.store.renew_manifests({run.config.id: run.config for run in self.stored}.values())
        for config in self.study.configs():
            config_code(config)  # remembered: a file edited meanwhile must not get the credit
        if isinstance(self.study, Study) and (told := tuned_elsewhere(self.study)):
            notes.append(told)
        if engine() == "interpreted":
            notes.append("numba's compiler is off (NUMBA_DISABLE_JIT): the engine is interpreted")
        return notes

    @property
    def size(self) -> Size:
        """The cost of the whole study."""
        return size(cut(self.study.runs(), self.workers))


@dataclass
class Summary:
    """The outcome of computing a study: how many runs finished, were skipped, failed."""

    study: str
    folder: Path  # of the results
    runs: int  # of the study
    skipped: int  # were stored already, or by another process meanwhile
    finished: int = 0
    failed: list[Failure] = field(default_factory=list)
    diverged: list[Run] = field(default_factory=list)  # of the finished ones
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
    executor: str = "local",
    address: str | None = None,
) -> Summary:
    """Compute the runs of a study that are not stored yet; `load_records` reads them.

    `study` is a built-in name, a path to a TOML file or a `Study`; `overrides` and `only` are as on
    the command line (`settings.agents=2`, `algorithm=fedpg`). `workers` processes share the runs,
    default one per core; with more than one, a script must call this below
    `if __name__ == "__main__":`. Progress is shown on `console`, if one is given. `executor` says
    where to compute: "local", "ray" (a cluster at `address`, or one started for this study), or
    one of another package. Results are the same for any number of workers and any executor.

    Raises StudyError for a study that is not valid, StoreError for a results folder and
    ExecutorError for an executor that cannot be used, before any compute where that can be known
    by then. A run that fails is listed in the summary and the others go on. Ctrl-C raises
    InterruptedStudy; what was finished is stored.
    """
    if not isinstance(study, Study):
        study = load_study(study, overrides, only)
    planned = plan(study, results, workers, find(executor, address))
    for note in planned.prepare():
        warnings.warn(note, stacklevel=2)
    return execute(planned, console)


def plan(
    study: Study | Wave,
    results: str | Path,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Plan:
    """Compare the study with what is stored; nothing is changed yet."""
    executor = Local() if executor is None else executor
    workers = executor.default_workers() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1")
    store, runs = Store(results, study.name), study.runs()
    survey = store.survey(runs)
    found = {entry.run.key: entry for entry in survey.stored}
    missing = [run for run in runs if run.key not in found]
    stale = [entry.run for entry in found.values() if entry.stale]
    checkpoints = map(Checkpoints.beside(store).path, store.begun([*missing, *stale]))
    return Plan(
        study=study,
        store=store,
        stored=[entry.run for entry in found.values() if not entry.stale],
        stale=stale,
        missing=missing,
        workers=workers,
        executor=executor,
        corrupt=(*survey.corrupt, *filter(_is_bad_checkpoint, checkpoints)),
        foreign=tuple(survey.foreign),
    )


def execute(plan: Plan, console: Console | None = None) -> Summary:
    """Compute and store what is missing or stale; call `plan.prepare` before."""
    summary = Summary(plan.study.name, plan.store.folder, len(plan.study.runs()), len(plan.stored))
    batches, checkpoints = plan.batches, Checkpoints.beside(plan.store)
    for run in plan.stored:  # whoever was killed between storing a run and this
        checkpoints.remove(run)
    if not batches:
        return summary
    queue, tally = deque(batches), Tally(batches)
    started = time.perf_counter()
    with coordination.presence(plan.store.folder) as before, Display(console, tally) as shown:
        queue.rotate(-coordination.place(before, len(queue)))

        def skip_stored() -> None:
            while stored := coordination.drop_stored(queue, plan.store, plan.workers):
                summary.skipped += len(stored)
                tally.hear(Finished(stored, []))
                coordination.jump(queue)  # another process works at this place

        def listen(event: Event) -> None:
            if isinstance(event, Finished):
                for run, result in zip(event.batch, event.results, strict=True):
                    plan.store.save(run, *result)
                    checkpoints.remove(run)
                    summary.finished += 1
                    summary.diverged += [run] if result[0]["diverged"][-1] else []
            elif isinstance(event, Failed) and len(event.batch) > 1:
                queue.extend([run] for run in event.batch)  # one bad run must not lose the others
            elif isinstance(event, Failed):
                summary.failed.append(Failure(event.batch[0], event.reason))
            elif isinstance(event, Lost):
                runs = len(event.batch)
                shown.tell(f"{event.reason}: {runs} run(s) go back to the queue")
            tally.hear(event)
            if isinstance(event, Finished | Failed):
                skip_stored()
            shown.show()

        try:
            plan.executor(queue, min(plan.workers, len(batches)), listen, checkpoints)
        except KeyboardInterrupt:
            raise InterruptedStudy(summary) from None
        finally:
            summary.seconds = time.perf_counter() - started
    return summary


def _is_bad_checkpoint(path: Path) -> bool:
    try:
        decode(read_plain(path), "")
    except (OSError, ValueError) as error:
        return isinstance(error, ValueError)
    return False
