"""CartPole with perturbed physics; at κ = 0 it is Gymnasium's CartPole-v1."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from fedrl.envs.family import Array, CompiledFamily, Kernel, Knob, Reference
from fedrl.envs.physical import PhysicalFamily

TIME_STEP = 0.02  # s
LIMIT = 2.4  # m, |position| at which the episode ends
ANGLE_LIMIT = 12 * 2 * math.pi / 360  # rad


class CartPoleTask(NamedTuple):
    """Physics of N agents, each field (N,). Total mass and pole mass·length are derived."""

    half_length: Array  # m
    pole_mass: Array  # kg
    cart_mass: Array  # kg
    gravity: Array  # m/s²
    force: Array  # N, magnitude of a push
    force_bias: Array  # N, added to every push
    start_width: Array  # half-width of the uniform start distribution of all four coordinates


class CartPoleState(NamedTuple):
    """Where one agent's cart and pole are."""

    position: float  # m
    velocity: float  # m/s
    angle: float  # rad, 0 is upright
    spin: float  # rad/s


def initial(task: Any, uniform: Any) -> CartPoleState:
    """All four coordinates uniform on [-start_width, start_width]."""
    width = task.start_width
    return CartPoleState(
        width * (2 * uniform[0] - 1),
        width * (2 * uniform[1] - 1),
        width * (2 * uniform[2] - 1),
        width * (2 * uniform[3] - 1),
    )


def observe(task: Any, state: CartPoleState, out: Any) -> None:
    """The state itself."""
    out[0] = state.position
    out[1] = state.velocity
    out[2] = state.angle
    out[3] = state.spin


def transition(task: Any, state: CartPoleState, action: Any, uniform: Any) -> Any:
    """Explicit Euler step of Florian's corrected equations (2007), in Gymnasium's order."""
    total_mass = task.pole_mass + task.cart_mass
    mass_length = task.pole_mass * task.half_length
    force = (task.force if action[0] == 1 else -task.force) + task.force_bias
    cosine = math.cos(state.angle)
    sine = math.sin(state.angle)
    push = (force + mass_length * (state.spin * state.spin) * sine) / total_mass
    spin_rate = (task.gravity * sine - cosine * push) / (
        task.half_length * (4.0 / 3.0 - task.pole_mass * (cosine * cosine) / total_mass)
    )
    acceleration = push - mass_length * spin_rate * cosine / total_mass
    following = CartPoleState(
        state.position + TIME_STEP * state.velocity,
        state.velocity + TIME_STEP * acceleration,
        state.angle + TIME_STEP * state.spin,
        state.spin + TIME_STEP * spin_rate,
    )
    fallen = abs(following.position) > LIMIT or abs(following.angle) > ANGLE_LIMIT
    return following, 1.0, fallen


@dataclass(frozen=True)
class CartPole(PhysicalFamily, CompiledFamily):
    """Balance a pole on a cart, reward 1 a step; agents differ in the physics named in `vary`."""

    summary: ClassVar[str] = "Balance a pole on a cart; every agent has its own physics"
    source: ClassVar[str] = "Gymnasium CartPole-v1; Barto, Sutton & Anderson 1983"
    gymnasium_id: ClassVar[str] = "FedRL/CartPole-v0"
    task: ClassVar[type] = CartPoleTask
    kernel: ClassVar[Kernel] = Kernel(initial, observe, transition, start_draws=4, step_draws=0)
    knobs: ClassVar[dict[str, Knob]] = {
        "half_length": Knob(0.5, 0.1, 0.9, "m", "half the length of the pole", 0.0),
        "pole_mass": Knob(0.1, 0.05, 0.15, "kg", "mass of the pole", 0.0),
        "cart_mass": Knob(1.0, 0.5, 1.5, "kg", "mass of the cart", 0.0),
        "gravity": Knob(9.8, 7.8, 11.8, "m/s²", "gravitational acceleration", 0.0),
        "force": Knob(10.0, 6.0, 14.0, "N", "magnitude of a push", 0.0),
        "force_bias": Knob(0.0, -2.0, 2.0, "N", "constant force added to every push"),
        "start_width": Knob(0.05, 0.045, 0.055, "m, m/s, rad, rad/s", "start half-width", -1e-12),
    }

    vary: tuple[str, ...] = tuple(knobs)

    @property
    def observation_space(self) -> spaces.Box:
        high = np.array([LIMIT * 2, np.inf, ANGLE_LIMIT * 2, np.inf])
        return spaces.Box(-high, high, dtype=np.float64)

    @property
    def action_space(self) -> spaces.Discrete:
        return spaces.Discrete(2)

    def reference(self, task: CartPoleTask) -> Reference:
        return Reference(float(self.horizon), "the horizon: a pole that never falls")
