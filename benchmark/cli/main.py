"""The command `fedrl`. Heavy imports stand inside the commands, so that help appears at once."""

import errno
import inspect
import sys
import warnings
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from fedrl.benchmark.cli.codes import INTERRUPTED, USER_ERROR
from fedrl.benchmark.cli.commands.entries import check, cross, handbook, render, show, thresholds
from fedrl.benchmark.cli.commands.exchange import import_curves, merge, mirror
from fedrl.benchmark.cli.commands.machine import compile_study, doctor, info, speed
from fedrl.benchmark.cli.commands.studies import (
    list_known,
    open_page,
    records,
    report,
    run,
    study,
    watch,
)
from fedrl.benchmark.cli.commands.trust import claims, compare, publish, replay, submit, verify
from fedrl.benchmark.cli.commands.tuning import sensitivity, tune, tuned
from fedrl.benchmark.cli.known import checked
from fedrl.benchmark.cli.printable import printable
from fedrl.benchmark.cli.streams import NOTICE, FullError, Stream, complete

# Bytes that importing torch, compiling and drawing map, measured on Linux: with less, LLVM and
# OpenBLAS end the process.
ADDRESS_SPACE = 2_000_000_000

# What a file system answers that is full, not to be written to, or holds something else there.
OUTSIDE = {
    *(errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP),
    getattr(errno, "EDQUOT", errno.ENOSPC),
}


class Grouped(TyperGroup):
    """Commands in groups, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one list per group, all of the same columns."""
        width = max(map(len, self.commands))
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            told = command.get_short_help_str(limit=sys.maxsize)
            group = getattr(command, "rich_help_panel", None) or "Commands"
            groups.setdefault(group, []).append((name.ljust(width), told))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)


def _in_lines(told: str) -> str:
    """A docstring of which every example stays a line that can be copied."""
    text, title, examples = told.partition("Examples:")
    lines = (f"  {line.strip()}" for line in examples.splitlines() if line.strip())
    return "\n".join((f"{text}{title}\n\n\b", *lines))


app = typer.Typer(
    name="fedrl",
    cls=Grouped,
    invoke_without_command=True,
    rich_markup_mode=None,  # to import what draws frames takes longer than all the rest of a help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Reproducible benchmarks of federated reinforcement learning.

    N agents, each with its own perturbed environment, learn one policy together.

    Start here:

    \b
      fedrl run quick            compute a small study (a few minutes)
      fedrl report quick         write its report: one web page, figures, tables

    Results are stored run by run; a command that is repeated computes only what is missing.
    """,
)

_named = {
    list_known: "list",
    open_page: "open",
    import_curves: "import",
    compile_study: "compile",
}
for _group, _modules in {
    "Studies": (list_known, study, run, watch, report, open_page, records),
    "Tuning": (tune, tuned, sensitivity),
    "Families and algorithms": (show, render, check, thresholds, cross, handbook),
    "Trust": (verify, replay, publish, submit, compare, claims),
    "In and out": (import_curves, mirror, merge),
    "This machine": (compile_study, speed, info, doctor),
}.items():
    for _module in _modules:
        _command = getattr(_module, _module.__name__.rpartition(".")[2])  # of its module's name
        _help = _in_lines(inspect.cleandoc(_command.__doc__))
        app.command(_named.get(_module), help=_help, rich_help_panel=_group)(checked(_command))


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"fedrl {version('fedrl')}")
        except PackageNotFoundError:
            print("fedrl, not installed: a checkout")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    asked: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(USER_ERROR)


def main() -> NoReturn:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    warnings.formatwarning = _in_one_line  # type: ignore[assignment]
    complete()
    sys.stdout = Stream(sys.stdout)  # type: ignore[assignment]
    sys.stderr = Stream(sys.stderr, forgives_all=True)  # type: ignore[assignment]
    try:
        _require_address_space()
        code = app(standalone_mode=False)
        NOTICE.clear()
        sys.stdout.flush()
    except TyperException as error:
        _fail(error.format_message(), error.exit_code)
    except typer.Abort:
        _fail("aborted", INTERRUPTED)
    except FullError as error:
        _fail(str(error), USER_ERROR)
    except MemoryError as error:
        _fail(f"the memory is not enough: {error}", USER_ERROR)
    except OSError as error:
        if error.errno not in OUTSIDE:
            raise
        place = f"cannot use {error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror}", USER_ERROR)
    except (ValueError, RuntimeError) as error:
        try:
            mistake = is_mistake(error)
        except MemoryError:  # nothing can be imported any more
            _fail(f"the memory is not enough: {error}", USER_ERROR)
        if not mistake:
            raise
        _fail(str(error), USER_ERROR)
    sys.exit(code if isinstance(code, int) else 0)


def _in_one_line(message: Warning | str, *_: object) -> str:
    return f"warning: {printable(' '.join(str(message).split()))}\n"


def _require_address_space() -> None:
    """Refuse a limit (ulimit -v) below which torch cannot even be imported."""
    helps = len(sys.argv) < 2 or "--help" in sys.argv or "-h" in sys.argv
    with suppress(ImportError):  # Windows has no such limits
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if not helps and 0 <= limit < ADDRESS_SPACE:
            _fail(
                f"the address space is limited to {limit / 1e9:.1f} GB; a process needs at least "
                f"{ADDRESS_SPACE / 1e9:.1f} GB: raise it with `ulimit -v`",
                USER_ERROR,
            )


def is_mistake(error: Exception) -> bool:
    """Whether the message is meant for the user; imported here, after something went wrong."""
    from fedrl.benchmark.claims.claim import ClaimError
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.config.study_file import StudyError
    from fedrl.benchmark.execution.executors import ExecutorError
    from fedrl.benchmark.execution.workers import WorkerError
    from fedrl.benchmark.storage.files import StoreError
    from fedrl.benchmark.tuning.evaluation import TuningError

    known = ClaimError | ExecutorError | SettingError | StoreError | StudyError | TuningError
    return isinstance(error, known | WorkerError)


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(code)
