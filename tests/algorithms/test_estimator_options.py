"""Options of the estimators: unbiased where they claim to be; the kernels are the definition."""

from __future__ import annotations

import itertools

import pytest
import torch
from test_estimators import (
    DISCOUNT,
    ESTIMATORS,
    HORIZON,
    POLICIES,
    STATES,
    Enumeration,
    every_estimator_and_policy,
    parameters,
    tight,
)
from torch import Tensor
from torch.func import grad, jvp, vmap

from fedrl.algorithms import CompiledGradients, Gradients, Trajectories
from fedrl.algorithms.estimators.gradients import Probe
from fedrl.algorithms.estimators.policy import CategoricalMLP, GaussianMLP, Table, TabularSoftmax
from fedrl.algorithms.estimators.tabular import TabularBits

everywhere = pytest.mark.parametrize("kind", ESTIMATORS)
UNBIASED = [
    {},
    {"per_decision": True},
    {"entropy": 0.3},
    {"per_decision": True, "entropy": 0.3},
]


def value_function(every: Enumeration) -> Tensor:
    """Some function of state and time, for every trajectory: (trajectories, 1, T)."""
    generator = torch.Generator().manual_seed(3)
    table = torch.randn(STATES, HORIZON, generator=generator, dtype=torch.float64)
    return table[every.states, torch.arange(HORIZON)].unsqueeze(1)


def regularised(every: Enumeration, entropy: float):
    """J(θ) + τ Σ_h γ^h entropy of π_θ at s_h, in expectation."""
    powers = DISCOUNT ** torch.arange(HORIZON, dtype=torch.float64)

    def objective(theta: Tensor) -> Tensor:
        gain = ((every.reward - entropy * every.log_prob(theta)) * powers).sum(-1)
        return (every.probability(theta) * gain).sum()

    return objective


@every_estimator_and_policy
@pytest.mark.parametrize("options", UNBIASED, ids=lambda options: "+".join(options) or "none")
@pytest.mark.parametrize("baseline", [False, True], ids=["zero", "value"])
def test_every_estimator_is_unbiased(kind, policy, options, baseline):
    every, gradients = Enumeration(policy), kind(policy, DISCOUNT, **options)
    theta, sampled, vector = parameters(policy, 3)
    objective = regularised(every, options.get("entropy", 0.0))
    here, there = every.batches(theta), every.batches(sampled)
    if baseline:
        here, there = (batch._replace(value=value_function(every)) for batch in (here, there))
    plain = vmap(gradients.plain, (None, 0))(theta, here)
    weighted = vmap(gradients.weighted, (None, 0))(theta, there)
    curvature = vmap(gradients.curvature, (0, None))(here, vector)
    expected = grad(objective)(theta)
    torch.testing.assert_close(every.expectation(theta, plain), expected, **tight)
    torch.testing.assert_close(every.expectation(sampled, weighted), expected, **tight)
    hessian = jvp(grad(objective), (theta,), (vector,))[1]
    torch.testing.assert_close(every.expectation(theta, curvature), hessian, **tight)


def variance(every: Enumeration, theta: Tensor, values: Tensor) -> float:
    return float(every.expectation(theta, values.square()).sum()) - float(
        every.expectation(theta, values).square().sum()
    )


@every_estimator_and_policy
def test_the_true_value_function_as_baseline_lowers_the_variance(kind, policy):
    every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
    (theta,) = parameters(policy, 1)
    probability = every.probability(theta)
    powers = DISCOUNT ** torch.arange(HORIZON, dtype=torch.float64)
    to_go = (every.reward * powers).flip(-1).cumsum(-1).flip(-1) / powers
    value = torch.empty_like(to_go)
    for h, state in itertools.product(range(HORIZON), range(STATES)):
        here = every.states[:, h] == state
        value[here, h] = (probability[here] * to_go[here, h]).sum() / probability[here].sum()
    batches = every.batches(theta)
    without = vmap(gradients.plain, (None, 0))(theta, batches)
    using = vmap(gradients.plain, (None, 0))(theta, batches._replace(value=value.unsqueeze(1)))
    assert variance(every, theta, using) < 0.9 * variance(every, theta, without)


@every_estimator_and_policy
def test_per_decision_weights_lower_the_variance(kind, policy):
    every = Enumeration(policy)
    theta, sampled = parameters(policy, 2)
    batches = every.batches(sampled)
    whole, each = (
        vmap(kind(policy, DISCOUNT, per_decision=flag).weighted, (None, 0))(theta, batches)
        for flag in (False, True)
    )
    assert variance(every, sampled, each) < variance(every, sampled, whole)


@every_estimator_and_policy
def test_the_fisher_product_is_unbiased_under_the_sampled_states(kind, policy):
    """E F v = (1/T) Σ_h Σ_s P(s_h = s) Σ_a π(a|s) ∇log π ⟨∇log π, v⟩, and v F v ≥ 0."""
    every, gradients = Enumeration(policy), kind(policy, DISCOUNT)
    theta, vector = parameters(policy, 2)
    values = vmap(gradients.fisher, (None, 0, None))(theta, every.batches(theta), vector)
    expected = torch.zeros_like(theta)
    probability = every.probability(theta)
    for state, action in itertools.product(range(STATES), range(policy.shape[-1])):
        first = int((every.states[:, 0] == state).nonzero()[0])
        observation = every.observation[first, 0]

        def log_prob(x, observation=observation, action=action):
            return policy.log_prob(x, observation, torch.tensor([float(action)]))

        visits = (probability.unsqueeze(-1) * (every.states == state)).sum() / HORIZON
        score = grad(log_prob)(theta)
        expected += visits * log_prob(theta).exp() * score * (score @ vector)
    torch.testing.assert_close(every.expectation(theta, values), expected, **tight)
    assert ((values @ vector) >= 0).all()


def ragged(policy, lanes: int = 0) -> tuple[Tensor, Tensor, Tensor, Trajectories]:
    """θ, θ', v and a random batch whose padding holds NaN; one agent, or `lanes` of them."""
    generator = torch.Generator().manual_seed(0)
    leading = (lanes,) if lanes else ()
    shape = (*leading, 4, 9)
    width = 1 if isinstance(policy, Table) else 3

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    observation, action = normal(*shape, width), normal(*shape, policy.action_size)
    if isinstance(policy, Table):
        observation = torch.randint(4, (*shape, 1), generator=generator).double()
    if not isinstance(policy, GaussianMLP):
        action = torch.randint(3, (*shape, 1), generator=generator).double()
    theta, change, vector = (normal(*leading, policy.size) for _ in range(3))
    log_prob = policy.log_prob
    for _ in leading:
        log_prob = vmap(log_prob)
    length = torch.tensor([9, 1, 4, 7]).expand(shape[:-1])
    batch = Trajectories(
        observation, action, normal(*shape), log_prob(theta, observation, action), length,
        observation[..., 0, :], length < 9, theta, normal(*shape),
    )  # fmt: skip
    for part in (batch.reward, batch.log_prob, batch.value):
        part[~batch.alive] = float("nan")
    return theta, theta + 0.1 * change, vector, batch


COMBINATIONS = [
    dict(zip(("per_decision", "whiten", "per_step_mean", "entropy", "weight_cap"), c, strict=True))
    for c in itertools.product([False, True], [False, True], [False, True], [0.0, 0.4], [1e9, 1.1])
]


@pytest.mark.parametrize(
    "policy",
    [
        TabularSoftmax(4, 3),
        TabularBits(4, 3),
        pytest.param(CategoricalMLP(3, (5, 4), 3), marks=pytest.mark.long),
        GaussianMLP(3, (5, 4), 2),
    ],
    ids=lambda policy: type(policy).__name__,
)
def test_compiled_equals_automatic_differentiation_for_all_combinations(policy):
    theta, other, vector, batch = ragged(policy)
    assert len(COMBINATIONS) == 32
    for options in COMBINATIONS:
        definition = Gradients(policy, 0.95, **options)
        compiled = CompiledGradients(policy, 0.95, **options)
        for estimate in [
            lambda gradients: gradients.plain(theta, batch),
            lambda gradients: gradients.weighted(other, batch),
            lambda gradients: gradients.curvature(batch, vector),
            lambda gradients: gradients.fisher(other, batch, vector),
        ]:
            expected = estimate(definition)
            assert torch.isfinite(expected).all()
            scale = float(expected.abs().max())
            torch.testing.assert_close(estimate(compiled), expected, rtol=0, atol=1e-12 * scale)


@everywhere
class TestWhitening:
    policy = TabularSoftmax(4, 3)

    def test_the_scale_of_the_rewards_does_not_matter(self, kind):
        """Seven times the reward, the same estimate."""
        gradients = kind(self.policy, 0.95, whiten=True)
        theta, _, vector, batch = ragged(self.policy)
        louder = batch._replace(reward=7 * batch.reward, value=7 * batch.value)
        close = {"rtol": 0, "atol": 1e-7}  # the constant added to the deviation
        torch.testing.assert_close(
            gradients.plain(theta, batch), gradients.plain(theta, louder), **close
        )
        torch.testing.assert_close(
            gradients.curvature(batch, vector), gradients.curvature(louder, vector), **close
        )

    def test_equal_coefficients_give_zero(self, kind):
        gradients = kind(self.policy, 0.95, whiten=True)
        theta, _, _, batch = ragged(self.policy)
        single = batch._replace(
            length=torch.ones(4, dtype=torch.long),
            reward=torch.full((4, 9), 0.3, dtype=torch.float64),
            value=torch.zeros(4, 9, dtype=torch.float64),
        )
        assert gradients.plain(theta, single).abs().max() < 1e-7

    def test_it_is_biased(self, kind):
        """No multiple of ∇J is estimated: the option must not pass for an unbiased one."""
        every = Enumeration(POLICIES[0])
        (theta,) = parameters(POLICIES[0], 1)
        gradients = kind(POLICIES[0], DISCOUNT, whiten=True)
        values = vmap(gradients.plain, (None, 0))(theta, every.batches(theta))
        estimate, exact = every.expectation(theta, values), grad(every.objective)(theta)
        assert torch.cosine_similarity(estimate, exact, dim=0) < 0.999


@everywhere
def test_the_mean_over_steps_is_the_mean_over_episodes_times_episodes_over_steps(kind):
    policy = TabularSoftmax(4, 3)
    theta, other, vector, batch = ragged(policy)
    episodes, steps = kind(policy, 0.95), kind(policy, 0.95, per_step_mean=True)
    share = len(batch.length) / int(batch.length.sum())
    for estimate in [
        lambda gradients: gradients.plain(theta, batch),
        lambda gradients: gradients.weighted(other, batch),
        lambda gradients: gradients.curvature(batch, vector),
    ]:
        torch.testing.assert_close(estimate(steps), share * estimate(episodes), **tight)


# A categorical network's kernels in double precision would be compiled for these tests alone.
networks = pytest.mark.parametrize(
    "policy",
    [
        GaussianMLP(3, (5, 4), 2),
        pytest.param(CategoricalMLP(3, (5, 4), 3), marks=pytest.mark.long),
    ],
    ids=lambda policy: type(policy).__name__,
)


class TestProbe:
    @networks
    @pytest.mark.parametrize("per_decision", [False, True])
    def test_it_sees_the_uncapped_weights_in_the_order_of_lanes_and_changes_no_bit(
        self, per_decision, policy
    ):
        """Nested vmap over 2 federations of 3 agents: lane = federation · 3 + agent."""
        _, other, vector, batch = ragged(policy, lanes=6)
        probe = Probe()
        options = {"weight_cap": 1.05, "per_decision": per_decision}
        silent = CompiledGradients(policy, 0.95, **options)
        probed = CompiledGradients(policy, 0.95, **options, probe=probe)
        federations = Trajectories(*(part.reshape(2, 3, *part.shape[1:]) for part in batch))
        points = other.reshape(2, 3, -1)
        one = vmap(vmap(silent.weighted))(points, federations)
        two = vmap(vmap(probed.weighted))(points, federations)
        assert torch.equal(one, two)
        vmap(vmap(probed.plain))(points, federations)  # has no weights
        vmap(probed.curvature)(batch, vector)
        (seen,) = probe.log_weights
        fresh = vmap(policy.log_prob)(other, batch.observation, batch.action)
        ratio = torch.where(batch.alive, fresh - batch.log_prob, 0.0).sum(-1)
        assert (ratio.exp() > 1.05).any()
        torch.testing.assert_close(torch.from_numpy(seen), ratio, **tight)
        vmap(probed.weighted, (None, 0))(other[0], batch)
        assert len(probe.log_weights) == 2


@networks
@pytest.mark.parametrize("options", COMBINATIONS[::3], ids=str)
def test_a_lane_does_not_depend_on_the_others_bit_for_bit(options, policy):
    theta, other, vector, batch = ragged(policy, lanes=5)
    gradients = CompiledGradients(policy, 0.95, **options)

    def all_of(lanes) -> list[Tensor]:
        part = Trajectories(*(field[lanes] for field in batch))
        return [
            vmap(gradients.plain)(theta[lanes], part),
            vmap(gradients.weighted)(other[lanes], part),
            vmap(gradients.curvature)(part, vector[lanes]),
            vmap(gradients.fisher)(other[lanes], part, vector[lanes]),
        ]

    for together, alone in zip(all_of([3, 0, 2, 4, 1]), all_of([2]), strict=True):
        assert torch.equal(together[2], alone[0])
