"""Running normalisation: sums are sums, and a folded policy is the policy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fedrl.algorithms.estimators.normalisation import (
    extended,
    fold,
    moments,
    normalised,
    scaled,
    width,
)
from fedrl.algorithms.estimators.policy import CategoricalMLP, GaussianMLP

LANES, EPISODES, HORIZON, SIZE = 2, 3, 6, 4
NUMBERS = np.random.default_rng(2)
OBSERVATION = 3 + 2 * NUMBERS.standard_normal((LANES, EPISODES, HORIZON, SIZE))
REWARD = 1 + NUMBERS.standard_normal((LANES, EPISODES, HORIZON))
LENGTH = np.array([[6, 1, 4], [2, 6, 6]])
NOTHING = np.zeros((LANES, width(SIZE)))


def sums_of(*episodes: int) -> np.ndarray:
    parts = (part[:, list(episodes)] for part in (OBSERVATION, REWARD, LENGTH))
    return extended(NOTHING, *parts, 0.9)


def test_what_was_seen_has_mean_0_and_deviation_1():
    sums = sums_of(0, 1, 2)
    seen = normalised(sums, OBSERVATION)
    for lane in range(LANES):
        taken = np.concatenate([seen[lane, b, :n] for b, n in enumerate(LENGTH[lane])])
        np.testing.assert_allclose(taken.mean(0), 0, atol=1e-12)
        np.testing.assert_allclose(taken.std(0), 1, rtol=1e-7)
        returns = []
        for b, n in enumerate(LENGTH[lane]):
            returns += [REWARD[lane, b, : h + 1] @ 0.9 ** np.arange(h, -1, -1) for h in range(n)]
        expected = REWARD[lane] / np.std(returns)
        np.testing.assert_allclose(scaled(sums, REWARD)[lane], expected, rtol=1e-7)


def test_sums_of_parts_are_sums_of_the_whole():
    whole = extended(sums_of(0), OBSERVATION[:, 1:], REWARD[:, 1:], LENGTH[:, 1:], 0.9)
    np.testing.assert_array_equal(whole, sums_of(0, 1, 2))
    np.testing.assert_allclose(sums_of(0) + sums_of(1, 2), whole, rtol=1e-12)


def test_before_anything_is_seen_nothing_changes():
    np.testing.assert_array_equal(normalised(NOTHING, OBSERVATION), OBSERVATION)
    np.testing.assert_array_equal(scaled(NOTHING, REWARD), REWARD)
    theta = NUMBERS.standard_normal((LANES, 50))
    np.testing.assert_array_equal(fold(NOTHING, (SIZE, 5, 2), theta), theta)


@pytest.mark.parametrize("hidden", [(), (5, 3)])
def test_a_folded_policy_is_the_policy_of_normalised_observations(hidden):
    sums = sums_of(0, 1, 2)
    for policy in (GaussianMLP(SIZE, hidden, 2), CategoricalMLP(SIZE, hidden, 2)):
        theta = NUMBERS.standard_normal((LANES, policy.size))
        folded = torch.from_numpy(fold(sums, policy.shape, theta))
        plain, seen = (
            torch.from_numpy(part) for part in (OBSERVATION, normalised(sums, OBSERVATION))
        )
        action = torch.ones((EPISODES, HORIZON, policy.action_size), dtype=torch.float64)
        for lane in range(LANES):
            found = policy.log_prob(folded[lane], plain[lane], action)
            expected = policy.log_prob(torch.from_numpy(theta[lane]), seen[lane], action)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_a_constant_entry_is_not_divided_by_nothing():
    sums = extended(NOTHING, np.full_like(OBSERVATION, 2.0), REWARD, LENGTH, 0.9)
    centre, spread = moments(sums, SIZE)
    np.testing.assert_allclose(centre, 2.0)
    np.testing.assert_allclose(spread, 1e-4)
