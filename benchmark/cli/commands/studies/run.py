"""`fedrl run`: compute what is missing of a study."""

import typer

from fedrl.benchmark.cli.codes import FAILED_RUNS
from fedrl.benchmark.cli.options import (
    RESULTS,
    Address,
    DryRun,
    Executor,
    Json,
    Only,
    Results,
    Set,
    StudyName,
    Workers,
)


def run(
    study: StudyName,
    results: Results = RESULTS,
    workers: Workers = None,
    overrides: Set = None,
    only: Only = None,
    executor: Executor = "local",
    address: Address = None,
    dry_run: DryRun = False,
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
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.execution.execution import plan
    from fedrl.benchmark.execution.executors import find

    loaded = load_study(study, overrides or (), only or ())
    planned = plan(loaded, results, workers, find(executor, address))
    if dry_run:
        size = answers.study_size(planned)
        answers.print_json(size) if as_json else answers.print_study_size(size)
        return
    elsewhere = {"--executor": executor, "--address": address} if executor != "local" else {}
    again = answers.command("run", study, results, overrides, only, elsewhere)
    summary = answers.computed(planned, results, again)
    following = answers.command("report", study, results, overrides, only)
    outcome = answers.outcome(summary, following)
    answers.print_json(outcome) if as_json else answers.print_outcome(outcome)
    if summary.failed:
        raise typer.Exit(FAILED_RUNS)
