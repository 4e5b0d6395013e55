"""Walker2d with perturbed physics; at κ = 0 it is Gymnasium's Walker2d-v5."""

import math
from dataclasses import dataclass
from typing import ClassVar

from fedrl.envs.family import Knob
from fedrl.envs.mujoco.robot import Robot, RobotSimulator
from fedrl.envs.mujoco.upright import Health, UprightSimulator


class Walker2dSimulator(UprightSimulator):
    """Two legs; only height and pitch of the torso decide health."""

    robot = "walker2d_v5.xml"
    frame_skip = 4  # of 0.002 s
    health = Health((0.8, 2.0), (-1.0, 1.0), (-math.inf, math.inf))


@dataclass(frozen=True)
class Walker2d(Robot):
    """Walk forward on two legs; motors: right thigh, leg, foot, then the left ones.

    At κ = 0 uniformly random actions earn 1.6 ± 0.2 (standard error, 1 000 episodes of 21 steps on
    average). No reference: published scores are for earlier versions, whose feet grip less, for
    example 4 329 ± 1 059 of TD3 on Walker2d-v2 (README of github.com/tesslerc/TD3-JAX).
    """

    summary: ClassVar[str] = "Walk forward on two legs in a plane; every agent has its own physics"
    source: ClassVar[str] = "Gymnasium Walker2d-v5 (MuJoCo); Levine & Koltun, ICML 2013"
    gymnasium_id: ClassVar[str] = "FedRL/Walker2d-v0"
    knobs: ClassVar[dict[str, Knob]] = {
        **Robot.knobs,
        "start_width": Knob(0.005, 0.0025, 0.0075, "m, rad, m/s, rad/s", "start noise", -1e-12),
    }
    body: ClassVar[type[RobotSimulator]] = Walker2dSimulator
    fps: ClassVar[int] = 125
    joints: ClassVar[int] = 6
