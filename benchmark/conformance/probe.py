"""Small runs of an algorithm, and what can be seen of the federated loop while they train."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from fedrl.algorithms import Algorithm
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.conformance.entries import name_of
from fedrl.benchmark.training.federation import Federation
from fedrl.benchmark.training.rollout import Sampler
from fedrl.envs.family import Array

Kind = type[Algorithm]
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
PARAMETERS = 6  # d of SMALL's policy


def run_of(kind: Kind, seed: int = 0, **changes: Any) -> Run:
    """A run of the algorithm on three small random MDPs."""
    config = Config(**{**SMALL, "algorithm": name_of(kind), **changes})
    return Run(config, Seed("test", seed))


def federation(*runs: Run) -> Federation:
    """The runs before their first round."""
    with torch.no_grad():
        return Federation(runs)


def first_directions(run: Run) -> Array:
    """The directions (N, d) of the first local step, whatever the snapshot of the others is."""
    with torch.no_grad():
        batch = federation(run)
        # What others have sent may change a direction, what they are may not: hold it constant.
        with patch.object(batch, "_heard", lambda sent, *_: torch.zeros_like(sent)):
            batch._begin(0)
        theta = batch.server.theta.unsqueeze(1).expand(-1, batch.present.each, -1)
        directions = batch._direction(theta, 0)
    return np.asarray(directions.flatten(0, 1).numpy())


def reordered(run: Run, order: list[int]) -> Federation:
    """The federation of the run with its agents, their MDPs and their dice, in another order."""
    batch = federation(run)
    batch.sampler.task = type(batch.sampler.task)(
        *(np.ascontiguousarray(part[order]) for part in batch.sampler.task)
    )
    lanes = batch.everyone
    batch.everyone = lanes._replace(agents=lanes.agents[order])
    return batch


def rounds_of(run: Run, rounds: int) -> Iterator[tuple[Array, Array]]:
    """u_{r+1} (F, d) after each round, and the mean over its local steps and agents of all u.

    Where the policy has constraints, u is the direction that keeping them has left: the step taken.
    """
    with torch.no_grad():
        batch, seen = federation(run), []
        inner = batch._direction

        def watched(theta: Any, draw: int) -> Any:
            direction = inner(theta, draw)
            eta = run.config.step_size
            step = batch.policy.project(theta + eta * direction) - theta
            seen.append(step / eta)
            return direction

        with patch.object(batch, "_direction", watched):
            for number in range(rounds):
                seen.clear()
                batch._round(number)
                yield batch.server.momentum.numpy(), torch.stack(seen).mean((0, 2)).numpy()


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Environment steps and episodes the engine plays meanwhile."""
    count = {"steps": 0, "trajectories": 0}
    inner = Sampler.sample

    def sample(self: Sampler, *arguments: Any) -> Any:
        played = inner(self, *arguments)
        count["steps"] += int(played.length.sum())
        count["trajectories"] += played.length.size
        return played

    with patch.object(Sampler, "sample", sample):  # finite MDPs are evaluated without sampling
        yield count
