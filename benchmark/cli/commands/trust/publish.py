"""`fedrl publish`: a study as a small folder that anyone can check."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.options import RESULTS, Json, Results, StudyName, Workers, folder


def publish(
    study: StudyName,
    results: Results = RESULTS,
    out: Annotated[
        Path | None, folder("Folder to write.", show_default="reports/published/<study>")
    ] = None,
    date: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Day of publication; today.")
    ] = None,
    redraw: Annotated[
        bool,
        typer.Option(
            "--redraw",
            help="Take the records that are published already; for a report that is drawn "
            "differently since.",
        ),
    ] = False,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Write a study's records, digests of its report and a few whole runs into a small folder.

    Refuses, and writes nothing, if a run is missing, corrupt, computed by other code or versions,
    or if it is not known on what it was computed. With --redraw tables and digests are made again
    and everything else stays, the day too.

    Examples:

      fedrl publish quick --date 2026-03-31

      fedrl verify reports/published/quick

      fedrl publish quick --redraw
    """
    from datetime import datetime

    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.execution.processes import helpers
    from fedrl.benchmark.inspection.pictures.cast import film_run
    from fedrl.benchmark.publishing.published import publish_study
    from fedrl.benchmark.publishing.published import redraw as redraw_study

    loaded = load_study(study)
    place = Path("reports/published") / loaded.name if out is None else out
    day = date or datetime.now().date().isoformat()
    with helpers(workers) as pool:
        if redraw:
            public = redraw_study(place, date, film_run, pool)
        else:
            command = answers.rebuilding(study)
            public = publish_study(loaded, results, place, command, day, film_run, pool)
    if date is None and not redraw:
        answers.say(f"published on {day}; with --date {day} it is the same again another day")
    again = (shlex.join(["fedrl", "replay", str(public.folder / run)]) for run in public.runs)
    facts = public._asdict() | {"folder": str(public.folder)}
    answers.answer(as_json, facts, f"{public.folder}: {public.size / 1e6:.2f} MB", *again)
