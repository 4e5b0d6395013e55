"""Laws of the Gymnasium view: every family, one agent, the same dynamics."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled

from fedrl.benchmark.conformance.view import experienced
from fedrl.envs import FAMILIES
from fedrl.envs.family import Knob, perturb
from fedrl.envs.views import rendering

KNOBBED = [name for name, family in FAMILIES.items() if family.knobs]
# Velocities have no bound; Gymnasium's CartPole-v1 and HalfCheetah-v5 are warned about likewise.

every_family = pytest.mark.parametrize("name", FAMILIES)


def make(name: str, **keywords: Any) -> Any:
    return gymnasium.make(FAMILIES[name].gymnasium_id, **keywords)


def middle(knob: Knob) -> float:
    return (knob.low + knob.high) / 2


def test_making_an_environment_imports_what_it_needs() -> None:
    """In a fresh interpreter, where nobody has imported `envs`."""
    make = "gymnasium.make('fedrl.envs:FedRL/CartPole-v0', gravity=11.0)"
    code = f"import gymnasium; {make}.reset(seed=0)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_horizon_can_be_longer_than_the_default() -> None:
    horizon = FAMILIES["gridworld"]().horizon + 10
    env = make("gridworld", horizon=horizon, slip=0.0)
    env.reset(seed=0)
    up = 0  # into the upper edge for ever
    assert [env.step(up)[3] for _ in range(horizon)] == [False] * (horizon - 1) + [True]


def test_probabilities_above_one_are_refused() -> None:
    for knob in ("slip", "wind"):
        with pytest.raises(ValueError, match=f"{knob} is 1.5; it must be a probability"):
            make("gridworld", **{knob: 1.5})


@pytest.mark.parametrize("name", KNOBBED)
def test_pinning_one_knob_leaves_the_others_heterogeneous(name: str) -> None:
    family = FAMILIES[name]()
    for knob, description in family.knobs.items():
        value = middle(description)
        pinned = family.pinned({knob: value})
        drawn = perturb(pinned.knobs, pinned.knobs, 4, 1.0, np.random.default_rng(2))
        usual = perturb(family.knobs, family.knobs, 4, 1.0, np.random.default_rng(2))
        assert (drawn.pop(knob) == value).all()
        for other, column in drawn.items():
            np.testing.assert_array_equal(column, usual[other])
    assert family.knobs is type(family).knobs  # the original is untouched


def frames(env: Any, steps: int = 20) -> Iterator[Any]:
    """Pictures after each of some random steps; every episode begins where the first one did."""
    env.action_space.seed(1)
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        yield env.render()
        if terminated or truncated:
            env.reset(seed=0)


@every_family
def test_every_render_mode_draws_or_says_what_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")  # no window on the screen
    for mode in rendering.rendering_of(FAMILIES[name]()).modes:
        try:
            env = make(name, kappa=1.0, render_mode=mode)
        except DependencyNotInstalled as error:
            assert "pip install fedrl" in str(error) or "MUJOCO_GL" in str(error)  # noqa: PT017
            continue
        env.reset(seed=0)
        first: Any = env.render()
        kinds: dict[str, Any] = {"ansi": str, "rgb_array": np.ndarray, "human": type(None)}
        assert isinstance(first, kinds[mode])
        if mode == "rgb_array":
            assert first.dtype == np.uint8
            assert first.std() > 0
            assert any(not np.array_equal(first, frame) for frame in frames(env))
        env.close()


@every_family
def test_drawing_changes_no_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    for mode in rendering.rendering_of(FAMILIES[name]()).modes:
        try:
            env = make(name, render_mode=mode)
        except DependencyNotInstalled:
            continue
        step = env.step

        def drawn(action: Any, env: Any = env, step: Any = step) -> Any:
            env.render()
            return step(action)

        monkeypatch.setattr(env, "step", drawn)
        assert experienced(env) == experienced(make(name))


def test_missing_pygame_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "find_spec", lambda name: None)
    with pytest.raises(DependencyNotInstalled, match=r"pip install .*\[render\]"):
        make("cartpole", render_mode="rgb_array")


def test_map_shows_agent_goal_and_walls() -> None:
    walls = ((0, 1), (1, 1))
    env = make("gridworld", render_mode="ansi", width=3, height=3, walls=walls, slip=0.0)
    env.reset(seed=0)
    assert env.render() == "A # .\n. # .\n. . G"
    env.step(2)
    assert env.render() == ". # .\nA # .\n. . G"


def test_vector_environments_work() -> None:
    envs = gymnasium.make_vec("FedRL/CartPole-v0", 3, vectorization_mode="sync", kappa=0.5)
    observation, _ = envs.reset(seed=0)
    assert observation.shape == (3, 4)
    envs.step(np.array([0, 1, 0]))
    envs.close()
