"""`fedrl run`: compute what is missing of a study."""

from typing import Annotated

import typer

from fedrl.benchmark.cli import options
from fedrl.benchmark.cli.codes import FAILED_RUNS

ENOUGH = 40  # seeds, unless --most says otherwise


def run(
    study: options.StudyName,
    results: options.Results = options.RESULTS,
    workers: options.Workers = None,
    overrides: options.Set = None,
    only: options.Only = None,
    executor: options.Executor = "local",
    address: options.Address = None,
    until_decided: Annotated[
        bool,
        typer.Option(help="Add seeds until the study's claims are decided, up to --most of them."),
    ] = False,
    most: Annotated[
        int | None, options.counted("Seeds at most, with --until-decided.", show_default="40")
    ] = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Compute the runs of a study that are not stored yet.

    Stop it with Ctrl-C whenever you like: finished runs are kept, the same command goes on. Runs
    that were computed by other code or package versions are computed again. With --until-decided
    the seeds double until no claim of `fedrl claims` is left that more seeds could decide; every
    look judges a claim at its share of α, so that a wrong verdict is no likelier than at one look.

    Examples:

      fedrl run quick

      fedrl run quick --only family=cartpole --only algorithm=fedpg,fedsvrpg-m

      fedrl run quick --set settings.agents=10 --set families.cartpole.rounds=50

      fedrl run paper --dry-run

      fedrl run beta --until-decided --most 60

      fedrl run paper --executor ray --address 10.0.0.1:6379
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.execution.execution import plan
    from fedrl.benchmark.execution.executors import find
    from fedrl.benchmark.inspection import attributes

    if most is not None and not until_decided:
        raise SettingError("--most is of --until-decided; give both")
    loaded = load_study(study, overrides or (), only or ())
    for note in attributes.notes(loaded):
        answers.say(f"note: {note}")
    counts: tuple[int, ...] = ()
    if until_decided:  # claims read reports, which take a second to import
        from fedrl.benchmark.claims.sequential import judged, looks

        counts = looks(loaded, ENOUGH if most is None else most)
    elsewhere = {"--executor": executor, "--address": address} if executor != "local" else {}
    growing = {"--until-decided": None, "--most": str(counts[-1])} if counts else {}
    again = answers.command("run", study, results, overrides, only, elsewhere | growing)
    claims: dict[str, str] = {}
    for seeds in (counts[-1:] if dry_run else counts) or (None,):
        growth = [f"seeds={seeds}", f"looks={len(counts)}"] if seeds else []
        changed = [*(overrides or ()), *growth]
        if seeds:
            loaded = load_study(study, changed, only or ())
        planned = plan(loaded, results, workers, find(executor, address))
        if dry_run:
            size = answers.study_size(planned)
            answers.print_json(size) if as_json else answers.print_study_size(size)
            return
        summary = answers.computed(planned, results, again)
        verdicts = judged(loaded, results) if seeds else []
        claims = {verdict.claim.name: verdict.verdict for verdict in verdicts}
        for verdict in verdicts:
            answers.say(f"{seeds} seeds: {verdict.claim.name} is {verdict.verdict}")
        if not any(verdict.open for verdict in verdicts):
            break
    following = answers.command("report", study, results, changed, only)
    outcome = answers.outcome(summary, following) | ({"claims": claims} if counts else {})
    answers.print_json(outcome) if as_json else answers.print_outcome(outcome)
    if summary.failed:
        raise typer.Exit(FAILED_RUNS)
