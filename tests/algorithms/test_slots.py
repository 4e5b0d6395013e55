"""Rows of agents become columns and back, whole vectors and what is left of them."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from fedrl.algorithms.estimators.networks.columns import SLOTS, load, load_all, unload_all


@njit
def loaded(theta, agents, columns):
    load_all(theta, agents, columns)


@njit
def loaded_alone(theta, columns, slot):
    load(theta, columns, slot)


@njit
def unloaded(columns, agents, theta):
    unload_all(columns, agents, theta)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 7, 8, 21])
def test_a_column_is_the_row_of_its_agent(size, dtype):
    theta = np.random.default_rng(0).normal(size=(11, size)).astype(dtype)
    agents = np.array([4, 10, 0, 3, 9, 9, 9, 9])  # too few for all slots: the last stands again
    columns, alone = np.full((2, size, SLOTS), 7, dtype)
    loaded(theta, agents, columns)
    np.testing.assert_array_equal(columns, theta[agents].T)
    for slot, agent in enumerate(agents):
        loaded_alone(theta[agent], alone, slot)
    np.testing.assert_array_equal(alone, columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 7, 8, 21])
def test_a_row_is_the_first_column_of_its_agent_and_never_minus_zero(size, dtype):
    columns = np.random.default_rng(0).normal(size=(size, SLOTS)).astype(dtype)
    columns[size // 2, :3] = -0.0
    agents, theta = np.array([4, 10, 0, 3, 9, 9, 9, 9]), np.full((11, size), 7, dtype)
    unloaded(columns, agents, theta)
    np.testing.assert_array_equal(theta[agents[:5]], columns.T[:5])
    assert not np.signbit(theta[agents[:3], size // 2]).any()
    others = np.setdiff1d(np.arange(11), agents)
    np.testing.assert_array_equal(theta[others], 7)
