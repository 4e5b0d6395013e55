"""Laws of the HalfCheetah family and of the MuJoCo simulator under it."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from envs.family import Array, Step
from envs.halfcheetah import ROBOT, HalfCheetah, HalfCheetahTask, normal
from envs.mujoco import MujocoSimulator, Physics, compiled

FAMILY = HalfCheetah()
STOCK = Physics(*(FAMILY.knobs[name].stock for name in Physics._fields))
GYMNASIUM: Any = gymnasium.make("HalfCheetah-v5").unwrapped
NOTHING: Array = np.zeros((0, 0))  # step_draws is 0


def task(agents: int = 3, kappa: float = 1.0, **options: Any) -> HalfCheetahTask:
    return HalfCheetah(**options).sample(agents, kappa, np.random.default_rng(7))


def start(simulator: Any, lanes: int) -> Array:
    uniform = np.random.default_rng(8).random((lanes, simulator.start_draws))
    return np.asarray(simulator.start(uniform))


def actions(steps: int, lanes: int) -> Array:
    """Some beyond [-1, 1]: MuJoCo clamps the torque, the cost is of the action as chosen."""
    return np.random.default_rng(9).uniform(-1.5, 1.5, (steps, lanes, 6))


def run(simulator: MujocoSimulator, state: Array, plan: Array) -> list[Step]:
    steps = []
    for action in plan:
        steps.append(simulator.step(state, action, NOTHING))
        state = steps[-1].state
    return steps


def assert_same(left: list[Step], right: list[Step]) -> None:
    for one, other in zip(left, right, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def lanes_of(steps: list[Step], chosen: Any) -> list[Step]:
    return [Step(*(field[chosen] for field in step)) for step in steps]


def warm_state(data: Any) -> Array:
    return np.concatenate([data.qpos, data.qvel, data.qacc_warmstart])


def test_stock_is_gymnasium_step_for_step() -> None:
    """Bit-equal: same positions, velocities and warm start, through the same engine."""
    simulator = FAMILY.simulator(task(1, 0.0), episodes=1)
    observation, _ = GYMNASIUM.reset(seed=3)
    state = warm_state(GYMNASIUM.data)[None]
    np.testing.assert_array_equal(simulator.observe(state)[0], observation)
    for action in actions(200, 1):
        observation, reward, terminated, _, _ = GYMNASIUM.step(action[0])
        step = simulator.step(state, action, NOTHING)
        state = step.state
        np.testing.assert_array_equal(simulator.observe(state)[0], observation)
        np.testing.assert_array_equal(state[0], warm_state(GYMNASIUM.data))
        assert step.reward[0] == reward
        assert bool(step.terminated[0]) is terminated is False


def test_start_is_gymnasiums_distribution() -> None:
    simulator = FAMILY.simulator(task(1, 0.0), episodes=4000)
    state = start(simulator, 4000)
    position, velocity, warm = np.split(state, [9, 18], axis=1)
    assert np.abs(position).max() <= 0.1
    np.testing.assert_allclose(position.std(axis=0), 0.1 / np.sqrt(3), rtol=0.05)
    np.testing.assert_allclose(velocity.mean(axis=0), 0.0, atol=0.008)
    np.testing.assert_allclose(velocity.std(axis=0), 0.1, rtol=0.05)
    assert not warm.any()


def test_normal_inverts_the_distribution_function_on_all_uniforms() -> None:
    ends = normal(np.array([[0.0, 0.5, 1 - 2.0**-53]]))
    assert np.isfinite(ends).all()
    assert ends[0, 1] == 0.0
    np.testing.assert_allclose(normal(np.array([[0.975]])), 1.959963984540054, rtol=1e-14)


def test_no_heterogeneity_is_the_stock_model_bit_for_bit() -> None:
    model, gymnasiums = compiled(ROBOT, STOCK, textured=True), GYMNASIUM.model
    for name in dir(model):
        value = getattr(model, name) if not name.startswith("_") else None
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(gymnasiums, name), err_msg=name)
    constants = task(3, 0.0)
    for name, knob in FAMILY.knobs.items():
        assert (getattr(constants, name) == knob.stock).all()


def test_pictures_do_not_touch_the_physics() -> None:
    bare, textured = compiled(ROBOT, STOCK), compiled(ROBOT, STOCK, textured=True)
    for name in dir(bare):
        value = getattr(bare, name) if name.startswith(("body_", "jnt_", "dof_")) else None
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(textured, name), err_msg=name)


def test_step_is_a_pure_function() -> None:
    simulator = FAMILY.simulator(task(), episodes=2)
    state = start(simulator, 6)
    plan = actions(30, 6)
    first = run(simulator, state, plan)
    assert_same(run(simulator, state, plan), first)
    again = simulator.step(first[9].state, plan[10], NOTHING)  # from the middle
    assert_same([again], [first[10]])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_grouping_change_no_bit(threads: int) -> None:
    constants = task()
    simulator = FAMILY.simulator(constants, episodes=4)
    state, plan = start(simulator, 12), actions(30, 12)
    expected = run(simulator, state, plan)
    assert_same(run(FAMILY.simulator(constants, 4, threads), state, plan), expected)
    for agent in range(3):
        row = HalfCheetahTask(*(field[agent : agent + 1] for field in constants))
        lanes = slice(4 * agent, 4 * agent + 4)
        together = run(FAMILY.simulator(row, 4, threads), state[lanes], plan[:, lanes])
        assert_same(together, lanes_of(expected, lanes))
        lane = slice(4 * agent + 2, 4 * agent + 3)
        alone = run(FAMILY.simulator(row, 1, threads), state[lane], plan[:, lane])
        assert_same(alone, lanes_of(expected, lane))


def test_start_of_a_lane_does_not_depend_on_the_others() -> None:
    constants = task()
    together = start(FAMILY.simulator(constants, 4), 12)
    uniform = np.random.default_rng(8).random((12, 18))
    row = HalfCheetahTask(*(field[1:2] for field in constants))
    alone = FAMILY.simulator(row, 1).start(uniform[5:6])
    np.testing.assert_array_equal(alone, together[5:6])


@pytest.mark.parametrize("name", FAMILY.knobs)
def test_every_knob_changes_the_trajectory(name: str) -> None:
    stock = FAMILY.simulator(task(3, 0.0), 1)
    changed = HalfCheetah(vary=(name,)).simulator(task(3, 1.0, vary=(name,)), 1)
    plan = actions(60, 3)
    before, after = run(stock, start(stock, 3), plan), run(changed, start(changed, 3), plan)
    assert (np.abs(before[-1].state - after[-1].state).max(axis=1) > 1e-6).all()


def test_mass_factors_scale_mass_and_inertia_of_their_bodies_only() -> None:
    stock = compiled(ROBOT, STOCK)
    torso = np.array([stock.body(i).name == "torso" for i in range(stock.nbody)])
    limbs = ~torso
    limbs[0] = False  # the world
    for name, bodies in (("torso_mass", torso), ("limb_mass", limbs)):
        model = compiled(ROBOT, STOCK._replace(**{name: 1.3}))
        factor = np.where(bodies, 1.3, 1.0)
        np.testing.assert_allclose(model.body_mass, stock.body_mass * factor, rtol=1e-12)
        np.testing.assert_allclose(
            model.body_inertia, stock.body_inertia * factor[:, None], rtol=1e-12
        )
        assert (model.dof_invweight0 != stock.dof_invweight0).any()  # derived constants follow


def test_longer_thighs_move_the_knees_and_weigh_more() -> None:
    """A capsule of radius r, half-length h: volume π r² (2 h + 4/3 r)."""
    stock, model = compiled(ROBOT, STOCK), compiled(ROBOT, STOCK._replace(limb_length=1.2))
    for side in "bf":
        thigh, shin = f"{side}thigh", f"{side}shin"
        np.testing.assert_allclose(model.body(shin).pos, 1.2 * stock.body(shin).pos, rtol=1e-12)
        radius, half, _ = stock.geom(thigh).size
        heavier = (2.4 * half + 4 / 3 * radius) / (2 * half + 4 / 3 * radius)
        mass, inertia = model.body(thigh).mass, model.body(thigh).inertia
        np.testing.assert_allclose(mass, stock.body(thigh).mass * heavier, rtol=1e-9)
        assert (inertia > stock.body(thigh).inertia * heavier * (1 - 1e-12)).all()
        np.testing.assert_array_equal(model.body(shin).inertia, stock.body(shin).inertia)


def test_agent_is_the_same_in_a_larger_federation() -> None:
    for small, large in zip(task(3), task(8), strict=True):
        np.testing.assert_array_equal(small, large[:3])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_diverging_lane_ends_with_nan_and_leaves_the_others_alone(
    wrong: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    simulator = FAMILY.simulator(task(), episodes=1, threads=2)
    state, action = start(simulator, 3), actions(1, 3)[0]
    expected = simulator.step(state, action, NOTHING)
    bad_action, bad_state, wild_state = action.copy(), state.copy(), state.copy()
    bad_action[1, 2] = bad_state[1, 4] = wrong
    wild_state[1, 12] = 1e200  # finite, but the physics blows up
    for s, a in ((state, bad_action), (bad_state, action), (wild_state, action)):
        step = simulator.step(s, a, NOTHING)
        assert step.terminated.tolist() == [False, True, False]
        assert np.isnan(step.reward[1])
        np.testing.assert_array_equal(step.state[1], s[1])
        assert_same(lanes_of([step], [0, 2]), lanes_of([expected], [0, 2]))
    assert not list(tmp_path.iterdir())  # no MUJOCO_LOG.TXT
    assert capfd.readouterr() == ("", "")


def test_model_that_cannot_be_compiled_still_raises() -> None:
    with pytest.raises(ValueError, match="size"):
        compiled(ROBOT, STOCK._replace(limb_length=-1.0))


def test_unknown_knob_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'gravity'"):
        HalfCheetah(vary=("gravty",))


def test_impossible_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="kappa"):
        task(3, -0.1)
    with pytest.raises(ValueError, match="must stay above"):
        task(50, 8.0)
