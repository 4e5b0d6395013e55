"""`fedrl show`: what a family gives each of its agents, in numbers and in pictures."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fedrl.benchmark.cli.options import Agents, FamilyName, FamilySet, Json, Kappa, SeedIndex


def show(
    name: FamilyName,
    agents: Agents = 5,
    kappa: Kappa = 0.5,
    seed: SeedIndex = 0,
    settings: FamilySet = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the pictures.", show_default="show/FAMILY"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print what each agent gets, and draw it: maps, kernels, knobs, episodes (PNG and SVG).

    These are the agents of a run with the same heterogeneity and seed.

    Examples:

      fedrl show gridworld --kappa 0.8

      fedrl show cartpole --agents 20 --set horizon=500 --set gravity=9.8 --out pictures
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.storable import stored_as
    from fedrl.benchmark.inspection.federation import facts, federation
    from fedrl.benchmark.inspection.pictures.portrait import write_portrait
    from fedrl.benchmark.storage.folders import make

    drawn = federation(name, agents, kappa, seed, settings or [])
    known = facts(drawn)
    meanings = {name: drawn.family.knobs[name].meaning for name in drawn.knobs}
    folder = Path("show") / stored_as(drawn.name.replace(":", ".")) if out is None else out
    make(folder)
    written = write_portrait(drawn, folder)
    if as_json:
        answers.print_json(
            {
                "family": drawn.name,
                "agents": agents,
                "kappa": kappa,
                "seed": seed,
                "facts": {
                    fact.name: {"unit": fact.unit, "values": fact.values.tolist()} for fact in known
                },
                "meanings": meanings,
                "pictures": [str(path) for path in written],
            }
        )
        return
    print(f"{drawn.name}: {drawn.family.summary}")
    print(f"{drawn.family.heterogeneity}; κ = {kappa:g}, seed {seed}")
    _print_table(known, agents)
    for knob, meaning in meanings.items():
        print(f"{knob}: {meaning}")
    for path in written:
        print(path)


def _print_table(known: list[Any], agents: int) -> None:
    """A row per quantity; a column per agent while they fit, else the spread."""
    import numpy as np

    from fedrl.benchmark.cli import answers

    if not known:
        return
    one_by_one = agents <= 6
    names = [f"agent {i}" for i in range(agents)] if one_by_one else ["lowest", "median", "highest"]
    rows = []
    for fact in known:
        values = fact.values if one_by_one else np.quantile(fact.values, [0, 0.5, 1])
        numbers = [f"{value:.3g}" for value in values]
        stock = "" if np.isnan(fact.stock) else f"{fact.stock:g}"
        rows.append((fact.name, fact.unit, stock, *numbers))
    right = ("stock", *names)
    answers.print_table(("", "unit", *right), rows, whole=("",), right=right)
