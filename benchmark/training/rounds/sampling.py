"""Episodes of some lanes at some parameters, under the conditions of the configuration."""

from typing import Any, NamedTuple

import numpy as np

from fedrl.algorithms import Trajectories
from fedrl.benchmark.training.critics import Critics
from fedrl.benchmark.training.disturbance import charged, noisy
from fedrl.benchmark.training.experience import Baseline, models
from fedrl.benchmark.training.generative import draws
from fedrl.benchmark.training.ledger import Ledger
from fedrl.benchmark.training.messages.attacks import byzantine
from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.normaliser import Normaliser
from fedrl.benchmark.training.rollout import Episodes
from fedrl.benchmark.training.rounds.lanes import Lanes
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.segments import Environments
from fedrl.envs.family import Array


class Sample(NamedTuple):
    """One batch of every lane."""

    batch: Trajectories  # of arrays with a leading axis L; with exact gradients the MDPs
    played: Episodes | None  # what was played; None with exact gradients
    normaliser: Normaliser  # after these episodes
    environments: Environments | None = None  # after them, where segments were asked for
    critics: Critics | None = None  # after their fit, where it was asked for

    def charge(self, ledger: Ledger) -> Ledger:
        """The ledger with these episodes."""
        return ledger if self.played is None else ledger.played(self.played.length)


def sample(
    program: Program,
    lanes: Lanes,
    theta: Array,
    purpose: str,
    draw: int,
    episodes: int,
    baseline: Baseline,
    normaliser: Normaliser,
    critics: Critics,
    environments: Environments | None = None,
    *,
    fit: bool = False,
) -> Sample:
    """`episodes` episodes of every lane under theta (L, d), read from the stream of `purpose`.

    With environments that go on from local step to local step, their next segments instead. With
    `fit`, critics learn from what was played.
    """
    config = program.config
    if config.gradients == "exact":
        return Sample(models(lanes.sampler, theta), None, normaliser, environments, critics)  # type: ignore[arg-type]
    acting = theta[:, : program.policy.size]
    attack = config.attack
    if attack is not None and attack.kind == "random-action":
        lost = byzantine(attack, lanes.agent, config.agents)
        acting = np.where(lost.numpy(), np.zeros_like(acting), acting)
    stream = lanes.stream(program, purpose, draw)
    acting = normaliser.acting(lanes.rows, acting)
    if program.algorithm.generative:
        played = draws(lanes.sampler.task, stream, episodes, program.dtype)  # type: ignore[arg-type]
    elif environments is not None and environments.steps:
        known = (lanes.sampler, lanes.rows, acting, stream)
        environments, played = environments.played(*known)
    else:
        played = lanes.sampler.sample(acting, stream, episodes)
    played = charged(config.reward_cliff, played)
    if config.reward_noise is not None:
        noise = lanes.stream(program, f"reward-noise-{purpose}", draw)
        played = noisy(config.reward_noise, played, noise)
    if attack is not None and attack.kind == "reward-flip":
        liars = byzantine(attack, lanes.agent, config.agents).unsqueeze(-1).numpy()
        played = played._replace(reward=np.where(liars, -played.reward, played.reward))
    after = normaliser.extended(lanes.rows, played)
    played = normaliser.normalised(lanes.rows, played, after)
    if config.critic is None:
        value = baseline.values(lanes.rows, played)
    else:
        count = config.critic.epochs
        orders = uniform(program, lanes, "critic", draw, count) if fit else None
        critics, value = critics.values(lanes.rows, played, orders)
    batch: Any = Trajectories(*played, theta, value)  # type: ignore[arg-type]
    return Sample(batch, played, after, environments, critics)


def interpolation(program: Program, lanes: Lanes, draw: int) -> Array:
    """α ~ U[0, 1], one number for each lane: (L,)."""
    numbers = lanes.stream(program, "interpolation", draw).uniform(1)
    return numbers[:, 0].astype(program.dtype)  # type: ignore[no-any-return]


def shuffles(program: Program, lanes: Lanes, draw: int) -> Array:
    """Uniform numbers for the random orders of each lane's steps: (L, shuffles, B·T)."""
    return uniform(program, lanes, "shuffles", draw, program.algorithm.shuffles)


def uniform(program: Program, lanes: Lanes, purpose: str, draw: int, count: int) -> Array:
    """As many uniform numbers as a batch has steps, `count` times: (L, count, B·T)."""
    stream, steps = lanes.stream(program, purpose, draw), program.config.batch_steps
    out = np.empty((len(stream.keys) * count, steps))
    uniform_lanes(out, *stream, count, 0)
    return out.reshape(len(stream.keys), count, steps)
