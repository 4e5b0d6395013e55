"""Robots that must stay upright: an episode ends with the first unhealthy state.

Their files integrate with Runge and Kutta's four evaluations, so a physics step costs 3 to 4 times
HalfCheetah's (73 000 and 55 000 a second on one core, against 221 000) and an evaluation as much.
"""

import math
from typing import ClassVar, NamedTuple

import numpy as np

from fedrl.envs.family import Array
from fedrl.envs.mujoco.robot import STOCK, RobotSimulator, RobotTask
from fedrl.envs.mujoco.simulator import compiled, height

FOOT = "foot"  # body name in both robots; a second foot is as long


class Health(NamedTuple):
    """Open intervals a healthy state lies in."""

    height: tuple[float, float]  # m, of the torso
    pitch: tuple[float, float]  # rad, of the torso
    rest: tuple[float, float]  # pitch, joint angles and all velocities: rad, m/s, rad/s


class UprightSimulator(RobotSimulator):
    """Start, observation, reward and end of Gymnasium's Hopper-v5 and Walker2d-v5."""

    health: ClassVar[Health]
    control_cost: ClassVar[float] = 1e-3
    fastest: ClassVar[float] = 10.0
    healthy_reward: ClassVar[float] = 1.0

    def __init__(
        self, task: RobotTask, episodes: int, threads: int, largest_action: float = math.inf
    ) -> None:
        super().__init__(task, episodes, threads, largest_action)
        usual = height(compiled(self.robot, STOCK), FOOT)
        rise = [usual - height(model, FOOT) for model in self.models]
        self.origin = np.tile(self.batch.model.qpos0, (len(self.models), 1))
        # Longer thighs start higher: the feet keep their clearance instead of being in the ground.
        self.origin[:, 1] += rise

    def start(self, uniform: Array) -> Array:
        """qpos = stock + U(-w, w), qvel = U(-w, w), w = start noise; feet clear of the ground."""
        width = self.start_width
        state = np.zeros((len(uniform), self.width))
        state[:, : self.start_draws] = -width + 2 * width * uniform
        state[:, : self.positions] += self.origin
        return state

    def observe(self, state: Array) -> Array:
        """All positions but the distance travelled, then all velocities, clipped to ±10."""
        seen = state[:, 1 : self.positions + self.velocities].copy()
        speeds = seen[:, self.positions - 1 :]
        np.clip(speeds, -self.fastest, self.fastest, out=speeds)
        return seen

    def score(self, before: Array, after: Array, action: Array) -> tuple[Array, Array]:
        """Forward speed (m/s) + 1 if healthy - 0.001 |a|²; an unhealthy state ends the episode."""
        healthy = self.healthy(after)
        speed, cost = self.running(before, after, action)
        return speed + healthy * self.healthy_reward - cost, ~healthy

    def healthy(self, state: Array) -> Array:
        """Whether height, pitch and the rest lie within their open intervals: (L,) bool."""
        low, high = self.bounds()
        return ((low < state) & (state < high)).all(axis=1)  # type: ignore[no-any-return]

    def bounds(self) -> Array:
        """The torso's height and pitch, and the rest; the distance and the warm start are free."""
        found = super().bounds()
        found[:, 2 : self.positions + self.velocities] = np.reshape(self.health.rest, (2, 1))
        found[:, 1] = self.health.height
        (low, high), pitch = self.health.rest, self.health.pitch
        found[:, 2] = max(low, pitch[0]), min(high, pitch[1])
        return found
