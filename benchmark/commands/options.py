"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON on standard output.")]
Results = Annotated[Path, typer.Option(metavar="DIR", help="Folder of results.")]
Study = Annotated[
    str | None, typer.Option(metavar="NAME", help="Study of the run, if several have it.")
]
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
