"""`fedrl tune`: tune every family, κ, N and algorithm of a study under equal budgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fedrl.benchmark.cli import options
from fedrl.benchmark.cli.codes import INTERRUPTED

if TYPE_CHECKING:
    from fedrl.benchmark.tuning.cost import Cost
    from fedrl.benchmark.tuning.run import Done, Job


def tune(
    study: options.StudyName,
    trials: Annotated[
        int | None,
        options.counted("Trials per hyperparameter.", show_default="tuning.trials, else 16"),
    ] = None,
    repeats: Annotated[int, options.counted("Repeat the whole tuning with other tuner seeds.")] = 1,
    results: options.Results = options.RESULTS,
    out: Annotated[Path, options.folder("Folder of the files of tuned values.")] = Path("tuned"),
    workers: options.Workers = None,
    overrides: options.Set = None,
    only: options.Only = None,
    executor: options.Executor = "local",
    address: options.Address = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print search spaces and cost; compute nothing.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Tune hyperparameters on tune seeds, choose on select seeds, write tuned/FAMILY/ALGORITHM.toml.

    Every hyperparameter brings the same number of trials under the study's budget of steps, and an
    algorithm that contains another one starts from its winner. A study takes the values with
    hyperparameters = "tuned" and meets its test seeds for the first time. Stop it whenever you
    like: the same command goes on and finds the same winner.

    Examples:

      fedrl tune quick --dry-run

      fedrl tune quick --only family=cartpole --trials 16

      fedrl tune my.toml --set 'tuning.tune=["step_size", "local_steps"]' --repeats 3
    """  # noqa: E501  # the first line is the summary in `fedrl --help`
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.execution.execution import InterruptedStudy
    from fedrl.benchmark.execution.executors import find
    from fedrl.benchmark.tuning.run import carry_out, prepare

    job = prepare(study, overrides or (), only or (), trials, repeats)
    found = find(executor, address)
    cost = job.cost(found.default_workers() if workers is None else workers)
    if dry_run:
        _print_cost(job, cost, as_json)
        return
    for note in job.notes:
        answers.say(f"note: {note}")
    answers.say(_intention(cost))
    try:
        done = carry_out(job, results, out, cost.workers, found, answers.NOTES)
    except InterruptedStudy:
        answers.say("stopped; what is finished is stored, and the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        answers.print_json(done.as_json())
        return
    _print_winners(done)
    for path in (*done.files, *done.pages):
        print(path)


def _intention(cost: Cost) -> str:
    from fedrl.benchmark.execution.progress import duration

    return (
        f"{cost.study}: {cost.tasks} task(s), {cost.trials:,} trials, {cost.runs:,} runs, at most "
        f"{cost.training_steps:,} training steps, about {duration(cost.seconds)} with "
        f"{cost.workers} worker(s)"
    )


def _print_winners(done: Done) -> None:
    """A row per task and tuner."""
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.tuning import shelf
    from fedrl.benchmark.tuning.tuned_writer import ends_of

    rows = []
    for one in done.found:
        if one.mistake:
            continue
        best = one.winner
        result = shelf.worded_result(
            *(ends_of(one), best.values, best.score, one.estimate[1:]),
            *(best.diverged, len(best.outcomes), one.steps),
        )
        rows.append((one.task.label, str(one.tuner), *result))
    headings = ("task", "tuner", "values", "score", "interval", "diverged", "steps")
    answers.print_table(headings, rows, whole=("task", "score"))
    print("score: area under the curve, mean over select seeds; they chose the winner,")
    print("so it is optimistic: a report has test seeds; steps: what tuning cost")
    print(shelf.LEGEND)
    for mistake in done.mistakes:
        answers.say(f"note: {mistake}; no values are written")


def _print_cost(job: Job, cost: Cost, as_json: bool) -> None:
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.tuning.cost import rows

    listed: list[dict[str, Any]] = rows(job.tasks, job.protocol)
    if as_json:
        answers.print_json(cost._asdict() | {"notes": list(job.notes), "search": listed})
        return
    for row in listed:
        space = ", ".join(f"{name} {words}" for name, words in row["space"].items())
        budget = "rounds" if row["budget"] is None else f"{row['budget']:,} steps"
        print(f"{row['task']}: {row['trials']} trials, {row['size']}: {space}; budget {budget}")
    for note in job.notes:
        print(f"note: {note}")
    print(_intention(cost))
