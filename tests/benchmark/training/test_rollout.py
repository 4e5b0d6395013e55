"""What is sampled is what the policy's definition says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fedrl.algorithms.estimators.policy import (
    CategoricalMLP,
    GaussianMLP,
    Policy,
    TabularSoftmax,
    network,
)
from fedrl.benchmark.training.rollout import compiled_action

COUNT = 40_000
POLICIES = [
    TabularSoftmax(3, 4),
    CategoricalMLP(2, (5, 3), 4),
    GaussianMLP(2, (5, 3), 3),
    GaussianMLP(2, (), 3),
]


def acted(policy: Policy):
    """COUNT actions at one observation: θ, observation, actions, log-probabilities."""
    generator = np.random.default_rng(3)
    theta = 0.5 * generator.standard_normal((1, policy.size))
    tabular = isinstance(policy, TabularSoftmax)
    seen = np.array([1.0]) if tabular else generator.standard_normal(2)
    observation = np.tile(seen, (COUNT, 1))
    action, log_prob = np.empty((COUNT, policy.action_size)), np.empty(COUNT)
    uniform = generator.random((COUNT, policy.draws))
    choose = compiled_action(type(policy).__name__)
    choose(policy.shape, theta, observation, uniform, COUNT, action, log_prob)
    return torch.from_numpy(theta[0]), torch.from_numpy(observation), action, log_prob


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_the_log_probability_of_an_action_is_the_definitions(policy):
    theta, observation, action, log_prob = acted(policy)
    expected = policy.log_prob(theta, observation, torch.from_numpy(action)).numpy()
    np.testing.assert_allclose(log_prob, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("policy", POLICIES[:2], ids=lambda policy: type(policy).__name__)
def test_actions_are_as_frequent_as_the_policy_says(policy):
    theta, observation, action, _ = acted(policy)
    every = torch.arange(4.0, dtype=torch.float64).unsqueeze(-1)
    p = policy.log_prob(theta, observation[:4], every).exp().numpy()
    frequency = np.bincount(action[:, 0].astype(int), minlength=4) / COUNT
    assert (np.abs(frequency - p) < 5 * np.sqrt(p * (1 - p) / COUNT)).all()


def test_gaussian_actions_have_the_mean_and_spread_of_the_policy():
    policy = POLICIES[2]
    theta, observation, action, _ = acted(policy)
    mean = network(policy.shape, theta[:-3], observation[0]).numpy()
    z = (action - mean) / np.exp(theta[-3:].numpy())
    bound = 5 / np.sqrt(COUNT)
    assert (np.abs(z.mean(0)) < bound).all()
    assert (np.abs(np.cov(z.T) - np.eye(3)) < 2 * bound).all()
    assert (np.abs((z**3).mean(0)) < 5 * bound).all()
    assert (np.abs((z**4).mean(0) - 3) < 12 * bound).all()
