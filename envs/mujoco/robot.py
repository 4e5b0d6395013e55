"""The base of MuJoCo robots that run in a plane: knobs, spaces, and physics of every agent.

A robot's own file says which model it is, how an episode starts, what is seen and what is paid.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from fedrl.envs.family import Array, Knob, Native, SimulatedFamily
from fedrl.envs.mujoco.native import Rule, advance, machine, mujoco_library, observe
from fedrl.envs.mujoco.simulator import LARGEST, Model, MujocoSimulator, Physics, compiled
from fedrl.envs.physical import PhysicalFamily


class RobotTask(NamedTuple):
    """Knob values of N agents, each field (N,)."""

    gravity: Array  # m/s²
    friction: Array  # factor
    torso_mass: Array  # factor
    limb_mass: Array  # factor
    limb_length: Array  # factor
    damping: Array  # factor
    gear: Array  # factor
    action_bias: Array  # added to every action
    start_width: Array  # scale of the start noise


class RobotSimulator(MujocoSimulator):
    """Lanes of one kind of robot. Positions: distance, height (m), pitch, joints (rad)."""

    robot: ClassVar[str]  # Gymnasium's XML file
    control_cost: ClassVar[float]  # reward lost per squared unit of action
    fastest: ClassVar[float] = math.inf  # m/s or rad/s, observed velocities are clipped to ±
    healthy_reward: ClassVar[float] = 0.0  # per step that ends healthy

    def __init__(
        self, task: RobotTask, episodes: int, threads: int, largest_action: float = math.inf
    ) -> None:
        models = models_of(self.robot, task)
        super().__init__(models, task.action_bias, episodes, threads, largest_action)
        self.start_width = np.repeat(task.start_width, episodes)[:, None]
        self.start_draws = self.positions + self.velocities
        # Else the bindings step it, with the same bits; others' robots may see or pay otherwise.
        ours = type(self).__module__.startswith(f"{__package__}.")
        if mujoco_library() is None or not ours:
            return
        rule = Rule(
            self.positions, self.velocities, self.seconds, self.control_cost, largest_action,
            self.fastest, self.healthy_reward, *self.bounds(),
        )  # fmt: skip
        data = machine(self, self.frame_skip, LARGEST, rule)
        self.native = Native(observe, advance, data)

    def bounds(self) -> Array:
        """The open intervals in which the entries of a healthy state lie: (2, x)."""
        return np.outer([-math.inf, math.inf], np.ones(self.width))

    def running(self, before: Array, after: Array, action: Array) -> tuple[Array, Array]:
        """Forward speed (L,) in m/s, cost (L,) of the action before the bias."""
        speed = (after[:, 0] - before[:, 0]) / self.seconds
        return speed, self.control_cost * np.sum(np.square(action), axis=1)


def models_of(robot: str, task: RobotTask, textured: bool = False) -> list[Model]:
    """The compiled model of every agent in `task`."""
    constants = np.stack([getattr(task, name) for name in Physics._fields], axis=1).tolist()
    return [compiled(robot, Physics(*row), textured) for row in constants]


@dataclass(frozen=True)
class Robot(PhysicalFamily, SimulatedFamily):
    """A robot runs forward in a plane; agents differ in the physics named in `vary`."""

    task: ClassVar[type] = RobotTask
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
    resumable: ClassVar[bool] = True
    body: ClassVar[type[RobotSimulator]]  # start, observation, reward
    fps: ClassVar[int]  # environment steps per second of the robot's time
    joints: ClassVar[int]  # actuated joints

    horizon: int = 1000
    vary: tuple[str, ...] = tuple(knobs)
    clip_actions: bool = False  # to full torque, before they are paid for: a wrapper of PPO's users

    @property
    def observation_space(self) -> spaces.Box:
        """Height (m), pitch and joint angles (rad), then all velocities (m/s, rad/s)."""
        return spaces.Box(-np.inf, np.inf, (5 + 2 * self.joints,), dtype=np.float64)

    @property
    def action_space(self) -> spaces.Box:
        """Share of each motor's full torque."""
        return spaces.Box(-1.0, 1.0, (self.joints,), dtype=np.float64)

    def simulator(self, task: RobotTask, episodes: int, threads: int = 1) -> RobotSimulator:
        """Physics of L = N·B lanes, each agent on its own compiled model."""
        largest = 1.0 if self.clip_actions else math.inf
        return self.body(task, episodes, threads, largest)

    def model(self, task: Any) -> Model:
        """The first agent's model, with what only a picture needs."""
        return models_of(self.body.robot, task, textured=True)[0]


STOCK = Physics(*(Robot.knobs[name].stock for name in Physics._fields))
