"""Laws of the Gymnasium view: every family, one agent, the same dynamics."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled, ResetNeeded
from gymnasium.utils.env_checker import check_env

from benchmark.cell import Cell
from benchmark.noise import START, Seed, uniform_lanes
from benchmark.rollout import Sampler, Stream
from envs import FAMILIES, rendering
from envs.family import Family, Knob, perturb
from envs.gym import FamilyEnv

KNOBS = [(name, knob) for name, family in FAMILIES.items() for knob in family.knobs]
KNOBBED = [name for name, family in FAMILIES.items() if family.knobs]
# Velocities have no bound; Gymnasium's CartPole-v1 and HalfCheetah-v5 are warned about likewise.
UNBOUNDED = "A Box observation space m"
ANY_ACTION = "A Box action space m"  # of a linear system: every real number is an action
NOT_ONE = "For Box action spaces, we recommend"  # Gymnasium's Pendulum-v1 is warned about likewise

every_family = pytest.mark.parametrize("name", FAMILIES)
every_knob = pytest.mark.parametrize(("name", "knob"), KNOBS)


def make(name: str, **keywords: Any) -> Any:
    return gymnasium.make(FAMILIES[name].gymnasium_id, **keywords)


def trajectory(env: Any, episodes: int = 1, steps: int = 25) -> list[Any]:
    """Everything seen in episodes seeded 0, 1, ... under the same random actions."""
    env.action_space.seed(1)
    plan = [env.action_space.sample() for _ in range(steps)]
    seen: list[Any] = []
    for seed in range(episodes):
        seen.append(np.asarray(env.reset(seed=seed)[0]).tolist())
        for action in plan:
            observation, reward, terminated, truncated, _ = env.step(action)
            seen.append((np.asarray(observation).tolist(), reward, terminated, truncated))
            if terminated or truncated:
                break
    return seen


def middle(knob: Knob) -> float:
    return (knob.low + knob.high) / 2


def assert_same_task(one: Any, two: Any) -> None:
    assert type(one) is type(two)
    for name, left, right in zip(one._fields, one, two, strict=True):
        np.testing.assert_array_equal(left, right, err_msg=name)


@every_family
@pytest.mark.parametrize("kappa", [0.0, 1.0])
def test_passes_gymnasiums_checker(name: str, kappa: float) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(make(name, kappa=kappa, agent=1).unwrapped, skip_render_check=True)
    messages = [str(w.message) for w in caught]
    expected = (UNBOUNDED, ANY_ACTION, NOT_ONE)
    assert [m for m in messages if not any(known in m for known in expected)] == []


def test_making_an_environment_imports_what_it_needs() -> None:
    """In a fresh interpreter, where nobody has imported `envs`."""
    code = "import gymnasium; gymnasium.make('envs:FedRL/CartPole-v0', gravity=11.0).reset(seed=0)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@every_family
def test_seed_decides_the_episode(name: str) -> None:
    assert trajectory(make(name)) == trajectory(make(name))
    env = make(name)
    first = trajectory(env, episodes=3)
    assert trajectory(env, episodes=3) == first


@every_family
@pytest.mark.parametrize("horizon", [1, 3])
def test_horizon_truncates(name: str, horizon: int) -> None:
    seen = trajectory(make(name, horizon=horizon))
    assert len(seen) == 1 + horizon
    assert [end for *_, end in seen[1:]] == [False] * (horizon - 1) + [True]
    assert not any(terminated for _, _, terminated, _ in seen[1:])


def test_horizon_can_be_longer_than_the_default() -> None:
    horizon = FAMILIES["gridworld"]().horizon + 10
    env = make("gridworld", horizon=horizon, slip=0.0)
    env.reset(seed=0)
    up = 0  # into the upper edge for ever
    assert [env.step(up)[3] for _ in range(horizon)] == [False] * (horizon - 1) + [True]


@every_family
def test_an_episode_that_ended_needs_a_reset(name: str) -> None:
    env = make(name, horizon=1).unwrapped
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    trajectory(env, steps=1)
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    trajectory(env, steps=1)


@every_family
def test_actions_of_another_space_are_refused(name: str) -> None:
    env = make(name)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action is"):
        env.step(-1)


@every_knob
def test_knob_given_by_keyword_reaches_the_dynamics(name: str, knob: str) -> None:
    """Same start noise, same step noise, same actions; the other knobs halfway to κ = 1."""
    values = {other: middle(description) for other, description in FAMILIES[name].knobs.items()}
    before = trajectory(make(name, **values), episodes=5)
    after = trajectory(make(name, **{**values, knob: FAMILIES[name].knobs[knob].high}), episodes=5)
    assert before != after


@every_knob
def test_misspelt_knob_names_the_nearest(name: str, knob: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean '{knob}'"):
        make(name, **{knob[:-1]: 1.0})


@every_family
def test_misspelt_keyword_names_the_nearest(name: str) -> None:
    for right, wrong in (("horizon", "horizont"), ("kappa", "kapa"), ("task_seed", "taskseed")):
        with pytest.raises(ValueError, match=f"did you mean '{right}'"):
            make(name, **{wrong: 1})


@every_knob
def test_impossible_knob_values_are_refused(name: str, knob: str) -> None:
    low = FAMILIES[name].knobs[knob].minimum
    for value in (np.nan, np.inf, "much", *([low - 0.5] if np.isfinite(low) else [])):
        with pytest.raises(ValueError, match=f"{knob} is .* must be a finite number above"):
            make(name, **{knob: value})


def test_probabilities_above_one_are_refused() -> None:
    for knob in ("slip", "wind"):
        with pytest.raises(ValueError, match=f"{knob} is 1.5; it must be a probability"):
            make("gridworld", **{knob: 1.5})


@every_family
def test_wrong_agent_seed_kappa_and_mode_are_refused(name: str) -> None:
    for keyword, value in (("agent", -1), ("agent", 0.5), ("task_seed", -1), ("kappa", -0.1)):
        with pytest.raises(ValueError, match=f"{keyword} is"):
            make(name, **{keyword: value})
    with pytest.raises(ValueError, match="no render mode"):
        FamilyEnv(name, render_mode="smell")


@every_family
def test_options_knobs_and_own_keywords_never_share_a_name(name: str) -> None:
    family = FAMILIES[name]()
    env = FamilyEnv(type(family))
    assert type(env.family) is type(family)
    own = {"kappa", "agent", "task_seed", "render_mode", "family"}
    options = {field for field in vars(family) if field != "knobs"}
    assert not options & set(family.knobs)
    assert not own & (options | set(family.knobs))


@every_family
def test_agent_of_a_run_has_the_same_mdp_here(name: str) -> None:
    family, seed = FAMILIES[name](), Seed("test", 3)
    federation = family.sample(5, 0.7, seed.generator("environment"))
    generator = seed.generator("environment")
    for agent in (0, 2, 4):
        row = type(federation)(*(field[agent : agent + 1] for field in federation))
        for task_seed in (generator, seed.key("environment")):
            env = make(name, kappa=0.7, agent=agent, task_seed=task_seed).unwrapped
            assert_same_task(env.task, row)


@pytest.mark.parametrize("name", KNOBBED)
def test_pinning_an_agents_own_knob_values_gives_its_mdp(name: str) -> None:
    family = FAMILIES[name]()
    federation = family.sample(4, 1.0, np.random.default_rng(2))
    values = perturb(family.knobs, family.knobs, 4, 1.0, np.random.default_rng(2))
    for agent in range(4):
        own = {knob: column[agent] for knob, column in values.items()}
        env = make(name, kappa=0.3, **own).unwrapped
        row = type(federation)(*(field[agent : agent + 1] for field in federation))
        assert_same_task(env.task, row)


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


class Dice:
    """Hands out given numbers instead of drawing any."""

    def __init__(self, numbers: list[np.ndarray[Any, Any]]) -> None:
        self.numbers = iter(numbers)

    def random(self, size: int) -> np.ndarray[Any, Any]:
        row = next(self.numbers)
        assert row.shape == (size,)
        return row


@every_family
@pytest.mark.parametrize("kappa", [0.0, 0.8])
def test_view_and_batch_engine_agree_step_for_step(name: str, kappa: float) -> None:
    """The view replays the engine's actions on the engine's numbers: every bit is the same."""
    cell = Cell(family=name, algorithm="fedpg", kappa=kappa, dtype="float64", hidden=(4,))
    family: Family = type(cell.build_family())(horizon=40)
    policy = cell.build_policy()
    task = family.sample(3, kappa, np.random.default_rng(6))
    theta = np.random.default_rng(4).normal(0, 0.3, (3, policy.size))
    keys = np.full(3, Seed("test", 0).key("training"), np.uint64)
    stream = Stream(keys, np.arange(3), 5)
    played = Sampler(family, policy, task).sample(theta, stream, 2)
    agent, b = 1, 1
    env: Any = make(name, horizon=40, kappa=kappa, agent=agent, task_seed=6).unwrapped

    def numbers(count: int, at: int) -> np.ndarray[Any, Any]:
        out = np.empty((6, count))
        uniform_lanes(out, keys, stream.agents, stream.draw, 2, at)
        return out[2 * agent + b]

    draws, length = policy.draws + env.lane.step_draws, int(played.length[agent, b])
    blocks = (draws + 1) // 2
    env.np_random = Dice(
        [numbers(env.lane.start_draws, START)]
        + [numbers(draws, t * blocks)[policy.draws :] for t in range(length)]
    )
    observation, _ = env.reset()
    for t in range(length):
        np.testing.assert_array_equal(played.observation[agent, b, t], np.atleast_1d(observation))
        action: Any = played.action[agent, b, t]
        if not env.action_space.shape:
            action = int(action[0])
        observation, reward, terminated, truncated, _ = env.step(action)
        assert reward == played.reward[agent, b, t]
        assert (terminated or truncated) == (t + 1 == length)


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
        for _ in range(3):
            env.step(env.action_space.sample())
        kinds: dict[str, Any] = {"ansi": str, "rgb_array": np.ndarray, "human": type(None)}
        assert isinstance(first, kinds[mode])
        if mode == "rgb_array":
            assert first.dtype == np.uint8
            assert first.std() > 0
            assert not np.array_equal(first, env.render())
        env.close()
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
        assert trajectory(env) == trajectory(make(name))


def test_missing_pygame_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "find_spec", lambda name: None)
    with pytest.raises(DependencyNotInstalled, match=r"pip install fedrl\[render\]"):
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
