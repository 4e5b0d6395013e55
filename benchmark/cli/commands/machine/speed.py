"""`fedrl speed`: training speed on this machine."""

from typing import Annotated

import typer

from fedrl.benchmark.cli import options


def speed(
    family: options.FamilyOption = "cartpole",
    algorithm: options.AlgorithmOption = "fedsvrpg-m",
    seeds: Annotated[int, options.counted("Runs.")] = 10,
    agents: Annotated[int, options.counted("Agents per run.")] = 10,
    episodes: Annotated[int, options.counted("Episodes per agent and local step.")] = 1,
    local_steps: Annotated[int, options.counted("Local steps per round.")] = 10,
    horizon: Annotated[int, options.counted("Longest episode.", most=options.MOST_STEPS)] = 200,
    rounds: Annotated[int, options.counted("Rounds.", most=options.MOST_STEPS)] = 20,
    hidden: Annotated[str, typer.Option(help="Widths of the tanh network.")] = "8,8",
    step_size: Annotated[float, typer.Option(help="Small: the policy stays as it starts.")] = 1e-5,
    workers: options.Workers = None,
    as_json: options.Json = False,
) -> None:
    """Measure training speed on this machine, after compilation and without evaluation.

    Real steps are environment steps that were taken; lane steps count every episode as long as the
    horizon. The seeds are shared over the workers, which start together.

    Examples:

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
    facts = measure(config, seeds, workers)._asdict()
    told = (f"{name.replace('_', ' '):24}{value:>16,.3f}" for name, value in facts.items())
    answers.answer(as_json, facts, *(line.removesuffix(".000") for line in told))
