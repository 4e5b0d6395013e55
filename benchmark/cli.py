"""The command `fedrl`. Heavy imports stand inside the commands, so that help appears at once."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from benchmark.commands.check import check
from benchmark.commands.codes import INTERRUPTED, USER_ERROR
from benchmark.commands.compare import compare
from benchmark.commands.cross import cross
from benchmark.commands.handbook import handbook
from benchmark.commands.info import info
from benchmark.commands.list_known import list_known
from benchmark.commands.merge import merge
from benchmark.commands.mirror import mirror
from benchmark.commands.publish import publish
from benchmark.commands.records import records
from benchmark.commands.render import render
from benchmark.commands.replay import replay
from benchmark.commands.report import report
from benchmark.commands.run import run
from benchmark.commands.sensitivity import sensitivity
from benchmark.commands.show import show
from benchmark.commands.speed import speed
from benchmark.commands.thresholds import thresholds
from benchmark.commands.tune import tune
from benchmark.commands.tuned import tuned
from benchmark.commands.verify import verify

app = typer.Typer(
    name="fedrl",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Reproducible benchmarks of federated reinforcement learning.

    N agents, each with its own perturbed environment, learn one policy together.

    [bold]Start here[/]

      fedrl run quick            compute a small study (a few minutes)
      fedrl report quick         write its report: one web page, figures, tables

    Results are stored run by run; a command that is repeated computes only what is missing.
    """,
)

app.command("list")(list_known)
for _command in (
    *(run, report, records, replay, merge, speed, info),
    *(check, show, render, thresholds, cross, handbook),
    *(publish, verify, compare, mirror, sensitivity),
    *(tune, tuned),
):
    app.command()(_command)


def main() -> NoReturn:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        _fail(error.format_message(), error.exit_code)
    except typer.Abort:
        _fail("aborted", INTERRUPTED)
    except ValueError as error:
        if not _is_mistake(error):
            raise
        _fail(str(error), USER_ERROR)
    sys.exit(code if isinstance(code, int) else 0)


def _is_mistake(error: ValueError) -> bool:
    """Whether the message is meant for the user; imported here, after something went wrong."""
    from benchmark.executors import ExecutorError
    from benchmark.files import StoreError
    from benchmark.settings import SettingError
    from benchmark.study import StudyError
    from benchmark.tuning.evaluation import TuningError

    known = ExecutorError | SettingError | StoreError | StudyError | TuningError
    return isinstance(error, known)


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
