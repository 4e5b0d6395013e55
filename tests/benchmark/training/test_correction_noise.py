"""How the variance of the two corrections of momentum grows with the length of episodes."""

import numpy as np
import pytest
import torch
from torch.func import vmap

from fedrl.algorithms import CompiledGradients, Trajectories
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.rounds.round import start

EPISODES = 4000


def variances(horizon: int, size: float) -> tuple[float, float, float]:
    """Traces of the covariance of g(θ), D(τ,θ) v and g(θ) - w g(θ - v), τ one episode at θ = 0.

    v has norm `size` and a random direction.
    """
    config = Config(
        family="random-mdp", algorithm="fedpg", agents=EPISODES, options={"horizon": horizon}
    )
    program, _, roster = start([Run(config, Seed("test", 0))])
    lanes, width = roster.all_agents, program.policy.size
    theta = torch.zeros(EPISODES, width, dtype=torch.float64)
    stream = lanes.stream(program, "training-0", 0)
    played = lanes.sampler.sample(theta.numpy(), stream, 1)
    value = torch.zeros(played.reward.shape, dtype=theta.dtype)
    batch = Trajectories(*map(torch.from_numpy, played), theta, value)
    direction = torch.from_numpy(np.random.default_rng(0).normal(size=width))
    v = (size * direction / direction.norm()).expand_as(theta)
    gradients = CompiledGradients(program.policy, program.family.discount)
    fresh = vmap(gradients.plain)(theta, batch)
    curved = vmap(gradients.curvature)(batch, v)
    weighed = fresh - vmap(gradients.weighted)(theta - v, batch)
    return tuple(float(x.var(dim=0).sum()) for x in (fresh, curved, weighed))  # type: ignore[return-value]


@torch.no_grad()
def test_the_curvature_correction_is_as_noisy_as_episodes_are_long():
    """Var(D v) / Var(g) is proportional to T."""
    share = {}
    for horizon in (20, 80):
        fresh, curved, _ = variances(horizon, 1.0)
        share[horizon] = curved / fresh
    assert share[80] / share[20] == pytest.approx(80 / 20, rel=0.1)


@torch.no_grad()
def test_for_small_steps_both_corrections_are_equally_noisy():
    for horizon in (20, 80):
        _, curved, weighed = variances(horizon, 0.1)
        assert curved == pytest.approx(weighed, rel=0.05)


@torch.no_grad()
def test_for_large_steps_importance_weights_are_noisier_the_longer_episodes_are():
    ratio = []
    for horizon in (5, 20, 80):
        _, curved, weighed = variances(horizon, 1.0)
        ratio.append(weighed / curved)
    assert 1 < ratio[0] < ratio[1] < ratio[2]
    assert ratio[2] > 2
