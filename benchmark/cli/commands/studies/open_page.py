"""`fedrl open`: the interactive page of a published study."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli import completion
from fedrl.benchmark.cli.known import Known, check_published
from fedrl.benchmark.cli.options import Json, Workers, folder


def open_page(
    published: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="Name of a published study, or a folder of one.",
            autocompletion=completion.of("published study"),
        ),
        Known(check_published),
    ],
    out: Annotated[
        Path | None, folder("Folder of the page.", show_default="the user's cache")
    ] = None,
    browser: Annotated[
        bool | None,
        typer.Option("--browser/--no-browser", help="Show it.", show_default="in a terminal, yes"),
    ] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Open the page of a published study; made from its records the first time, in a minute or so.

    Examples:

      fedrl open quick

      fedrl open reports/published/theory --out theory-page --no-browser
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.execution.processes import helpers
    from fedrl.benchmark.publishing.opened import folder_of, page_of

    source = folder_of(published)
    with answers.working(f"page of {source.name}") as tell, helpers(workers) as pool:
        page = page_of(source, out, tell=tell, pool=pool)
    answers.answer(as_json, {"page": str(page)}, str(page))
    if sys.stdout.isatty() if browser is None else browser:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
