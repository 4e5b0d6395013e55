"""The fitted baseline: least squares, independence of lanes, nothing read past an episode's end."""

from __future__ import annotations

import numpy as np
import pytest

from fedrl.algorithms.estimators import baseline

LANES, EPISODES, STEPS, DISCOUNT = 3, 6, 9, 0.9
generator = np.random.default_rng(0)
LENGTH = generator.integers(2, STEPS + 1, (LANES, EPISODES))
ALIVE = np.arange(STEPS) < LENGTH[..., None]
CASES = {
    "table": (generator.integers(0, 4, (LANES, EPISODES, STEPS, 1)).astype(float), 4),
    "box": (generator.standard_normal((LANES, EPISODES, STEPS, 2)), 0),
}
each_case = pytest.mark.parametrize("case", CASES)


def describe(observation: np.ndarray, states: int) -> np.ndarray:
    """φ in the words of its definition: (..., T, f)."""
    time = np.broadcast_to(np.arange(STEPS) / STEPS, observation.shape[:-1])[..., None]
    clock = [time, time**2, time**3]
    if states:
        return np.concatenate([np.eye(states)[observation[..., 0].astype(int)], *clock], -1)
    return np.concatenate([observation, observation**2, *clock, np.ones_like(time)], -1)


def rewards(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((LANES, EPISODES, STEPS))


@each_case
def test_the_fit_is_the_ridge_regression_on_rewards_to_go(case):
    observation, states = CASES[case]
    reward = rewards()
    found = baseline.fit(observation, reward, LENGTH, DISCOUNT, states)
    phi = describe(observation, states)
    assert found.shape == (LANES, baseline.features(states, observation.shape[-1]))
    to_go = np.where(ALIVE, reward, 0.0)
    for h in range(STEPS - 2, -1, -1):
        to_go[..., h] += DISCOUNT * to_go[..., h + 1]
    for lane in range(LANES):
        x, y = phi[lane][ALIVE[lane]], to_go[lane][ALIVE[lane]]
        system = x.T @ x + baseline.RIDGE * len(y) * np.eye(x.shape[1])
        np.testing.assert_allclose(found[lane], np.linalg.solve(system, x.T @ y), rtol=1e-7)


@each_case
def test_predictions_are_the_features_times_the_weights_and_zero_in_the_padding(case):
    observation, states = CASES[case]
    size = baseline.features(states, observation.shape[-1])
    weights = np.random.default_rng(2).standard_normal((LANES, size))
    value = baseline.predict(weights, observation, LENGTH, states)
    expected = np.einsum("lf,lbtf->lbt", weights, describe(observation, states))
    np.testing.assert_allclose(value, np.where(ALIVE, expected, 0.0), atol=1e-12)
    single = baseline.predict(weights, observation.astype(np.float32), LENGTH, states)
    assert single.dtype == np.float32


@each_case
def test_a_value_in_the_span_of_the_features_is_recovered(case):
    """With γ = 0 the reward is its own reward to go."""
    observation, states = CASES[case]
    size = baseline.features(states, observation.shape[-1])
    weights = np.random.default_rng(2).standard_normal((LANES, size))
    reward = baseline.predict(weights, observation, LENGTH, states)
    found = baseline.fit(observation, reward, LENGTH, 0.0, states)
    again = baseline.predict(found, observation, LENGTH, states)
    np.testing.assert_allclose(again, reward, atol=5e-3)  # what the ridge takes away


@each_case
def test_a_lane_does_not_depend_on_the_others_nor_on_the_padding(case):
    observation, states = CASES[case]
    reward = rewards()
    together = baseline.fit(observation, reward, LENGTH, DISCOUNT, states)
    value = baseline.predict(together, observation, LENGTH, states)
    dirty, unseen = np.where(ALIVE, reward, np.nan), observation.copy()
    unseen[~ALIVE] = np.nan
    for lane in range(LANES):
        own = slice(lane, lane + 1)
        alone = baseline.fit(unseen[own], dirty[own], LENGTH[own], DISCOUNT, states)
        np.testing.assert_array_equal(alone[0], together[lane])
        np.testing.assert_array_equal(
            baseline.predict(alone, unseen[own], LENGTH[own], states)[0], value[lane]
        )


def test_a_diverged_lane_is_not_a_number_and_alone():
    observation, states = CASES["box"]
    reward = rewards()
    fine = baseline.fit(observation, reward, LENGTH, DISCOUNT, states)
    reward[1, 0, 0] = np.inf
    with np.errstate(all="ignore"):
        found = baseline.fit(observation, reward, LENGTH, DISCOUNT, states)
    assert not np.isfinite(found[1]).all()
    np.testing.assert_array_equal(found[[0, 2]], fine[[0, 2]])
