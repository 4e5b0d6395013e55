"""Laws of environments nobody here wrote: an id and a table of knobs make a family."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import StudyError
from fedrl.benchmark.storage.code_digest import Sources, places_of
from fedrl.benchmark.storage.provenance import config_code
from fedrl.benchmark.storage.run_code import closures, modules_of
from fedrl.benchmark.training import federation
from fedrl.benchmark.training.federation import train
from fedrl.envs.thirdparty.stepping import SEEDS
from fedrl.envs.thirdparty.third_party import GymnasiumFamily
from fedrl.envs.views.gym import FamilyEnv

LANDER: dict[str, Any] = {
    "id": "LunarLander-v3",
    "keywords": {"enable_wind": True},
    "ranges": {"gravity": [-11.9, -10.0, -8.0], "wind_power": [10.0, 15.0, 20.0]},
}
CONTINUOUS = LANDER | {"id": "LunarLanderContinuous-v3"}
CHAIN: dict[str, Any] = {
    "id": "gym_invmgmt:GymInvMgmt/Serial-v0",
    "ranges": {
        "demand_engine.base_mu": [15.0, 20.0, 25.0],
        "demand_engine.noise_scale": [0.5, 1.0, 1.5],
    },
}
LAKE: dict[str, Any] = {"id": "FrozenLake-v1", "ranges": {"success_rate": [0.1, 1 / 3, 0.6]}}
PENDULUM: dict[str, Any] = {"id": "Pendulum-v1", "ranges": {"m": [0.5, 1.0, 1.5]}}
CARDS: dict[str, Any] = {"id": "Blackjack-v1", "ranges": {}}  # a Tuple, which is flattened
EVERY = [LANDER, CHAIN, LAKE, PENDULUM, CARDS]
VARIED = [LANDER, CHAIN, LAKE, PENDULUM]

every = pytest.mark.parametrize("options", EVERY, ids=lambda o: o["id"])
varied = pytest.mark.parametrize("options", VARIED, ids=lambda o: o["id"])
both = pytest.mark.parametrize("options", [LANDER, CHAIN], ids=lambda o: o["id"])
NOTHING = np.zeros((0, 0))


def family(options: dict[str, Any], **more: Any) -> GymnasiumFamily:
    return GymnasiumFamily(**{**options, **more})


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def plan(space: spaces.Space[Any], steps: int, lanes: int) -> np.ndarray[Any, Any]:
    """Actions (steps, lanes, a) within the space."""
    space.seed(4)
    flat = [np.ravel(space.sample()) for _ in range(steps * lanes)]
    return np.array(flat, np.float64).reshape(steps, lanes, -1)


def played(simulator: Any, uniform: Any, actions: Any) -> list[Any]:
    """Start and all steps, as plain lists per lane."""
    state = simulator.start(uniform)
    seen: list[Any] = [[row.tolist()] for row in state]
    for action in actions:
        step = simulator.step(state, action, NOTHING)
        state = step.state
        for lane, row in enumerate(state):
            seen[lane].append((row.tolist(), step.reward[lane], bool(step.terminated[lane])))
    return seen


def by_hand(env: Any, uniform: float, actions: Any) -> list[Any]:
    """What an ordinary loop sees; after the end everything stays, without reward."""
    space, taken = env.observation_space, env.action_space

    def vector(observation: Any) -> list[float]:
        if isinstance(space, spaces.Discrete):
            return [float(observation)]
        return np.asarray(spaces.flatten(space, observation), np.float64).tolist()

    seen: list[Any] = [vector(env.reset(seed=int(uniform * SEEDS))[0])]
    row, over = seen[0], False
    for action in actions:
        reward = 0.0
        if not over:
            own = (
                int(action[0])
                if isinstance(taken, spaces.Discrete)
                else np.asarray(action, taken.dtype)
            )
            observation, gain, terminated, truncated, _ = env.step(own)
            row, reward, over = vector(observation), float(gain), terminated or truncated
        seen.append((row, reward, over))
    return seen


@every
def test_stock_is_the_environment_step_for_step(options: dict[str, Any]) -> None:
    """The same bits, over several episodes of the same objects."""
    chosen = family(options)
    simulator = chosen.simulator(chosen.sample(1, 0.0, rng()), episodes=2)
    keywords = options.get("keywords", {})
    env = gymnasium.make(options["id"], max_episode_steps=-1, **keywords)
    for episode in range(3):
        uniform, actions = rng(episode).random((2, 1)), plan(chosen.action_space, 40, 2)
        for lane, seen in enumerate(played(simulator, uniform, actions)):
            assert seen == by_hand(env, uniform[lane, 0], actions[:, lane])


def test_keywords_reach_the_constructor() -> None:
    chosen = family(LANDER)
    task = chosen.sample(4, 1.0, rng())
    actions, uniform = plan(chosen.action_space, 60, 4), np.full((4, 1), 0.3)
    for lane, seen in enumerate(played(chosen.simulator(task, 1), uniform, actions)):
        gravity, wind = task.values[lane].tolist()
        env = gymnasium.make("LunarLander-v3", enable_wind=True, gravity=gravity, wind_power=wind)
        assert env.unwrapped.world.gravity[1] == pytest.approx(gravity)  # type: ignore[attr-defined]
        assert seen == by_hand(env, 0.3, actions[:, lane])


def test_attributes_reach_the_environment() -> None:
    chosen = family(CHAIN)
    task = chosen.sample(4, 1.0, rng())
    actions, uniform = plan(chosen.action_space, 20, 4) / 50, np.full((4, 1), 0.3)
    for lane, seen in enumerate(played(chosen.simulator(task, 1), uniform, actions)):
        env: Any = gymnasium.make(CHAIN["id"])
        engine = env.unwrapped.demand_engine
        engine.base_mu, engine.noise_scale = task.values[lane].tolist()
        assert seen == by_hand(env, 0.3, actions[:, lane])


def test_a_keyword_that_holds_a_table_is_entered() -> None:
    path = "demand_config.base_mu"
    chosen = family(CHAIN, ranges={path: [15.0, 20.0, 25.0]})
    simulator: Any = chosen.simulator(chosen.sample(3, 1.0, rng()), 1)
    values = chosen.sample(3, 1.0, rng()).values[:, 0].tolist()
    assert [env.unwrapped.demand_engine.base_mu for env in simulator.envs] == values
    assert all(
        env.unwrapped.env_kwargs["demand_config"]["type"] == "stationary" for env in simulator.envs
    )
    again = gymnasium.make(CHAIN["id"])
    assert again.unwrapped.demand_engine.base_mu == 20  # type: ignore[attr-defined]


@varied
def test_every_knob_changes_the_trajectory(options: dict[str, Any]) -> None:
    """Same seeds, same actions; at κ = 0 all agents live the same."""
    for name, values in options["ranges"].items():
        chosen = family(options, ranges={name: values})
        actions = np.repeat(plan(chosen.action_space, 60, 1), 4, axis=1)
        uniform = np.tile([[0.2], [0.7]], (4, 1))  # two episodes each of four agents
        task = {kappa: chosen.sample(4, kappa, rng(9)) for kappa in (0.0, 1.0)}
        doubled = np.repeat(actions, 2, axis=1)
        same = played(chosen.simulator(task[0.0], 2), uniform, doubled)
        other = played(chosen.simulator(task[1.0], 2), uniform, doubled)
        assert all(seen == same[lane % 2] for lane, seen in enumerate(same))
        assert any(one != two for one, two in zip(same, other, strict=True))
        assert any(other[2 * agent : 2 * agent + 2] != other[:2] for agent in (1, 2, 3))


@varied
def test_a_lane_does_not_depend_on_its_neighbours(options: dict[str, Any]) -> None:
    chosen = family(options)
    task = chosen.sample(3, 1.0, rng())
    actions, uniform = plan(chosen.action_space, 50, 6), rng().random((6, 1))
    simulator = chosen.simulator(task, 2, threads=2)
    played(simulator, rng(1).random((6, 1)), actions)  # used objects
    together = played(simulator, uniform, actions)
    for lane in range(6):
        row = type(task)(*(field[lane // 2 : lane // 2 + 1] for field in task))
        alone = played(chosen.simulator(row, 1), uniform[lane : lane + 1], actions[:, [lane]])
        assert alone[0] == together[lane]


@pytest.mark.parametrize("options", [CONTINUOUS, CHAIN], ids=lambda o: o["id"])
@pytest.mark.parametrize("algorithm", ["fedpg", "fedhapg-m"])
def test_runs_are_the_same_alone_together_and_resumed(
    options: dict[str, Any], algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    common: dict[str, Any] = {
        "family": "gymnasium",
        "algorithm": algorithm,
        "options": {**options, "horizon": 25},
        "agents": 2,
        "rounds": 3,
        "local_steps": 2,
        "evaluate_every": 1,
        "evaluation_episodes": 2,
        "step_size": 1e-5,
        "hidden": (4, 4),
        "dtype": "float64",  # as others compile this head
    }
    runs = [
        Run(Config(**common, kappa=kappa), Seed("test", seed))
        for kappa, seed in ((0.0, 0), (1.0, 0), (1.0, 1))
    ]
    together = train(runs)
    states: list[Any] = []
    monkeypatch.setattr(federation, "SAVE_EVERY", 0.0)
    alone = train([runs[1]], on_state=lambda run, state: states.append(state))
    results = [alone[0], *(train([runs[1]], states=[state])[0] for state in states)]
    assert len(states) >= 3
    for result in results:
        for name, column in together[1].columns.items():
            np.testing.assert_array_equal(column, result.columns[name], err_msg=name)
    returns = [result.columns["return"].tolist() for result in together]
    assert returns[0] != returns[1] != returns[2]


def test_clipping_is_to_the_bounds_of_the_space() -> None:
    chosen = family(PENDULUM)
    simulator = chosen.simulator(chosen.sample(1, 0.0, rng()), 1)
    uniform, actions = np.full((1, 1), 0.4), np.full((20, 1, 1), 2.0)
    assert played(simulator, uniform, 5 * actions) == played(simulator, uniform, actions)


def test_a_lane_without_finite_action_ends_with_nan_alone() -> None:
    chosen = family(PENDULUM)
    simulator = chosen.simulator(chosen.sample(2, 0.0, rng()), 1)
    state = simulator.start(np.full((2, 1), 0.4))
    step = simulator.step(state, np.array([[np.nan], [1.0]]), NOTHING)
    assert step.terminated.tolist() == [True, False]
    assert np.isnan(step.reward[0])
    assert np.isfinite(step.reward[1])
    np.testing.assert_array_equal(step.state[0], state[0])


def test_there_is_no_way_back_to_an_earlier_state() -> None:
    chosen = family(PENDULUM)
    simulator = chosen.simulator(chosen.sample(1, 0.0, rng()), 1)
    state = simulator.start(np.full((1, 1), 0.4))
    simulator.step(state, np.ones((1, 1)), NOTHING)
    with pytest.raises(ValueError, match="goes on from where it is"):
        simulator.step(state, np.ones((1, 1)), NOTHING)


def test_the_gymnasium_view_takes_the_knobs_of_its_id() -> None:
    options: dict[str, Any] = {"id": "Pendulum-v1", "ranges": [["m", 0.5, 1, 1.5]]}
    assert FamilyEnv("gymnasium", **options, m=1.2).task.values.tolist() == [[1.2]]
    with pytest.raises(ValueError, match="did you mean 'm'"):
        FamilyEnv("gymnasium", **options, mm=1.2)


# Environments that cannot be used


class Odd(gymnasium.Env[Any, Any]):
    """Observes nothing; what is wrong with it is a keyword."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, wrong: str = "", strength: float = 1.0) -> None:
        self.wrong, self.strength, self.speed = wrong, strength, 2.0
        self.flag, self.episodes, self.steps = True, 0, 0
        self.twice_speed, self.corner = 4.0, (1.0, 2.0)
        self.observation_space: Any = spaces.Box(-1e9, 1e9, (1,))
        self.action_space: Any = spaces.Discrete(2, start=5)
        if wrong == "observation":
            self.observation_space = spaces.Sequence(spaces.Discrete(3))
        if wrong == "action":
            self.action_space = spaces.MultiBinary(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.episodes += 1
        if self.wrong == "reset":
            self.speed = 2.0
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        assert action in self.action_space
        self.steps += 1
        if self.wrong == "breaks" and self.speed == 3:
            raise KeyError("speed")
        if self.wrong == "four":
            return self._seen(), 1.0, False, {}
        if self.wrong == "rewards":
            return self._seen(), np.array([1.0, 2.0]), False, False, {}
        return self._seen(), float(action) + self.corner[0] - 1, False, False, {}

    def _seen(self) -> Any:
        value = self.speed * self.np_random.random()
        if self.wrong == "memory":
            value = self.episodes
        if self.wrong == "length" and self.steps > 30:  # an earlier episode was a long one
            value = 1.0
        if self.wrong == "dice":
            value = np.random.default_rng().random()
        if self.wrong == "own space" and value < 1:
            value = self.action_space.sample()
        if self.wrong == "nan":
            value = np.nan
        return np.array([value], np.float32)


gymnasium.register("Odd-v0", f"{__name__}:Odd")


def odd(wrong: str = "", **options: Any) -> GymnasiumFamily:
    return GymnasiumFamily(
        **{"id": "Odd-v0", "ranges": {}, "keywords": {"wrong": wrong}, **options}
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": "LunarLandr-v3"}, "knows no 'LunarLandr-v3'; did you mean 'LunarLander-v3'"),
        ({"id": "no_such_package:Some-v0"}, "'no_such_package' cannot be imported.*install"),
        ({"id": "gym_invmgmt:GymInvMgmt/Seral-v0"}, "did you mean 'GymInvMgmt/Serial-v0'"),
        ({"ranges": {"gravty": [1, 2, 3]}}, "no knob of CartPole-v1 'gravty'; did you mean 'grav"),
        ({"ranges": {"gravity": [3, 2, 1]}}, "ranges of gravity is .* finite and in order"),
        ({"ranges": {"gravity": [1, 9.8, np.inf]}}, "ranges of gravity is .* finite and in order"),
        ({"ranges": {"gravity": [9.0, 9.5, 10]}}, "gravity is 9.5 .* CartPole-v1 has 9.8"),
        ({"ranges": {"gravity": [9.0, 9.8]}}, "lowest, stock, highest.*'gravity'"),
        ({"ranges": [["length", 0, 0.5, 1], ["length", 0, 0.5, 1]]}, "given once only"),
        ({"ranges": {"horizon": [1, 2, 3]}}, "no option of the family"),
        ({"ranges": {"kinematics_integrator": [1, 2, 3]}}, "must be a number, such as gravity"),
        ({**LANDER, "keywords": {"enable_wnd": True}}, "did you mean 'enable_wind'"),
        ({**LANDER, "ranges": {"gravity": [-13, -10, -8]}}, "must be between -12 and 0"),
        ({**CHAIN, "ranges": {"demand_engine.base_m": [1, 20, 30]}}, "did you mean 'base_mu'"),
        ({**CHAIN, "ranges": {"demand_config.bas_mu": [1, 20, 30]}}, "did you mean 'base_mu'"),
    ],
)
def test_mistakes_are_told_before_any_compute(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GymnasiumFamily(**options)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("observation", "observations .* cannot be flattened"),
        ("action", "actions are MultiBinary.* must be Discrete or a Box"),
        ("dice", "two new objects of it play different episodes"),
        ("own space", "two new objects of it play different episodes.*own action space"),
        ("memory", "an object of it that was used plays another episode .* renew = true"),
        ("length", "an object of it that was used plays another episode"),
        ("nan", "observations and rewards must be finite"),
        ("four", r"Odd, whose step\(\) gives 4 values; it must give five"),
        ("rewards", r"Odd, whose reward is array\(\[1., 2.\]\); it must be one number"),
    ],
)
def test_unsuitable_environments_are_refused(wrong: str, message: str) -> None:
    odd()
    with pytest.raises(ValueError, match=message):
        odd(wrong)


def test_a_new_object_for_every_episode_forgets() -> None:
    chosen = odd("memory", renew=True)
    simulator = chosen.simulator(chosen.sample(1, 0.0, rng()), 1)
    seen = [simulator.start(np.zeros((1, 1))).tolist() for _ in range(3)]
    assert seen == [[[1.0]]] * 3
    plain = Config(family="gymnasium", algorithm="fedpg").options
    assert plain["renew"] is False


def test_a_knob_without_effect_is_refused() -> None:
    with pytest.raises(ValueError, match=r"twice_speed is \[1.0, 4.0, 9.0\].*derived"):
        odd(ranges={"twice_speed": [1, 4, 9]})
    with pytest.raises(ValueError, match=r"strength is .* the same at both ends$"):
        odd(ranges={"strength": [0, 1, 2]})
    with pytest.raises(ValueError, match=r"masscart .* it must change something"):
        GymnasiumFamily(ranges={"masscart": [0.5, 1.0, 1.5]})


def test_an_episode_that_breaks_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"cannot play an episode with speed=3.0: KeyError"):
        odd("breaks", ranges={"speed": [1, 2, 3]})


SWIMMER = {"id": "Swimmer-v5", "ranges": {"frame_skip": [2, 4, 6]}}


def test_whole_numbers_stay_whole() -> None:
    chosen = GymnasiumFamily(**SWIMMER)  # type: ignore[arg-type]
    values = chosen.sample(20, 1.0, rng()).values[:, 0]
    assert set(values) == {2.0, 3.0, 4.0, 5.0, 6.0}
    simulator: Any = chosen.simulator(chosen.sample(2, 1.0, rng()), 1)
    assert all(type(env.unwrapped.frame_skip) is int for env in simulator.envs)


def test_vectors_are_knobs_one_by_one() -> None:
    chosen = odd(ranges={"corner": [[0, 2], [1, 2], [3, 2]]})
    assert [row[0] for row in chosen.ranges] == ["corner.0", "corner.1"]
    task = chosen.sample(3, 1.0, rng())
    simulator: Any = chosen.simulator(task, 1)
    corners = [env.unwrapped.corner for env in simulator.envs]
    assert corners == [(value, 2.0) for value in task.values[:, 0]]
    with pytest.raises(ValueError, match="three vectors of one length for 'corner'"):
        odd(ranges={"corner": [[0, 2], [1, 2], 3]})


def test_what_mujoco_derives_follows_the_model() -> None:
    path = "model.body_mass.2"
    stock = float(gymnasium.make("InvertedPendulum-v5").unwrapped.model.body_mass[2])  # type: ignore[attr-defined]
    chosen = GymnasiumFamily(id="InvertedPendulum-v5", ranges={path: [1.0, stock, 9.0]})  # type: ignore[arg-type]
    simulator: Any = chosen.simulator(chosen.sample(2, 1.0, rng()), 1)
    for env in simulator.envs:
        model = env.unwrapped.model
        assert model.body_subtreemass[1] == pytest.approx(model.body_mass[1:].sum())
    assert "does not follow" in chosen.knobs[path].meaning


def test_an_id_without_a_table_has_no_knobs() -> None:
    assert GymnasiumFamily(id="Blackjack-v1").knobs == {}
    assert list(GymnasiumFamily().knobs) == ["gravity", "force_mag"]
    config = Config(family="gymnasium", algorithm="fedpg", options={"id": "Blackjack-v1"})
    assert config.options["ranges"] == []
    assert Config(**config.model_dump()) == config


def test_a_knob_that_reset_overwrites_is_refused() -> None:
    odd(ranges={"speed": [1, 2, 3]})
    with pytest.raises(
        ValueError, match=r"speed was set to 1.0, but reset\(\) of Odd-v0 made it 2"
    ):
        odd("reset", ranges={"speed": [1, 2, 3]})


def test_truth_values_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="flag of Odd-v0 is True; a knob must be a number"):
        odd(ranges={"flag": [0, 1, 2]})


def test_actions_that_begin_elsewhere_are_shifted() -> None:
    chosen = odd()
    simulator = chosen.simulator(chosen.sample(1, 0.0, rng()), 1)
    state = simulator.start(np.zeros((1, 1)))
    for action in (0, 1):
        step = simulator.step(state, np.array([[float(action)]]), NOTHING)
        state = step.state
        assert step.reward.tolist() == [5.0 + action]


def test_levels_the_environment_cannot_have_are_refused() -> None:
    with pytest.raises(ValueError, match="must be between -12 and 0"):
        family(LANDER).sample(1, 1.5, rng())
    with pytest.raises(ValueError, match="kappa=5"):
        family(PENDULUM).sample(9, 5.0, rng())


# In studies

STUDY = """
title = "T"
seeds = 1
[settings]
rounds = 1
[families."gymnasium@a"]
id = "Pendulum-v1"
[families."gymnasium@a".ranges]
m = [0.5, 1, 1.5]
[families."gymnasium@b"]
id = "Pendulum-v1"
ranges = [["m", 0.5, 1.0, 1.5]]
[algorithms.fedpg]
"""


def test_a_table_and_its_rows_are_the_same_options(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    one, two = load_study(path).configs()
    assert (one.family, two.family) == ("gymnasium@a", "gymnasium@b")
    assert one.options == two.options
    assert one.id != two.id
    assert Config(**one.model_dump()) == one
    assert [
        config.family for config in load_study(path, only=["family=gymnasium@b"]).configs()
    ] == ["gymnasium@b"]
    narrow = load_study(path, ["families.gymnasium@a.ranges.l=[0.5, 1.0, 1.5]"]).configs()[0]
    assert [row[0] for row in narrow.options["ranges"]] == ["m", "l"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gymnasium@a", "gymnasim@a", "no family 'gymnasim@a'; did you mean 'gymnasium'"),
        ("gymnasium@a", "gymnasium@a/b", "no family 'gymnasium@a/b'"),
        ("m = [0.5, 1, 1.5]", "mass = [0.5, 1, 1.5]", "no knob of Pendulum-v1 'mass'"),
        ("m = [0.5, 1, 1.5]", "m = [0.5, 1]", "lowest, stock, highest.*'m'"),
        ("Pendulum-v1", "Pendulm-v1", "did you mean 'Pendulum-v1'"),
    ],
)
def test_studies_tell_mistakes_in_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace(old, new))
    with pytest.raises(StudyError, match=message) as caught:
        load_study(path)
    assert "\n" not in str(caught.value)


def test_labels_name_the_same_family() -> None:
    known = registry.families()
    assert known["gridworld@walls"] is known["gridworld"]
    assert "gridworld@" not in known
    assert "gridworld@walls" not in list(known)


def test_the_shipped_study_runs_both_packages() -> None:
    configs = load_study("third_party").configs()
    assert {config.options["id"] for config in configs} == {LANDER["id"], CHAIN["id"]}
    assert {config.kappa for config in configs} == {0.0, 1.0}


@both
def test_versions_of_the_package_are_part_of_a_runs_identity(options: dict[str, Any]) -> None:
    config = Config(family="gymnasium", algorithm="fedpg", options=options)
    package = {"LunarLander-v3": "Box2D==2.3"}.get(options["id"], "gym-invmgmt==0.2")
    assert any(used.startswith(package) for used in config_code(config)["packages"])
    assert "packages" not in config_code(Config(family="cartpole", algorithm="fedpg"))


ROD = """
import gymnasium
import numpy as np

from rod_physics import reward


class Rod(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = self.np_random.uniform(-1, 1)
        return np.array([self.x]), {}

    def step(self, action):
        self.x += action - 0.5
        return np.array([self.x]), reward(self.x), False, False, {}


gymnasium.register("Rod-v0", entry_point="rod_of_mine:Rod")
"""


def test_an_edited_environment_has_another_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beside the study, and what it imports, count by their source."""
    environment, physics = tmp_path / "rod_of_mine.py", tmp_path / "rod_physics.py"
    environment.write_text(ROD)
    physics.write_text("def reward(x):\n    return -abs(x)\n")
    monkeypatch.syspath_prepend(tmp_path)
    rod = family({"id": "rod_of_mine:Rod-v0", "ranges": {}})

    def code() -> dict[str, str]:
        names = [*modules_of(type(rod)), *rod.modules]
        return closures(names, [], Sources(places_of))["family"]

    before = code()
    assert {"rod_of_mine", "rod_physics"} <= before.keys()
    assert not [name for name in before if name.startswith(("gymnasium", "numpy"))]
    environment.write_text(f'"""A rod."""\n{ROD}  # of mine\n')
    assert code() == before
    physics.write_text("def reward(x):\n    return -2 * abs(x)\n")
    after = code()
    assert {name for name in before if after[name] != before[name]} == {"rod_physics"}
    options = {"id": rod.id, "ranges": {}}
    config = Config(family="gymnasium", algorithm="fedpg", options=options)
    other = Config(family="gymnasium", algorithm="fedpg")
    assert config_code(config)["family"] != config_code(other)["family"]
