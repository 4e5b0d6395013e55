"""The local step of an actor-critic: against automatic differentiation, closed forms and theory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal, kl_divergence
from torch.func import grad, vmap

from fedrl.algorithms import Gradients, Trajectories
from fedrl.algorithms.estimators.actor_critic.advantages import SPREAD, generalised_advantages
from fedrl.algorithms.estimators.actor_critic.critic import (
    critic_shape,
    critic_size,
    initial_actor_critic,
)
from fedrl.algorithms.estimators.actor_critic.optimisers import ADAM, MOMENTUM, OPTIMISERS, SGD
from fedrl.algorithms.estimators.actor_critic.proximal import Loops, Rates, proximal_step
from fedrl.algorithms.estimators.policy import (
    CategoricalMLP,
    GaussianMLP,
    Policy,
    TabularSoftmax,
    network,
)

POLICIES = [TabularSoftmax(3, 2), CategoricalMLP(2, (4, 3), 3), GaussianMLP(2, (4,), 2)]
EPISODES, HORIZON, DISCOUNT = 3, 5, 0.9
LENGTHS, TERMINATED = (5, 2, 5), (False, True, True)
STEPS = sum(LENGTHS)
FREE = float("inf")
RATES = Rates(0.02, 0.8, 0.2, 0.5, 0.03, 0.7)
tight = {"rtol": 0, "atol": 1e-12}
# A table has the head of CategoricalMLP and GaussianMLP its body; its own kernels compile for long.
every_policy = pytest.mark.parametrize(
    "policy",
    [
        pytest.param(one, marks=pytest.mark.long if isinstance(one, CategoricalMLP) else ())
        for one in POLICIES
    ],
    ids=lambda one: type(one).__name__,
)


def distribution(policy: Policy, theta: Tensor, observation: Tensor) -> Distribution:
    """π_θ(·|s) as torch has it: (d,), (..., o) -> batches of (...)."""
    if isinstance(policy, GaussianMLP):
        mean = network(policy.shape, theta[: -policy.outputs], observation)
        spread = theta[-policy.outputs :].exp().expand(mean.shape)
        return Independent(Normal(mean, spread, validate_args=False), 1, validate_args=False)
    if isinstance(policy, TabularSoftmax):
        logits = theta.reshape(policy.shape)[observation[..., 0].long()]
    else:
        logits = network(policy.shape, theta, observation)
    return Categorical(logits=logits, validate_args=False)


def state_value(policy: Policy, theta: Tensor, observation: Tensor) -> Tensor:
    """V(s) with the parameters theta of V alone: (critic_size,), (..., o) -> (...)."""
    if isinstance(policy, TabularSoftmax):
        return theta[observation[..., 0].long()]
    return network(critic_shape(policy), theta, observation)[..., 0]


class Minibatch(NamedTuple):
    """n steps, and what was true of them before the first update."""

    observation: Tensor  # (n, o)
    action: Tensor  # (n, a)
    log_prob: Tensor  # (n,), log π of the policy that chose the actions
    advantage: Tensor  # (n,)
    target: Tensor  # (n,), advantage + V(s)
    value: Tensor  # (n,), V(s) before the first update


def objective(
    policy: Policy, loops: Loops, rates: Rates, held: Tensor, theta: Tensor, mini: Minibatch
) -> Tensor:
    """L(θ) of `proximal_step`, by its formula: 0-d."""
    advantage = mini.advantage
    if loops.standardise:
        advantage = (advantage - advantage.mean()) / (advantage.std(correction=0) + SPREAD)
    actor, seen = theta[: policy.size], mini.observation
    ratio = (policy.log_prob(actor, seen, mini.action) - mini.log_prob).exp()
    clipped = ratio.clamp(1 - rates.clip, 1 + rates.clip)
    surrogate = torch.minimum(ratio * advantage, clipped * advantage)
    value = state_value(policy, theta[policy.size :], seen)
    error = (value - mini.target).square()
    if loops.clip_critic:
        near = mini.value + (value - mini.value).clamp(-rates.clip, rates.clip)
        error = torch.maximum(error, (near - mini.target).square())
    now, before = (distribution(policy, point[: policy.size], seen) for point in (theta, held))
    bonus = rates.entropy_weight * now.entropy()
    apart = rates.divergence_weight * kl_divergence(before, now)
    return (surrogate - 0.5 * rates.value_weight * error + bonus - apart).mean()


def batch_of(policy: Policy, seed: int = 0) -> tuple[Tensor, Trajectories]:
    """θ = [policy, V] (d,) and episodes that its policy chose, some cut, some terminated."""
    numbers = np.random.default_rng(seed)
    size = policy.size + critic_size(policy)
    theta = torch.from_numpy(0.5 * numbers.standard_normal(size))
    shape = (EPISODES, HORIZON)
    if isinstance(policy, TabularSoftmax):
        observation = numbers.integers(3, size=(*shape, 1)).astype(float)
        final = numbers.integers(3, size=(EPISODES, 1)).astype(float)
    else:
        observation = numbers.standard_normal((*shape, 2))
        final = numbers.standard_normal((EPISODES, 2))
    if isinstance(policy, GaussianMLP):
        action = numbers.standard_normal((*shape, 2))
    else:
        action = numbers.integers(2, size=(*shape, 1)).astype(float)
    seen, taken = torch.from_numpy(observation), torch.from_numpy(action)
    batch = Trajectories(
        seen,
        taken,
        torch.from_numpy(numbers.standard_normal(shape)),
        policy.log_prob(theta[: policy.size], seen, taken),
        torch.tensor(LENGTHS),
        torch.from_numpy(final),
        torch.tensor(TERMINATED),
        theta,
        torch.zeros(shape, dtype=torch.float64),
    )
    return theta, batch


def advantages(policy: Policy, theta: Tensor, batch: Trajectories, decay: float) -> list[Tensor]:
    """By the definition: a sum over all later steps of every step; one tensor per episode."""
    found = []
    value = state_value(policy, theta[policy.size :], batch.observation)
    end = state_value(policy, theta[policy.size :], batch.final)
    for b, length in enumerate(LENGTHS):
        last = torch.zeros(()) if TERMINATED[b] else end[b]
        following = [*value[b, 1:length], last]
        error = [batch.reward[b, h] + DISCOUNT * following[h] - value[b, h] for h in range(length)]
        sums = [
            sum((DISCOUNT * decay) ** (j - h) * error[j] for j in range(h, length))
            for h in range(length)
        ]
        found.append(torch.stack(sums))
    return found


def pooled(policy: Policy, theta: Tensor, batch: Trajectories, decay: float) -> Minibatch:
    """All steps taken, episode after episode."""
    gain = torch.cat(advantages(policy, theta, batch, decay))
    value = state_value(policy, theta[policy.size :], batch.observation)
    parts = (batch.observation, batch.action, batch.log_prob, value)
    flat = [torch.cat([part[b, :n] for b, n in enumerate(LENGTHS)]) for part in parts]
    return Minibatch(*flat[:3], gain, gain + flat[3], flat[3])


def fresh(theta: Tensor) -> Tensor:
    """The state of an optimiser that has made no update: θ, two moments, their count."""
    return torch.cat([theta, theta.new_zeros(2 * len(theta) + 1)])


def shuffled(uniform: Tensor) -> list[int]:
    """Fisher and Yates, from the last place to the first."""
    order = list(range(STEPS))
    for i in range(STEPS - 1, 0, -1):
        other = int(uniform[i] * (i + 1))
        order[i], order[other] = order[other], order[i]
    return order


@every_policy
@pytest.mark.parametrize("optimiser", [SGD, MOMENTUM, ADAM], ids=OPTIMISERS)
@pytest.mark.parametrize(
    ("standardise", "clip", "apart"), [(False, False, 0.0), (True, False, 0.8), (True, True, 0.0)]
)
def test_a_local_step_is_its_definition(policy, optimiser, standardise, clip, apart):
    """Epochs of minibatches along the derivative of `objective`, clipped in norm."""
    theta, batch = batch_of(policy)
    loops = Loops(3, 4, optimiser, standardise, DISCOUNT, clip)
    rates = RATES._replace(clip=0.02 if clip else 0.2, divergence_weight=apart)
    held = theta + 0.3 * torch.cos(torch.arange(len(theta)))
    numbers = np.random.default_rng(1)
    uniform = torch.from_numpy(numbers.random((loops.epochs, EPISODES * HORIZON)))
    found = proximal_step(policy, loops, rates, fresh(theta), batch, uniform, held)

    data = pooled(policy, theta, batch, RATES.decay)
    first, second = torch.zeros_like(theta), torch.zeros_like(theta)
    updates = 0
    for epoch in range(loops.epochs):
        order = shuffled(uniform[epoch])
        for part in range(loops.minibatches):
            rows = order[part * STEPS // 4 : (part + 1) * STEPS // 4]
            mini = Minibatch(*(field[rows] for field in data))
            slope = grad(lambda x, m=mini: objective(policy, loops, rates, held, x, m))(theta)
            slope = slope * min(1.0, RATES.largest_norm / slope.norm().item())
            updates += 1
            if optimiser == SGD:
                theta = theta + RATES.step_size * slope
            elif optimiser == MOMENTUM:
                first = 0.9 * first + slope
                theta = theta + RATES.step_size * first
            else:
                first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
                mean, square = first / (1 - 0.9**updates), second / (1 - 0.999**updates)
                theta = theta + RATES.step_size * mean / (square.sqrt() + 1e-5)
    torch.testing.assert_close(
        found, torch.cat([theta, first, second, theta.new_tensor([updates])]), **tight
    )


@every_policy
def test_the_surrogate_s_first_gradient_is_the_policy_gradient_with_advantages(policy):
    """At θ_old every ratio is 1: (1/M) Σ A ∇log π; without γ^h, which the practice leaves out."""
    theta, batch = batch_of(policy)
    rates = Rates(1.0, 0.8, 0.2, 0.0, 0.0, FREE)
    one_update = Loops(1, 1, SGD, False, DISCOUNT)
    uniform = torch.rand((1, EPISODES * HORIZON), dtype=torch.float64)
    moved = proximal_step(policy, one_update, rates, fresh(theta), batch, uniform)
    step = (moved - fresh(theta))[: len(theta)]
    gain = torch.zeros(EPISODES, HORIZON, dtype=torch.float64)
    for b, part in enumerate(advantages(policy, theta, batch, 0.8)):
        gain[b, : len(part)] = part
    # `Gradients` sums rewards to go: rewards whose sums to go are the advantages.
    reward = gain - torch.nn.functional.pad(gain[:, 1:], (0, 1))
    reward[1, LENGTHS[1] - 1] = gain[1, LENGTHS[1] - 1]
    plain = Gradients(policy, 1.0, per_step_mean=True)
    expected = plain.plain(theta[: policy.size], batch._replace(reward=reward))
    torch.testing.assert_close(step[: policy.size], expected, **tight)
    assert not step[policy.size :].any()


@pytest.mark.parametrize("decay", [0.0, 0.35, 1.0])
def test_advantages_are_the_sum_of_their_definition(decay):
    policy = POLICIES[1]
    theta, batch = batch_of(policy)
    data = pooled(policy, theta, batch, 0.0)
    value = (data.target - data.advantage).numpy()
    end = state_value(policy, theta[policy.size :], batch.final).numpy()
    out = np.empty(STEPS)
    ended, lengths = np.array(TERMINATED), np.array(LENGTHS)
    generalised_advantages(batch.reward.numpy(), value, end, ended, lengths, DISCOUNT, decay, out)
    expected = torch.cat(advantages(policy, theta, batch, decay)).numpy()
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-12)
    at = 0
    for b, length in enumerate(LENGTHS):
        last = 0.0 if TERMINATED[b] else end[b]
        reward, mine = batch.reward[b].numpy(), slice(at, at + length)
        following = np.append(value[mine][1:], last)
        if decay == 0:  # temporal differences
            expected = reward[:length] + DISCOUNT * following - value[mine]
            np.testing.assert_allclose(out[mine], expected, rtol=0, atol=1e-12)
        if decay == 1:  # Monte Carlo, with the value of where it was cut
            powers = DISCOUNT ** np.arange(length)
            for h in range(length):
                total = powers[: length - h] @ reward[h:length] + DISCOUNT ** (length - h) * last
                assert out[at + h] == pytest.approx(total - value[at + h], abs=1e-12)
        at += length


def test_the_value_fit_reaches_the_closed_form():
    """A table V is a linear system: least squares is each state's mean target."""
    policy = TabularSoftmax(3, 2)
    theta, batch = batch_of(policy)
    rates = Rates(1.0, 0.8, 0.0, 1.0, 0.0, FREE)
    one_pass = Loops(400, 1, SGD, False, DISCOUNT)
    data = pooled(policy, theta, batch, rates.decay)
    uniform = torch.rand((one_pass.epochs, EPISODES * HORIZON), dtype=torch.float64)
    found = proximal_step(policy, one_pass, rates, fresh(theta), batch, uniform)
    fitted = found[policy.size : len(theta)]
    for state in range(3):
        here = data.observation[:, 0] == state
        assert here.any()
        assert fitted[state].item() == pytest.approx(data.target[here].mean().item(), abs=1e-12)


@every_policy
def test_a_lane_is_a_function_of_its_own_data(policy):
    """Bit for bit alone or among others, whose lengths and rates differ."""
    loops = Loops(2, 3, ADAM, True, DISCOUNT)
    generator = torch.Generator().manual_seed(3)
    uniform = torch.rand((3, 2, EPISODES * HORIZON), generator=generator, dtype=torch.float64)
    lanes = [batch_of(policy, seed) for seed in range(3)]
    states = torch.stack([fresh(theta) for theta, _ in lanes])
    step = torch.tensor([0.1, 0.02, 0.3], dtype=torch.float64)
    together = Trajectories(
        *(torch.stack(parts) for parts in zip(*(b for _, b in lanes), strict=True))
    )

    def one(state, rate, batch, numbers):
        return proximal_step(policy, loops, RATES._replace(step_size=rate), state, batch, numbers)

    many = vmap(one)(states, step, together, uniform)
    for lane, (_, batch) in enumerate(lanes):
        assert torch.equal(many[lane], one(states[lane], step[lane], batch, uniform[lane]))


def test_a_batch_seen_twice_is_the_batch():
    """A mean over steps: N times the data of identical agents move θ as one agent's data do."""
    policy = GaussianMLP(2, (4,), 2)
    theta, batch = batch_of(policy)
    twice = Trajectories(*(torch.cat([part, part]) for part in batch))._replace(behaviour=theta)
    loops = Loops(3, 1, ADAM, True, DISCOUNT)
    uniform = torch.rand((3, 2 * EPISODES * HORIZON), dtype=torch.float64)
    one = proximal_step(policy, loops, RATES, fresh(theta), batch, uniform)
    two = proximal_step(policy, loops, RATES, fresh(theta), twice, uniform)
    torch.testing.assert_close(one, two, **tight)


def test_fewer_steps_than_minibatches_make_fewer_updates():
    policy = GaussianMLP(2, (4,), 2)
    theta, batch = batch_of(policy)
    uniform = torch.rand((1, EPISODES * HORIZON), dtype=torch.float64)
    found = proximal_step(
        policy, Loops(1, 50, ADAM, False, 0.9), RATES, fresh(theta), batch, uniform
    )
    assert found[-1] == STEPS


@pytest.mark.parametrize("policy", POLICIES[1:], ids=lambda one: type(one).__name__)
def test_orthogonal_weights_are_orthogonal(policy):
    theta = initial_actor_critic(policy, np.random.default_rng(0), True)
    assert len(theta) == policy.size + critic_size(policy)
    for shape, last, at in ((policy.shape, 0.01, 0), ((*policy.shape[:-1], 1), 1.0, policy.size)):
        for layer, (rows, columns) in enumerate(zip(shape, shape[1:], strict=False)):
            weight = theta[at : at + rows * columns].reshape(rows, columns)
            gain = last if layer == len(shape) - 2 else np.sqrt(2)
            product = weight @ weight.T if rows <= columns else weight.T @ weight
            np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), rtol=0, atol=1e-12)
            at += rows * columns
            assert not theta[at : at + columns].any()
            at += columns
