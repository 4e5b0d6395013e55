"""Policies that are tables: distributions, projections, random parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import vmap

from fedrl.algorithms.estimators.bits import bitwise
from fedrl.algorithms.estimators.kernels import POLICIES, one_by_one
from fedrl.algorithms.estimators.policy import CategoricalMLP, GaussianMLP, TabularSoftmax
from fedrl.algorithms.estimators.tabular import TabularBits, TabularDirect, TabularGreedy
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.envs.finite.random_mdp import RandomMDP

TABLES = [TabularSoftmax(4, 3), TabularDirect(4, 3), TabularGreedy(4, 3)]
POLICY = TabularDirect(4, 3)


def tables(*leading: int, scale: float = 2.0) -> np.ndarray:
    return scale * np.random.default_rng(0).standard_normal((*leading, 12))


@pytest.mark.parametrize("policy", TABLES, ids=lambda policy: type(policy).__name__)
def test_probabilities_are_distributions_on_any_leading_axes_bit_for_bit(policy):
    theta = policy.project(torch.from_numpy(tables(2, 5))).numpy()
    pi = policy.probabilities(theta)
    assert pi.shape == (2, 5, 4, 3)
    assert (pi >= 0).all()
    np.testing.assert_allclose(pi.sum(-1), 1, atol=1e-12)
    np.testing.assert_array_equal(pi[1, 3], policy.probabilities(theta[1, 3]))


def test_softmax_and_log_prob_agree():
    theta = tables()
    cells = torch.cartesian_prod(torch.arange(4), torch.arange(3)).double()
    for policy, point in [(TABLES[0], theta), (POLICY, TABLES[0].probabilities(theta).ravel())]:
        log_prob = policy.log_prob(torch.from_numpy(point), cells[:, :1], cells[:, 1:])
        np.testing.assert_allclose(log_prob.exp(), policy.probabilities(point).ravel(), atol=1e-12)


def test_greedy_takes_the_first_of_the_best():
    q = np.array([0.0, 0, 0, 1, 2, 2, -1, -3, -1, 0, 0, 1])
    choices = TABLES[2].probabilities(q).argmax(-1)
    np.testing.assert_array_equal(choices, [0, 1, 0, 2])


class TestProjection:
    """p is the projection of x if and only if x - p = t + slack: t common, slack ≤ 0 off p's."""

    def test_it_satisfies_the_conditions_of_optimality(self):
        x = tables(200)
        p = POLICY.project(torch.from_numpy(x)).numpy()
        x, p = x.reshape(-1, 3), p.reshape(-1, 3)
        np.testing.assert_allclose(p.sum(-1), 1, atol=1e-14)
        threshold = np.where(p > 0, x - p, -np.inf).max(-1, keepdims=True)
        np.testing.assert_allclose(np.where(p > 0, x - p, threshold), threshold.repeat(3, 1))
        assert (np.where(p > 0, -np.inf, x) <= threshold + 1e-12).all()
        assert ((p == 0).sum(-1) == np.array([[0], [1], [2]])).any(-1).all()  # all cases occur

    def test_distributions_stay(self):
        p = TABLES[0].probabilities(tables(50)).reshape(50, 12)
        np.testing.assert_allclose(POLICY.project(torch.from_numpy(p)), p, atol=1e-15)

    def test_a_constant_in_every_state_does_not_matter(self):
        x = torch.from_numpy(tables(50))
        shifted = (x.reshape(50, 4, 3) + torch.arange(4.0).double().unsqueeze(-1)).reshape(50, 12)
        torch.testing.assert_close(POLICY.project(shifted), POLICY.project(x), rtol=0, atol=1e-14)

    def test_lifted_and_alone_are_the_same_bits(self):
        x = torch.from_numpy(tables(6))
        grid = vmap(vmap(POLICY.project))(x.reshape(2, 3, 12)).reshape(6, 12)
        assert torch.equal(grid, POLICY.project(x))
        assert all(torch.equal(grid[lane], POLICY.project(x[lane])) for lane in range(6))

    def test_single_precision_stays_single(self):
        assert POLICY.project(torch.from_numpy(tables()).float()).dtype == torch.float32

    @pytest.mark.parametrize(
        "policy", [*TABLES[::2], CategoricalMLP(2, (3,), 2), GaussianMLP(2, (3,), 1)]
    )
    def test_all_parameters_of_the_others_are_allowed(self, policy):
        theta = torch.linspace(-3, 3, policy.size)
        assert torch.equal(policy.project(theta), theta)


def test_uniform_parameters_are_the_random_policy():
    for policy in TABLES[:2]:
        np.testing.assert_allclose(policy.probabilities(policy.uniform()), 1 / 3, atol=1e-15)
    seen, network = torch.randn(5, 2), CategoricalMLP(2, (3,), 2)
    theta = torch.from_numpy(network.uniform()).float()
    log_prob = network.log_prob(theta, seen, torch.ones(5, 1))
    torch.testing.assert_close(log_prob, torch.full((5,), np.log(0.5)).float())
    gaussian = GaussianMLP(2, (3,), 1, initial_log_std=-0.5)
    theta, action = torch.from_numpy(gaussian.uniform()).float(), torch.randn(5, 1)
    normal = torch.distributions.Normal(0, np.exp(-0.5)).log_prob(action)[:, 0]
    torch.testing.assert_close(gaussian.log_prob(theta, seen, action), normal)
    with pytest.raises(TypeError, match="TabularSoftmax"):
        TABLES[2].uniform()


@pytest.mark.parametrize("actions", [1, 2, 3, 4, 5, 7, 8])
def test_bits_are_choices_between_halves_of_the_codes(actions):
    """Each action's probability by walking down the tree of codes that there are."""
    policy = TabularBits(2, actions)
    theta = np.random.default_rng(actions).normal(size=(2, actions))
    pi = policy.probabilities(theta.ravel())

    def walk(row, low, high):
        """Probabilities of the codes low … high - 1, as many as a power of two."""
        if high - low == 1:
            return [1.0]
        middle = (low + high) // 2
        left = walk(row, low, middle)
        if middle >= actions:
            return left
        up = 1 / (1 + np.exp(-row[middle]))
        right = walk(row, middle, high)
        return [(1 - up) * p for p in left] + [up * p for p in right]

    size = 1 << (actions - 1).bit_length()
    expected = [walk(row, 0, size)[:actions] for row in theta]
    np.testing.assert_allclose(pi, expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(policy.probabilities(policy.uniform()), 1 / actions, atol=1e-14)
    cells = torch.cartesian_prod(torch.arange(2), torch.arange(actions)).double()
    log_prob = policy.log_prob(torch.from_numpy(theta.ravel()), cells[:, :1], cells[:, 1:])
    np.testing.assert_allclose(log_prob.exp(), pi.ravel(), rtol=0, atol=1e-14)


def test_a_regulariser_of_bits_weighs_the_first_one_most():
    """Σ_p γ^{p/(k-1)} log π(bit p): with γ = 1 it is log π(a|s)."""
    theta = np.random.default_rng(0).normal(size=(1, 8))
    state, action, out = np.zeros((1, 4)), np.arange(4.0)[None], np.empty((1, 4))
    up = 1 / (1 + np.exp(-theta[0]))
    bitwise(theta, 4, state, action, 0.5, out)
    first, second = np.log([1 - up[2], up[2]]), np.log([[1 - up[1], up[1]], [1 - up[3], up[3]]])
    expected = [first[a // 2] + 0.5 * second[a // 2][a % 2] for a in range(4)]
    np.testing.assert_allclose(out[0], expected, rtol=0, atol=1e-14)
    bitwise(theta, 4, state, action, 1.0, out)
    pi = TabularBits(2, 4).probabilities(theta[0])
    np.testing.assert_allclose(out[0], np.log(pi[0]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("policy", TABLES[1:], ids=lambda policy: type(policy).__name__)
def test_sampling_a_policy_of_model_based_algorithms_says_what_can_be_sampled(policy):
    family = RandomMDP(size=4, choices=3, horizon=5)
    sampler = Sampler(family, policy, family.sample(1, 0.0, np.random.default_rng(0)))
    stream = Stream(np.array([Seed("test", 0).key("training")], np.uint64), np.zeros(1, int), 0)
    with pytest.raises(TypeError, match=f"{type(policy).__name__} cannot be sampled.*TabularSoft"):
        sampler.sample(np.zeros((1, 12)), stream, 1)
    with pytest.raises(TypeError, match="cannot be sampled"):
        one_by_one(type(policy).__name__)
    assert type(policy).__name__ not in POLICIES
