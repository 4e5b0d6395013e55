"""Hopper with perturbed physics; at κ = 0 it is Gymnasium's Hopper-v5."""

import math
from dataclasses import dataclass
from typing import ClassVar

from fedrl.envs.family import Knob
from fedrl.envs.mujoco.robot import Robot, RobotSimulator
from fedrl.envs.mujoco.upright import Health, UprightSimulator


class HopperSimulator(UprightSimulator):
    """One leg."""

    robot = "hopper.xml"
    frame_skip = 4  # of 0.002 s
    health = Health((0.7, math.inf), (-0.2, 0.2), (-100.0, 100.0))


@dataclass(frozen=True)
class Hopper(Robot):
    """Hop forward on one leg; motors: thigh, leg, foot.

    At κ = 0 uniformly random actions earn 16.9 ± 0.5 (standard error, 1 000 episodes of 22 steps on
    average). No reference: published scores are for earlier versions, whose rewards and contacts
    differ, for example 3 692 ± 62 of TD3 on Hopper-v2 (README of github.com/tesslerc/TD3-JAX).
    """

    summary: ClassVar[str] = "Hop forward on one leg in a plane; every agent has its own physics"
    source: ClassVar[str] = "Gymnasium Hopper-v5 (MuJoCo); Erez, Tassa & Todorov, RSS 2011"
    gymnasium_id: ClassVar[str] = "FedRL/Hopper-v0"
    knobs: ClassVar[dict[str, Knob]] = {
        **Robot.knobs,
        "start_width": Knob(0.005, 0.0025, 0.0075, "m, rad, m/s, rad/s", "start noise", -1e-12),
    }
    body: ClassVar[type[RobotSimulator]] = HopperSimulator
    fps: ClassVar[int] = 125
    joints: ClassVar[int] = 3
