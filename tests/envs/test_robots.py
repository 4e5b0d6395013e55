"""Laws of the MuJoCo families, each over every robot, and of the simulator under them."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from fedrl.envs import FAMILIES
from fedrl.envs.family import Array, Step
from fedrl.envs.mujoco import native
from fedrl.envs.mujoco.halfcheetah import HalfCheetah, HalfCheetahSimulator, normal
from fedrl.envs.mujoco.hopper import Hopper
from fedrl.envs.mujoco.robot import STOCK, Robot, RobotTask
from fedrl.envs.mujoco.side_view import FLOOR, HEIGHT, WIDTH, SideView
from fedrl.envs.mujoco.simulator import MujocoSimulator, compiled
from fedrl.envs.mujoco.upright import UprightSimulator
from fedrl.envs.mujoco.walker2d import Walker2d

GYMNASIUMS: dict[type[Robot], str] = {
    HalfCheetah: "HalfCheetah-v5",
    Hopper: "Hopper-v5",
    Walker2d: "Walker2d-v5",
}
every_robot = pytest.mark.parametrize("kind", GYMNASIUMS)
upright = pytest.mark.parametrize("kind", [Hopper, Walker2d])
every_knob = pytest.mark.parametrize("name", Robot.knobs)
NOTHING: Array = np.zeros((0, 0))  # step_draws is 0


def gymnasiums(kind: type[Robot]) -> Any:
    return gymnasium.make(GYMNASIUMS[kind]).unwrapped


def task(kind: type[Robot], agents: int = 3, kappa: float = 1.0, **options: Any) -> RobotTask:
    return kind(**options).sample(agents, kappa, np.random.default_rng(7))


def start(simulator: Any, lanes: int) -> Array:
    uniform = np.random.default_rng(8).random((lanes, simulator.start_draws))
    return np.asarray(simulator.start(uniform))


def actions(kind: type[Robot], steps: int, lanes: int, seed: int = 9) -> Array:
    """Some beyond [-1, 1]: MuJoCo clamps the torque, the cost is of the action as chosen."""
    return np.random.default_rng(seed).uniform(-1.5, 1.5, (steps, lanes, kind.joints))


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


@every_robot
def test_every_robot_is_registered_and_tested(kind: type[Robot]) -> None:
    robots = {family for family in FAMILIES.values() if issubclass(family, Robot)}
    assert robots == set(GYMNASIUMS)
    env = gymnasiums(kind)
    assert kind().observation_space == env.observation_space
    assert kind().action_space.shape == env.action_space.shape
    assert kind.fps == env.metadata["render_fps"]


@every_robot
@pytest.mark.parametrize("clipped", [False, True])
def test_stock_is_gymnasium_step_for_step(kind: type[Robot], clipped: bool) -> None:
    """Bit-equal: same positions, velocities and warm start, through the same engine."""
    simulator = kind(clip_actions=clipped).simulator(task(kind, 1, 0.0), episodes=1)
    env = gymnasiums(kind)
    outside = gymnasium.wrappers.ClipAction(env) if clipped else env
    ends = 0
    for episode in range(6):
        observation, _ = env.reset(seed=episode)
        state = warm_state(env.data)[None]
        np.testing.assert_array_equal(simulator.observe(state)[0], observation)
        for action in actions(kind, 100, 1, seed=episode):
            observation, reward, terminated, _, _ = outside.step(action[0])
            step = simulator.step(state, action, NOTHING)
            state = step.state
            np.testing.assert_array_equal(simulator.observe(state)[0], observation)
            np.testing.assert_array_equal(state[0], warm_state(env.data))
            assert step.reward[0] == reward
            assert bool(step.terminated[0]) == bool(terminated)
            ends += bool(terminated)
            if terminated:
                break
    assert ends == (0 if kind is HalfCheetah else 6)  # random actions make the others fall


@upright
def test_health_is_gymnasiums_in_any_state(kind: type[Robot]) -> None:
    """Around every bound, in every coordinate, which falling robots alone seldom reach."""
    simulator: Any = kind().simulator(task(kind, 1, 0.0), episodes=1)
    assert isinstance(simulator, UprightSimulator)
    env, generator = gymnasiums(kind), np.random.default_rng(1)
    env.reset(seed=0)
    moving = simulator.positions + simulator.velocities
    states = np.zeros((4000, simulator.width))
    states[:, :moving] = generator.normal(0, 0.05, (4000, moving))
    states[:, 1] = generator.uniform(0.6, 2.2, 4000)
    states[:2000, 2] = generator.uniform(-1.2, 1.2, 2000)
    wild = generator.integers(2, moving, 1000)
    states[np.arange(1000), wild] = generator.uniform(-130, 130, 1000)
    edges = simulator.health
    for row, (column, value) in enumerate(
        [(1, edges.height[0]), (1, edges.height[1]), (2, edges.pitch[0]), (2, edges.pitch[1])]
    ):
        states[3000 + row, column] = value if np.isfinite(value) else 1.0  # open: not healthy
    healthy = simulator.healthy(states)
    seen = simulator.observe(states)
    for state, ours, observation in zip(states, healthy, seen, strict=True):
        env.set_state(state[: simulator.positions], state[simulator.positions : moving])
        assert bool(env.is_healthy) == ours
        np.testing.assert_array_equal(env._get_obs(), observation)
    assert 0.1 < healthy.mean() < 0.9
    assert (np.abs(seen[:, simulator.positions - 1 :]) == 10).any()


@upright
def test_start_is_gymnasiums_number_for_number(kind: type[Robot]) -> None:
    simulator = kind().simulator(task(kind, 1, 0.0), episodes=1)
    env = gymnasiums(kind)
    for seed in range(20):
        env.reset(seed=seed)
        uniform = np.random.default_rng(seed).random((1, simulator.start_draws))
        state = simulator.start(uniform)
        np.testing.assert_allclose(
            state[0, : simulator.start_draws],
            np.concatenate([env.data.qpos, env.data.qvel]),
            rtol=0,
            atol=1e-15,
        )


@upright
def test_feet_start_where_the_stock_ones_do(kind: type[Robot]) -> None:
    """Or longer thighs would begin inside the ground, and be thrown out of it."""
    family = kind(vary=("limb_length",))
    constants = family.sample(8, 1.0, np.random.default_rng(3))
    simulator: Any = family.simulator(constants, episodes=1)
    thigh = 0.45  # m, from hip to knee
    rise = simulator.origin[:, 1] - 1.25
    np.testing.assert_allclose(rise, thigh * (constants.limb_length - 1), rtol=0, atol=1e-12)
    first = simulator.step(start(simulator, 8), np.zeros((8, kind.joints)), NOTHING)
    assert (np.abs(first.state[:, simulator.positions : simulator.start_draws]) < 0.5).all()
    assert not first.terminated.any()


def test_halfcheetahs_start_is_gymnasiums_distribution() -> None:
    simulator = HalfCheetah().simulator(task(HalfCheetah, 1, 0.0), episodes=4000)
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


@every_robot
def test_no_heterogeneity_is_the_stock_model_bit_for_bit(kind: type[Robot]) -> None:
    model, theirs = compiled(kind.body.robot, STOCK, textured=True), gymnasiums(kind).model
    for name in dir(model):
        value = getattr(model, name) if not name.startswith("_") else None
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(theirs, name), err_msg=name)
    constants = task(kind, 3, 0.0)
    for name, knob in kind.knobs.items():
        assert (getattr(constants, name) == knob.stock).all()


@every_robot
def test_pictures_do_not_touch_the_physics(kind: type[Robot]) -> None:
    bare, textured = (compiled(kind.body.robot, STOCK, textured=flag) for flag in (False, True))
    for name in dir(bare):
        value = getattr(bare, name) if name.startswith(("body_", "jnt_", "dof_")) else None
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(textured, name), err_msg=name)


@every_robot
def test_step_is_a_pure_function(kind: type[Robot]) -> None:
    simulator = kind().simulator(task(kind), episodes=2)
    state = start(simulator, 6)
    plan = actions(kind, 30, 6)
    first = run(simulator, state, plan)
    assert_same(run(simulator, state, plan), first)
    again = simulator.step(first[9].state, plan[10], NOTHING)  # from the middle
    assert_same([again], [first[10]])


@every_robot
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_grouping_change_no_bit(kind: type[Robot], threads: int) -> None:
    family, constants = kind(), task(kind)
    simulator = family.simulator(constants, episodes=4)
    state, plan = start(simulator, 12), actions(kind, 30, 12)
    expected = run(simulator, state, plan)
    assert_same(run(family.simulator(constants, 4, threads), state, plan), expected)
    for agent in range(3):
        row = RobotTask(*(field[agent : agent + 1] for field in constants))
        lanes = slice(4 * agent, 4 * agent + 4)
        together = run(family.simulator(row, 4, threads), state[lanes], plan[:, lanes])
        assert_same(together, lanes_of(expected, lanes))
        lane = slice(4 * agent + 2, 4 * agent + 3)
        alone = run(family.simulator(row, 1, threads), state[lane], plan[:, lane])
        assert_same(alone, lanes_of(expected, lane))


@every_robot
def test_start_of_a_lane_does_not_depend_on_the_others(kind: type[Robot]) -> None:
    constants = task(kind)
    simulator = kind().simulator(constants, 4)
    together = start(simulator, 12)
    uniform = np.random.default_rng(8).random((12, simulator.start_draws))
    row = RobotTask(*(field[1:2] for field in constants))
    alone = kind().simulator(row, 1).start(uniform[5:6])
    np.testing.assert_array_equal(alone, together[5:6])


@every_robot
@every_knob
def test_every_knob_changes_the_trajectory(kind: type[Robot], name: str) -> None:
    """Same start noise, same actions; limbs also move the start, so masses are compared later."""
    stock = kind().simulator(task(kind, 3, 0.0), 1)
    changed = kind(vary=(name,)).simulator(task(kind, 3, 1.0, vary=(name,)), 1)
    plan = actions(kind, 60, 3)
    before, after = run(stock, start(stock, 3), plan), run(changed, start(changed, 3), plan)
    assert (np.abs(before[-1].state - after[-1].state).max(axis=1) > 1e-6).all()


@every_robot
@every_knob
def test_a_knob_changes_nothing_else_of_the_model(kind: type[Robot], name: str) -> None:
    """What is not derived from the knob keeps its bits."""
    if name not in STOCK._fields:  # bias and start noise are no part of a model
        constants = task(kind, 2, 1.0, vary=(name,))
        assert all(
            (getattr(constants, other) == knob.stock).all() == (other != name)
            for other, knob in kind.knobs.items()
        )
        return
    stock = compiled(kind.body.robot, STOCK)
    value = kind.knobs[name].high
    model = compiled(kind.body.robot, STOCK._replace(**{name: value}))
    own = {
        "gravity": {"opt"},
        "friction": {"geom_friction"},
        "damping": {"dof_damping"},
        "gear": {"actuator_gear"},
    }
    fields = ["body_mass", "body_inertia", "body_pos", "geom_size", "geom_pos", "geom_friction"]
    fields += ["dof_damping", "actuator_gear", "jnt_range", "jnt_pos", "dof_armature", "qpos0"]
    moved = {f for f in fields if not np.array_equal(getattr(model, f), getattr(stock, f))}
    if not np.array_equal(model.opt.gravity, stock.opt.gravity):
        moved.add("opt")
    masses = {"body_mass", "body_inertia"}
    lengths = masses | {"body_pos", "geom_size", "geom_pos"}
    own |= {"torso_mass": masses, "limb_mass": masses, "limb_length": lengths}
    assert moved == own[name]


@every_robot
def test_mass_factors_scale_mass_and_inertia_of_their_bodies_only(kind: type[Robot]) -> None:
    stock = compiled(kind.body.robot, STOCK)
    torso = np.array([stock.body(i).name == "torso" for i in range(stock.nbody)])
    limbs = ~torso
    limbs[0] = False  # the world
    for name, bodies in (("torso_mass", torso), ("limb_mass", limbs)):
        model = compiled(kind.body.robot, STOCK._replace(**{name: 1.3}))
        factor = np.where(bodies, 1.3, 1.0)
        np.testing.assert_allclose(model.body_mass, stock.body_mass * factor, rtol=1e-12)
        np.testing.assert_allclose(
            model.body_inertia, stock.body_inertia * factor[:, None], rtol=1e-12
        )
        assert (model.dof_invweight0 != stock.dof_invweight0).any()  # derived constants follow


def knees(model: Any) -> list[tuple[str, str]]:
    """(thigh, the body below it) for every leg."""
    names = [model.body(i).name for i in range(model.nbody)]
    return [
        (model.body(model.body(name).parentid[0]).name, name)
        for name in names
        if "thigh" in model.body(model.body(name).parentid[0]).name
    ]


def hinge(model: Any, body: str) -> Array:
    """Where a body's joint is in its parent's frame (m)."""
    joint = model.body(body).jntadr[0]
    return np.asarray(model.body(body).pos + model.jnt_pos[joint])


@every_robot
def test_longer_thighs_move_the_knees_and_weigh_more(kind: type[Robot]) -> None:
    """A capsule of radius r, half-length h: volume π r² (2 h + 4/3 r)."""
    stock = compiled(kind.body.robot, STOCK)
    model = compiled(kind.body.robot, STOCK._replace(limb_length=1.2))
    assert len(knees(stock)) == (1 if kind is Hopper else 2)
    for thigh, shin in knees(stock):
        np.testing.assert_allclose(
            hinge(model, shin), 1.2 * hinge(stock, shin), rtol=1e-12, atol=1e-15
        )
        geom = stock.body(thigh).geomadr[0]
        radius, half, _ = stock.geom_size[geom]
        np.testing.assert_allclose(model.geom_size[geom][:2], [radius, 1.2 * half], rtol=1e-12)
        heavier = (2.4 * half + 4 / 3 * radius) / (2 * half + 4 / 3 * radius)
        mass, inertia = model.body(thigh).mass, model.body(thigh).inertia
        np.testing.assert_allclose(mass, stock.body(thigh).mass * heavier, rtol=1e-9)
        assert (inertia > stock.body(thigh).inertia * heavier * (1 - 1e-12)).all()
        np.testing.assert_array_equal(model.body(shin).inertia, stock.body(shin).inertia)


@every_robot
def test_agent_is_the_same_in_a_larger_federation(kind: type[Robot]) -> None:
    for small, large in zip(task(kind, 3), task(kind, 8), strict=True):
        np.testing.assert_array_equal(small, large[:3])


@every_robot
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_diverging_lane_ends_with_nan_and_leaves_the_others_alone(
    kind: type[Robot],
    wrong: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    simulator = kind().simulator(task(kind), episodes=1, threads=2)
    state, action = start(simulator, 3), actions(kind, 1, 3)[0]
    expected = simulator.step(state, action, NOTHING)
    bad_action, bad_state, wild_state = action.copy(), state.copy(), state.copy()
    bad_action[1, 2] = bad_state[1, 4] = wrong
    wild_state[1, simulator.start_draws - 1] = 1e200  # finite, but the physics blows up
    for s, a in ((state, bad_action), (bad_state, action), (wild_state, action)):
        step = simulator.step(s, a, NOTHING)
        assert step.terminated.tolist() == [False, True, False]
        assert np.isnan(step.reward[1])
        np.testing.assert_array_equal(step.state[1], s[1])
        assert_same(lanes_of([step], [0, 2]), lanes_of([expected], [0, 2]))
    assert not list(tmp_path.iterdir())  # no MUJOCO_LOG.TXT
    assert capfd.readouterr() == ("", "")


@every_robot
def test_model_that_cannot_be_compiled_still_raises(kind: type[Robot]) -> None:
    with pytest.raises(ValueError, match="size"):
        compiled(kind.body.robot, STOCK._replace(limb_length=-1.0))


@every_robot
def test_unknown_knob_names_the_nearest(kind: type[Robot]) -> None:
    with pytest.raises(ValueError, match=f"knob of {kind.__name__.lower()} .*'gravity'"):
        kind(vary=("gravty",))


@every_robot
def test_impossible_levels_are_refused(kind: type[Robot]) -> None:
    with pytest.raises(ValueError, match="kappa"):
        task(kind, 3, -0.1)
    with pytest.raises(ValueError, match="must stay above"):
        task(kind, 50, 8.0)


@every_robot
def test_a_side_view_needs_no_opengl_and_shows_the_robot(kind: type[Robot]) -> None:
    """The camera goes along: a place is seen by the floor alone; longer limbs, a larger robot."""
    drawn = task(kind)
    views = [SideView(kind().model(RobotTask(*(f[i : i + 1] for f in drawn)))) for i in range(3)]
    state = np.zeros((1, views[0].model.nq))
    state[0] = views[0].model.qpos0
    there = state + np.eye(1, state.shape[1])  # 1 m on
    first, moved = views[0].frame(state), views[0].frame(there)
    floor = round(FLOOR * HEIGHT)
    assert first.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(first, views[0].frame(state))
    assert np.array_equal(first[:floor], moved[:floor])
    assert not np.array_equal(first[floor:], moved[floor:])
    sizes = [np.sum((view.frame(state)[:floor] < 240).any(axis=-1)) for view in views]
    assert np.argsort(sizes).tolist() == np.argsort(drawn.limb_length).tolist()


def test_without_a_library_of_mujocos_its_bindings_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On another platform, or with another version, whose library is elsewhere."""
    monkeypatch.setattr(native, "LIBRARY_NAMES", ("elsewhere.so",))
    native.mujoco_library.cache_clear()
    try:
        assert native.mujoco_library() is None
        assert HalfCheetah().simulator(task(HalfCheetah), 1).native is None
    finally:
        monkeypatch.undo()
        native.mujoco_library.cache_clear()
    assert native.mujoco_library() is not None


def test_a_robot_of_another_package_is_stepped_by_its_own_rule() -> None:
    class Paid(HalfCheetahSimulator):
        """Another reward, which compiled code does not know."""

    assert Paid(task(HalfCheetah), 1, 1).native is None
    assert HalfCheetahSimulator(task(HalfCheetah), 1, 1).native is not None
