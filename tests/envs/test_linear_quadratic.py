"""LinearQuadratic: closed forms against simulation, enumeration of time, and differentiation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.policy import GaussianMLP
from fedrl.algorithms.estimators.trajectory import Trajectories
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.evaluate import evaluate
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.envs.control.linear_moments import best_common_gain, moments
from fedrl.envs.control.linear_quadratic import LinearQuadratic
from fedrl.envs.family import Array

SIZES = [(1, 1), (2, 1), (3, 2)]
every_size = pytest.mark.parametrize(("states", "actions"), SIZES)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def problem(states: int, actions: int, agents: int = 3, **options: Any) -> Any:
    """A family, its agents, a linear policy and one θ per agent."""
    family = LinearQuadratic(states=states, actions=actions, **options)
    policy = GaussianMLP(states, (), actions)
    theta = rng(7).normal(0, 0.3, (agents, policy.size))
    return family, family.sample(agents, 0.4, rng()), policy, theta


def stream(lanes: int, agents: int) -> Stream:
    keys = np.full(lanes, Seed("test", 1).key("evaluation"), np.uint64)
    return Stream(keys, np.arange(lanes) % agents, 0)


def unrolled(family: Any, task: Any, n: int, theta: Tensor, discount: float) -> Tensor:
    """J_n by mean and covariance separately, in torch: another formula, and differentiable."""
    states, actions = family.states, family.actions
    weight = theta[: states * actions].reshape(states, actions)
    bias = theta[states * actions : (states + 1) * actions]
    sigma = torch.diag(torch.exp(2 * theta[(states + 1) * actions :]))
    drift, drive = torch.from_numpy(task.drift[n]), torch.from_numpy(task.drive[n])
    closed = drift + drive @ weight.T
    mean = torch.zeros(states, dtype=torch.float64)
    covariance = family.start_width**2 * torch.eye(states, dtype=torch.float64)
    disturbance = family.noise**2 * torch.eye(states, dtype=torch.float64)
    total = torch.zeros((), dtype=torch.float64)
    for h in range(family.horizon):
        action = weight.T @ mean + bias
        spread = weight.T @ covariance @ weight + sigma
        cost = family.state_cost * (mean @ mean + covariance.trace())
        total = total - discount**h * (
            cost + family.action_cost * (action @ action + spread.trace())
        )
        mean = drift @ mean + drive @ action
        covariance = closed @ covariance @ closed.T + drive @ sigma @ drive.T + disturbance
    return total


@every_size
@pytest.mark.parametrize("horizon", [1, 2, 15])
def test_closed_form_is_mean_and_covariance_unrolled(
    states: int, actions: int, horizon: int
) -> None:
    """J, its undiscounted twin, and ∇J by automatic differentiation of the other formula."""
    family, task, policy, theta = problem(states, actions, horizon=horizon)
    exact = family.closed_form(task, policy.shape, theta)
    for n in range(3):
        point = torch.from_numpy(theta[n]).requires_grad_()
        value = unrolled(family, task, n, point, family.discount)
        value.backward()  # type: ignore[no-untyped-call]
        assert point.grad is not None
        np.testing.assert_allclose(exact.objective[n], value.item(), rtol=1e-12)
        np.testing.assert_allclose(
            exact.gradient[n], point.grad.numpy(), rtol=1e-11, atol=1e-11 * abs(value.item())
        )
        plain = unrolled(family, task, n, point, 1.0).item()
        np.testing.assert_allclose(exact.undiscounted[n], plain, rtol=1e-12)


@every_size
def test_gradient_is_the_difference_quotient(states: int, actions: int) -> None:
    family, task, policy, theta = problem(states, actions)
    gradient = family.closed_form(task, policy.shape, theta).gradient
    for entry in range(policy.size):
        step = np.zeros_like(theta)
        step[:, entry] = 1e-5
        up, down = (
            family.closed_form(task, policy.shape, theta + sign * step).objective
            for sign in (1, -1)
        )
        np.testing.assert_allclose(gradient[:, entry], (up - down) / 2e-5, rtol=1e-6, atol=1e-6)


@every_size
def test_closed_form_is_the_mean_of_sampled_episodes(states: int, actions: int) -> None:
    """And ∇J the mean of the estimator that training uses: within 4.5 standard errors."""
    family, task, policy, theta = problem(states, actions, horizon=6)
    exact = family.closed_form(task, policy.shape, theta)
    groups, episodes = 100, 200
    gradients = Gradients(policy, family.discount)
    kind = type(task)
    many = kind(*(np.tile(field, (groups, *[1] * (field.ndim - 1))) for field in task))
    lanes = np.tile(theta, (groups, 1))
    keys = np.repeat([Seed("test", i).key("training") for i in range(groups)], 3).astype(np.uint64)
    played = Sampler(family, policy, many).sample(
        lanes, Stream(keys, np.tile(np.arange(3), groups), 0), episodes
    )
    assert (played.length == 6).all()
    value = torch.zeros(played.reward.shape, dtype=torch.float64)
    batch = Trajectories(*map(torch.from_numpy, played), torch.from_numpy(lanes), value)  # type: ignore[call-arg]
    estimates = torch.func.vmap(gradients.plain)(torch.from_numpy(lanes), batch).numpy()
    for sampled, known in (
        (played.returns(family.discount).mean(axis=1), exact.objective),
        (played.returns(1.0).mean(axis=1), exact.undiscounted),
        (estimates, exact.gradient),
    ):
        per_group = sampled.reshape(groups, 3, -1)
        error = per_group.std(axis=0, ddof=1) / np.sqrt(groups)
        assert (error > 0).all()
        assert (np.abs(per_group.mean(axis=0) - known.reshape(3, -1)) < 4.5 * error).all()


def test_evaluation_uses_the_closed_form_where_there_is_one() -> None:
    """Exact for a linear policy, whatever the dice; sampled for a network."""
    family, task, policy, _ = problem(2, 1)
    theta = rng(3).normal(0, 0.2, (1, policy.size))
    exact = family.closed_form(task, policy.shape, np.repeat(theta, 3, axis=0))
    scores = evaluate(family, Sampler(family, policy, task), theta, stream(3, 3), 1)
    np.testing.assert_array_equal(scores.objective[0], exact.objective)
    np.testing.assert_array_equal(scores.undiscounted[0], exact.undiscounted)
    mean = exact.gradient.mean(axis=0)
    np.testing.assert_allclose(scores.stationarity, [mean @ mean], rtol=1e-12)
    network = GaussianMLP(2, (4,), 1)
    theta = network.initial(rng())[None]
    assert family.closed_form(task, network.shape, np.repeat(theta, 3, axis=0)) is None
    scores = evaluate(family, Sampler(family, network, task), theta, stream(3, 3), 5)
    assert np.isnan(scores.stationarity).all()
    assert np.isfinite(scores.objective).all()


def test_training_a_linear_policy_climbs_the_exact_objective() -> None:
    """`hidden = []` through the whole loop: the gap to the best linear policy shrinks tenfold."""
    config = Config(
        family="linear-quadratic", algorithm="fedpg", hidden=(), kappa=0.2, agents=3, rounds=60,
        local_steps=2, episodes=50, step_size=0.002, dtype="float64", evaluate_every=60,
    )  # fmt: skip
    (result,) = train([Run(config, Seed("test", 0))])
    objective = result.columns["objective"]
    family: Any = config.build_family()
    task = family.sample(3, 0.2, Seed("test", 0).generator("environment"))
    assert np.isfinite(result.columns["stationarity"]).all()
    best = family.reference(task).value
    assert best - objective[-1] < 0.1 * (best - objective[0])


# Optima


@every_size
def test_no_linear_policy_beats_the_riccati_optimum(states: int, actions: int) -> None:
    family, task, policy, theta = problem(states, actions)
    optimum = family.optimum(task)
    best, gain = best_common_gain(task, family.discount, family.horizon)
    assert best <= optimum.mean()
    assert family.reference(task).value == best
    for scale in (0.0, 0.3, 1.0):
        near = np.tile(np.concatenate([gain, np.full(actions, -3.0)]), (3, 1)) + scale * theta
        exact = family.closed_form(task, policy.shape, near)
        assert (exact.objective <= optimum + 1e-12).all()
        assert exact.objective.mean() <= best + 1e-12


def test_riccati_is_the_best_plan_of_a_scalar_system() -> None:
    """Two steps, no noise: a_1 = 0, a_0 minimises r a² + γ q (A s + B a)²."""
    family = LinearQuadratic(states=1, horizon=2, noise=0.0)
    task = family.sample(4, 0.5, rng())
    a, b = task.drift[:, 0, 0], task.drive[:, 0, 0]
    q, r, discount = 1.0, 0.1, 0.95
    cost = q + discount * q * a**2 * r / (r + discount * q * b**2)
    np.testing.assert_allclose(family.optimum(task), -cost, rtol=1e-12)


def test_alone_and_long_the_best_linear_policy_is_the_optimum() -> None:
    """With one agent and a horizon so long that the best controller need not know the time."""
    family = LinearQuadratic(horizon=300)
    task = family.sample(1, 0.3, rng())
    np.testing.assert_allclose(family.reference(task).value, family.optimum(task)[0], rtol=1e-6)


@pytest.mark.parametrize("kappa", [0.1, 0.5, 1.0])
def test_best_common_gain_is_stationary(kappa: float) -> None:
    family = LinearQuadratic()
    task = family.sample(5, kappa, rng())
    value, gain = best_common_gain(task, family.discount, family.horizon)
    theta = np.tile(np.concatenate([gain, [-np.inf]]), (5, 1))
    objective, gradient = moments(*task, theta, family.discount, family.horizon)
    assert objective.mean() == value
    assert np.abs(gradient[:, :-1].mean(axis=0)).max() < 1e-4 * abs(value)


# Heterogeneity


def test_systems_are_uniform_in_the_ball_of_radius_kappa() -> None:
    """Distance^m / κ^m is uniform on [0, 1] for a uniform point of an m-ball; m = 6."""
    family = LinearQuadratic()
    stock, drawn = family.sample(1, 0.0, rng()), family.sample(4000, 0.6, rng())
    change = np.concatenate([drawn.drift - stock.drift, drawn.drive - stock.drive], axis=2)
    flat: Array = change.reshape(4000, -1)
    level = np.sort((np.linalg.norm(flat, axis=1) / 0.6) ** 6)
    assert np.abs(level - (np.arange(4000) + 0.5) / 4000).max() < 1.95 / np.sqrt(4000)  # KS, 0.1 %
    assert np.abs(flat.mean(axis=0)).max() < 4.5 * flat.std() / np.sqrt(4000)
    doubled = family.sample(4000, 1.2, rng())
    np.testing.assert_allclose(doubled.drift - stock.drift, 2 * (drawn.drift - stock.drift))


def test_what_kappa_changes_is_the_dynamics() -> None:
    family, task, _, _ = problem(2, 1)
    one = type(task)(*(field[0] for field in task))
    state = family.kernel.initial(one, np.full(2, 0.3))
    for field in ("drift", "drive", "noise", "state_cost", "action_cost"):
        changed = one._replace(**{field: 2 * getattr(one, field)})
        before, after = (
            family.kernel.transition(each, state, np.ones(1), np.full(2, 0.6))
            for each in (one, changed)
        )
        moved = not np.array_equal(before[0].place, after[0].place)
        assert moved == (field in ("drift", "drive", "noise"))
        assert (before[1] != after[1]) == (field in ("state_cost", "action_cost"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"actions": 3}, "actions is 3; it must be at most 2"),
        ({"actions": 0}, "actions is 0; it must be at least 1"),
        ({"noise": -0.1}, "noise is -0.1; it must be a finite number, 0 or more"),
        ({"state_cost": np.nan}, "state_cost is nan"),
    ],
)
def test_impossible_systems_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearQuadratic(**options)
