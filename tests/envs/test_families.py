"""Laws of the environment families, over the whole registry, and of exact tabular values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv

from fedrl.envs import FAMILIES
from fedrl.envs.control.cartpole import CartPole, CartPoleState, CartPoleTask
from fedrl.envs.family import Array
from fedrl.envs.finite.gridworld import GridWorld
from fedrl.envs.finite.mdp import draw
from fedrl.envs.finite.random_mdp import RandomMDP
from fedrl.envs.finite.tabular import Tabular, TabularTask, best_common_policy

KERNEL = CartPole.kernel
TABULAR = [name for name, family in FAMILIES.items() if issubclass(family, Tabular)]

# Of `sample(3, 0.7, PCG64(5))`: a change here changes every result published with the family.


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def sample(name: str, agents: int = 3, kappa: float = 0.7, seed: int = 5) -> Any:
    return FAMILIES[name]().sample(agents, kappa, rng(seed))


def row(task: Any, agent: int) -> Any:
    """One agent's MDP, without the axis of agents; numbers as Python's own."""
    return type(task)(*(f[agent].item() if f.ndim == 1 else f[agent] for f in task))


# What a family draws


# Kernels: one agent's dynamics as three functions


# CartPole against Gymnasium's


def gymnasiums_cartpole(task: Any) -> CartPoleEnv:
    """Gymnasium's environment with an agent's constants, its derived ones recomputed."""
    env = CartPoleEnv()
    env.gravity, env.masscart, env.masspole = task.gravity, task.cart_mass, task.pole_mass
    env.length, env.force_mag = task.half_length, task.force
    env.total_mass = env.masspole + env.masscart
    env.polemass_length = env.masspole * env.length
    return env


def assert_same_step(env: Any, task: Any, action: int) -> bool:
    """Both step from Gymnasium's state; returns whether the episode is over."""
    before = CartPoleState(*env.state.tolist())
    observation, reward, terminated, _, _ = env.step(action)
    step = KERNEL.transition(task, before, [action], np.empty(0))
    exact = all(  # else this processor's numpy differs from its C library in the last bit
        float(theirs(before.angle)) == ours(before.angle)
        for theirs, ours in ((np.cos, math.cos), (np.sin, math.sin))
    )
    np.testing.assert_allclose(step[0], env.state, rtol=0, atol=0 if exact else 1e-14)
    seen = np.empty(4)
    KERNEL.observe(task, step[0], seen)
    np.testing.assert_array_equal(seen.astype(np.float32), observation)
    assert step[1:] == (reward, terminated)
    return bool(terminated)


@pytest.mark.parametrize("kappa", [0.0, 1.0])
def test_cartpole_is_gymnasiums_step_for_step(kappa: float) -> None:
    """At κ = 0 untouched CartPole-v1; at κ = 1 with the same masses and everything they imply."""
    family = CartPole(vary=tuple(knob for knob in CartPole.knobs if knob != "force_bias"))
    tasks = family.sample(60, kappa, rng())
    generator = rng(8)
    for agent in range(60):
        task = row(tasks, agent)
        env: Any = gymnasiums_cartpole(task) if kappa else CartPoleEnv()
        env.reset(seed=agent)
        env.state = np.array(KERNEL.initial(task, generator.random(4)))
        falls = (assert_same_step(env, task, int(generator.integers(2))) for _ in range(500))
        assert any(falls)


def test_cartpole_ends_where_gymnasiums_does() -> None:
    """From anywhere around both limits, which falling poles alone seldom reach."""
    task, generator = row(sample("cartpole", kappa=0.0), 0), rng(9)
    env: Any = CartPoleEnv()
    ends = []
    for _ in range(2000):
        env.reset(seed=0)
        env.state = generator.uniform(-1, 1, 4) * [2.6, 3.0, 0.23, 3.0]
        ends.append(assert_same_step(env, task, int(generator.integers(2))))
    assert 0.1 < np.mean(ends) < 0.9


def test_cartpole_starts_as_gymnasiums() -> None:
    task = row(sample("cartpole", kappa=0.0), 0)
    env: Any = CartPoleEnv()
    for seed in range(20):
        env.reset(seed=seed)
        start = KERNEL.initial(task, np.random.default_rng(seed).random(4))
        np.testing.assert_allclose(start, env.state, rtol=0, atol=1e-16)


def test_force_bias_is_a_force() -> None:
    """Pushing right with 10 N and a bias of 2 N is pushing with 12 N."""
    stock = row(sample("cartpole", kappa=0.0), 0)
    state = CartPoleState(0.1, -0.2, 0.03, 0.4)
    for action, force in ((1, 12.0), (0, 8.0)):
        biased = KERNEL.transition(stock._replace(force_bias=2.0), state, [action], [])
        assert biased == KERNEL.transition(stock._replace(force=force), state, [action], [])


def test_unknown_knob_to_vary_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'pole_mass'"):
        CartPole(vary=("polemass",))


# Finite MDPs


def policies(task: TabularTask, seed: int = 3) -> Array:
    """One random policy per agent: (N, Z, A)."""
    return rng(seed).dirichlet(np.ones(task.reward.shape[2]), task.reward.shape[:2])


# With horizon 3 every trajectory can be listed; where a family can be smaller, it is.
TINY: dict[str, Any] = {name: FAMILIES[name](horizon=3) for name in TABULAR}
TINY["random-mdp"] = RandomMDP(size=3, choices=2, horizon=3)
TINY["gridworld"] = GridWorld(width=2, height=2, horizon=3)


def few_starts(task: TabularTask) -> TabularTask:
    """At most the first two start states, so that there are few trajectories."""
    start = np.where(np.cumsum(task.start > 0, axis=-1) <= 2, task.start, 0.0)
    return task._replace(start=start / start.sum(axis=-1, keepdims=True))


def trajectories(task: Any) -> Iterator[tuple[list[int], list[int], float]]:
    """States and actions of all 3-step trajectories, and the MDP's part of their probability."""
    kernel = task.kernel
    follows = [[np.flatnonzero(row).tolist() for row in rows] for rows in kernel]
    actions = range(kernel.shape[1])
    for first in np.flatnonzero(task.start).tolist():
        for a in product(actions, repeat=3):
            for second in follows[first][a[0]]:
                for third in follows[second][a[1]]:
                    chance = kernel[first, a[0], second] * kernel[second, a[1], third]
                    yield [first, second, third], list(a), float(task.start[first] * chance)


def enumerate_trajectories(task: Any, policy: Array, discount: float) -> tuple[float, Array]:
    """J = Σ_τ p(τ) Σ_h γ^h R_h and ∂J/∂π(a|s) = Σ_τ p(τ) Σ_h 1{(s_h, a_h) = (s, a)}/π(a|s) G_h.

    τ: all trajectories of 3 steps. G_h = Σ_{k≥h} γ^k R_k: rewards before h do not depend on a_h.
    """
    objective, gradient = 0.0, np.zeros_like(policy)
    for s, a, chance in trajectories(task):
        chance *= float(np.prod(policy[s, a]))
        gains = [discount**h * task.reward[s[h], a[h]] for h in range(3)]
        objective += chance * sum(gains)
        for h in range(3):
            gradient[s[h], a[h]] += chance * sum(gains[h:]) / policy[s[h], a[h]]
    return objective, gradient


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("discount", [None, 1.0])
def test_exact_values_are_the_sum_over_all_trajectories(name: str, discount: float | None) -> None:
    family = TINY[name]
    task = few_starts(family.sample(2, 0.7, rng()))
    policy = policies(task)
    exact = family.exact(task, policy, discount)
    for agent in range(2):
        objective, gradient = enumerate_trajectories(
            row(task, agent), policy[agent], family.discount if discount is None else discount
        )
        np.testing.assert_allclose(exact.objective[agent], objective, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(exact.gradient[agent], gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", TABULAR)
def test_exact_gradient_is_the_derivative(name: str) -> None:
    """Central differences in entries of π, at most a hundred, taken as independent."""
    family: Any = FAMILIES[name](horizon=12)
    task = family.sample(1, 0.7, rng())
    policy = policies(task)
    gradient = family.exact(task, policy).gradient
    entries = np.array(list(product(*map(range, policy.shape[1:]))))
    for s, a in rng().permutation(entries)[:100]:
        step = np.zeros_like(policy)
        step[0, s, a] = 1e-5
        up, down = (family.exact(task, policy + sign * step).objective[0] for sign in (1, -1))
        np.testing.assert_allclose(gradient[0, s, a], (up - down) / 2e-5, rtol=1e-6, atol=1e-8)


def test_optimum_is_the_best_deterministic_time_dependent_policy() -> None:
    """Two states, two actions, three steps: 4³ policies."""
    family = RandomMDP(size=2, choices=2, horizon=3)
    task = family.sample(3, 0.9, rng())
    best = np.full(3, -np.inf)
    for plan in product(product(range(2), repeat=2), repeat=3):
        value = np.zeros((3, 2))
        for choice in reversed(plan):
            later = np.einsum("nsax,nx->nsa", task.kernel, value)
            lookahead = task.reward + family.discount * later
            value = np.stack([lookahead[:, s, choice[s]] for s in range(2)], axis=1)
        best = np.maximum(best, np.sum(task.start * value, axis=1))
    np.testing.assert_allclose(family.optimum(task), best, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n == "taxi" else ()) for n in TABULAR]
)
def test_identical_agents_share_their_optimum(name: str) -> None:
    """A horizon so long that the best policy need not know the time."""
    family: Any = FAMILIES[name](horizon=400)
    task = family.sample(2, 0.0, rng())
    np.testing.assert_allclose(
        best_common_policy(family, task)[0], family.optimum(task).mean(), rtol=0, atol=1e-6
    )


def test_draw_has_the_stated_probabilities() -> None:
    grid = (np.arange(10_000) + 0.5) / 10_000
    for chances in ([0.25, 0.0, 0.7, 0.05, 0.0], [0.0, 1.0], [1.0]):
        counts = np.bincount([draw(chances, u) for u in grid], minlength=len(chances))
        np.testing.assert_allclose(counts / 10_000, chances, rtol=0, atol=1e-4)
    assert draw([0.1] * 10 + [0.0], 1 - 2.0**-53) == 9  # rounding: the sum is below 1


def test_kernels_mix_linearly() -> None:
    """P_i = (1-κ) P_0 + κ U_i, R_i = (1-κ_r) R_0 + κ_r V_i."""
    for family in (RandomMDP(), RandomMDP(reward_kappa=0.3)):
        stock, half, full = (family.sample(2, kappa, rng()) for kappa in (0.0, 0.5, 1.0))
        np.testing.assert_allclose(half.kernel, (stock.kernel + full.kernel) / 2, rtol=1e-12)
        np.testing.assert_array_equal(half.reward, stock.reward)
    common, mixed, own = (
        RandomMDP(reward_kappa=kappa).sample(2, 0.0, rng()).reward for kappa in (0.0, 0.3, 1.0)
    )
    np.testing.assert_allclose(mixed, 0.7 * common + 0.3 * own, rtol=1e-12)


def test_random_mdp_refuses_impossible_options() -> None:
    for option, value in (("size", 0), ("choices", 0), ("reward_kappa", 1.5)):
        with pytest.raises(ValueError, match=f"{option} is {value}"):
            RandomMDP(**{option: value})  # type: ignore[arg-type]


# GridWorld


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"goal": (1, 1), "walls": ((1, 1),)}, "goal is .* a free cell, not a wall"),
        ({"start": (1, 1), "walls": ((1, 1),)}, "start is .* a free cell, not a wall"),
        ({"walls": ((0, 1), (1, 0))}, "goal is .* reachable from the start"),
        ({"goal": (0, 0)}, "goal is .* different from the start"),
        ({"goal": (-5, -5)}, "goal is .* different from the start"),
        ({"goal": (5, 0)}, "goal is .* inside the 5 × 5 grid"),
        ({"start": (0, -6)}, "start is .* inside the 5 × 5 grid"),
        ({"walls": ((9, 9),)}, "wall is .* inside the 5 × 5 grid"),
        ({"width": 1}, "width is 1; it must be at least 2"),
        ({"height": 0}, "height is 0; it must be at least 2"),
    ],
)
def test_impossible_grids_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GridWorld(**options)


def grid(slip: float, wind: float, direction: float) -> TabularTask:
    """3 × 3, goal in the lower right corner."""
    knobs = {"slip": slip, "wind": wind, "direction": direction}
    return GridWorld(width=3, height=3).pinned(knobs).sample(1, 0.0, rng())


@pytest.mark.parametrize(
    ("slip", "wind", "direction", "expected"),
    [
        (0.0, 0.0, 0, {1: 1.0}),
        (0.2, 0.0, 0, {1: 0.8, 5: 0.1, 3: 0.1}),  # half to each side
        (0.0, 0.3, 1, {1: 0.7, 2: 0.3}),  # one further cell to the right
        (0.0, 0.3, 2, {1: 0.7, 4: 0.3}),  # blown back down
        (0.0, 0.3, 0, {1: 1.0}),  # against the edge
        (0.2, 0.3, 1.9, {1: 0.56, 2: 0.24, 5: 0.1, 3: 0.07, 4: 0.03}),
    ],
)
def test_slip_and_wind_change_the_kernel_as_stated(
    slip: float, wind: float, direction: float, expected: dict[int, float]
) -> None:
    """Going up from the centre, state 4 of 0 to 8 row by row."""
    probabilities = np.zeros(9)
    probabilities[list(expected)] = list(expected.values())
    up, centre = 0, 4
    np.testing.assert_allclose(
        grid(slip, wind, direction).kernel[0, centre, up], probabilities, rtol=1e-12, atol=1e-15
    )


def test_goal_absorbs_and_pays_once() -> None:
    task = grid(0.2, 0.3, 0)
    goal, above, down = 8, 5, 2
    assert task.terminal[0].tolist() == [False] * 8 + [True]
    assert (task.kernel[0, goal, :, goal] == 1).all()
    assert (task.reward[0, goal] == 0).all()
    assert task.kernel[0, above, down, goal] == pytest.approx(0.8)  # no wind out of the goal
    np.testing.assert_allclose(task.reward[0, :8], task.kernel[0, :8, :, goal] - 0.01, rtol=1e-12)


def test_walls_stop_and_negative_indices_count_from_the_far_side() -> None:
    family = GridWorld(walls=((0, 1),), goal=(-1, -1)).pinned({"slip": 0.0})
    right, down = 1, 2
    task: TabularTask = family.sample(1, 0.0, rng())
    assert task.kernel[0, 0, right, 0] == 1
    assert task.kernel[0, 0, down, 5] == 1
    assert np.flatnonzero(task.terminal[0]).tolist() == [24]


def test_stock_tasks_hold_the_stock_values() -> None:
    task: CartPoleTask = sample("cartpole", kappa=0.0)
    for name, knob in CartPole.knobs.items():
        assert (getattr(task, name) == knob.stock).all()
