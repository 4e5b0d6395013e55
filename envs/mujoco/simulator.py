"""MuJoCo for every agent: perturbed models, and one pure step over all lanes in native threads.

Physics runs through `mujoco.batch` (MuJoCo 4), whose rows hold the solver's warm start:
`mujoco.rollout` takes one in but gives none out, so its steps could not be chained exactly.
Importing this file turns MuJoCo's own warnings off (console and MUJOCO_LOG.TXT): a simulation that
diverges is recorded as a NaN reward, and a model that does not compile still raises.

Axes: L lanes, N agents, B episodes, x state, a action.
"""

import math
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import mujoco
import numpy as np
from gymnasium.error import DependencyNotInstalled
from mujoco.batch import Batch, SimulationError

from fedrl.envs.family import Array, Simulator, Step

Model = Any  # mujoco.MjModel
Spec = Any  # mujoco.MjSpec

LARGEST = 1e10  # MuJoCo calls a larger position, velocity or acceleration unstable (mjMAXVAL)
TORSO = "torso"  # body name shared by Gymnasium's HalfCheetah, Hopper and Walker2d

QUIET = mujoco.MjLogConfig.get()
QUIET.logto_console = False
QUIET.logto_file = False
QUIET.set()


class Physics(NamedTuple):
    """One robot's physical constants; factors multiply what its XML file says."""

    gravity: float  # m/s², downwards
    friction: float  # factor on the friction of every geom, so of every contact
    torso_mass: float  # factor on the density of the torso, so on its mass and inertia
    limb_mass: float  # factor on the density of every other body
    limb_length: float  # factor on the length of the thighs, whose density stays
    damping: float  # factor on the viscous damping of every joint
    gear: float  # factor on the torque of every actuator


@lru_cache(maxsize=1024)
def compiled(robot: str, physics: Physics, textured: bool = False) -> Model:
    """The model of a Gymnasium robot under these constants, e.g. compiled("hopper.xml", ...).

    `textured` keeps what only a picture needs, 0.5 MB a model. Read it, never write to it: it is
    shared by all who ask for the same constants.
    """
    stock, stated, dense = original(robot)
    spec = stock.copy()
    edit(spec, physics)
    if not textured:
        strip(spec)
    model = spec.compile()
    if stated > 0:
        # The file asks for a total mass. Only the stock factor is applied: rescaling to that total
        # would make every other body lighter when one gets heavier.
        mujoco.mj_setTotalmass(model, stated * (mujoco.mj_getTotalmass(model) / dense))
        mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


@lru_cache
def original(robot: str) -> tuple[Spec, float, float]:
    """Gymnasium's specification, the total mass (kg) it states or -1, and that of its densities.

    The statement, `settotalmass`, is deprecated in MuJoCo and taken out of the specification.
    """
    found = find_spec("gymnasium")  # its files, without importing its environments
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "envs" / "mujoco" / "assets"
    spec = mujoco.MjSpec.from_file(str(folder / robot))
    stated = float(spec.compiler.settotalmass)
    spec.compiler.settotalmass = -1.0
    return spec, stated, mujoco.mj_getTotalmass(spec.copy().compile())


def edit(spec: Spec, physics: Physics) -> None:
    """Write the constants into a specification; compiling derives masses and inertias."""
    spec.option.gravity = [0.0, 0.0, -physics.gravity]
    # An automatic reset would turn a diverging run into a finite, wrong one.
    spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
    for geom in spec.geoms:
        geom.friction = geom.friction * physics.friction
        factor = physics.torso_mass if geom.parent.name == TORSO else physics.limb_mass
        geom.density *= factor
        geom.mass *= factor  # NaN where the file leaves the mass to the density
    for joint in spec.joints:
        joint.damping = joint.damping * physics.damping
    for actuator in spec.actuators:
        actuator.gear = actuator.gear * physics.gear
    for body in spec.bodies:
        if "thigh" in body.name:
            lengthen(body, physics.limb_length)


def lengthen(body: Any, factor: float) -> None:
    """Scale a capsule limb about its own joint (its origin); what hangs on it moves along."""
    for geom in body.geoms:
        geom.pos = geom.pos * factor
        geom.size = geom.size * [1.0, factor, 1.0]  # radius, half-length, unused
    for child in body.bodies:
        hinge = child.pos + child.joints[0].pos  # the child's frame need not be at its joint
        child.pos = child.pos + (factor - 1.0) * hinge


def height(model: Model, body: str) -> float:
    """Height (m) of a body's frame in the pose the model file gives."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return float(data.body(body).xpos[2])


def strip(spec: Spec) -> None:
    """Remove the pictures: they are nearly all of a model's memory."""
    for geom in spec.geoms:
        geom.material = ""
    for item in [*spec.materials, *spec.textures]:
        spec.delete(item)


class MujocoSimulator(Simulator):
    """Lanes of robots; lane l is agent l // B. A state row is qpos, qvel, warm start.

    The warm start (the acceleration of the last substep, where the solver begins) belongs to the
    state: from zero instead, one step in seven differs, by up to 2e-6 (75 000 steps, κ = 1).
    """

    step_draws = 0
    frame_skip: ClassVar[int]  # physics steps per environment step

    def __init__(
        self,
        models: Sequence[Model],  # N, of one robot
        action_bias: Array,  # (N,), added to the actions that reach the actuators
        episodes: int,
        threads: int,
        largest_action: float = math.inf,  # actions are clipped to ±, before they are paid for
    ) -> None:
        first = models[0]
        self.largest_action = largest_action
        self.models = [model for model in models for _ in range(episodes)]
        self.action_bias = np.repeat(action_bias, episodes)[:, None]
        self.seconds = first.opt.timestep * self.frame_skip  # s, one environment step
        self.positions, self.velocities = first.nq, first.nv
        self.width = first.nq + 2 * first.nv
        self.batch = Batch(first, len(self.models), threads)
        self.batch.set_models(self.models)
        # Rows are time, qpos, qvel, warm start, ctrl, ... for these robots: no other state.
        assert mujoco.mj_stateSize(first, int(mujoco.mjtState.mjSTATE_FULLPHYSICS)) == (
            1 + first.nq + first.nv
        )
        self.resting = np.zeros(len(self.models), bool)
        self.dynamic = self.batch.state[:, 1 : 1 + self.width]
        self.control = self.batch.state[:, 1 + self.width :][:, : first.nu]

    @abstractmethod
    def score(self, before: Array, after: Array, action: Array) -> tuple[Array, Array]:
        """Reward (L,) and termination (L,) of the steps from states `before` to `after`."""

    def rest(self, over: Array) -> None:
        self.resting = over.copy()

    def step(self, state: Array, action: Array, uniform: Array) -> Step:
        """Advance the lanes; one that diverges keeps its state, ends, and is rewarded NaN.

        Lanes that rest keep their state.
        """
        action = np.ascontiguousarray(action, dtype=np.float64)
        sound = np.isfinite(state).all(axis=1) & np.isfinite(action).all(axis=1)
        sound &= ~self.resting
        action = np.clip(action, -self.largest_action, self.largest_action)
        self.batch.state[:, 0] = 0.0  # time moves nothing
        self.dynamic[:] = state
        self.control[:] = action + self.action_bias
        try:
            self.batch.step(sound, self.frame_skip)
        except SimulationError as error:
            sound[error.ids] = False
        after = self.dynamic.copy()
        sound &= (np.abs(after) <= LARGEST).all(axis=1)
        after[~sound] = state[~sound]
        with np.errstate(invalid="ignore", over="ignore"):
            reward, terminated = self.score(state, after, action)
        return Step(after, np.where(sound, reward, np.nan), terminated | ~sound)


@cache
def drawing_failure() -> str:
    """Why MuJoCo cannot draw in this process, or "". Tried once: a second failure aborts Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # glfw's, about the missing screen
            mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 8, 8).close()
    except Exception as error:  # every OpenGL library raises its own kind
        return str(error)
    return ""


class Limb(NamedTuple):
    """A capsule in the plane y = 0, in metres: its middle, from there to an end, its radius."""

    body: str
    middle: tuple[float, float]  # x, z
    half: tuple[float, float]
    radius: float


def limbs(model: Model, positions: Array) -> list[Limb]:
    """The capsules of a robot that moves in the plane y = 0, at qpos = positions."""
    data = mujoco.MjData(model)
    data.qpos[:] = positions
    mujoco.mj_kinematics(model, data)
    found = []
    for part in range(model.ngeom):
        if model.geom_type[part] == mujoco.mjtGeom.mjGEOM_CAPSULE:
            radius, length = model.geom_size[part, :2].tolist()
            x, _, z = data.geom_xpos[part].tolist()
            along = data.geom_xmat[part, [2, 8]] * length  # of its z axis
            body = model.body(model.geom_bodyid[part]).name
            found.append(Limb(body, (x, z), tuple(along.tolist()), radius))
    return found


class Picture:
    """A robot as Gymnasium's camera beside it sees it, drawn off screen."""

    def __init__(self, model: Model, side: int = 480) -> None:  # side: pixels
        self.model, self.data = model, mujoco.MjData(model)
        failure = drawing_failure()
        if failure:
            raise DependencyNotInstalled(
                "MuJoCo has no OpenGL context to draw in; on a machine without a screen, set "
                f"MUJOCO_GL=egl (or osmesa) before Python starts. It said: {failure}"
            )
        self.renderer = mujoco.Renderer(model, side, side)

    def frame(self, state: Array) -> Array:
        """Pixels (side, side, 3) uint8 of a state (1, x)."""
        positions, velocities = self.model.nq, self.model.nv
        self.data.qpos[:] = state[0, :positions]
        self.data.qvel[:] = state[0, positions : positions + velocities]
        mujoco.mj_forward(self.model, self.data)
        self.renderer.update_scene(self.data, camera="track")
        return np.asarray(self.renderer.render())

    def close(self) -> None:
        """Free the context; a second time does nothing."""
        self.renderer.close()
