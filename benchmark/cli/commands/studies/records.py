"""`fedrl records`: everything stored as one table."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.options import RESULTS, Only, Results, Set, StudyOrNone


def records(
    study: StudyOrNone = None,
    results: Results = RESULTS,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with suffix .csv, .parquet, .json or .jsonl.",
            show_default="CSV on standard output",
        ),
    ] = None,
    overrides: Set = None,
    only: Only = None,
    describe: Annotated[
        bool, typer.Option("--describe", help="Say what every column means; of STUDY, or all.")
    ] = False,
) -> None:
    """Export the stored runs of a study as one tidy table, one row per evaluation point.

    Examples:

      fedrl records quick --out quick.parquet

      fedrl records quick --only algorithm=fedpg | head

      fedrl records --describe
    """
    if describe and study is None:
        from fedrl.reports.table.columns import MEANINGS, SUMMARIES

        _describe([*MEANINGS, *SUMMARIES])
        return
    if study is None:
        raise typer.BadParameter("name a study, or use --describe")
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.publishing.records import export, read_records, writer_of
    from fedrl.reports.table import spreadsheet

    if out is not None:
        writer_of(out)  # a suffix that names no format is told at once
    found = read_records(load_study(study, overrides or (), only or ()), results)
    answers.warn(found)
    if describe:
        _describe(found.frame.columns)
    elif out is None:
        sys.stdout.write(spreadsheet.csv(found.frame))
    else:
        export(found.frame, out)
        print(out)


def _describe(names: Iterable[str]) -> None:
    """A line per column."""
    from fedrl.reports.table.columns import meaning

    for name in names:
        print(f"{name}\t{meaning(str(name))}")
