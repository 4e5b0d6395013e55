"""Pictures of a state, where Gymnasium has them: which families, which modes, who draws."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium.error import DependencyNotInstalled

from envs.cartpole import CartPole, CartPoleState, CartPoleTask
from envs.family import Family, Task
from envs.gridworld import GridWorld
from envs.halfcheetah import HalfCheetah
from envs.hopper import Hopper
from envs.mujoco import Picture
from envs.robot import Robot, RobotTask
from envs.tabular import TabularState, TabularTask
from envs.walker2d import Walker2d


class Renderer(Protocol):
    """Draws the states of one agent; `frame` never changes them."""

    def frame(self, state: Any) -> Any:
        """What `gymnasium.Env.render` returns."""

    def close(self) -> None:
        """Free what drawing holds; a second time does nothing."""


class Rendering(NamedTuple):
    """What can be drawn of a family, and how fast."""

    modes: tuple[str, ...]
    fps: int  # frames per second at the speed of the real thing
    open: Callable[[Any, Task, str], Renderer]  # family, task of one agent (axis 1), mode


class CartPolePicture:
    """Gymnasium's own drawing, with the pole as long as the agent's."""

    def __init__(self, family: CartPole, task: CartPoleTask, mode: str) -> None:
        if find_spec("pygame") is None:
            raise DependencyNotInstalled("drawing needs pygame: pip install fedrl[render]")
        from gymnasium.envs.classic_control import CartPoleEnv

        self.canvas = CartPoleEnv(render_mode=mode)
        self.canvas.length = float(task.half_length[0])

    def frame(self, state: CartPoleState) -> Any:
        """Pixels (400, 600, 3) uint8, or None in mode "human", which shows a window."""
        self.canvas.state = np.array(state)
        return self.canvas.render()

    def close(self) -> None:
        """Close the window; a second time does nothing."""
        self.canvas.close()
        self.canvas.screen = None


class GridMap:
    """A map in characters."""

    def __init__(self, family: GridWorld, task: TabularTask, mode: str) -> None:
        self.family = family

    def frame(self, state: TabularState) -> str:
        """One line per row of the grid."""
        return self.family.text(state.cell)

    def close(self) -> None:
        """Nothing to close."""


def robot(family: Robot, task: RobotTask, mode: str) -> Picture:
    """The robot with its own limbs."""
    return Picture(family.model(task))


def nothing(family: Family, task: Task, mode: str) -> Renderer:
    """Stands where a family has no picture; without modes it is never called."""
    raise ValueError(f"{type(family).__name__} has no picture, so no render mode")


RENDERINGS: dict[type[Family], Rendering] = {
    GridWorld: Rendering(("ansi",), 4, GridMap),
    CartPole: Rendering(("human", "rgb_array"), 50, CartPolePicture),
    HalfCheetah: Rendering(("rgb_array",), HalfCheetah.fps, robot),
    Hopper: Rendering(("rgb_array",), Hopper.fps, robot),
    Walker2d: Rendering(("rgb_array",), Walker2d.fps, robot),
}


def rendering_of(family: Family) -> Rendering:
    """The rendering of a family or of the family it extends; without modes if there is none."""
    found = [one for kind, one in RENDERINGS.items() if isinstance(family, kind)]
    return found[0] if found else Rendering((), 1, nothing)
