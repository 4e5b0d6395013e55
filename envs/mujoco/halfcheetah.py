"""HalfCheetah with perturbed physics; at κ = 0 it is Gymnasium's HalfCheetah-v5."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from fedrl.envs.family import Array
from fedrl.envs.mujoco.robot import Robot, RobotSimulator


class HalfCheetahSimulator(RobotSimulator):
    """Start, observation and reward of HalfCheetah-v5; it never ends an episode."""

    robot = "half_cheetah.xml"
    frame_skip = 5  # of 0.01 s
    control_cost = 0.1

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
        """Forward speed (m/s) - 0.1 |a|²."""
        speed, cost = self.running(before, after, action)
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
class HalfCheetah(Robot):
    """Run forward on two legs in a plane; motors: back thigh, shin, foot, then the front ones."""

    summary: ClassVar[str] = "Run forward on two legs in a plane; every agent has its own physics"
    source: ClassVar[str] = "Gymnasium HalfCheetah-v5 (MuJoCo); Wawrzyński 2009"
    gymnasium_id: ClassVar[str] = "FedRL/HalfCheetah-v0"
    body: ClassVar[type[RobotSimulator]] = HalfCheetahSimulator
    fps: ClassVar[int] = 20
    joints: ClassVar[int] = 6
