"""`fedrl render`: a film of what a trained policy does in every agent's environment."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli import options
from fedrl.benchmark.cli.known import Known, check_run


def render(
    name: options.FamilyName,
    policy: Annotated[
        str,
        typer.Option(
            metavar="RUN",
            help="A stored run: path of a seed-*.parquet file, CELL/seed-00003, or 'CELL seed 3'.",
        ),
        Known(check_run, ("results", "study")),
    ],
    agents: Annotated[
        int | None, options.counted("Agents.", show_default="the run's, at most 4")
    ] = None,
    kappa: Annotated[
        float | None, typer.Option(help="Heterogeneity level κ.", show_default="the run's")
    ] = None,
    seed: Annotated[
        int | None,
        options.counted(
            "Seed of the agents.", least=0, most=options.LAST_SEED, show_default="the run's"
        ),
    ] = None,
    settings: options.FamilySet = None,
    steps: Annotated[
        int, options.counted("Steps to show at most.", most=options.MOST_STEPS, metavar="T")
    ] = 200,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .gif or .mp4 file.", show_default="FAMILY.gif"),
    ] = None,
    results: options.Results = options.RESULTS,
    study: options.Study = None,
    trust: options.Trust = False,
) -> None:
    """Film the agents side by side under the final policy of a stored run (GIF or MP4).

    Agents, heterogeneity and seed are the run's own unless they are given. Needs fedrl[render].

    Examples:

      fedrl render cartpole --policy 'CELL seed 3' --study quick

      fedrl render gridworld --policy results/quick/CELL/seed-00000.parquet --kappa 1 --out far.gif
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.storable import stored_as
    from fedrl.benchmark.inspection.pictures.cast import cast
    from fedrl.benchmark.inspection.pictures.film import check_film, film

    target = Path(f"{stored_as(name.replace(':', '.'))}.gif") if out is None else out
    chosen = (name, policy, results, study, agents, kappa, seed, settings or ())
    drawn, theta = cast(*chosen, trust=trust)
    check_film(drawn, target)
    frames = film(drawn, theta, steps, target)
    answers.say(f"{drawn.agents} agents, {frames} frames")
    print(target)
