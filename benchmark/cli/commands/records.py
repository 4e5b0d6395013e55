"""`fedrl records`: everything stored as one table."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.options import RESULTS, Only, Results, Set, StudyName


def records(
    study: StudyName,
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
) -> None:
    """Export the stored runs of a study as one tidy table, one row per evaluation point.

    [bold]Examples[/]

      fedrl records quick --out quick.parquet

      fedrl records quick --only algorithm=fedpg | head
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.publishing.records import check_suffix, export, read_records, to_csv

    if out is not None:
        check_suffix(out)
    found = read_records(load_study(study, overrides or (), only or ()), results)
    answers.warn_stale(found.stale)
    answers.warn_missing(found.missing)
    if out is None:
        sys.stdout.write(to_csv(found.frame))
    else:
        export(found.frame, out)
        print(out)
