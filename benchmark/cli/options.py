"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fedrl.benchmark.cli import completion, known
from fedrl.benchmark.cli.known import Known

RESULTS = Path("results")  # where they are if no option says so
MOST = 10_000  # of anything counted in an option
MOST_WORKERS = 1024
MOST_STEPS = 1_000_000  # of one after another: rounds, or steps of an episode
LAST_SEED = 2**63 - 1  # that a record can hold


def counted(help: str, *, least: int = 1, most: int = MOST, **more: Any) -> Any:
    """An option that is a whole number from `least` to `most`; `more` goes to `typer.Option`."""
    return typer.Option(min=least, max=most, help=help, **more)


def folder(help: str, **more: Any) -> Any:
    """An option that is a folder; `more` goes to `typer.Option`."""
    return typer.Option(metavar="DIR", help=help, **more)


Json = Annotated[bool, typer.Option("--json", help="Answer as JSON on standard output.")]
Results = Annotated[Path, folder("Folder of results.")]
Study = Annotated[
    str | None, typer.Option(metavar="NAME", help="Study of the run, if several have it.")
]
_STUDY: dict[str, Any] = {
    "help": "Name of a built-in study, or path to a TOML file.",
    "autocompletion": completion.studies,
}
StudyName = Annotated[str, typer.Argument(metavar="STUDY", **_STUDY), Known(known.check_study)]
StudyOrNone = Annotated[
    str | None, typer.Argument(metavar="STUDY", **_STUDY), Known(known.check_study)
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Override a value of the study; may be repeated.",
        autocompletion=completion.overrides,
    ),
    Known(known.check_override),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="FIELD=VALUE",
        help="Keep runs with this value, or one of several after commas; may be repeated.",
        autocompletion=completion.conditions,
    ),
    Known(known.check_condition, ("study", "overrides")),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Import the packages that manifests name; they run their code."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the size and a time estimate; compute nothing.")
]
Workers = Annotated[
    int | None, counted("Worker processes.", most=MOST_WORKERS, show_default="one per core")
]
Executor = Annotated[
    str,
    typer.Option(metavar="NAME", help="Where to compute: local, ray, slurm, an entry point."),
    Known(known.of("executor")),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Head of a Ray cluster, or auto on one of its nodes; options of sbatch.",
        show_default="Ray on this machine",
    ),
]
FamilyName = Annotated[
    str,
    typer.Argument(
        metavar="FAMILY",
        help="Name of a family, or a path module:Class.",
        autocompletion=completion.of("family"),
    ),
    Known(known.of("family")),
]
Agents = Annotated[int, counted("Agents.")]
Kappa = Annotated[float, typer.Option(help="Heterogeneity level κ.")]
SeedIndex = Annotated[int, counted("Seed of a run.", least=0, most=LAST_SEED)]
FamilySet = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="An option of the family, or a knob; may be repeated."
    ),
]
FamilyOption = Annotated[
    str,
    typer.Option("--family", help="Environment family.", autocompletion=completion.of("family")),
    Known(known.of("family")),
]
AlgorithmOption = Annotated[
    str,
    typer.Option("--algorithm", help="Algorithm.", autocompletion=completion.of("algorithm")),
    Known(known.of("algorithm")),
]
