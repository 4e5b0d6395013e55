"""`fedrl tuned`: the tuned values there are."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.known import Known, check_folder
from fedrl.benchmark.cli.options import Json


def tuned(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]", help="Folder of tuned values.", show_default="what the package has"
        ),
        Known(check_folder),
    ] = None,
    tests: Annotated[
        list[Path] | None,
        typer.Option(
            "--tests", metavar="FILE", help="Records of studies that used them; may be repeated."
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Answer as the table in docs/tuning.md.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List tuned values: what they are, how good, and what finding them cost.

    Examples:

      fedrl tuned

      fedrl tuned tuned --json

      fedrl tuned --tests reports/published/paper_tuned/records.parquet
    """
    import pandas as pd

    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.config.tuned.lookup import shipped
    from fedrl.benchmark.publishing.tables import table_of
    from fedrl.benchmark.tuning import shelf, tested

    place = shipped() if folder is None else folder
    found = shelf.entries(place)
    if not found:
        raise SettingError(f"no tuned values in {place}; make some with `fedrl tune STUDY`")
    records = pd.concat([table_of(path) for path in tests]) if tests else None
    beside = [None if records is None else tested.score(records, *one) for one in found]
    if as_json:
        facts = [
            shelf.facts(*one) | {"test": None if test is None else test._asdict()}
            for one, test in zip(found, beside, strict=True)
        ]
        answers.print_json(facts)
        return
    if markdown:
        print(shelf.markdown(place, records), end="")
        return
    rows = []
    for (family, algorithm, entry), test in zip(found, beside, strict=True):
        row = shelf.row(family, algorithm, entry, test)
        task = f"{family}/kappa{entry.kappa:g}/n{entry.agents}/{algorithm}"
        rows.append((task, *row[4:8], row[-1]))
    headings = ("task", "values", "score", "interval", "on test seeds", "steps")
    answers.print_table(headings, rows, whole=("task", "score"))
    print("score: on the select seeds that chose it, so optimistic; --tests tells of test seeds")
    print("interval: 95 %, of the score; steps: what finding them cost")
    print(shelf.LEGEND)
