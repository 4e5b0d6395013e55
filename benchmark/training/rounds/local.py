"""Local steps between two exchanges with the server, as functions of values.

`Local` is all that an agent knows: `begin` makes it of what the server broadcasts, `local_step`
takes one step from it, and `Step` is what others may see of that step.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from fedrl.algorithms import Agent, Algorithm, Server
from fedrl.algorithms.algorithm import LocalStep
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.training.critics import Critics
from fedrl.benchmark.training.experience import Baseline
from fedrl.benchmark.training.normaliser import Normaliser
from fedrl.benchmark.training.rollout import Episodes
from fedrl.benchmark.training.rounds.lanes import Lanes, Roster
from fedrl.benchmark.training.rounds.lifting import (
    columns,
    entrywise,
    lift,
    mapped,
    overrides,
    picked,
    reshaped,
    tensors,
    with_hyperparameters,
)
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.sampling import Sample, interpolation, sample, shuffles
from fedrl.benchmark.training.rounds.state import State, spent
from fedrl.benchmark.training.rounds.step import Step
from fedrl.benchmark.training.segments import Environments
from fedrl.envs.family import Array


class Local(NamedTuple):
    """Inputs of the agents that step in a round, L lanes; `agent` changes at every local step."""

    server: Server  # what was broadcast
    agent: Agent
    eta: Tensor  # (L, 1), η of this round
    hyperparameters: dict[str, Tensor]  # (L,) each
    normaliser: Normaliser  # every agent's statistics
    critics: Critics  # every agent's
    environments: Environments  # every agent's
    # The same for all lanes at once, as arrays, their numbers as columns: if it can be so.
    entrywise: tuple[Algorithm, Server, Agent] | None


def begin(
    program: Program, state: State, roster: Roster, broadcast: Server, snapshot: Tensor
) -> Local:
    """Those who step, at θ_r with their memories; `snapshot` (L, d) is their own batch gradient."""
    lanes = roster.steppers
    pick = lanes.federation
    hyperparameters = picked(roster.hyperparameters, pick)
    server: Server = picked(broadcast, pick)
    server = state.personal.seen(server, snapshot, lanes.pick)
    memory = mapped(lambda leaf: leaf.flatten(0, 1).index_select(0, lanes.pick), state.memories)
    eta = picked(roster.step_size, pick) * program.config.step_decay**state.round
    mask = state.personal.mask.expand(len(eta), -1)
    step = LocalStep(eta[:, 0], picked(progress(program, state), pick), personal=mask)
    agent = Agent(server.theta, snapshot, memory, step)
    if overrides(program.algorithm, "begin"):
        memory = lift(program.algorithm, "begin", hyperparameters, server, agent)
    own = (state.normaliser, state.critics, state.environments)
    agent, together = agent._replace(memory=memory), None
    if entrywise(type(program.algorithm)):
        every = with_hyperparameters(program.algorithm, columns(hyperparameters))
        together = (every, columns(server), columns(agent))
    return Local(server, agent, eta, hyperparameters, *own, together)


def progress(program: Program, state: State) -> Tensor:
    """The share of rounds or of the step budget that is spent, whichever is more: (G,)."""
    share = np.maximum(spent(program, state), state.round / program.config.rounds)
    return torch.from_numpy(share.repeat(program.federations_per_run).astype(program.dtype))


def direction(
    program: Program, lanes: Lanes, local: Local, draw: int, baseline: Baseline
) -> tuple[Local, Tensor, tuple[Episodes, ...]]:
    """Local directions u (L, d), and the episodes of each batch they were estimated from.

    And what the agents know after that: their statistics, and their memories.
    """
    algorithm, config = program.algorithm, program.config
    server, agent, hyperparameters = local.server, local.agent, local.hyperparameters
    theta: Any = agent.theta.numpy()
    share = np.full(len(theta), draw % config.local_steps / config.local_steps, theta.dtype)
    now = {"share": share}
    if algorithm.shuffles:
        now["uniform"] = shuffles(program, lanes, draw)
    if local.entrywise is None:
        agent = agent._replace(step=agent.step._replace(**tensors(now)))
    else:
        every, told, before = local.entrywise
        now["share"] = share[:, None]
        step = before.step._replace(**now)
        me: Any = before._replace(theta=theta, memory=columns(agent.memory), step=step)
    points: tuple[Array, ...] = (theta,)
    if overrides(algorithm, "behaviour_parameters"):
        alpha = interpolation(program, lanes, draw)
        if local.entrywise is None:
            arguments = (hyperparameters, server, agent, torch.from_numpy(alpha))
            points = mapped(Tensor.numpy, lift(algorithm, "behaviour_parameters", *arguments))
        else:
            points = every.behaviour_parameters(told, me, alpha[:, None])  # type: ignore[assignment, arg-type]
    samples: list[Sample] = []
    for i, point in enumerate(points):
        known = (baseline, local.normaliser, local.critics, local.environments)
        purpose, count = f"training-{i}", config.episodes
        one = sample(program, lanes, point, purpose, draw, count, *known, fit=i == 0)
        local = local._replace(
            normaliser=one.normaliser,
            critics=one.critics or local.critics,
            environments=one.environments or local.environments,
        )
        samples.append(one)

    def direct(hyperparameters: dict[str, Tensor], *values: Any) -> tuple[Tensor, Any]:
        chosen = with_hyperparameters(algorithm, hyperparameters)
        return chosen.local_step(program.gradients, *values)

    batches = tuple(part.batch for part in samples)
    program.probe.log_weights.clear()
    if local.entrywise is None:
        found, memory = vmap(direct)(hyperparameters, server, agent, *tensors(batches))
    else:
        u, kept = every.local_step(program.gradients, told, me, *batches)
        found = tensors(u)
        memory = agent.memory if kept is me.memory else reshaped(kept, agent.memory)
    played = tuple(part.played for part in samples if part.played is not None)
    if memory is not agent.memory:
        local = local._replace(agent=local.agent._replace(memory=memory))
    return local, limited(config, found, agent.theta), played


def local_step(
    program: Program, roster: Roster, local: Local, draw: int, baseline: Baseline
) -> tuple[Local, Step]:
    """θ ← θ + η u of all who step; and what can be seen of it."""
    local, u, played = direction(program, roster.steppers, local, draw, baseline)
    agent = local.agent
    following = program.policy.project(agent.theta + local.eta * u)
    step = Step(draw, agent.theta, u, played, [*program.probe.log_weights], following)
    memory = agent.memory
    if overrides(program.algorithm, "remember"):
        if local.entrywise is None:
            arguments = (local.hyperparameters, local.server, agent, u)
            memory = lift(program.algorithm, "remember", *arguments)
        else:
            every, told, before = local.entrywise
            theta, taken = (part.numpy() for part in (agent.theta, u))
            me = before._replace(theta=theta, memory=columns(memory))  # type: ignore[arg-type]
            memory = reshaped(every.remember(told, me, taken), memory)  # type: ignore[arg-type]
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
