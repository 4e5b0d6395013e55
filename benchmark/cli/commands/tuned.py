"""`fedrl tuned`: the tuned values there are."""

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
    rows = []
    for family, algorithm, entry in found:
        row = shelf.row(family, algorithm, entry)
        task = f"{family}/kappa{entry.kappa:g}/n{entry.agents}/{algorithm}"
        rows.append((task, *row[4:7], row[-1]))
    headings = ("task", "values", "score", "interval", "steps")
    answers.print_table(headings, rows, whole=("task", "score"))
    print("score: on the select seeds that chose it, so optimistic: a report has test seeds")
    print("interval: 95 %, of the score; steps: what finding them cost")
    print(shelf.LEGEND)
