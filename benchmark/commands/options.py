"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON on standard output.")]
BROKEN = 1  # exit code of `check`
FamilyName = Annotated[
    str, typer.Argument(metavar="FAMILY", help="Name of a family, or a path module:Class.")
]
Agents = Annotated[int, typer.Option(min=1, help="Agents.")]
Kappa = Annotated[float, typer.Option(help="Heterogeneity level κ.")]
SeedIndex = Annotated[int, typer.Option(min=0, help="Seed of a run.")]
FamilySet = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="An option of the family, or a knob; may be repeated."
    ),
]
