"""`fedrl merge`: results of several machines in one folder."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.codes import DIFFERENT
from fedrl.benchmark.cli.known import Known, check_results
from fedrl.benchmark.cli.options import Json, folder


def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders of results."),
        Known(check_results),
    ],
    into: Annotated[Path, folder("Folder of results to merge into.")],
    as_json: Json = False,
) -> None:
    """Copy the runs of several results folders into one.

    A run with different content in two places is a conflict: it is listed and not copied, the
    others are. Files that are corrupt, or that no manifest beside them speaks of, are listed and
    not copied. Exit code 1 in these cases. Nothing is overwritten; the command may be repeated.

    Examples:

      fedrl merge laptop/results cluster/results --into results
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.storage.merge import merge as merge_folders

    merged = merge_folders(folders, into)
    if as_json:
        answers.print_json(merged.as_json())
    else:
        for line in merged.sentences():
            answers.say(line)
        print(
            f"{merged.copied} runs copied to {into}, {merged.present} were there already, "
            f"{len(merged.conflicts)} in conflict, {len(merged.corrupt)} corrupt files, "
            f"{len(merged.foreign)} files of another run"
        )
    if not merged.clean:
        raise typer.Exit(DIFFERENT)
