"""`fedrl doctor`: what a results folder holds, and what of it is of no use."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.known import Known, check_folder
from fedrl.benchmark.cli.options import RESULTS, Json, Trust


def doctor(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Folder of results."), Known(check_folder)
    ] = RESULTS,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep", help="Remove what is left over and provably useless, and nothing else."
        ),
    ] = False,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Tell what a folder of results holds: stored, stale, unfinished, damaged, aside, left over.

    Costs are estimates of computing the runs again with one worker. With --sweep half-written files
    and signs of presence of processes that ended are removed (of other machines after a week), and
    checkpoints of runs that are stored. Nothing else is changed.

    Examples:

      fedrl doctor

      fedrl doctor cluster/results --sweep
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.execution.progress import duration
    from fedrl.benchmark.inspection.health import examine

    found = examine(results, trust=trust)
    removed = [path for one in found for path in one.sweep()] if sweep else []
    if as_json:
        studies = {
            one.study: {
                kind.name: {
                    "files": [str(path) for path in kind.files],
                    "runs": kind.runs,
                    "seconds": round(kind.seconds, 3),
                }
                for kind in one.kinds
            }
            for one in found
        }
        answers.print_json({"studies": studies, "removed": [str(path) for path in removed]})
        return
    rows = [
        (
            one.study,
            kind.name,
            f"{kind.runs:,}" if kind.runs else "",
            f"{len(kind.files):,}",
            f"{kind.size / 1e6:,.2f} MB",
            duration(kind.seconds) if kind.runs and kind.seconds else "",
            kind.meaning,
        )
        for one in found
        for kind in one.kinds
        if kind.files
    ]
    headings = ("study", "kind", "runs", "files", "size", "cost", "meaning")
    answers.print_table(headings, rows, whole=headings[:6], right=headings[2:6])
    useless = sum(len(one.useless) for one in found)
    if sweep:
        print(f"{len(removed)} of {useless} files that are left over were removed")
    elif useless:
        print(f"{useless} files are left over; --sweep removes them")
