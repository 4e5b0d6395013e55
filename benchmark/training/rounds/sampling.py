"""Episodes of some lanes at some parameters, under the conditions of the configuration."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms import Trajectories
from fedrl.benchmark.training.attacks import byzantine
from fedrl.benchmark.training.disturbance import charged, noisy
from fedrl.benchmark.training.experience import Baseline, models
from fedrl.benchmark.training.ledger import Ledger
from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.normaliser import Normaliser
from fedrl.benchmark.training.rollout import Episodes
from fedrl.benchmark.training.rounds.lanes import Lanes
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.segments import Environments


class Sample(NamedTuple):
    """One batch of every lane."""

    batch: Trajectories  # as estimators read it, leading axis L; with exact gradients the MDPs
    played: Episodes | None  # the same as arrays; None with exact gradients
    normaliser: Normaliser  # after these episodes
    environments: Environments | None = None  # after them, where segments were asked for

    def charge(self, ledger: Ledger) -> Ledger:
        """The ledger with these episodes."""
        return ledger if self.played is None else ledger.played(self.played.length)


def sample(
    program: Program,
    lanes: Lanes,
    theta: Tensor,
    purpose: str,
    draw: int,
    episodes: int,
    baseline: Baseline,
    normaliser: Normaliser,
    environments: Environments | None = None,
) -> Sample:
    """`episodes` episodes of every lane under theta (L, d), read from the stream of `purpose`.

    With environments that go on from local step to local step, their next segments instead.
    """
    config = program.config
    if config.gradients == "exact":
        return Sample(models(lanes.sampler, theta), None, normaliser, environments)  # type: ignore[arg-type]
    acting = theta[:, : program.policy.size]
    attack = config.attack
    if attack is not None and attack.kind == "random-action":
        lost = byzantine(attack, lanes.agent, config.agents)
        acting = torch.where(lost, torch.zeros_like(acting), acting)
    stream = lanes.stream(program, purpose, draw)
    acting = normaliser.acting(lanes.rows, acting)
    if environments is not None and environments.steps:
        known = (lanes.sampler, lanes.rows, acting.numpy(), stream)
        environments, played = environments.played(*known)
    else:
        played = lanes.sampler.sample(acting.numpy(), stream, episodes)
    played = charged(config.reward_cliff, played)
    if config.reward_noise is not None:
        noise = lanes.stream(program, f"reward-noise-{purpose}", draw)
        played = noisy(config.reward_noise, played, noise)
    if attack is not None and attack.kind == "reward-flip":
        liars = byzantine(attack, lanes.agent, config.agents).unsqueeze(-1).numpy()
        played = played._replace(reward=np.where(liars, -played.reward, played.reward))
    after = normaliser.extended(lanes.rows, played)
    played = normaliser.normalised(lanes.rows, played, after)
    parts = (torch.from_numpy(part) for part in played)
    value = baseline.values(lanes.rows, played)
    batch = Trajectories(*parts, theta, value)  # type: ignore[call-arg]
    return Sample(batch, played, after, environments)


def interpolation(program: Program, lanes: Lanes, draw: int) -> Tensor:
    """α ~ U[0, 1], one number for each lane: (L,)."""
    stream = lanes.stream(program, "interpolation", draw)
    out = np.empty((len(stream.keys), 1))
    uniform_lanes(out, *stream, 1, 0)
    return torch.from_numpy(out[:, 0].astype(program.dtype))


def shuffles(program: Program, lanes: Lanes, draw: int) -> Tensor:
    """Uniform numbers for the random orders of each lane's steps: (L, shuffles, B·T)."""
    stream, count = lanes.stream(program, "shuffles", draw), program.algorithm.shuffles
    steps = program.config.batch_steps
    out = np.empty((len(stream.keys) * count, steps))
    uniform_lanes(out, *stream, count, 0)
    return torch.from_numpy(out.reshape(len(stream.keys), count, steps))
