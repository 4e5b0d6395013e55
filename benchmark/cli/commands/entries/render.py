"""`fedrl render`: a film of what a trained policy does in every agent's environment."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.known import Known, check_run
from fedrl.benchmark.cli.options import (
    LAST_SEED,
    MOST,
    MOST_STEPS,
    RESULTS,
    FamilyName,
    FamilySet,
    Results,
    Study,
    Trust,
)


def render(
    name: FamilyName,
    policy: Annotated[
        str,
        typer.Option(
            metavar="RUN",
            help="A stored run: path of a seed-*.parquet file, CELL/seed-00003, or 'CELL seed 3'.",
        ),
        Known(check_run, ("results", "study")),
    ],
    agents: Annotated[
        int | None,
        typer.Option(min=1, max=MOST, help="Agents.", show_default="the run's, at most 4"),
    ] = None,
    kappa: Annotated[
        float | None, typer.Option(help="Heterogeneity level κ.", show_default="the run's")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=LAST_SEED, help="Seed of the agents.", show_default="the run's"),
    ] = None,
    settings: FamilySet = None,
    steps: Annotated[
        int, typer.Option(min=1, max=MOST_STEPS, metavar="T", help="Steps to show at most.")
    ] = 200,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .gif or .mp4 file.", show_default="FAMILY.gif"),
    ] = None,
    results: Results = RESULTS,
    study: Study = None,
    trust: Trust = False,
) -> None:
    """Film the agents side by side under the final policy of a stored run (GIF or MP4).

    Agents, heterogeneity and seed are the run's own unless they are given. Needs fedrl\\[render].

    [bold]Examples[/]

      fedrl render cartpole --policy 'CELL seed 3' --study quick

      fedrl render gridworld --policy results/quick/CELL/seed-00000.parquet --kappa 1 --out far.gif
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.storable import stored_as
    from fedrl.benchmark.inspection.pictures.cast import cast
    from fedrl.benchmark.inspection.pictures.film import check_film, film

    target = Path(f"{stored_as(name.replace(':', '.'))}.gif") if out is None else out
    chosen = cast(name, policy, results, study, agents, kappa, seed, settings or [], trust=trust)
    check_film(chosen.federation, target)
    frames = film(chosen.federation, chosen.theta, steps, target)
    answers.say(f"{chosen.federation.agents} agents, {frames} frames")
    print(target)
