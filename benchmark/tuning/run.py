"""Tuning a study from its name to files of tuned values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from fedrl.benchmark.config.crossing import Tables
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.spaces.parameter import is_grid
from fedrl.benchmark.config.spaces.protocol import ENOUGH, Protocol, protocol_of
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import read_table
from fedrl.benchmark.config.tuned.entries import Entry
from fedrl.benchmark.execution.executors import Executor
from fedrl.benchmark.storage.files import explaining, sweep, token
from fedrl.benchmark.tuning import pages, tuned_writer
from fedrl.benchmark.tuning.cost import Cost, cost_of
from fedrl.benchmark.tuning.task import Task, tasks_of
from fedrl.benchmark.tuning.trial import Tuned


class Job(NamedTuple):
    """Tasks to tune, with their protocol, checked before any compute."""

    study: str
    tasks: list[Task]
    protocol: Protocol
    repeats: int

    def cost(self, workers: int) -> Cost:
        return cost_of(self.study, self.tasks, self.protocol, self.repeats, workers)

    @property
    def notes(self) -> list[str]:
        """List caveats to read before the job runs."""
        derived = sorted({task.base.family for task in self.tasks if task.derived})
        few = [task for task in self.tasks if not is_grid(task.space)]
        scarce = self.protocol.trials < ENOUGH and bool(few)
        told = [
            f"{self.protocol.trials} trials per hyperparameter are few: below {ENOUGH}, an "
            "algorithm with more hyperparameters is tuned worse than others and looks worse for it"
        ] * scarce
        return told + [
            f"{family} has no budget of steps: trials are compared over what its rounds cost at "
            "most; where episodes end early that is equal numbers of episodes, not of steps; set "
            f"families.{family}.budget"
            for family in derived
        ]


@dataclass(frozen=True)
class Done:
    """The values that tuning found, and the files they are written to."""

    found: list[Tuned]
    files: list[Path]
    pages: list[Path]

    @property
    def mistakes(self) -> list[str]:
        """Say of every task that has no winner why."""
        return [one.mistake for one in self.found if one.mistake]

    def as_json(self) -> dict[str, Any]:
        repeated = any(one.tuner for one in self.found)
        return {
            "winners": [pages.winner_row(one) for one in self.found if not one.mistake],
            "untuned": self.mistakes,
            "variance": pages.variance_rows(self.found) if repeated else [],
            "files": [str(path) for path in self.files],
            "pages": [str(path) for path in self.pages],
        }


def prepare(
    study: str,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    trials: int | None = None,
    repeats: int = 1,
) -> Job:
    """The tasks of a study; StudyError or SettingError says what is wrong before any compute."""
    loaded = load_study(study, overrides, only, given=True)
    protocol = protocol_of(loaded.tuning, trials)
    tasks, table = tasks_of(loaded, protocol), read_table(study, overrides)
    tables = Tables(table.get("settings", {}), table["families"], table["algorithms"])
    for task in tasks:
        _refuse_by_hand(tables, task)
    return Job(loaded.name, tasks, protocol, repeats)


def carry_out(
    job: Job,
    results: Path,
    out: Path,
    workers: int | None = None,
    executor: Executor | None = None,
    console: Console | None = None,
) -> Done:
    """Compute what is not stored yet, choose, and write files, tables and figures."""
    from fedrl.benchmark.tuning import journal
    from fedrl.benchmark.tuning.evaluation import Evaluator
    from fedrl.benchmark.tuning.search import tune

    _check_folder(out)
    evaluate = Evaluator(results, job.study, workers, executor, console)
    path = journal.path_of(results, job.study)
    found: list[Tuned] = []
    for tuner in range(job.repeats):
        found += tune(
            job.tasks, job.protocol, tuner, evaluate, lambda now: journal.record(path, now)
        )
    return Done(found, _files(job, found, out), pages.write(path.parent, found, job.protocol))


def _refuse_by_hand(tables: Tables, task: Task) -> None:
    """SettingError for what a study sets by hand and asks tuned values of: before it is tuned."""
    asking = tables.tuning(task.base.family, task.base.algorithm) or []
    for place, table in asking:
        for name in task.names:
            if name in table:
                raise SettingError(
                    f"{place}.{name} is set by hand, but {asking[0][0]}.hyperparameters = 'tuned': "
                    f"the study could not take what is tuned; remove {place}.{name}, or the other"
                )


def _check_folder(out: Path) -> None:
    """That files of tuned values can be written is known before hours of compute."""
    probe = out / f".probe.{token()}"
    with explaining(f"cannot write tuned values to {out}", "; choose a folder with --out"):
        out.mkdir(parents=True, exist_ok=True)
        sweep(out, ".probe.")
        probe.touch()
        probe.unlink()


def _files(job: Job, found: Sequence[Tuned], out: Path) -> list[Path]:
    pairs: dict[tuple[str, str], list[Entry]] = {}
    for task in job.tasks:
        repeats = [one for one in found if one.task.id == task.id and not one.mistake]
        if not repeats:
            continue
        entry = tuned_writer.entry_of(repeats, job.protocol, job.study)
        pairs.setdefault((task.base.family, task.base.algorithm), []).append(entry)
    return [
        tuned_writer.write(out, family, algorithm, entries)
        for (family, algorithm), entries in pairs.items()
    ]
