"""Pendulum with perturbed physics; at κ = 0 it is Gymnasium's Pendulum-v1."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from fedrl.envs.family import Array, CompiledFamily, Kernel, Knob, Reference
from fedrl.envs.physical import PhysicalFamily

TIME_STEP = 0.05  # s
SPIN_LIMIT = 8.0  # rad/s
TORQUE_LIMIT = 2.0  # N m


class PendulumTask(NamedTuple):
    """Physics of N agents, each field (N,)."""

    mass: Array  # kg
    length: Array  # m
    gravity: Array  # m/s²


class PendulumState(NamedTuple):
    """Where one agent's rod is."""

    angle: float  # rad, 0 is upright; turns are counted
    spin: float  # rad/s


def initial(task: Any, uniform: Any) -> PendulumState:
    """Angle uniform on [-π, π], spin uniform on [-1, 1]."""
    return PendulumState(-math.pi + 2 * math.pi * uniform[0], -1.0 + 2.0 * uniform[1])


def observe(task: Any, state: PendulumState, out: Any) -> None:
    """Cosine and sine of the angle, and the spin."""
    out[0] = math.cos(state.angle)
    out[1] = math.sin(state.angle)
    out[2] = state.spin


def transition(task: Any, state: PendulumState, action: Any, uniform: Any) -> Any:
    """Semi-implicit Euler step of a rod, I = m l²/3; both the motion and the cost see |u| ≤ 2 N m.

    Reward: -(angle² + spin²/10 + u²/1000) before the step, with the angle within [-π, π].
    """
    torque = min(max(action[0], -TORQUE_LIMIT), TORQUE_LIMIT)
    tilt = (state.angle + math.pi) % (2 * math.pi) - math.pi
    cost = tilt * tilt + 0.1 * (state.spin * state.spin) + 0.001 * (torque * torque)
    weight = 3 * task.gravity / (2 * task.length) * math.sin(state.angle)
    drive = 3.0 / (task.mass * (task.length * task.length)) * torque
    spin = state.spin + (weight + drive) * TIME_STEP
    spin = min(max(spin, -SPIN_LIMIT), SPIN_LIMIT)
    return PendulumState(state.angle + spin * TIME_STEP, spin), -cost, False


@dataclass(frozen=True)
class Pendulum(PhysicalFamily, CompiledFamily):
    """Swing a rod up and hold it with little torque; agents differ in the physics in `vary`."""

    summary: ClassVar[str] = "Swing a rod up and hold it by torque; every rod is different"
    source: ClassVar[str] = "Gymnasium Pendulum-v1"
    gymnasium_id: ClassVar[str] = "FedRL/Pendulum-v0"
    task: ClassVar[type] = PendulumTask
    kernel: ClassVar[Kernel] = Kernel(initial, observe, transition, start_draws=2, step_draws=0)
    knobs: ClassVar[dict[str, Knob]] = {
        "mass": Knob(1.0, 0.5, 1.5, "kg", "mass of the rod", 0.0),
        "length": Knob(1.0, 0.5, 1.5, "m", "length of the rod", 0.0),
        "gravity": Knob(10.0, 8.0, 12.0, "m/s²", "gravitational acceleration", 0.0),
    }

    vary: tuple[str, ...] = tuple(knobs)

    @property
    def observation_space(self) -> spaces.Box:
        """Cosine and sine of the angle, and the spin (rad/s)."""
        high = np.array([1.0, 1.0, SPIN_LIMIT])
        return spaces.Box(-high, high, dtype=np.float64)

    @property
    def action_space(self) -> spaces.Box:
        """Torque at the pivot (N m)."""
        return spaces.Box(-TORQUE_LIMIT, TORQUE_LIMIT, (1,), dtype=np.float64)

    def reference(self, task: PendulumTask) -> Reference:
        return Reference(-138.0, "stock rod, dynamic programming over a grid of states and torques")
