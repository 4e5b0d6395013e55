"""`fedrl study new`: a study file to begin with."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedrl.benchmark.cli.known import Known, each, of
from fedrl.benchmark.cli.names import between_commas


def study(
    action: Annotated[Literal["new"], typer.Argument(metavar="new", help="Write a study file.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, my.toml.")],
    algorithm: Annotated[
        str,
        typer.Option(metavar="NAME", help="Your algorithm: its name, or module:Class."),
        Known(of("algorithm")),
    ],
    against: Annotated[
        str,
        typer.Option(metavar="A,B,…", help="Algorithms to compare it with."),
        Known(each(of("algorithm"))),
    ] = "fedpg",
    families: Annotated[
        str,
        typer.Option(metavar="A,B,…", help="Families of environments."),
        Known(each(of("family"))),
    ] = "gridworld,cartpole",
) -> None:
    """Write a study of an algorithm against others, one file for tune, run and report.

    Nothing is overwritten. What it says of a family is what the studies that come along say.

    Examples:

      fedrl study new my.toml --algorithm my_package.mine:Mine --against fedpg,scaffold-pg

      fedrl tune my.toml && fedrl run my.toml && fedrl report my.toml
    """
    from fedrl.benchmark.config.new_study import compose
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.storage.files import explaining, write_atomically

    if file.suffix != ".toml":
        raise SettingError(f"{file} has to end in .toml")
    rivals, places = between_commas(against), between_commas(families)
    text = compose(file.name, algorithm, rivals, places)
    if file.exists():
        raise SettingError(f"{file} is there already; remove it, or choose another name")
    with explaining(f"cannot write {file}"):
        write_atomically(file, text.encode())
    print(file)
