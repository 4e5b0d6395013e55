"""`fedrl speed`: training speed on this machine."""

from typing import Annotated

import typer

from fedrl.benchmark.cli.options import (
    MOST,
    MOST_STEPS,
    AlgorithmOption,
    FamilyOption,
    Json,
    Workers,
)


def speed(
    family: FamilyOption = "cartpole",
    algorithm: AlgorithmOption = "fedsvrpg-m",
    seeds: Annotated[int, typer.Option(min=1, max=MOST, help="Runs.")] = 10,
    agents: Annotated[int, typer.Option(min=1, max=MOST, help="Agents per run.")] = 10,
    episodes: Annotated[
        int, typer.Option(min=1, max=MOST, help="Episodes per agent and local step.")
    ] = 1,
    local_steps: Annotated[int, typer.Option(min=1, max=MOST, help="Local steps per round.")] = 10,
    horizon: Annotated[int, typer.Option(min=1, max=MOST_STEPS, help="Longest episode.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, max=MOST_STEPS, help="Rounds.")] = 20,
    hidden: Annotated[str, typer.Option(help="Widths of the tanh network.")] = "8,8",
    step_size: Annotated[float, typer.Option(help="Small: the policy stays as it starts.")] = 1e-5,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Measure training speed on this machine, after compilation and without evaluation.

    Real steps are environment steps that were taken; lane steps count every episode as long as the
    horizon. The seeds are shared over the workers, which start together.

    [bold]Examples[/]

      fedrl speed --family cartpole --algorithm fedsvrpg-m --seeds 10 --agents 10 --rounds 20

      fedrl speed --family halfcheetah --seeds 4 --episodes 10 --rounds 1 --hidden 64,64 --json
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.settings import parse_value
    from fedrl.benchmark.execution.speed import measure, measured_config

    config = measured_config(
        family=family,
        algorithm=algorithm,
        options={"horizon": horizon},
        agents=agents,
        episodes=episodes,
        local_steps=local_steps,
        rounds=rounds,
        hidden=[parse_value(width) for width in hidden.split(",") if width],
        step_size=step_size,
    )
    answer = measure(config, seeds, workers)._asdict()
    if as_json:
        answers.print_json(answer)
    else:
        for name, value in answer.items():
            print(f"{name.replace('_', ' '):24}{value:>16,.3f}".removesuffix(".000"))
