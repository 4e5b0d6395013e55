"""What agents do between two exchanges with the server: local steps, as functions of values.

`Local` is all that an agent knows: `begin` makes it of what the server broadcasts, `local_step`
takes one step from it, and `Step` is what others may see of that step.
"""

from typing import Any, NamedTuple

from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

from fedrl.algorithms import Agent, Server
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.training.experience import Baseline
from fedrl.benchmark.training.rollout import Episodes
from fedrl.benchmark.training.rounds.lanes import Lanes, Roster
from fedrl.benchmark.training.rounds.lifting import lift, overrides, with_hyperparameters
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.sampling import interpolation, sample
from fedrl.benchmark.training.rounds.state import State
from fedrl.benchmark.training.rounds.step import Step


class Local(NamedTuple):
    """What those who step know in a round, L lanes; `agent` moves from local step to local step."""

    server: Server  # what was broadcast
    agent: Agent
    hyperparameters: dict[str, Tensor]  # (L,) each


def begin(
    program: Program, state: State, roster: Roster, broadcast: Server, snapshot: Tensor
) -> Local:
    """Those who step, at θ_r with their memories; `snapshot` (L, d) is their own batch gradient."""
    lanes = roster.steppers
    pick = lanes.federations
    hyperparameters = {name: value[pick] for name, value in roster.hyperparameters.items()}
    server: Server = tree_map(lambda part: part[pick], broadcast)
    memory = tree_map(lambda leaf: leaf.flatten(0, 1)[lanes.pick], state.memories)
    agent = Agent(server.theta, snapshot, memory)
    if overrides(program.algorithm, "begin"):
        memory = lift(program.algorithm, "begin", hyperparameters, server, agent)
    return Local(server, agent._replace(memory=memory), hyperparameters)


def direction(
    program: Program, lanes: Lanes, local: Local, draw: int, baseline: Baseline
) -> tuple[Tensor, tuple[Episodes, ...]]:
    """Local directions u (L, d), and the episodes of each batch they were estimated from."""
    algorithm, config = program.algorithm, program.config
    server, agent, hyperparameters = local.server, local.agent, local.hyperparameters
    points: tuple[Tensor, ...] = (agent.theta,)
    if overrides(algorithm, "behaviour_parameters"):
        alpha = interpolation(program, lanes, draw)
        points = lift(algorithm, "behaviour_parameters", hyperparameters, server, agent, alpha)
    samples = [
        sample(program, lanes, point, f"training-{i}", draw, config.episodes, baseline)
        for i, point in enumerate(points)
    ]

    def direct(hyperparameters: dict[str, Tensor], *values: Any) -> Tensor:
        chosen = with_hyperparameters(algorithm, hyperparameters)
        return chosen.direction(program.gradients, *values)

    batches = (part.batch for part in samples)
    program.probe.log_weights.clear()
    found: Tensor = vmap(direct)(hyperparameters, server, agent, *batches)
    played = tuple(part.played for part in samples if part.played is not None)
    return limited(config, found, agent.theta), played


def local_step(
    program: Program, roster: Roster, local: Local, draw: int, eta: Tensor, baseline: Baseline
) -> tuple[Local, Step]:
    """θ ← θ + η u of all who step, eta (L, 1); and what can be seen of it."""
    agent = local.agent
    u, played = direction(program, roster.steppers, local, draw, baseline)
    following = program.policy.project(agent.theta + eta * u)
    step = Step(draw, agent.theta, u, played, [*program.probe.log_weights], following)
    memory = agent.memory
    if overrides(program.algorithm, "remember"):
        arguments = (local.hyperparameters, local.server, agent, u)
        memory = lift(program.algorithm, "remember", *arguments)
    return local._replace(agent=agent._replace(theta=following, memory=memory)), step


def limited(config: Config, direction: Tensor, theta: Tensor) -> Tensor:
    """The tricks of a direction (L, d), each off unless the configuration turns it on."""
    if config.weight_decay:
        direction = direction - config.weight_decay * theta
    if config.clip_value is not None:
        direction = direction.clamp(-config.clip_value, config.clip_value)
    if config.clip_norm is not None:
        length = direction.norm(dim=-1, keepdim=True)
        direction = direction * (config.clip_norm / length).clamp(max=1.0)
    return direction
