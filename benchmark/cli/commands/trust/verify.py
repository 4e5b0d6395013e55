"""`fedrl verify`: make a report again from its records; the same bytes?"""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.codes import DIFFERENT
from fedrl.benchmark.cli.known import Known, check_folder
from fedrl.benchmark.cli.options import Json, Workers
from fedrl.benchmark.cli.printable import printable


def verify(
    report: Annotated[
        list[Path] | None,
        typer.Argument(metavar="REPORT...", help="Folder of a report, or of a published study."),
        Known(check_folder),
    ] = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published", help="Every published study: those shipped, or those below REPORT."
        ),
    ] = False,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Make a report again from the records beside it and compare every artefact's SHA-256.

    Exit code 0 if page, figures, tables and report.tex are identical; 1 if not: then it says which
    differ, and for tables which number: row, column, old, new. Nothing is changed. Of several, one
    that cannot be read is named and differs; the others are verified.

    Examples:

      fedrl verify results/quick/report

      fedrl verify --published
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.execution.processes import helpers
    from fedrl.benchmark.publishing import verification

    folders = list(report or [])
    if published:
        places: list[Path | None] = list(folders) if folders else [None]
        folders = [study for where in places for study in verification.published(where)]
    elif not folders:
        raise typer.BadParameter("name the folder of a report, or use --published")
    made_again = verification.verify if len(folders) == 1 else verification.judged
    verified = []
    with helpers(workers) as pool:
        for folder in folders:
            entry = made_again(folder, pool)
            verified.append(entry)
            if not as_json:
                print(printable("\n".join(verification.sentences(entry))), flush=True)
    if as_json:
        answers.print_json([verification.as_json(entry) for entry in verified])
    if not all(entry.identical for entry in verified):
        raise typer.Exit(DIFFERENT)
