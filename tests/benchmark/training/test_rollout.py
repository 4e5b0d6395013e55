"""What is sampled is what the policy's definition says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numba import njit

from fedrl.algorithms.estimators.kernels import body_and_head
from fedrl.algorithms.estimators.networks.columns import SLOTS
from fedrl.algorithms.estimators.policy import (
    CategoricalMLP,
    GaussianMLP,
    Policy,
    Table,
    TabularSoftmax,
    network,
)
from fedrl.algorithms.estimators.tabular import TabularBits
from fedrl.benchmark.training.playing import compiled_action

COUNT = 40_000
POLICIES = [
    TabularSoftmax(3, 4),
    CategoricalMLP(2, (5, 3), 4),
    GaussianMLP(2, (5, 3), 3),
    GaussianMLP(2, (), 3),
    TabularBits(3, 4),
]


def acted(policy: Policy):
    """COUNT actions at one observation: θ, observation, actions, log-probabilities."""
    generator = np.random.default_rng(3)
    theta = 0.5 * generator.standard_normal((1, policy.size))
    tabular = isinstance(policy, Table)
    seen = np.array([1.0]) if tabular else generator.standard_normal(2)
    observation = np.tile(seen, (COUNT, 1))
    action, log_prob = np.empty((COUNT, policy.action_size)), np.empty(COUNT)
    uniform = generator.random((COUNT, policy.draws))
    choose = compiled_action(type(policy).__name__)
    choose(policy.widths, theta, observation, uniform, COUNT, action, log_prob)
    return torch.from_numpy(theta[0]), torch.from_numpy(observation), action, log_prob


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_the_log_probability_of_an_action_is_the_definitions(policy):
    theta, observation, action, log_prob = acted(policy)
    expected = policy.log_prob(theta, observation, torch.from_numpy(action)).numpy()
    np.testing.assert_allclose(log_prob, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "policy", [*POLICIES[:2], POLICIES[-1]], ids=lambda policy: type(policy).__name__
)
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


KEPT = [(0, np.float64), (1, np.float32), (2, np.float32)]


@njit
def side_by_side(outputs, load, shape, theta, lanes, x, scratch, z):
    columns = np.zeros((theta.shape[1], x.shape[1]), theta.dtype)
    for slot in range(len(lanes)):
        load(theta[lanes[slot]], columns, slot)
    outputs(shape, theta, lanes, columns, x, scratch, z)


# Each pair compiles for seconds: of both tables and a network one is kept, the others are long.
@pytest.mark.parametrize(
    ("policy", "dtype"),
    [
        pytest.param(policy, dtype, marks=() if (place, dtype) in KEPT else pytest.mark.long)
        for place, policy in enumerate(
            [*POLICIES[:2], POLICIES[-1], CategoricalMLP(4, (17, 8, 3), 5)]
        )
        for dtype in (np.float64, np.float32)
    ],
)
def test_outputs_of_episodes_side_by_side_are_each_episodes_own(policy, dtype):
    body, _ = body_and_head(type(policy).__name__)
    generator = np.random.default_rng(1)
    theta = generator.standard_normal((3, policy.size)).astype(dtype)
    tabular = isinstance(policy, Table)
    x = generator.integers(0, 3, (1, SLOTS)) if tabular else None
    x = generator.standard_normal((policy.shape[0], SLOTS)) if x is None else x
    x = x.astype(dtype)

    parts = [njit(part) for part in (body.outputs, body.load)]  # each pair is compiled anew

    def outputs(lanes, x):
        z = np.zeros((policy.shape[-1], SLOTS), dtype)
        scratch = np.full((2, max(policy.shape), SLOTS), np.nan, dtype)
        side_by_side(*parts, policy.widths, theta, lanes, x, scratch, z)
        return z.T

    lanes = generator.integers(0, 3, SLOTS)
    z = outputs(lanes, x)
    for slot, lane in enumerate(lanes):
        one = torch.from_numpy(theta[lane])
        seen = torch.from_numpy(x[:, slot])
        if tabular:
            expected = one.reshape(policy.shape)[int(seen[0])]
            if isinstance(policy, TabularBits):
                chances = policy.probabilities(theta[lane])[int(seen[0])]
                expected = torch.from_numpy(np.log(chances).astype(dtype))
        else:
            expected = network(policy.shape, one, seen)
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(z[slot], expected.numpy(), rtol=0, atol=tolerance)
    order = generator.permutation(SLOTS)
    moved = outputs(lanes[order], np.ascontiguousarray(x[:, order]))
    assert np.array_equal(moved, z[order]), "a slot's numbers are its own, wherever it is"
