"""Acrobot with perturbed physics; at κ = 0 it is Gymnasium's Acrobot-v1."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from numba.extending import register_jitable

from fedrl.envs.family import Array, CompiledFamily, Kernel, Knob, Reference
from fedrl.envs.physical import PhysicalFamily

TIME_STEP = 0.2  # s
GRAVITY = 9.8  # m/s²
SPIN_LIMIT_1, SPIN_LIMIT_2 = 4 * math.pi, 9 * math.pi  # rad/s
HALF_PI, TURN = math.pi / 2, 2 * math.pi


class AcrobotTask(NamedTuple):
    """Physics of N agents, each field (N,). What follows from them is in `constants`."""

    inner_length: Array  # m, of the link that hangs from the pivot
    outer_length: Array  # m
    inner_mass: Array  # kg
    outer_mass: Array  # kg


class AcrobotState(NamedTuple):
    """Where one agent's two links are."""

    angle_1: float  # rad, 0 hangs down
    angle_2: float  # rad, relative to the first link
    spin_1: float  # rad/s
    spin_2: float  # rad/s


class Constants(NamedTuple):
    """Constants of the equations of motion, with centre of mass c = l/2 and inertia I = m l².

    Stock values are those of Sutton & Barto, I = 1 kg m² for 1 kg and 1 m; a rod of the same shape
    that is heavier or longer scales as m l².
    """

    inner: float  # kg m², m₁c₁², the first link about the pivot
    outer: float  # kg m², m₂c₂², the second about the joint
    square: float  # m², l₁² + c₂²
    mass: float  # kg, m₂
    length: float  # m, l₁
    centre: float  # m, c₂
    moment_1: float  # kg m²
    moment_2: float  # kg m²
    weight: float  # kg m, m₁c₁ + m₂l₁


@register_jitable
def constants(task: Any) -> Constants:
    """Everything the equations of motion need of one agent."""
    centre_1, centre_2 = 0.5 * task.inner_length, 0.5 * task.outer_length
    return Constants(
        task.inner_mass * (centre_1 * centre_1),
        task.outer_mass * (centre_2 * centre_2),
        task.inner_length * task.inner_length + centre_2 * centre_2,
        task.outer_mass,
        task.inner_length,
        centre_2,
        task.inner_mass * (task.inner_length * task.inner_length),
        task.outer_mass * (task.outer_length * task.outer_length),
        task.inner_mass * centre_1 + task.outer_mass * task.inner_length,
    )


@register_jitable
def accelerations(c: Any, q1: Any, q2: Any, v1: Any, v2: Any, torque: Any) -> Any:
    """(q̈₁, q̈₂) of the two links.  Sutton & Barto 2018, section 11; Gymnasium's "book" variant."""
    cosine, sine = math.cos(q2), math.sin(q2)
    d1 = c.inner + c.mass * (c.square + 2 * c.length * c.centre * cosine) + c.moment_1 + c.moment_2
    d2 = c.mass * (c.centre * c.centre + c.length * c.centre * cosine) + c.moment_2
    phi2 = c.mass * c.centre * GRAVITY * math.cos(q1 + q2 - HALF_PI)
    phi1 = (
        -c.mass * c.length * c.centre * (v2 * v2) * sine
        - 2 * c.mass * c.length * c.centre * v2 * v1 * sine
        + c.weight * GRAVITY * math.cos(q1 - HALF_PI)
        + phi2
    )
    second = (torque + d2 / d1 * phi1 - c.mass * c.length * c.centre * (v1 * v1) * sine - phi2) / (
        c.outer + c.moment_2 - d2 * d2 / d1
    )
    return -(d2 * second + phi1) / d1, second


def initial(task: Any, uniform: Any) -> AcrobotState:
    """Both links hang nearly still: all four coordinates uniform on [-0.1, 0.1]."""
    return AcrobotState(
        -0.1 + 0.2 * uniform[0],
        -0.1 + 0.2 * uniform[1],
        -0.1 + 0.2 * uniform[2],
        -0.1 + 0.2 * uniform[3],
    )


def observe(task: Any, state: AcrobotState, out: Any) -> None:
    """Cosine and sine of both angles, both spins."""
    out[0] = math.cos(state.angle_1)
    out[1] = math.sin(state.angle_1)
    out[2] = math.cos(state.angle_2)
    out[3] = math.sin(state.angle_2)
    out[4] = state.spin_1
    out[5] = state.spin_2


@register_jitable
def wrapped(angle: Any) -> Any:
    """The same angle within [-π, π]."""
    while angle > math.pi:
        angle = angle - TURN
    while angle < -math.pi:
        angle = angle + TURN
    return angle


def transition(task: Any, state: AcrobotState, action: Any, uniform: Any) -> Any:
    """One Runge-Kutta step of fourth order under the torque action - 1 N m at the joint.

    The goal is a posture, -cos q₁ - cos(q₁ + q₂) > 1, for every agent: with stock lengths, the tip
    is 1 m above the pivot; unlike a height in metres, short links can reach it as well.
    """
    c = constants(task)
    torque = action[0] - 1.0
    half, sixth = TIME_STEP / 2.0, TIME_STEP / 6.0
    p1, p2, u1, u2 = state.angle_1, state.angle_2, state.spin_1, state.spin_2
    f1, f2 = accelerations(c, p1, p2, u1, u2, torque)
    v1, v2 = u1 + half * f1, u2 + half * f2
    g1, g2 = accelerations(c, p1 + half * u1, p2 + half * u2, v1, v2, torque)
    w1, w2 = u1 + half * g1, u2 + half * g2
    h1, h2 = accelerations(c, p1 + half * v1, p2 + half * v2, w1, w2, torque)
    x1, x2 = u1 + TIME_STEP * h1, u2 + TIME_STEP * h2
    k1, k2 = accelerations(c, p1 + TIME_STEP * w1, p2 + TIME_STEP * w2, x1, x2, torque)
    following = AcrobotState(
        wrapped(p1 + sixth * (u1 + 2 * v1 + 2 * w1 + x1)),
        wrapped(p2 + sixth * (u2 + 2 * v2 + 2 * w2 + x2)),
        min(max(u1 + sixth * (f1 + 2 * g1 + 2 * h1 + k1), -SPIN_LIMIT_1), SPIN_LIMIT_1),
        min(max(u2 + sixth * (f2 + 2 * g2 + 2 * h2 + k2), -SPIN_LIMIT_2), SPIN_LIMIT_2),
    )
    reached = -math.cos(following.angle_1) - math.cos(following.angle_2 + following.angle_1) > 1.0
    return following, 0.0 if reached else -1.0, reached


@dataclass(frozen=True)
class Acrobot(PhysicalFamily, CompiledFamily):
    """Swing two links up by the joint between them, -1 a step; agents differ in `vary`."""

    summary: ClassVar[str] = "Swing two links up by the joint between them; links differ"
    source: ClassVar[str] = "Gymnasium Acrobot-v1; Sutton 1996, Sutton & Barto 2018"
    heterogeneity: ClassVar[str] = "lengths and masses drawn from [low, high] scaled by κ"
    gymnasium_id: ClassVar[str] = "FedRL/Acrobot-v0"
    task: ClassVar[type] = AcrobotTask
    kernel: ClassVar[Kernel] = Kernel(initial, observe, transition, start_draws=4, step_draws=0)
    knobs: ClassVar[dict[str, Knob]] = {
        "inner_length": Knob(1.0, 0.5, 1.5, "m", "length of the link at the pivot", 0.0),
        "outer_length": Knob(1.0, 0.5, 1.5, "m", "length of the free link", 0.0),
        "inner_mass": Knob(1.0, 0.5, 1.5, "kg", "mass of the link at the pivot", 0.0),
        "outer_mass": Knob(1.0, 0.5, 1.5, "kg", "mass of the free link", 0.0),
    }

    horizon: int = 500
    vary: tuple[str, ...] = tuple(knobs)

    @property
    def observation_space(self) -> spaces.Box:
        """Cosine and sine of both angles, both spins (rad/s)."""
        high = np.array([1.0, 1.0, 1.0, 1.0, SPIN_LIMIT_1, SPIN_LIMIT_2])
        return spaces.Box(-high, high, dtype=np.float64)

    @property
    def action_space(self) -> spaces.Discrete:
        """Torque at the joint: -1, 0 or 1 N m."""
        return spaces.Discrete(3)

    def reference(self, task: AcrobotTask) -> Reference:
        return Reference(-100.0, "reward threshold of Gymnasium's Acrobot-v1 (stock links)")
