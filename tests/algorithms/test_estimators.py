"""The estimators against exact enumeration of every trajectory, and against each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from fedrl.algorithms import CompiledGradients, Gradients, Trajectories
from fedrl.algorithms.estimators.policy import (
    CategoricalMLP,
    GaussianMLP,
    Policy,
    Table,
    TabularSoftmax,
)
from fedrl.algorithms.estimators.tabular import TabularBits
from fedrl.envs.finite.random_mdp import RandomMDP

STATES, ACTIONS, HORIZON, DISCOUNT = 3, 2, 3, 0.9
ESTIMATORS = [Gradients, CompiledGradients]
POLICIES = [
    TabularSoftmax(STATES, ACTIONS),
    TabularBits(STATES, ACTIONS),
    CategoricalMLP(STATES, (4, 3), ACTIONS),
]
FAMILY = RandomMDP(size=STATES, choices=ACTIONS, horizon=HORIZON, discount=DISCOUNT)
TASK = FAMILY.sample(1, 0.0, np.random.default_rng(5))
tight = {"rtol": 0, "atol": 1e-12}


class Enumeration:
    """Every trajectory of the MDP once; `probability(θ)` weighs them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        every = itertools.product(*[range(STATES), range(ACTIONS)] * HORIZON)
        table = torch.tensor(list(every))
        self.states, self.actions = table[:, 0::2], table[:, 1::2]
        kernel, reward = torch.from_numpy(TASK.kernel[0]), torch.from_numpy(TASK.reward[0])
        moves = kernel[self.states[:, :-1], self.actions[:, :-1], self.states[:, 1:]]
        start = torch.from_numpy(TASK.start[0])[self.states[:, 0]]
        self.dynamics = start * moves.prod(-1)
        self.reward = reward[self.states, self.actions]
        powers = DISCOUNT ** torch.arange(HORIZON, dtype=torch.float64)
        self.gain = (self.reward * powers).sum(-1)
        if isinstance(policy, Table):
            self.observation = self.states.double().unsqueeze(-1)
        else:
            self.observation = torch.eye(STATES, dtype=torch.float64)[self.states]
        self.action = self.actions.double().unsqueeze(-1)

    def log_prob(self, theta: Tensor) -> Tensor:
        return self.policy.log_prob(theta, self.observation, self.action)

    def probability(self, theta: Tensor) -> Tensor:
        return self.dynamics * self.log_prob(theta).sum(-1).exp()

    def objective(self, theta: Tensor) -> Tensor:
        """J(θ), exactly and differentiably."""
        return (self.probability(theta) * self.gain).sum()

    def batches(self, theta: Tensor) -> Trajectories:
        """One batch of one episode per trajectory: leading axis is the trajectory."""
        count = len(self.gain)
        return Trajectories(
            *(part.unsqueeze(1) for part in (self.observation, self.action, self.reward)),
            self.log_prob(theta).detach().unsqueeze(1),
            torch.full((count, 1), HORIZON),
            torch.zeros_like(self.observation[:, None, 0]),
            torch.zeros(count, 1, dtype=torch.bool),
            theta.expand(count, -1),
            torch.zeros(count, 1, HORIZON, dtype=torch.float64),
        )

    def expectation(self, theta: Tensor, values: Tensor) -> Tensor:
        return (self.probability(theta).unsqueeze(-1) * values).sum(0)


def parameters(policy: Policy, count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(policy.size)
    shape = (policy.size,)
    return [
        0.7 * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(count)
    ]


# Kernels of a network compile for long; that they are the definition is asked of a Gaussian one.
every_estimator_and_policy = pytest.mark.parametrize(
    ("kind", "policy"),
    [
        pytest.param(
            kind,
            policy,
            id=f"{kind.__name__}-{type(policy).__name__}",
            marks=pytest.mark.long
            if kind is CompiledGradients and isinstance(policy, CategoricalMLP)
            else (),
        )
        for kind in ESTIMATORS
        for policy in POLICIES
    ],
)


@every_estimator_and_policy
class TestEnumeration:
    def test_probabilities_sum_to_one_and_value_is_the_families(self, kind, policy):
        every = Enumeration(policy)
        theta = parameters(policy, 1)[0]
        assert every.probability(theta).sum().item() == pytest.approx(1, abs=1e-12)
        if isinstance(policy, Table):
            exact = FAMILY.exact(TASK, policy.probabilities(theta.numpy())[None])
            assert every.objective(theta).item() == pytest.approx(exact.objective[0], abs=1e-12)

    def test_plain_is_unbiased(self, kind, policy):
        every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
        (theta,) = parameters(policy, 1)
        values = vmap(gradients.plain, (None, 0))(theta, every.batches(theta))
        expected = grad(every.objective)(theta)
        torch.testing.assert_close(every.expectation(theta, values), expected, **tight)

    def test_weighted_is_unbiased_at_other_parameters(self, kind, policy):
        every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
        theta, sampled = parameters(policy, 2)
        values = vmap(gradients.weighted, (None, 0))(theta, every.batches(sampled))
        expected = grad(every.objective)(theta)
        torch.testing.assert_close(every.expectation(sampled, values), expected, **tight)

    def test_curvature_is_the_hessian_vector_product(self, kind, policy):
        every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
        theta, vector = parameters(policy, 2)
        values = vmap(gradients.curvature, (0, None))(every.batches(theta), vector)
        expected = jvp(grad(every.objective), (theta,), (vector,))[1]
        torch.testing.assert_close(every.expectation(theta, values), expected, **tight)

    def test_curvature_between_two_points_integrates_to_the_gradient_difference(self, kind, policy):
        """E_{α,τ}[D(τ,θ(α)) (θ - θ')] = ∇J(θ) - ∇J(θ'), the correction of FedHAPG-M."""
        every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
        theta, previous = parameters(policy, 2)
        nodes, weights = np.polynomial.legendre.leggauss(48)
        total = torch.zeros_like(theta)
        for node, weight in zip(nodes, weights, strict=True):
            alpha = (node + 1) / 2
            between = previous + alpha * (theta - previous)
            batches = every.batches(between)
            values = vmap(gradients.curvature, (0, None))(batches, theta - previous)
            total += weight / 2 * every.expectation(between, values)
        expected = grad(every.objective)(theta) - grad(every.objective)(previous)
        torch.testing.assert_close(total, expected, **tight)

    def test_an_episode_that_ended_early_counts_only_its_own_steps(self, kind, policy):
        """Whatever stands in the padding, infinities included, changes nothing."""
        every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
        theta, other = parameters(policy, 2)
        whole = Trajectories(*(part[7] for part in every.batches(theta)))
        short = whole._replace(length=torch.tensor([2]))
        cut = Trajectories(
            *(part[:, :2].contiguous() for part in whole[:4]),
            torch.tensor([2]),
            whole.final,
            whole.terminated,
            theta,
            whole.value[:, :2],
        )
        short.reward[:, 2], short.log_prob[:, 2] = float("inf"), float("nan")
        for estimate in [
            lambda batch: gradients.plain(theta, batch),
            lambda batch: gradients.weighted(other, batch),
            lambda batch: gradients.curvature(batch, other),
        ]:
            torch.testing.assert_close(estimate(short), estimate(cut), rtol=0, atol=0)

    def test_a_batch_is_the_mean_of_its_episodes(self, kind, policy):
        every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
        theta, other = parameters(policy, 2)
        single = Trajectories(*(part[3:8] for part in every.batches(theta)))
        together = Trajectories(*(part[:, 0] for part in single[:7]), theta, single.value[:, 0])
        for name in ("plain", "weighted"):
            mean = vmap(getattr(gradients, name), (None, 0))(other, single).mean(0)
            torch.testing.assert_close(getattr(gradients, name)(other, together), mean, **tight)
        mean = vmap(gradients.curvature, (0, None))(single, other).mean(0)
        torch.testing.assert_close(gradients.curvature(together, other), mean, **tight)

    def test_a_weight_cap_bounds_the_weight(self, kind, policy):
        every = Enumeration(policy)
        theta, sampled = parameters(policy, 2)
        batches = every.batches(sampled)
        free = vmap(kind(policy, DISCOUNT).weighted, (None, 0))(theta, batches)
        capped = vmap(kind(policy, DISCOUNT, 1.2).weighted, (None, 0))(theta, batches)
        weight = (every.log_prob(theta) - every.log_prob(sampled)).sum(-1).exp()
        expected = free * (weight.clamp(max=1.2) / weight).unsqueeze(-1)
        assert (weight > 1.2).any()
        torch.testing.assert_close(capped, expected, **tight)


@pytest.mark.parametrize("kind", ESTIMATORS)
class TestGaussian:
    """One step, reward -(a - c)²: J(θ) = -((μ - c)² + σ²) in closed form."""

    policy = GaussianMLP(2, (3,), 1)
    observation = torch.tensor([0.3, -0.8], dtype=torch.float64)
    target = 0.4

    def objective(self, theta: Tensor) -> Tensor:
        mean = self.mean(theta)
        return -((mean - self.target) ** 2 + torch.exp(2 * theta[-1]))

    def mean(self, theta: Tensor) -> Tensor:
        from fedrl.algorithms.estimators.policy import network

        return network(self.policy.shape, theta[:-1], self.observation)[0]

    def quadrature(self, theta: Tensor) -> tuple[Trajectories, Tensor]:
        """Actions and weights that integrate polynomials under π_θ exactly (Gauss-Hermite)."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(100)
        actions = self.mean(theta) + theta[-1].exp() * torch.from_numpy(nodes)
        count = len(nodes)
        action = actions.reshape(count, 1, 1, 1)
        observation = self.observation.expand(count, 1, 1, 2)
        batch = Trajectories(
            observation,
            action,
            -((action[..., 0] - self.target) ** 2),
            self.policy.log_prob(theta, observation, action),
            torch.ones(count, 1, dtype=torch.long),
            observation[:, :, 0],
            torch.ones(count, 1, dtype=torch.bool),
            theta.expand(count, -1),
            torch.zeros(count, 1, 1, dtype=torch.float64),
        )
        return batch, torch.from_numpy(weights / math.sqrt(2 * math.pi)).unsqueeze(-1)

    def test_all_three_estimators(self, kind):
        gradients = kind(self.policy, 1.0)
        theta, vector, shift = parameters(self.policy, 3)
        other = theta + 0.1 * shift
        batch, weights = self.quadrature(theta)
        plain = (weights * vmap(gradients.plain, (None, 0))(theta, batch)).sum(0)
        torch.testing.assert_close(plain, grad(self.objective)(theta), **tight)
        weighted = (weights * vmap(gradients.weighted, (None, 0))(other, batch)).sum(0)
        torch.testing.assert_close(weighted, grad(self.objective)(other), rtol=0, atol=1e-11)
        curved = (weights * vmap(gradients.curvature, (0, None))(batch, vector)).sum(0)
        hessian = jvp(grad(self.objective), (theta,), (vector,))[1]
        torch.testing.assert_close(curved, hessian, **tight)


@pytest.mark.parametrize(
    "policy",
    [
        TabularSoftmax(4, 3),
        TabularBits(4, 3),
        *(pytest.param(CategoricalMLP(3, h, 3), marks=pytest.mark.long) for h in ((5, 4), ())),
        GaussianMLP(3, (5, 4), 2),
        GaussianMLP(3, (), 2),
    ],
    ids=lambda policy: type(policy).__name__,
)
def test_compiled_equals_automatic_differentiation(policy):
    """On ragged random batches, for every policy: the kernels are the definition to 1e-12."""
    generator = torch.Generator().manual_seed(0)
    episodes, steps = 4, 9
    width = 1 if isinstance(policy, Table) else 3
    observation = torch.randn(episodes, steps, width, generator=generator, dtype=torch.float64)
    action = torch.randn(
        episodes, steps, policy.action_size, generator=generator, dtype=torch.float64
    )
    if isinstance(policy, Table):
        observation = torch.randint(4, (episodes, steps, 1), generator=generator).double()
    if not isinstance(policy, GaussianMLP):
        action = torch.randint(3, (episodes, steps, 1), generator=generator).double()
    theta, other, vector = parameters(policy, 3)
    other = theta + 0.1 * other
    batch = Trajectories(
        observation,
        action,
        torch.randn(episodes, steps, generator=generator, dtype=torch.float64),
        policy.log_prob(theta, observation, action),
        torch.tensor([9, 1, 4, 7]),
        observation[:, 0],
        torch.tensor([False, True, True, True]),
        theta,
        torch.zeros(episodes, steps, dtype=torch.float64),
    )
    definition, compiled = Gradients(policy, 0.95), CompiledGradients(policy, 0.95)
    for estimate in [
        lambda gradients: gradients.plain(theta, batch),
        lambda gradients: gradients.weighted(other, batch),
        lambda gradients: gradients.curvature(batch, vector),
    ]:
        expected = estimate(definition)
        scale = float(expected.abs().max())
        torch.testing.assert_close(estimate(compiled), expected, rtol=0, atol=1e-12 * scale)
