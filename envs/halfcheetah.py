"""HalfCheetah with perturbed physics; at κ = 0 it is Gymnasium's HalfCheetah-v5."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from envs.family import Array, Knob, SimulatedFamily, perturb, require_known
from envs.mujoco import MujocoSimulator, Physics, compiled

ROBOT = "half_cheetah.xml"
FRAME_SKIP = 5  # physics steps of 0.01 s per environment step
CONTROL_COST = 0.1  # reward lost per squared unit of action


class HalfCheetahTask(NamedTuple):
    """Knob values of N agents, each field (N,)."""

    gravity: Array  # m/s²
    friction: Array  # factor
    torso_mass: Array  # factor
    limb_mass: Array  # factor
    limb_length: Array  # factor
    damping: Array  # factor
    gear: Array  # factor
    action_bias: Array  # added to every action
    start_width: Array  # half-width of start positions, standard deviation of start velocities


class HalfCheetahSimulator(MujocoSimulator):
    """Start, observation and reward of HalfCheetah-v5. Positions: distance, height, pitch, joints.

    Units: m and rad, m/s and rad/s.
    """

    def __init__(self, task: HalfCheetahTask, episodes: int, threads: int) -> None:
        constants = np.stack([getattr(task, name) for name in Physics._fields], axis=1).tolist()
        models = [compiled(ROBOT, Physics(*row)) for row in constants]
        super().__init__(models, task.action_bias, episodes, threads, FRAME_SKIP)
        self.start_width = np.repeat(task.start_width, episodes)[:, None]
        self.start_draws = self.positions + self.velocities

    def start(self, uniform: Array) -> Array:
        """qpos = stock + U(-w, w), qvel = w N(0, 1), as HalfCheetah-v5 with w = start noise."""
        width = self.start_width
        state = np.zeros((len(uniform), self.width))
        noise = -width + 2 * width * uniform[:, : self.positions]
        state[:, : self.positions] = self.batch.model.qpos0 + noise
        state[:, self.positions : self.start_draws] = width * normal(uniform[:, self.positions :])
        return state

    def observe(self, state: Array) -> Array:
        """All positions but the distance travelled, then all velocities."""
        return state[:, 1 : self.positions + self.velocities].copy()

    def score(self, before: Array, after: Array, action: Array) -> tuple[Array, Array]:
        """Forward speed (m/s) - 0.1 |a|², of the action as chosen: not biased, not clipped."""
        speed = (after[:, 0] - before[:, 0]) / self.seconds
        cost = CONTROL_COST * np.sum(np.square(action), axis=1)
        return speed - cost, np.zeros(len(action), dtype=bool)


def normal(uniform: Array) -> Array:
    """Standard normal numbers by the inverse of the distribution function (Wichura 1988).

    One number at a time: an entry's bits must not depend on the rows around it.
    """
    inverse = NormalDist().inv_cdf
    smallest = 2.0**-54  # 0 would give -∞
    values = [inverse(max(u, smallest)) for u in uniform.ravel().tolist()]
    return np.array(values).reshape(uniform.shape)


@dataclass(frozen=True)
class HalfCheetah(SimulatedFamily):
    """Run forward on two legs in a plane; agents differ in the physics named in `vary`."""

    summary: ClassVar[str] = "Run forward on two legs in a plane; every agent has its own physics"
    source: ClassVar[str] = "Gymnasium HalfCheetah-v5 (MuJoCo); Wawrzyński 2009"
    heterogeneity: ClassVar[str] = "physical constants drawn from [low, high] scaled by κ"
    gymnasium_id: ClassVar[str] = "FedRL/HalfCheetah-v0"
    knobs: ClassVar[dict[str, Knob]] = {
        "gravity": Knob(9.81, 7.81, 11.81, "m/s²", "gravitational acceleration", 0.0),
        "friction": Knob(1.0, 0.5, 1.5, "× stock", "friction between ground and body", 0.0),
        "torso_mass": Knob(1.0, 0.7, 1.3, "× stock", "mass and inertia of torso and head", 0.0),
        "limb_mass": Knob(1.0, 0.7, 1.3, "× stock", "mass and inertia of thighs to feet", 0.0),
        "limb_length": Knob(1.0, 0.8, 1.2, "× stock", "length of the thighs, same density", 0.0),
        "damping": Knob(1.0, 0.5, 1.5, "× stock", "viscous damping of the joints", 0.0),
        "gear": Knob(1.0, 0.7, 1.3, "× stock", "torque of the actuators", 0.0),
        "action_bias": Knob(0.0, -0.1, 0.1, "of full torque", "constant added to every action"),
        "start_width": Knob(0.1, 0.05, 0.15, "m, rad, m/s, rad/s", "start noise", -1e-12),
    }

    horizon: int = 1000
    discount: float = 0.99
    vary: tuple[str, ...] = tuple(knobs)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_known("knob of halfcheetah", self.vary, self.knobs)

    @property
    def observation_space(self) -> spaces.Box:
        """Height (m), pitch and six joint angles (rad), then all nine velocities (m/s, rad/s)."""
        return spaces.Box(-np.inf, np.inf, (17,), dtype=np.float64)

    @property
    def action_space(self) -> spaces.Box:
        """Share of each motor's full torque: back thigh, shin, foot, then the front ones."""
        return spaces.Box(-1.0, 1.0, (6,), dtype=np.float64)

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> HalfCheetahTask:
        """Knob values of N agents: stock + κ (uniform on [low, high] - stock)."""
        return HalfCheetahTask(**perturb(self.knobs, self.vary, agents, kappa, generator))

    def simulator(
        self, task: HalfCheetahTask, episodes: int, threads: int = 1
    ) -> HalfCheetahSimulator:
        """Physics of L = N·B lanes, each agent on its own compiled model."""
        return HalfCheetahSimulator(task, episodes, threads)
