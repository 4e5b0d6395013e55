"""Answers of the command line: sentences for people, the same facts as JSON for programs.

Heavy imports stand inside the functions: a list needs none of them.
"""

from __future__ import annotations

import json
import shlex
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from fedrl.benchmark.cli.codes import INTERRUPTED
from fedrl.benchmark.cli.options import RESULTS
from fedrl.benchmark.cli.printable import printable

if TYPE_CHECKING:
    from fedrl.benchmark.execution.execution import Plan, Summary

FIRST_LINE = 1.0  # s before the first line of progress
NOTES = Console(stderr=True)  # progress and warnings; answers go to standard output


def say(text: str) -> None:
    """One line beside the answer."""
    NOTES.print(printable(text), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show how far a command is: a spinner, or after a second lines where no one looks."""
    start = time.monotonic()
    with NOTES.status(f"{escape(what)} …") as status:

        def tell(stage: str) -> None:
            if NOTES.is_terminal:
                status.update(f"{escape(what)}: {escape(stage)}")
            elif time.monotonic() - start > FIRST_LINE:  # a mistake is told at once, alone
                say(f"{what}: {stage}")

        yield tell


def print_json(answer: Any) -> None:
    """The answer for a program."""
    print(json.dumps(answer, indent=2, allow_nan=False))


def answer(as_json: bool, facts: Any, *lines: str) -> None:
    """The facts for a program, or the same as lines for people."""
    if as_json:
        print_json(facts)
    else:
        print(*lines, sep="\n")


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    whole: Sequence[str] = (),
    right: Sequence[str] = (),
) -> None:
    """A table on standard output: no line break in the columns `whole`, `right` to the right."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in headings:
        side: Any = "right" if heading in right else "left"
        table.add_column(heading, justify=side, no_wrap=heading in whole, overflow="fold")
    told = [[printable(cell) for cell in row] for row in rows]
    for row in told:
        table.add_row(*map(escape, row))
    console = Console()
    if not console.is_terminal:  # a program or a file reads on: one record is one line
        wide = Console(width=10_000)
        console.width = max(80, Measurement.get(wide, wide.options, table).maximum)
    elif _breaks(console, headings, told):
        folded = TextWrapper(
            console.width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
        for row in told:
            lines = [f"{h}: {cell}" for h, cell in zip(headings, row, strict=True) if cell]
            for at, line in enumerate(lines):
                print(folded.fill(f"  {line}" if at else line))
        return
    console.print(table)


def _breaks(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a word or number would be cut: then every record is told line by line."""
    columns = zip(headings, *rows, strict=True)
    longest = (
        max(len(word) for cell in column for word in cell.split() or [""]) for column in columns
    )
    return sum(longest) + len(headings) > console.width


def warn(found: Any, told: str = "they are not in the table") -> None:
    """Tell if runs that were read are not of the present code, or some are not stored."""
    if found.stale:
        from fedrl.benchmark.publishing.records import stale_message

        say(f"warning: {stale_message(found.stale)}")
    if missing := found.missing:
        say(f"warning: {len(missing)} run(s) are not stored, first {missing[0]}; {told}")


def command(
    name: str,
    study: str,
    results: Path,
    overrides: Sequence[str] | None,
    only: Sequence[str] | None,
    more: Mapping[str, str | None] | None = None,
) -> str:
    """The command `name` for the same runs, ready to be pasted."""
    words = ["fedrl", name, study]
    if results != RESULTS:
        words += ["--results", str(results)]
    for option, values in (("--set", overrides), ("--only", only)):
        for value in values or ():
            words += [option, value]
    for option, given in (more or {}).items():
        words += [option, given] if given is not None else []
    return shlex.join(words)


def rebuilding(
    study: str, overrides: Sequence[str] | None = None, only: Sequence[str] | None = None
) -> str:
    """The command that computes a study, without a folder: no report may depend on where it is."""
    return command("run", Path(study).name, RESULTS, overrides, only)


def computed(planned: Plan, results: Path, again: str) -> Summary:
    """Compute what is missing; after Ctrl-C say what is kept, and the command to go on with."""
    from fedrl.benchmark.execution.execution import InterruptedStudy, execute

    for note in planned.prepare():
        say(note)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops like Ctrl-C
    say(intention(planned))
    try:
        return execute(planned, NOTES)
    except InterruptedStudy as stopped:
        done = stopped.summary.skipped + stopped.summary.finished
        say(f"stopped: {done} of {stopped.summary.runs} runs are stored in {results}")
        say(f"go on with: {again}")
        raise typer.Exit(INTERRUPTED) from None


def intention(plan: Plan) -> str:
    """Say how many runs are stored and how many will be computed."""
    stored, stale, missing = len(plan.stored), len(plan.stale), len(plan.missing)
    parts = [f"{plan.study.name}: {len(plan.study.runs())} runs, {stored} stored"]
    parts.append(f"{missing + stale} to compute")
    if stale:
        parts.append(f"{stale} of them again: code or versions changed")
    return ", ".join(parts)


def outcome(summary: Summary, report: str) -> dict[str, Any]:
    """Return the outcome of `run`; `report` is the command to go on with."""
    return {
        "study": summary.study,
        "results": str(summary.folder),
        "runs": summary.runs,
        "skipped": summary.skipped,
        "finished": summary.finished,
        "failed": [
            {"cell": run.config.id, "seed": run.seed.index, "reason": reason}
            for run, reason in summary.failed
        ],
        "diverged": [{"cell": run.config.id, "seed": run.seed.index} for run in summary.diverged],
        "seconds": round(summary.seconds, 3),
        "report": report,
    }


def print_outcome(answer: dict[str, Any]) -> None:
    """The same for people; the last line is the command to go on with."""
    from fedrl.benchmark.execution.progress import duration

    for failure in answer["failed"]:
        say(f"failed: {failure['cell']} seed {failure['seed']}: {failure['reason']}")
    for run in answer["diverged"]:
        say(f"diverged: {run['cell']} seed {run['seed']}")
    time = f" in {duration(answer['seconds'])}" if answer["finished"] else ""
    print(
        f"{answer['finished']} runs computed{time}, {answer['skipped']} were stored already, "
        f"{len(answer['failed'])} failed, {len(answer['diverged'])} diverged"
    )
    print(answer["report"])


def study_size(plan: Plan) -> dict[str, Any]:
    """Return the cost of a study; the seconds are for what is not stored yet."""
    from fedrl.benchmark.execution.estimate import size

    whole = plan.size
    rest = size(plan.batches) if plan.stored else whole
    return {
        "study": plan.study.name,
        "title": plan.study.title,
        "cells": whole.configs,
        "runs": whole.runs,
        "stored": len(plan.stored),
        "training_steps": whole.training_steps,
        "evaluation_steps": whole.evaluation_steps,
        "memory_per_worker": round(whole.worker_bytes),
        "workers": plan.workers,
        "seconds": round(rest.seconds(plan.workers), 1),
    }


def print_study_size(answer: dict[str, Any]) -> None:
    """The same for people."""
    from fedrl.benchmark.execution.progress import duration

    training, evaluation = answer["training_steps"], answer["evaluation_steps"]
    rows = {
        "cells": f"{answer['cells']:,}",
        "runs": f"{answer['runs']:,}, of which {answer['stored']:,} are stored",
        "training steps": f"at most {training:,} (if every episode lasts the horizon)",
        "evaluation steps": f"at most {evaluation:,}, not charged to any algorithm",
        "memory": f"about {answer['memory_per_worker'] / 1e6:,.0f} MB per worker, and libraries of "
        "0.2 to 0.4 GB that all share",
        "time": "none: everything is stored",
    }
    if answer["seconds"]:
        rows["time"] = (
            f"at most about {duration(answer['seconds'])} with {answer['workers']} worker(s), "
            "once kernels are compiled"
        )
    print(printable(f"{answer['study']}: {answer['title']}"))
    for name, value in rows.items():
        print(f"  {name:18}{value}")
