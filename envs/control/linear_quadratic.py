"""Linear dynamics, quadratic costs: J and ∇J of a linear Gaussian policy in closed form."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from numba.extending import register_jitable

from fedrl.envs.control.linear_moments import best_common_gain, moments, riccati
from fedrl.envs.family import (
    Array,
    ClosedForm,
    CompiledFamily,
    Kernel,
    Reference,
    heterogeneity_level,
)
from fedrl.envs.validation import require


class LinearQuadraticTask(NamedTuple):
    """Systems of N agents; Z coordinates of the state, A of the action."""

    drift: Array  # (N, Z, Z), A_i
    drive: Array  # (N, Z, A), B_i
    state_cost: Array  # (N,), q
    action_cost: Array  # (N,), r
    noise: Array  # (N,), standard deviation of the disturbance
    start_width: Array  # (N,), standard deviation of the start


class LinearQuadraticState(NamedTuple):
    """Where one agent's system is."""

    place: Any  # (Z,)


@register_jitable
def fill_normal(uniform: Any, scale: float, out: Any) -> None:
    """out ~ N(0, scale² I) by Box-Muller: two uniform numbers give two entries."""
    for i in range(0, len(out), 2):
        radius = scale * math.sqrt(-2 * math.log(1 - uniform[i]))
        angle = 2 * math.pi * uniform[i + 1]
        out[i] = radius * math.cos(angle)
        if i + 1 < len(out):
            out[i + 1] = radius * math.sin(angle)


def initial(task: Any, uniform: Any) -> LinearQuadraticState:
    """s_0 ~ N(0, start_width² I)."""
    place = np.empty(len(task.drift))
    fill_normal(uniform, task.start_width, place)
    return LinearQuadraticState(place)


def observe(task: Any, state: LinearQuadraticState, out: Any) -> None:
    """The state itself."""
    for i in range(len(state.place)):
        out[i] = state.place[i]


def transition(task: Any, state: LinearQuadraticState, action: Any, uniform: Any) -> Any:
    """s' = A s + B a + noise ε, reward -q |s|² - r |a|² before the step."""
    place = np.empty(len(state.place))
    fill_normal(uniform, task.noise, place)
    cost = 0.0
    for i in range(len(place)):
        cost += task.state_cost * (state.place[i] * state.place[i])
        total = place[i]
        for j in range(len(place)):
            total += task.drift[i, j] * state.place[j]
        for j in range(task.drive.shape[1]):
            total += task.drive[i, j] * action[j]
        place[i] = total
    for j in range(task.drive.shape[1]):
        cost += task.action_cost * (action[j] * action[j])
    return LinearQuadraticState(place), -cost, False


@dataclass(frozen=True)
class LinearQuadratic(CompiledFamily):
    """Keep a linear system near the origin with little effort; every agent's system differs."""

    summary: ClassVar[str] = "Keep a linear system near zero with little effort; systems differ"
    source: ClassVar[str] = "linear quadratic regulator; Fazel, Ge, Kakade & Mesbahi, ICML 2018"
    metric: ClassVar[str] = "objective"
    heterogeneity: ClassVar[str] = (
        "(A_i, B_i) uniform in the ball of radius κ around (A_0, B_0), Frobenius norm, κ in [0, 2]"
    )
    gymnasium_id: ClassVar[str] = "FedRL/LinearQuadratic-v0"

    horizon: int = 20
    discount: float = 0.95
    states: int = 2  # Z
    actions: int = 1  # A
    state_cost: float = 1.0  # q
    action_cost: float = 0.1  # r
    noise: float = 0.1  # standard deviation of the disturbance of every coordinate
    start_width: float = 1.0  # standard deviation of the start of every coordinate

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.actions >= 1, "actions", self.actions, "at least 1")
        require(self.actions <= self.states, "actions", self.actions, f"at most {self.states}")
        for name in ("state_cost", "action_cost", "noise", "start_width"):
            value = getattr(self, name)
            require(0 <= value < math.inf, name, value, "a finite number, 0 or more")

    @property
    def observation_space(self) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (self.states,), dtype=np.float64)

    @property
    def action_space(self) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (self.actions,), dtype=np.float64)

    @property
    def kernel(self) -> Kernel:
        draws = self.states + self.states % 2
        return Kernel(initial, observe, transition, start_draws=draws, step_draws=draws)

    def sample(
        self, agents: int, kappa: float, generator: np.random.Generator
    ) -> LinearQuadraticTask:
        """A_0: 0.9 on the diagonal, 0.2 above it; B_0: action a drives coordinate Z - A + a.

        The first m of m + 2 coordinates of a uniform point on a sphere are uniform in a ball.
        """
        kappa = heterogeneity_level(kappa, highest=2.0)
        states, actions = self.states, self.actions
        size = states * (states + actions)
        point = generator.standard_normal((agents, size + 2))
        point /= np.sqrt(np.sum(point * point, axis=1, keepdims=True))
        change = kappa * point[:, :size].reshape(agents, states, states + actions)
        drift = 0.9 * np.eye(states) + 0.2 * np.eye(states, k=1)
        drive = np.eye(states, actions, k=actions - states)
        return LinearQuadraticTask(
            drift + change[:, :, :states],
            drive + change[:, :, states:],
            *(
                np.full(agents, value)
                for value in (self.state_cost, self.action_cost, self.noise, self.start_width)
            ),
        )

    def closed_form(
        self, task: LinearQuadraticTask, shape: tuple[int, ...], theta: Array
    ) -> ClosedForm | None:
        """J, ∇J for a ~ N(Wᵀ s + b, exp 2ℓ), θ = W (row-major), b, ℓ: no hidden layer."""
        if len(shape) > 2:
            return None
        theta = np.ascontiguousarray(theta, np.float64)
        objective, gradient = moments(*task, theta, self.discount, self.horizon)
        undiscounted, _ = moments(*task, theta, 1.0, self.horizon)
        return ClosedForm(objective, undiscounted, gradient)

    def optimum(self, task: LinearQuadraticTask) -> Array:
        """max over all policies of J_i: (N,). Attained by a time-dependent linear controller."""
        return riccati(task, self.discount, self.horizon)

    def reference(self, task: LinearQuadraticTask) -> Reference:
        value, _ = best_common_gain(task, self.discount, self.horizon)
        return Reference(value, "best known common linear policy (exact gradient ascent)")
