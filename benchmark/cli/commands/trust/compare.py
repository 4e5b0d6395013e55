"""`fedrl compare`: what moved between two versions of the same results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fedrl.benchmark.cli.known import Known, check_folder
from fedrl.benchmark.cli.names import between_commas
from fedrl.benchmark.cli.options import Json, Trust
from fedrl.benchmark.cli.printable import printable

if TYPE_CHECKING:
    from fedrl.reports.comparison.result_differences import Comparison, Moved

HEADINGS = ("task", "cell", "seeds", "final score", "mean score", "steps", "verdict")
Place = Annotated[
    Path,
    typer.Argument(help="Folder of results, a report, a published study, or a .parquet."),
    Known(check_folder),
]


def compare(
    old: Place,
    new: Place,
    study: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Study, if a folder of results holds several."),
    ] = None,
    ignore: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Take cells that differ in these columns only for the same one.",
        ),
    ] = "",
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Tell what moved from OLD to NEW, config by config, within the seeds that both have.

    Final score: mean of new - old. Mean score: height of the curve up to the common budget, 0 for
    the random policy and 1 for the reference where it is known. Steps: restricted mean steps per
    agent to the target a quarter below the reference, new / old. With 95 % bootstrap intervals over
    paired seeds. Runs that only one side has are listed.

    Examples:

      fedrl compare reports/published/quick results --study quick

      fedrl compare before/results after/results --json

      fedrl compare by-hand/results tuned/results --ignore step_size,beta
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.publishing.tables import table_of
    from fedrl.benchmark.storage.files import StoreError
    from fedrl.reports.comparison.result_differences import compared

    tables = [table_of(place, study, trust=trust) for place in (old, new)]
    try:
        found = compared(tables[0], tables[1], ignore=between_commas(ignore))
    except ValueError as error:
        raise StoreError(f"{old} and {new} cannot be compared: {error}") from None
    if as_json:
        answers.print_json(_as_json(found))
        return
    same = sum(moved.same for moved in found.moved)
    print(f"{len(found.moved)} cells in both, {same} of them the same in every score and step")
    if rows := [_row(moved) for moved in found.moved if not moved.same]:
        answers.print_table(HEADINGS, rows, whole=HEADINGS, right=("seeds",))
    for place, keys in ((old, found.only_old), (new, found.only_new)):
        for config, seed in keys:
            print(printable(f"only in {place}: {config} seed {seed}"))


def _row(moved: Moved) -> tuple[str, ...]:
    score, area, steps = moved.score, moved.area, moved.steps
    clear = any(one.low > 0 or one.high < 0 for one in (score, area))
    clear = clear or (steps is not None and (steps.low > 1 or steps.high < 1))
    return (
        f"{moved.family}/kappa{moved.kappa:g}/n{moved.agents}/{moved.algorithm}",
        " → ".join(dict.fromkeys([moved.cell, moved.new_cell])),
        str(moved.pairs),
        f"{score.value:+.4g} {_interval(score.low, score.high)}",
        f"{moved.old_area:.4g} {area.value:+.4g} {_interval(area.low, area.high)}",
        "" if steps is None else f"× {steps.value:.4g} {_interval(steps.low, steps.high)}",
        "moved" if clear else "not told apart",
    )


def _interval(low: float, high: float) -> str:
    return "(one seed)" if low != low else f"[{low:.4g}, {high:.4g}]"


def _as_json(found: Comparison) -> dict[str, Any]:
    return {
        "cells": [
            moved._asdict()
            | {"score": _bounds(moved.score), "area": _bounds(moved.area)}
            | {"steps": None if moved.steps is None else _bounds(moved.steps)}
            for moved in found.moved
        ],
        "only_old": [{"cell": config, "seed": seed} for config, seed in found.only_old],
        "only_new": [{"cell": config, "seed": seed} for config, seed in found.only_new],
    }


def _bounds(estimate: Any) -> dict[str, float | None]:
    return {name: value if value == value else None for name, value in estimate._asdict().items()}
