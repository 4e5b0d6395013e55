"""The command `fedrl`. Heavy imports stand inside the commands, so that help appears at once."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from benchmark.commands.check import check
from benchmark.commands.compare import compare
from benchmark.commands.cross import cross
from benchmark.commands.handbook import handbook
from benchmark.commands.mirror import mirror
from benchmark.commands.options import (
    Address,
    Executor,
    Json,
    Only,
    Results,
    Set,
    StudyName,
    Workers,
)
from benchmark.commands.publish import publish
from benchmark.commands.render import render
from benchmark.commands.sensitivity import sensitivity
from benchmark.commands.show import show
from benchmark.commands.thresholds import thresholds
from benchmark.commands.tune import tune
from benchmark.commands.tuned import tuned
from benchmark.commands.verify import verify

USER_ERROR = 2
FAILED_RUNS = 1
DIFFERENT = 1  # of `replay` and `merge`
INTERRUPTED = 130

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

RESULTS = Path("results")


@app.command("list")
def list_known(
    what: Annotated[str, typer.Argument(metavar="families|algorithms|studies")],
    as_json: Json = False,
) -> None:
    """What can be combined: environment families, algorithms, built-in studies.

    [bold]Examples[/]

      fedrl list families

      fedrl list algorithms --json
    """
    from benchmark import answers, catalogue

    entries = catalogue.list_entries(what)
    if as_json:
        answers.print_json(entries)
    else:
        catalogue.print_entries(what, entries)


@app.command()
def run(
    study: StudyName,
    results: Results = RESULTS,
    workers: Workers = None,
    overrides: Set = None,
    only: Only = None,
    executor: Executor = "local",
    address: Address = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the size and a time estimate; compute nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compute the runs of a study that are not stored yet.

    Stop it with Ctrl-C whenever you like: finished runs are kept, the same command goes on. Runs
    that were computed by other code or package versions are computed again.

    [bold]Examples[/]

      fedrl run quick

      fedrl run quick --only family=cartpole --only algorithm=fedpg,fedsvrpg-m

      fedrl run quick --set settings.agents=10 --set families.cartpole.rounds=50

      fedrl run paper --dry-run

      fedrl run paper --executor ray --address 10.0.0.1:6379
    """
    from benchmark import answers
    from benchmark.execution import InterruptedStudy, execute, plan
    from benchmark.executors import find
    from benchmark.study import load_study

    loaded = load_study(study, overrides or (), only or ())
    planned = plan(loaded, results, workers, find(executor, address))
    if dry_run:
        size = answers.study_size(planned)
        answers.print_json(size) if as_json else answers.print_study_size(size)
        return
    for note in planned.prepare():
        answers.say(note)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops like Ctrl-C
    answers.say(answers.intention(planned))
    try:
        summary = execute(planned, answers.NOTES)
    except InterruptedStudy as stopped:
        done = stopped.summary.skipped + stopped.summary.finished
        answers.say(f"stopped: {done} of {stopped.summary.runs} runs are stored in {results}")
        elsewhere = {"--executor": executor, "--address": address} if executor != "local" else {}
        again = answers.command("run", study, results, overrides, only, elsewhere)
        answers.say(f"go on with: {again}")
        raise typer.Exit(INTERRUPTED) from None
    following = answers.command("report", study, results, overrides, only)
    outcome = answers.outcome(summary, following)
    answers.print_json(outcome) if as_json else answers.print_outcome(outcome)
    if summary.failed:
        raise typer.Exit(FAILED_RUNS)


@app.command()
def report(
    study: StudyName,
    results: Results = RESULTS,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of the report.", show_default="<results>/<study>/report"
        ),
    ] = None,
    overrides: Set = None,
    only: Only = None,
    as_json: Json = False,
) -> None:
    """Write the report of a study's stored runs: index.html, figures, tables.

    Runs that are missing are named in the report. Give the same --set and --only as to `run`.

    [bold]Examples[/]

      fedrl report quick

      fedrl report quick --only family=gridworld --out gridworld-report
    """
    from benchmark import answers
    from benchmark.publication import publish
    from benchmark.study import load_study

    loaded = load_study(study, overrides or (), only or ())
    # No folders in a report: it must not depend on where it is written.
    command = answers.command("run", Path(study).name, RESULTS, overrides, only)
    published = publish(loaded, results, out, command)
    answers.warn_stale(published.stale)
    if published.missing:
        answers.say(f"warning: {len(published.missing)} run(s) are not stored, the report says so")
    if as_json:
        answers.print_json(published._asdict() | {"page": str(published.page)})
    else:
        print(published.page)


@app.command()
def records(
    study: StudyName,
    results: Results = RESULTS,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with suffix .csv, .parquet, .json or .jsonl.",
            show_default="CSV on standard output",
        ),
    ] = None,
    overrides: Set = None,
    only: Only = None,
) -> None:
    """Export the stored runs of a study as one tidy table, one row per evaluation point.

    [bold]Examples[/]

      fedrl records quick --out quick.parquet

      fedrl records quick --only algorithm=fedpg | head
    """
    from benchmark import answers
    from benchmark.records import check_suffix, export, read_records, to_csv
    from benchmark.study import load_study

    if out is not None:
        check_suffix(out)
    found = read_records(load_study(study, overrides or (), only or ()), results)
    answers.warn_stale(found.stale)
    if out is None:
        sys.stdout.write(to_csv(found.frame))
    else:
        export(found.frame, out)
        print(out)


@app.command()
def replay(
    name: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Path of a seed-*.parquet file, or a run: CELL/seed-00003, or CELL seed 3.",
        ),
    ],
    results: Results = RESULTS,
    study: Annotated[
        str | None, typer.Option(metavar="NAME", help="Study of the run, if several have it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute one stored run again and tell whether the same bits come out.

    Exit code 0 if it is identical, 1 if it differs. On another machine or with other versions the
    same bits cannot be promised: then the first evaluation point may agree within a tolerance,
    a relative 1e-6 in float64 and 1e-3 in float32.

    [bold]Examples[/]

      fedrl replay results/quick/CELL/seed-00003.parquet

      fedrl replay CELL seed 3 --study quick --json
    """
    from benchmark import answers
    from benchmark import replay as replays

    original = replays.original(" ".join(name), results, study)
    for warning in replays.warnings_of(original):
        answers.say(f"note: {warning}")
    again = replays.recompute(original.run)
    comparison = replays.compare(original, again.columns, again.parameters)
    if as_json:
        answers.print_json(replays.as_json(original, comparison))
    else:
        print(replays.sentence(comparison))
    if not comparison.reproduced:
        raise typer.Exit(DIFFERENT)


@app.command()
def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of results.")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Folder of results to merge into.")],
    as_json: Json = False,
) -> None:
    """Copy the runs of several results folders into one.

    A run with different content in two places is a conflict: it is listed and not copied, the
    others are. Files that are corrupt are listed and not copied. Exit code 1 in both cases. Nothing
    is overwritten; the same command may be repeated.

    [bold]Examples[/]

      fedrl merge laptop/results cluster/results --into results
    """
    from benchmark import answers
    from benchmark import merge as merges

    merged = merges.merge(folders, into)
    if as_json:
        answers.print_json(merges.as_json(merged))
    else:
        for line in merges.sentences(merged):
            answers.say(line)
        print(
            f"{merged.copied} runs copied to {into}, {merged.present} were there already, "
            f"{len(merged.conflicts)} in conflict, {len(merged.corrupt)} corrupt files"
        )
    if not merged.clean:
        raise typer.Exit(DIFFERENT)


@app.command()
def speed(
    family: Annotated[str, typer.Option(help="Environment family.")] = "cartpole",
    algorithm: Annotated[str, typer.Option(help="Algorithm.")] = "fedsvrpg-m",
    seeds: Annotated[int, typer.Option(min=1, help="Runs.")] = 10,
    agents: Annotated[int, typer.Option(min=1, help="Agents per run.")] = 10,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes per agent and local step.")] = 1,
    local_steps: Annotated[int, typer.Option(min=1, help="Local steps per round.")] = 10,
    horizon: Annotated[int, typer.Option(min=1, help="Longest episode.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds.")] = 20,
    hidden: Annotated[str, typer.Option(help="Widths of the tanh network.")] = "8,8",
    step_size: Annotated[float, typer.Option(help="Small: the policy stays as it starts.")] = 1e-5,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Measure training speed on this machine, after compilation and without evaluation.

    Real steps are environment steps that were taken; lane steps count every episode as long as the
    horizon. The seeds are shared over the workers, which start together.

    [bold]Examples[/]

      fedrl speed --family cartpole --algorithm fedsvrpg-m --seeds 10 --agents 10 --rounds 20

      fedrl speed --family halfcheetah --seeds 4 --episodes 10 --rounds 1 --hidden 64,64 --json
    """
    from benchmark import answers
    from benchmark.speed import measure, measured_cell

    cell = measured_cell(
        family=family,
        algorithm=algorithm,
        options={"horizon": horizon},
        agents=agents,
        episodes=episodes,
        local_steps=local_steps,
        rounds=rounds,
        hidden=hidden.split(",") if hidden else (),
        step_size=step_size,
    )
    answer = measure(cell, seeds, workers)._asdict()
    if as_json:
        answers.print_json(answer)
    else:
        for name, value in answer.items():
            print(f"{name.replace('_', ' '):24}{value:>16,.3f}".removesuffix(".000"))


@app.command()
def info(as_json: Json = False) -> None:
    """Versions, machine, where things are, and the digest of the code that decides numbers.

    [bold]Examples[/]

      fedrl info

      fedrl info --json
    """
    from benchmark import answers, catalogue

    answer = catalogue.information()
    if as_json:
        answers.print_json(answer)
    else:
        catalogue.print_information(answer)


for _command in (
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
