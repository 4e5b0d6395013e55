"""Small runs of an algorithm, and what can be seen of their rounds."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms import Algorithm
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.conformance.communication import numbers
from fedrl.benchmark.conformance.entries import name_of
from fedrl.benchmark.training.generative import draws
from fedrl.benchmark.training.rollout import Sampler
from fedrl.benchmark.training.rounds.exchange import broadcast, take_snapshot
from fedrl.benchmark.training.rounds.lanes import Roster, chosen, sampler_of
from fedrl.benchmark.training.rounds.local import begin, direction
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.rounds.state import State
from fedrl.benchmark.training.rounds.step import Step
from fedrl.envs.family import Array

Kind = type[Algorithm]


class Batch(NamedTuple):
    """Runs between two rounds: what `round_` takes."""

    program: Program
    state: State
    roster: Roster


SMALL: dict[str, Any] = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 3,
    "rounds": 4,
    "local_steps": 2,
    "episodes": 2,
    "step_size": 0.5,
    "evaluate_every": 2,
}


def run_of(kind: Kind, seed: int = 0, **changes: Any) -> Run:
    """A run of the algorithm on three small random MDPs."""
    config = Config(**{**SMALL, "algorithm": name_of(kind), **changes})
    return Run(config, Seed("test", seed))


def started(run: Run) -> Batch:
    """The run before its first round."""
    return Batch(*start([run]))


def path(batch: Batch) -> Iterator[Tensor]:
    """θ_0 and θ (F, d) after every round of the configuration, without scores."""
    program, state, roster = batch
    yield state.server.theta
    for _ in range(program.config.rounds):
        with torch.no_grad():
            state = round_(program, state, roster)
        yield state.server.theta


def trained(batch: Batch) -> Array:
    """θ (F, d) after all rounds."""
    *_, theta = path(batch)
    return np.asarray(theta.numpy())


def first_directions(run: Run) -> Array:
    """The directions (N, d) of the first local step, whatever the snapshot of the others is."""
    program, state, roster = started(run)
    with torch.no_grad():
        state, own = take_snapshot(program, state, roster, 0)
        # What others have sent may change a direction, what they are may not: hold it constant.
        constant = state.server._replace(snapshot=torch.zeros_like(state.server.snapshot))
        local = begin(program, state, roster, broadcast(program, roster, constant), own)
        _, directions, _ = direction(program, roster.steppers, local, 0, state.baseline)
    return np.asarray(directions.numpy())


def reordered(run: Run, order: list[int]) -> Batch:
    """The run with its agents, their MDPs and their random numbers, in another order."""
    program, state, roster = started(run)
    lanes = roster.all_agents
    sampler = sampler_of(program, [chosen(lanes.sampler.task, np.array(order))])
    lanes = lanes._replace(agent=lanes.agent[order], sampler=sampler)
    return Batch(program, state, roster._replace(all_agents=lanes, participants=lanes))


def rounds_of(run: Run, rounds: int) -> Iterator[tuple[Array, Array]]:
    """u_{r+1} (F, d) after each round, and the mean over its local steps and agents of all u.

    Where the policy has constraints, u is the direction that keeping them has left: the step taken.
    """
    program, state, roster = started(run)
    for _ in range(rounds):
        seen: list[Step] = []
        with torch.no_grad():
            state = round_(program, state, roster, seen.append)
        taken = [(step.following - step.theta) / run.config.step_size for step in seen]
        momentum = state.server.momentum
        steps = torch.stack(taken).reshape(len(taken), len(momentum), -1, momentum.shape[-1])
        yield momentum.numpy(), steps.mean((0, 2)).numpy()


def moves(run: Run) -> int:
    """In how many rounds of the run the server's θ changes."""
    return sum(not torch.equal(*pair) for pair in pairwise(path(started(run))))


class Heard(NamedTuple):
    """Counts of the numbers that cross the lines between one server and its agents."""

    up: list[int]
    down: list[int]


def listener(kind: Kind) -> tuple[Kind, Heard]:
    """The algorithm with somebody who listens at its doors, and what they have heard so far."""
    heard, by_server = Heard([], []), kind.update_site == "server"
    agents = 1 if kind.asynchronous else SMALL["agents"]

    def inner(self: Any) -> Any:
        """The algorithm itself: what its methods say to each other crosses no line."""
        one = copy.copy(self)
        object.__setattr__(one, "__class__", kind)
        return one

    def hear_broadcast(self: Any, server: Any, agent: Any) -> Any:
        parts = [server.theta, server.memory]
        parts += [server.momentum] if kind.uses_global_momentum else []
        parts += [server.snapshot] if kind.snapshot and not by_server else []
        heard.down.append(agents * numbers(parts))
        return inner(self).begin(server, agent)

    def hear_finish(self: Any, server: Any, agent: Any, direction: Any) -> Any:
        kept, message = inner(self).finish(server, agent, direction)
        heard.up.append(0 if by_server else agents * numbers(message))
        return kept, message

    def hear_upload(self: Any, server: Any, agent: Any, direction: Any) -> Any:
        sent = inner(self).upload(server, agent, direction)
        heard.up.append(agents * (numbers(sent) - numbers(direction)))
        return sent

    def hear_vectors(self: Any, messages: Any, weights: Any) -> Any:  # uploads among them
        heard.up.append(agents // len(messages) * numbers(messages))
        return inner(self).aggregate(messages, weights)

    body: dict[str, Any] = {"begin": hear_broadcast, "finish": hear_finish}
    body |= {"upload": hear_upload, "aggregate": hear_vectors, "__module__": kind.__module__}
    return type(f"Listened{kind.__name__}", (kind,), body), heard


def parameters_of(run: Run) -> int:
    """d, the length of θ."""
    return int(started(run).state.server.theta.shape[-1])


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Environment steps and episodes the engine plays meanwhile."""
    count = {"steps": 0, "trajectories": 0}

    def heard(inner: Callable[..., Any]) -> Callable[..., Any]:
        def played(*arguments: Any) -> Any:
            found = inner(*arguments)
            count["steps"] += int(found.length.sum())
            count["trajectories"] += found.length.size
            return found

        return played

    # Finite MDPs are evaluated without sampling.
    whole = patch.object(Sampler, "sample", heard(Sampler.sample))
    with whole, patch("fedrl.benchmark.training.rounds.sampling.draws", heard(draws)):
        yield count
