"""`fedrl handbook`: pages of the documentation that are written from the source."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.known import Known, UnknownName, nearest
from fedrl.benchmark.cli.options import folder

PAGES = ("algorithms",)


def check_pages(what: str) -> None:
    """Refuse a name of no pages."""
    if what not in PAGES:
        raise UnknownName(nearest("pages", what, PAGES))


def handbook(
    what: Annotated[
        str, typer.Argument(metavar="algorithms", help="Which pages."), Known(check_pages)
    ],
    out: Annotated[Path, folder("Folder of the pages.")],
) -> None:
    """Write a page per algorithm: equation, reading, source, cost, hyperparameters, traps.

    Examples:

      fedrl handbook algorithms --out docs/algorithms
    """
    from fedrl.benchmark.inspection import pages

    for path in pages.write(out):
        print(path)
