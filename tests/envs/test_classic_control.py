"""Acrobot, Pendulum and MountainCarContinuous are Gymnasium's, whatever their constants."""

from __future__ import annotations

import math
from itertools import cycle
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import (
    AcrobotEnv,
    Continuous_MountainCarEnv,
    PendulumEnv,
    continuous_mountain_car,
)
from numba import njit

from fedrl.envs import FAMILIES
from fedrl.envs.control import acrobot, mountain_car, pendulum
from fedrl.envs.control.acrobot import AcrobotState
from fedrl.envs.control.mountain_car import MountainCarState
from fedrl.envs.control.pendulum import PendulumState
from fedrl.envs.family import Knob

KERNELS = {
    "acrobot": acrobot.Acrobot.kernel,
    "pendulum": pendulum.Pendulum.kernel,
    "mountain-car": mountain_car.MountainCarContinuous.kernel,
}
STATES: dict[str, Any] = {
    "acrobot": AcrobotState,
    "pendulum": PendulumState,
    "mountain-car": MountainCarState,
}
THRESHOLDS = {"acrobot": "Acrobot-v1", "mountain-car": "MountainCarContinuous-v0"}
KNOBS = [(name, knob) for name in KERNELS for knob in FAMILIES[name].knobs]
# Gymnasium squares by the C library's `pow`, which misrounds one square in a thousand; and numpy's
# sine may differ from the C library's in the last bit.
ROUNDING = 2e-14

every_kernel = pytest.mark.parametrize("name", KERNELS)
stock_and_perturbed = pytest.mark.parametrize("kappa", [0.0, 1.0])


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def tasks(name: str, agents: int, kappa: float) -> list[Any]:
    """One task per agent, numbers as Python's own."""
    federation = FAMILIES[name]().sample(agents, kappa, rng())
    kind: Any = type(federation)
    return [kind(*(field[i].item() for field in federation)) for i in range(agents)]


def stock(name: str) -> Any:
    return tasks(name, 1, 0.0)[0]


def steps(name: str, task: Any, state: Any, actions: Any) -> list[Any]:
    """(state, reward, terminated) along given actions."""
    out = []
    for action in actions:
        out.append(KERNELS[name].transition(task, state, [action], ()))
        state = out[-1][0]
    return out


class TwoMoments(AcrobotEnv):
    """Gymnasium reads one moment of inertia for both links, the first link's first."""

    moments: Any

    @property
    def LINK_MOI(self) -> float:  # type: ignore[override]  # noqa: N802
        return float(next(self.moments))


def gymnasiums_acrobot(task: Any) -> AcrobotEnv:
    """Masses and lengths of an agent, with centres of mass and moments that follow from them."""
    env = TwoMoments()
    env.LINK_LENGTH_1, env.LINK_LENGTH_2 = task.inner_length, task.outer_length
    env.LINK_MASS_1, env.LINK_MASS_2 = task.inner_mass, task.outer_mass
    env.LINK_COM_POS_1, env.LINK_COM_POS_2 = task.inner_length / 2, task.outer_length / 2
    env.moments = cycle(
        [task.inner_mass * task.inner_length**2, task.outer_mass * task.outer_length**2]
    )
    return env


def gymnasiums_pendulum(task: Any) -> PendulumEnv:
    env = PendulumEnv(g=task.gravity)
    env.m, env.l = task.mass, task.length
    return env


def assert_same_walk(
    name: str, env: Any, task: Any, state: Any, actions: Any, given: Any = lambda action: action
) -> bool:
    """One episode, each step from the same state; returns whether it terminated."""
    kernel = KERNELS[name]
    env.reset(seed=0)
    env.state = np.array(state, np.float64)
    for action in actions:
        observation, reward, terminated, _, _ = env.step(given(action))
        state, gain, ended = kernel.transition(task, state, [action], ())
        np.testing.assert_allclose(state, env.state, rtol=ROUNDING, atol=ROUNDING)
        state = STATES[name](*np.asarray(env.state, np.float64).tolist())
        seen = np.empty(env.observation_space.shape)
        kernel.observe(task, state, seen)
        np.testing.assert_allclose(seen.astype(np.float32), observation, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(gain, reward, rtol=ROUNDING)
        assert ended == terminated
        if terminated:
            return True
    return False


def box(action: float) -> Any:
    return np.array([action])


# Equal to Gymnasium's, step for step


@stock_and_perturbed
def test_acrobot_is_gymnasiums(kappa: float) -> None:
    """At κ = 0 untouched Acrobot-v1; states from everywhere, so that many episodes end."""
    generator, ends = rng(8), []
    for task in tasks("acrobot", 40, kappa):
        env = gymnasiums_acrobot(task) if kappa else AcrobotEnv()
        state = AcrobotState(*(generator.uniform(-1, 1, 4) * [3.1, 3.1, 12.0, 28.0]).tolist())
        actions = generator.integers(3, size=60).tolist()
        ends.append(assert_same_walk("acrobot", env, task, state, actions))
    assert 0.1 < np.mean(ends) < 1


@stock_and_perturbed
def test_pendulum_is_gymnasiums(kappa: float) -> None:
    """Torques beyond the limit included; speeds up to their limit."""
    generator = rng(8)
    for task in tasks("pendulum", 40, kappa):
        env = gymnasiums_pendulum(task) if kappa else PendulumEnv()
        state = PendulumState(*(generator.uniform(-1, 1, 2) * [9.0, 8.0]).tolist())
        actions = generator.uniform(-3, 3, 200).tolist()
        assert not assert_same_walk("pendulum", env, task, state, actions, box)


@stock_and_perturbed
def test_mountain_car_is_gymnasiums(kappa: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gymnasium stores its state in float32; here its own code stores float64.

    Its gravity is a literal, so that the agents' gravity is stock; bias is given to Gymnasium as
    part of the action, and its price taken back.
    """
    wide = SimpleNamespace(array=np.array, float32=np.float64)
    generator, ends = rng(8), []
    for task in tasks("mountain-car", 40, kappa):
        task = task._replace(gravity=0.0025)
        env: Any = Continuous_MountainCarEnv()
        env.power = task.power
        env.reset(seed=0)
        state = MountainCarState(generator.uniform(-1.2, 0.6), generator.uniform(-0.07, 0.07))
        for action in generator.uniform(-1.5, 1.5, 100).tolist():
            env.state = np.array(state)
            with monkeypatch.context() as patch:
                patch.setattr(continuous_mountain_car, "np", wide)
                seen, reward, terminated, _, _ = env.step(box(action + task.action_bias))
            state, gain, ended = KERNELS["mountain-car"].transition(task, state, [action], ())
            np.testing.assert_allclose(state, seen, rtol=0, atol=0)
            paid = 0.1 * (action + task.action_bias) ** 2 - 0.1 * action**2
            np.testing.assert_allclose(gain, reward + paid, rtol=0, atol=1e-13)
            assert ended == terminated
        ends.append(terminated)
    assert 0 < np.mean(ends) < 1


def test_untouched_mountain_car_agrees_within_its_storage() -> None:
    """MountainCarContinuous-v0 as it is, from the state it stored: equal once rounded as it is."""
    generator, task = rng(9), stock("mountain-car")
    env: Any = Continuous_MountainCarEnv()
    for _ in range(500):
        env.reset(seed=0)
        state = MountainCarState(generator.uniform(-1.2, 0.6), generator.uniform(-0.07, 0.07))
        env.state = np.array(state)
        action = generator.uniform(-1.5, 1.5)
        seen, reward, terminated, _, _ = env.step(box(action))
        following, gain, ended = KERNELS["mountain-car"].transition(task, state, [action], ())
        np.testing.assert_array_equal(np.array(following, np.float32), seen)
        np.testing.assert_allclose(gain, reward, rtol=0, atol=1e-13)
        assert ended == terminated


def test_starts_are_gymnasiums() -> None:
    """The same uniform numbers, in the same order; Acrobot-v1 rounds its start to float32."""
    environments: dict[str, Any] = {
        "acrobot": AcrobotEnv(),
        "pendulum": PendulumEnv(),
        "mountain-car": Continuous_MountainCarEnv(),
    }
    for name, env in environments.items():
        kernel = KERNELS[name]
        for seed in range(20):
            env.reset(seed=seed)
            numbers = np.random.default_rng(seed).random(kernel.start_draws)
            start = kernel.initial(stock(name), numbers)
            rounding = 1e-8 if name == "acrobot" else 1e-15
            np.testing.assert_allclose(start, env.state, rtol=0, atol=rounding)


@pytest.mark.parametrize("name", THRESHOLDS)
def test_reference_is_gymnasiums_threshold(name: str) -> None:
    family = FAMILIES[name]()
    reference: Any = family.reference(family.sample(2, 0.0, rng()))
    assert reference.value == gymnasium.spec(THRESHOLDS[name]).reward_threshold


# Every knob, and the law it obeys


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_every_knob_alone_changes_the_trajectory(name: str, knob: str) -> None:
    """Same start, same actions; towards either end of its range."""
    task = stock(name)
    start = KERNELS[name].initial(task, np.full(4, 0.8))
    actions = [2, 0, 1, 2, 0] if name == "acrobot" else [0.5, -0.3, 0.8, 0.1, -0.9]
    range_of: Knob = FAMILIES[name].knobs[knob]
    assert getattr(task, knob) == range_of.stock
    ends = [
        steps(name, task._replace(**{knob: value}), start, actions)[-1][0]
        for value in (range_of.low, range_of.stock, range_of.high)
    ]
    assert len(set(ends)) == 3


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_every_knob_varies_alone(name: str, knob: str) -> None:
    federation = FAMILIES[name](vary=(knob,)).sample(4, 1.0, rng())  # type: ignore[call-arg]
    assert [field for field in federation._fields if np.ptp(getattr(federation, field)) > 0] == [
        knob
    ]


@every_kernel
def test_unknown_knob_to_vary_names_the_nearest(name: str) -> None:
    knob = next(iter(FAMILIES[name].knobs))
    with pytest.raises(ValueError, match=f"did you mean '{knob}'"):
        FAMILIES[name](vary=(knob + "s",))  # type: ignore[call-arg]


def test_constants_of_the_acrobot_follow_from_masses_and_lengths() -> None:
    """c = l/2, I = m l²; the angular momentum of a rigid chain is that of its parts."""
    task = stock("acrobot")._replace(
        inner_length=0.8, outer_length=1.4, inner_mass=0.6, outer_mass=1.2
    )
    c = acrobot.constants(task)
    np.testing.assert_allclose(c.inner, 0.6 * 0.4**2, rtol=1e-15)
    np.testing.assert_allclose(c.outer, 1.2 * 0.7**2, rtol=1e-15)
    np.testing.assert_allclose(c.square, 0.8**2 + 0.7**2, rtol=1e-15)
    np.testing.assert_allclose([c.moment_1, c.moment_2], [0.6 * 0.8**2, 1.2 * 1.4**2], rtol=1e-15)
    np.testing.assert_allclose(c.weight, 0.6 * 0.4 + 1.2 * 0.8, rtol=1e-15)
    assert (c.mass, c.length, c.centre) == (1.2, 0.8, 0.7)


def test_acrobot_without_torque_does_not_weigh() -> None:
    """All masses scaled by 2: without torque nothing changes; a torque does half as much."""
    task = stock("acrobot")
    heavy = task._replace(inner_mass=2.0, outer_mass=2.0)
    generator = rng(3)
    for _ in range(20):
        q1, q2, v1, v2 = generator.uniform(-3, 3, 4).tolist()
        free, free_heavy, driven, driven_heavy = (
            np.array(acrobot.accelerations(acrobot.constants(one), q1, q2, v1, v2, torque))
            for torque in (0.0, 1.0)
            for one in (task, heavy)
        )
        np.testing.assert_allclose(free_heavy, free, rtol=1e-12)
        np.testing.assert_allclose(driven_heavy - free, (driven - free) / 2, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    "knobs", [{}, {"inner_length": 0.6, "outer_mass": 1.4, "outer_length": 1.3}]
)
def test_acrobot_without_torque_keeps_its_energy(knobs: dict[str, float]) -> None:
    """dE/dt = q̇ᵀM q̈ + ½ q̇ᵀṀ q̇ + ∇V·q̇ = 0, from the textbook's M and V and nothing of ours."""
    task = stock("acrobot")._replace(**knobs)
    (l1, l2, m1, m2), g = task, 9.8
    c1, c2, i1, i2 = l1 / 2, l2 / 2, m1 * l1**2, m2 * l2**2
    generator = rng(4)
    for _ in range(20):
        q1, q2, v1, v2 = generator.uniform(-3, 3, 4).tolist()
        outer = m2 * c2**2 + i2
        coupling = m2 * l1 * c2
        mixed = outer + coupling * math.cos(q2)
        mass = np.array([[m1 * c1**2 + m2 * l1**2 + i1 + mixed * 2 - outer, mixed], [mixed, outer]])
        drift = -coupling * math.sin(q2) * v2 * np.array([[2.0, 1.0], [1.0, 0.0]])
        speed = np.array([v1, v2])
        lever = m2 * g * c2 * math.sin(q1 + q2)
        slope = np.array([(m1 * c1 + m2 * l1) * g * math.sin(q1) + lever, lever])
        force = np.array(acrobot.accelerations(acrobot.constants(task), q1, q2, v1, v2, 0.0))
        power = speed @ mass @ force + 0.5 * speed @ drift @ speed + slope @ speed
        np.testing.assert_allclose(power, 0, rtol=0, atol=1e-10)


def test_pendulum_depends_on_two_groups_of_constants() -> None:
    """g/l and m l² are all that matters: l and g doubled, m quartered is the same MDP."""
    task = stock("pendulum")
    other = task._replace(length=2.0, gravity=20.0, mass=0.25)
    start, actions = PendulumState(2.0, 0.3), rng(2).uniform(-2, 2, 50).tolist()
    assert steps("pendulum", task, start, actions) == steps("pendulum", other, start, actions)


def test_pendulum_without_torque_does_not_weigh() -> None:
    task = stock("pendulum")
    start, actions = PendulumState(2.0, 0.3), [0.0] * 50
    heavy = steps("pendulum", task._replace(mass=1.5), start, actions)
    assert heavy == steps("pendulum", task, start, actions)


def test_pendulum_clips_torque_for_motion_and_cost() -> None:
    task, start = stock("pendulum"), PendulumState(2.0, 0.3)
    for torque in (2.0, -2.0):
        assert steps("pendulum", task, start, [9 * torque]) == steps(
            "pendulum", task, start, [torque]
        )


def test_action_bias_of_the_mountain_car_is_an_action() -> None:
    """Chosen 0.5 with bias 0.25 moves as 0.75 and costs 0.5; together they are clipped at 1."""
    task, start = stock("mountain-car"), MountainCarState(-0.5, 0.01)
    biased = task._replace(action_bias=0.25)
    for chosen, moves in ((0.5, 0.75), (0.9, 1.0), (-1.5, -1.0)):
        (one,) = steps("mountain-car", biased, start, [chosen])
        (two,) = steps("mountain-car", task, start, [moves])
        assert one[0] == two[0]
        np.testing.assert_allclose(one[1], -0.1 * chosen**2, rtol=1e-14)


def test_power_and_gravity_are_accelerations() -> None:
    """Both doubled: from rest twice the velocity. Without throttle only gravity acts, linearly."""
    task, start = stock("mountain-car"), MountainCarState(-0.4, 0.0)

    def velocity(power: float, gravity: float, action: float) -> float:
        changed = task._replace(power=power * task.power, gravity=gravity * task.gravity)
        return float(steps("mountain-car", changed, start, [action])[0][0].velocity)

    assert velocity(2, 2, 0.7) == 2 * velocity(1, 1, 0.7)
    assert velocity(2, 1, 0.0) == velocity(1, 1, 0.0)
    assert velocity(1, 2, 0.0) == 2 * velocity(1, 1, 0.0)
    np.testing.assert_allclose(velocity(1, 1, 0.0), -0.0025 * math.cos(-1.2), rtol=1e-14)


# The best known return of Pendulum: a plan by dynamic programming, played in the true dynamics

swing = njit(KERNELS["pendulum"].transition)


@njit  # type: ignore[untyped-decorator]
def value_at(value, angle, spin):
    """Bilinear; the angle is periodic, the spin within its limits."""
    angles, spins = value.shape
    x = (angle + math.pi) % (2 * math.pi) / (2 * math.pi) * angles
    y = (spin + 8.0) / 16.0 * (spins - 1)
    i, j = int(x) % angles, min(int(y), spins - 2)
    k, p, q = (i + 1) % angles, x - int(x), y - j
    return (1 - p) * ((1 - q) * value[i, j] + q * value[i, j + 1]) + p * (
        (1 - q) * value[k, j] + q * value[k, j + 1]
    )


@njit  # type: ignore[untyped-decorator]
def best(task, value, state, torques, empty):
    top, chosen = -np.inf, 0.0
    action = np.empty(1)
    for u in torques:
        action[0] = u
        following, reward, _ = swing(task, state, action, empty)
        total = reward + value_at(value, following.angle, following.spin)
        if total > top:
            top, chosen = total, u
    return top, chosen


@njit  # type: ignore[untyped-decorator]
def plan(task, horizon, angles, spins, torques, empty):
    value = np.zeros((horizon + 1, angles, spins))
    for t in range(horizon - 1, -1, -1):
        for i in range(angles):
            for j in range(spins):
                s = PendulumState(-math.pi + 2 * math.pi * i / angles, -8 + 16 * j / (spins - 1))
                value[t, i, j] = best(task, value[t + 1], s, torques, empty)[0]
    return value


@njit  # type: ignore[untyped-decorator]
def play(task, value, starts, torques, empty):
    out = np.zeros(len(starts))
    action = np.empty(1)
    for n in range(len(starts)):
        state = PendulumState(starts[n, 0], starts[n, 1])
        for t in range(len(value) - 1):
            action[0] = best(task, value[t + 1], state, torques, empty)[1]
            state, r, _ = swing(task, state, action, empty)
            out[n] += r
    return out


def test_reference_of_the_pendulum_is_what_a_plan_attains() -> None:
    """-139.4, -138.0, -137.4 on grids of 120 × 81, 240 × 161, 400 × 301 states; here the first."""
    family = FAMILIES["pendulum"]()
    torques, nothing = np.linspace(-2, 2, 11), np.empty(0)
    value = plan(stock("pendulum"), family.horizon, 120, 81, torques, nothing)
    grid = (np.arange(60) + 0.5) / 60
    starts = np.array([(math.pi * (2 * a - 1), 2 * b - 1) for a in grid for b in grid])
    attained = play(stock("pendulum"), value, starts, torques, nothing).mean()
    reference: Any = family.reference(family.sample(1, 0.0, rng()))
    assert reference.value - 3 < attained < reference.value + 1
