"""`fedrl list`: what can be combined."""

from __future__ import annotations

from typing import Annotated

import typer

from fedrl.benchmark.cli.options import Json


def list_known(
    what: Annotated[str, typer.Argument(metavar="families|algorithms|studies")],
    as_json: Json = False,
) -> None:
    """List environment families, algorithms or built-in studies that can be combined.

    [bold]Examples[/]

      fedrl list families

      fedrl list algorithms --json
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.inspection import catalogue

    entries = catalogue.list_entries(what)
    if as_json:
        answers.print_json(entries)
    else:
        catalogue.print_entries(what, entries)
