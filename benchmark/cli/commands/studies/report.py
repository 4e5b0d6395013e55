"""`fedrl report`: a page, figures and tables of what is stored."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.names import between_commas
from fedrl.benchmark.cli.options import (
    RESULTS,
    Json,
    Only,
    Results,
    Set,
    StudyOrNone,
    Workers,
    folder,
)


def report(
    study: StudyOrNone = None,
    results: Results = RESULTS,
    out: Annotated[
        Path | None, folder("Folder of the report.", show_default="<results>/<study>/report")
    ] = None,
    overrides: Set = None,
    only: Only = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="ALGORITHM", help="Compare the others with it; usually fedpg."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ALGORITHM=WORDS", help="Name of an algorithm in print; may be repeated."
        ),
    ] = None,
    order: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Algorithms that come first.")
    ] = None,
    families: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Families to show, in this order.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="VENUE",
            help="Figures as wide as its columns: icml, icml-column (one column), neurips.",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="DIR", help="Records of a report, or a published study, instead."
        ),
    ] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Write the report of a study's stored runs: index.html, figures, tables.

    Runs that are missing are named in the report. Give the same --set and --only as to `run`.
    What is chosen of names, order and size is kept beside the report: `fedrl verify` makes the
    same again.

    Examples:

      fedrl report quick

      fedrl report quick --only family=gridworld --out gridworld-report

      fedrl report quick --baseline fedpg --label fedsvrpg-m=Ours --order fedsvrpg-m --size icml

      fedrl report --from reports/published/theory --out theory-report
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.execution.processes import helpers
    from fedrl.benchmark.inspection.pictures.cast import film_run
    from fedrl.benchmark.publishing.opened import page_of
    from fedrl.benchmark.publishing.publication import publish

    if (study is None) == (source is None):
        raise typer.BadParameter("name a study, or --from a folder of records")
    shown = {
        "baseline": baseline or "",
        "labels": dict(_named(entry) for entry in label or ()),
        "order": between_commas(order or ""),
        "families": between_commas(families or ""),
        "size": size or "",
    }
    if source is not None:
        if out is None or any((overrides, only)):
            raise typer.BadParameter("--from takes all records as they are, and needs --out DIR")
        with answers.working(f"report {out}") as tell, helpers(workers) as pool:
            page = page_of(source, out, shown, tell, pool)
        answers.answer(as_json, {"page": str(page)}, str(page))
        return
    assert study is not None
    loaded = load_study(study, overrides or (), only or ())
    command = answers.rebuilding(study, overrides, only)
    with answers.working(f"report {loaded.name}") as tell, helpers(workers) as pool:
        published = publish(loaded, results, out, command, shown, tell, film_run, pool)
    answers.warn(published, "the report says so")
    facts = {"page": str(published.page), "missing": published.missing, "stale": published.stale}
    answers.answer(as_json, facts, str(published.page))


def _named(entry: str) -> tuple[str, str]:
    """Split mine=Ours."""
    name, _, words = (part.strip() for part in entry.partition("="))
    if not name or not words:
        raise typer.BadParameter(f"{entry!r} is not ALGORITHM=WORDS, such as fedsvrpg-m=Ours")
    return name, words
