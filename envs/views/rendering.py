"""Pictures of a state, where Gymnasium has them: which families, which modes, who draws."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium.error import DependencyNotInstalled

from fedrl.envs.control.acrobot import Acrobot, AcrobotTask
from fedrl.envs.control.cartpole import CartPole, CartPoleTask
from fedrl.envs.control.mountain_car import MountainCarContinuous
from fedrl.envs.control.pendulum import Pendulum
from fedrl.envs.family import Family, Task
from fedrl.envs.finite.cliff_walking import CliffWalking
from fedrl.envs.finite.frozen_lake import FrozenLake
from fedrl.envs.finite.gridworld import GridWorld
from fedrl.envs.finite.mdp import TabularState, TabularTask
from fedrl.envs.finite.taxi import Taxi
from fedrl.envs.finite.windy_cliff import WindyCliff
from fedrl.envs.mujoco.halfcheetah import HalfCheetah
from fedrl.envs.mujoco.hopper import Hopper
from fedrl.envs.mujoco.robot import Robot, RobotTask
from fedrl.envs.mujoco.side_view import SideView
from fedrl.envs.mujoco.simulator import Picture
from fedrl.envs.mujoco.walker2d import Walker2d


class Renderer(Protocol):
    """Draws the states of one agent; `frame` never changes them."""

    def frame(self, state: Any) -> Any:
        """Return a picture of the state, as `gymnasium.Env.render` does."""

    def close(self) -> None:
        """Free what drawing holds; a second time does nothing."""


class Rendering(NamedTuple):
    """The render modes of a family, its frame rate, and how to open a renderer."""

    modes: tuple[str, ...]
    fps: int  # frames per second at the speed of the real thing
    open: Callable[[Any, Task, str], Renderer]  # family, task of one agent (axis 1), mode
    film: Callable[[Any, Task, str], Renderer] | None = None  # where `open` needs more than PIL


class Canvas:
    """Gymnasium's own drawing of a classic-control environment, with the agent's constants."""

    def __init__(self, environment: str, mode: str, **constants: float | None) -> None:
        if find_spec("pygame") is None:
            raise DependencyNotInstalled("drawing needs pygame: pip install '.[render]' in a clone")
        from gymnasium.envs import classic_control

        self.environment = getattr(classic_control, environment)(render_mode=mode)
        for name, value in constants.items():
            setattr(self.environment, name, value)

    def frame(self, state: Any) -> Any:
        """Pixels (height, width, 3) uint8, or None in mode "human", which shows a window."""
        self.environment.state = np.array(state)
        return self.environment.render()

    def close(self) -> None:
        """Close the window; a second time does nothing."""
        self.environment.close()
        self.environment.screen = None


def cartpole(family: CartPole, task: CartPoleTask, mode: str) -> Canvas:
    """The pole as long as the agent's."""
    return Canvas("CartPoleEnv", mode, length=float(task.half_length[0]))


def acrobot(family: Acrobot, task: AcrobotTask, mode: str) -> Canvas:
    """The links as long as the agent's."""
    lengths = float(task.inner_length[0]), float(task.outer_length[0])
    return Canvas("AcrobotEnv", mode, LINK_LENGTH_1=lengths[0], LINK_LENGTH_2=lengths[1])


def pendulum(family: Pendulum, task: Task, mode: str) -> Canvas:
    """Gymnasium draws a rod of 1 m whatever its length; the torque is no part of the state."""
    return Canvas("PendulumEnv", mode, last_u=None)


def mountain_car(family: MountainCarContinuous, task: Task, mode: str) -> Canvas:
    """No constant of an agent's can be seen."""
    return Canvas("Continuous_MountainCarEnv", mode)


class Mapped(Protocol):
    """A family that draws a state in characters."""

    def text(self, cell: int) -> str: ...


class Map:
    """A map in characters."""

    def __init__(self, family: Mapped, task: TabularTask, mode: str) -> None:
        self.family = family

    def frame(self, state: TabularState) -> str:
        """One line per row of the map."""
        return self.family.text(state.cell)

    def close(self) -> None:
        """Nothing to close."""


class GridMap(Map):
    """A map in characters, with the agent's own goals."""

    family: GridWorld

    def __init__(self, family: GridWorld, task: TabularTask, mode: str) -> None:
        super().__init__(family, task, mode)
        self.goals = np.flatnonzero(task.terminal[0]).tolist()

    def frame(self, state: TabularState) -> str:
        return self.family.text(state.cell, self.goals)


def robot(family: Robot, task: RobotTask, mode: str) -> Picture:
    """The robot with its own limbs."""
    return Picture(family.model(task))


def from_the_side(family: Robot, task: RobotTask, mode: str) -> SideView:
    """The robot with its own limbs, flat."""
    return SideView(family.model(task))


def nothing(family: Family, task: Task, mode: str) -> Renderer:
    """Stands where a family has no picture; without modes it is never called."""
    raise ValueError(f"{type(family).__name__} has no picture, so no render mode")


RENDERINGS: dict[type[Family], Rendering] = {
    GridWorld: Rendering(("ansi",), 4, GridMap),
    WindyCliff: Rendering(("ansi",), 4, Map),
    FrozenLake: Rendering(("ansi",), 4, Map),
    CliffWalking: Rendering(("ansi",), 4, Map),
    Taxi: Rendering(("ansi",), 4, Map),
    CartPole: Rendering(("human", "rgb_array"), 50, cartpole),
    Acrobot: Rendering(("human", "rgb_array"), 15, acrobot),
    Pendulum: Rendering(("human", "rgb_array"), 30, pendulum),
    MountainCarContinuous: Rendering(("human", "rgb_array"), 30, mountain_car),
    HalfCheetah: Rendering(("rgb_array",), HalfCheetah.fps, robot, from_the_side),
    Hopper: Rendering(("rgb_array",), Hopper.fps, robot, from_the_side),
    Walker2d: Rendering(("rgb_array",), Walker2d.fps, robot, from_the_side),
}


def rendering_of(family: Family) -> Rendering:
    """The rendering of a family or of the family it extends; without modes if there is none."""
    found = [one for kind, one in RENDERINGS.items() if isinstance(family, kind)]
    return found[0] if found else Rendering((), 1, nothing)
