"""MountainCarContinuous, perturbed; at κ = 0 it is Gymnasium's MountainCarContinuous-v0."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from fedrl.envs.family import Array, CompiledFamily, Kernel, Knob, Reference
from fedrl.envs.physical import PhysicalFamily

LEFT, RIGHT, GOAL = -1.2, 0.6, 0.45  # positions: the wall, the end of the road, the flag
SPEED_LIMIT = 0.07  # of position, per step
ACTION_LIMIT = 1.0


class MountainCarTask(NamedTuple):
    """Physics of N agents, each field (N,)."""

    power: Array  # position/step², acceleration at full throttle
    gravity: Array  # position/step², acceleration of free fall along the steepest slope
    action_bias: Array  # of full throttle, added to every action


class MountainCarState(NamedTuple):
    """Where one agent's car is."""

    position: float  # the valley is at -π/6
    velocity: float  # position per step


def initial(task: Any, uniform: Any) -> MountainCarState:
    """At rest, position uniform on [-0.6, -0.4]."""
    return MountainCarState(-0.6 + (-0.4 - -0.6) * uniform[0], 0.0)


def observe(task: Any, state: MountainCarState, out: Any) -> None:
    """The state itself."""
    out[0] = state.position
    out[1] = state.velocity


def transition(task: Any, state: MountainCarState, action: Any, uniform: Any) -> Any:
    """v' = v + power · clip(action + bias) - gravity · cos 3x; 100 at the flag, -action²/10 a step.

    As in Gymnasium, the cost is of the action as chosen: not biased, not clipped.
    """
    throttle = min(max(action[0] + task.action_bias, -ACTION_LIMIT), ACTION_LIMIT)
    pull = task.gravity * math.cos(3 * state.position)
    velocity = state.velocity + (throttle * task.power - pull)
    velocity = min(max(velocity, -SPEED_LIMIT), SPEED_LIMIT)
    position = min(max(state.position + velocity, LEFT), RIGHT)
    if position == LEFT and velocity < 0:
        velocity = 0.0
    reached = position >= GOAL and velocity >= 0
    reward = (100.0 if reached else 0.0) - action[0] * action[0] * 0.1
    return MountainCarState(position, velocity), reward, reached


@dataclass(frozen=True)
class MountainCarContinuous(PhysicalFamily, CompiledFamily):
    """Rock a weak car out of a valley; agents differ in the physics named in `vary`."""

    summary: ClassVar[str] = "Rock a weak car out of a valley; cars and slopes differ"
    source: ClassVar[str] = "Gymnasium MountainCarContinuous-v0; Moore 1990"
    gymnasium_id: ClassVar[str] = "FedRL/MountainCarContinuous-v0"
    task: ClassVar[type] = MountainCarTask
    kernel: ClassVar[Kernel] = Kernel(initial, observe, transition, start_draws=1, step_draws=0)
    knobs: ClassVar[dict[str, Knob]] = {
        "power": Knob(0.0015, 0.001, 0.002, "position/step²", "pull of the engine", 0.0),
        "gravity": Knob(0.0025, 0.002, 0.003, "position/step²", "pull of the slope", 0.0),
        "action_bias": Knob(0.0, -0.1, 0.1, "of full throttle", "added to every action"),
    }

    horizon: int = 999
    vary: tuple[str, ...] = tuple(knobs)

    @property
    def observation_space(self) -> spaces.Box:
        """Position and velocity."""
        low, high = np.array([LEFT, -SPEED_LIMIT]), np.array([RIGHT, SPEED_LIMIT])
        return spaces.Box(low, high, dtype=np.float64)

    @property
    def action_space(self) -> spaces.Box:
        """Throttle, forwards or backwards."""
        return spaces.Box(-ACTION_LIMIT, ACTION_LIMIT, (1,), dtype=np.float64)

    def reference(self, task: MountainCarTask) -> Reference:
        return Reference(90.0, "reward threshold of Gymnasium's MountainCarContinuous-v0 (stock)")
