"""`fedrl submit`: put published studies on the verified leaderboard."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.codes import DIFFERENT
from fedrl.benchmark.cli.known import Known, check_folder
from fedrl.benchmark.cli.options import Json, Trust
from fedrl.benchmark.cli.printable import printable


def submit(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...", help="Folders of `fedrl publish`; none: check what is listed."
        ),
        Known(check_folder),
    ] = None,
    board: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Folder of the leaderboard.")
    ] = Path("reports/leaderboard"),
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Verify a published study and add its rows to the leaderboard.

    Its report is made again, byte for byte; its whole runs are computed again; code of another
    package has to be the code whose digest its runs have. Otherwise nothing is added. What is
    listed already and has no longer the records and runs it was verified by is taken off, and the
    exit code is 1.

    Examples:

      fedrl submit reports/published/quick

      fedrl submit
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.publishing import leaderboard

    added = []
    for folder in folders or ():
        with answers.working(f"submit {folder}") as tell:
            added.append(leaderboard.submit(folder, board, trust=trust, tell=tell))
    dropped = leaderboard.rewrite(board) if board.is_dir() else []
    lines = [f"{entry['study']}: {len(entry['rows'])} rows in {board}" for entry in added]
    lines = [*lines, *dropped] or [f"{board}: all that is listed has its evidence"]
    answers.answer(as_json, {"added": added, "dropped": dropped}, *map(printable, lines))
    if dropped:
        raise typer.Exit(DIFFERENT)
