"""`fedrl report`: a page, figures and tables of what is stored."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.options import RESULTS, Json, Only, Results, Set, StudyName


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
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.publishing.publication import publish

    loaded = load_study(study, overrides or (), only or ())
    command = answers.rebuilding(study, overrides, only)
    published = publish(loaded, results, out, command)
    answers.warn_stale(published.stale)
    answers.warn_missing(published.missing, "the report says so")
    if as_json:
        answers.print_json(
            {"page": str(published.page), "missing": published.missing, "stale": published.stale}
        )
    else:
        print(published.page)
