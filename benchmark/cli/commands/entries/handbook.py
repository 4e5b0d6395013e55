"""`fedrl handbook`: pages of the documentation that are written from the source."""

from pathlib import Path
from typing import Annotated

import typer


def handbook(
    what: Annotated[str, typer.Argument(metavar="algorithms", help="Which pages.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the pages.")],
) -> None:
    """Write a page per algorithm: equation, reading, source, cost, hyperparameters, traps.

    [bold]Examples[/]

      fedrl handbook algorithms --out docs/algorithms
    """
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.inspection import pages
    from fedrl.envs.validation import nearest

    if what not in PAGES:
        raise SettingError(nearest("pages", what, PAGES))
    for path in pages.write(out):
        print(path)


PAGES = ("algorithms",)
