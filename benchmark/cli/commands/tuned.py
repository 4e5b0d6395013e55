"""`fedrl tuned`: the tuned values there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.options import Json


def tuned(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]", help="Folder of tuned values.", show_default="what the package has"
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Answer as the table in docs/tuning.md.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List tuned values: what they are, how good, and what finding them cost.

    [bold]Examples[/]

      fedrl tuned

      fedrl tuned tuned --json
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.config.tuned_lookup import shipped
    from fedrl.benchmark.tuning import shelf

    place = shipped() if folder is None else folder
    found = shelf.entries(place)
    if not found:
        raise SettingError(f"no tuned values in {place}; make some with `fedrl tune STUDY`")
    if as_json:
        answers.print_json([shelf.facts(*one) for one in found])
        return
    if markdown:
        print(shelf.markdown(place), end="")
        return
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("task", "values", "score", "interval", "steps"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("task", "score"))
    for family, algorithm, entry in found:
        row = shelf.row(family, algorithm, entry)
        task = f"{family}/kappa{entry.kappa:g}/n{entry.agents}/{algorithm}"
        table.add_row(task, *row[4:7], row[-1])
    Console().print(table)
    print("interval: 95 %, of the score; steps: what finding them cost")
    print("*: at an end of the range that was searched; a wider one may hold better values")
