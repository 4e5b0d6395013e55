"""Every family as a `gymnasium.Env`: one agent, through the family's own dynamics.

    gymnasium.make("FedRL/CartPole-v0", half_length=0.8, gravity=11.0)
    gymnasium.make("FedRL/CartPole-v0", kappa=0.5, agent=3, task_seed=7)

Importing `fedrl.envs` registers the ids; `gymnasium.make("fedrl.envs:FedRL/CartPole-v0")` does
so by itself.
(Gymnasium 1.0 removed the entry-point group `gymnasium.envs`: a package has to be imported.)
"""

from copy import deepcopy
from dataclasses import fields
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from fedrl.envs import FAMILIES
from fedrl.envs.family import Array, CompiledFamily, Family, SimulatedFamily, Task
from fedrl.envs.validation import require, require_known
from fedrl.envs.views.rendering import rendering_of

OWN_KEYWORDS = ("kappa", "agent", "task_seed", "render_mode")


class FamilyEnv(gymnasium.Env[Any, Any]):
    """Agent `agent` of the federation a family draws at level κ from `task_seed`.

    `settings` are the family's options (horizon, discount, ...) and its knobs (gravity, ...); a
    knob given here has that value whatever κ is. The environment itself truncates at the horizon,
    which belongs to the MDP: Gymnasium's `max_episode_steps` can only shorten an episode. A
    generator given as `task_seed` is copied, so all agents can be made from the same one.
    """

    # What some family can do; an instance narrows it to its own.
    metadata = {"render_modes": ["human", "rgb_array", "ansi"], "render_fps": 50}  # noqa: RUF012

    def __init__(
        self,
        family: str | type[Family],  # name in FAMILIES, or a family of one's own
        *,
        kappa: float = 0.0,
        agent: int = 0,
        task_seed: int | np.random.Generator = 0,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        self.family = configured(family, settings)
        require(isinstance(agent, int | np.integer) and agent >= 0, "agent", agent, "0 or more")
        tasks = self.family.sample(int(agent) + 1, kappa, generator_of(task_seed))
        self.task: Task = type(tasks)(*(field[agent:] for field in tasks))  # leading axis 1
        self.observation_space = self.family.observation_space
        self.action_space = self.family.action_space
        self.lane = lane_of(self.family, self.task)
        self.state: Any = None
        self.steps = 0
        self.ended = False

        rendering = rendering_of(self.family)
        self.metadata = {"render_modes": list(rendering.modes), "render_fps": rendering.fps}
        self.render_mode = render_mode
        self.picture = None
        if render_mode is not None:
            require_known("render mode of this environment", [render_mode], rendering.modes)
            self.picture = rendering.open(self.family, self.task, render_mode)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """A new episode; all its randomness comes from `self.np_random`."""
        super().reset(seed=seed)
        self.state = self.lane.start(self.np_random.random(self.lane.start_draws))
        self.steps, self.ended = 0, False
        if self.render_mode == "human":
            self.render()
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One transition. Box actions outside the space are the dynamics' business, not refused."""
        if self.state is None or self.ended:
            raise ResetNeeded("no episode is running; call reset() before step()")
        space = self.action_space
        fits = np.shape(action) == space.shape if isinstance(space, spaces.Box) else action in space
        require(fits, "action", action, f"an element of {space}")
        uniform = self.np_random.random(self.lane.step_draws)
        self.state, reward, terminated = self.lane.step(self.state, np.atleast_1d(action), uniform)
        self.steps += 1
        truncated = self.steps >= self.family.horizon
        self.ended = bool(terminated) or truncated
        if self.render_mode == "human":
            self.render()
        return self._observation(), float(reward), bool(terminated), truncated, {}

    def render(self) -> Any:
        """A picture of the state in the chosen mode; None if no mode was chosen, or for "human"."""
        if self.picture is None:
            return None
        if self.state is None:
            raise ResetNeeded("there is no state to draw; call reset() before render()")
        return self.picture.frame(self.state)

    def close(self) -> None:
        """Close the window or drawing context, if there is one."""
        if self.picture is not None:
            self.picture.close()

    def _observation(self) -> Any:
        seen = self.lane.observe(self.state)
        space = self.observation_space
        return seen.astype(space.dtype) if isinstance(space, spaces.Box) else int(seen[0])


class CompiledLane:
    """The one agent in `task` (leading axis 1) through its kernel's plain Python functions."""

    def __init__(self, family: CompiledFamily, task: Task) -> None:
        self.kernel = family.kernel
        self.task: Task = type(task)(*(field[0] for field in task))
        self.width = family.observation_space.shape or (1,)
        self.start_draws, self.step_draws = self.kernel.start_draws, self.kernel.step_draws

    def start(self, uniform: Array) -> Any:
        """The first state, from (start_draws,)."""
        return self.kernel.initial(self.task, uniform)

    def observe(self, state: Any) -> Array:
        """A new array (o,)."""
        out = np.empty(self.width)
        self.kernel.observe(self.task, state, out)
        return out

    def step(self, state: Any, action: Array, uniform: Array) -> tuple[Any, float, bool]:
        """Next state, reward, terminated, from an action (a,) and (step_draws,)."""
        return self.kernel.transition(self.task, state, action, uniform)  # type: ignore[no-any-return]


class SimulatedLane:
    """The one agent in `task` (leading axis 1) as a simulator of one lane; a state is (1, x)."""

    def __init__(self, family: SimulatedFamily, task: Task) -> None:
        self.simulator = family.simulator(task, episodes=1)
        self.start_draws = self.simulator.start_draws
        self.step_draws = self.simulator.step_draws

    def start(self, uniform: Array) -> Array:
        """The first state, from (start_draws,)."""
        return self.simulator.start(uniform[None])

    def observe(self, state: Array) -> Array:
        """A new array (o,)."""
        return np.array(self.simulator.observe(state)[0])

    def step(self, state: Array, action: Array, uniform: Array) -> tuple[Array, float, bool]:
        """Next state, reward, terminated, from an action (a,) and (step_draws,)."""
        step = self.simulator.step(state, action[None], uniform[None])
        return step.state, step.reward[0], step.terminated[0]


def lane_of(family: Family, task: Task) -> CompiledLane | SimulatedLane:
    """The dynamics of the one agent in `task`, whichever way the family defines them."""
    if isinstance(family, CompiledFamily):
        return CompiledLane(family, task)
    if isinstance(family, SimulatedFamily):
        return SimulatedLane(family, task)
    raise TypeError(f"{type(family).__name__} is neither a CompiledFamily nor a SimulatedFamily")


def configured(family: str | type[Family], settings: dict[str, Any]) -> Family:
    """A family with these options and knobs, or an error that names the nearest keyword."""
    if isinstance(family, str):
        require_known("family", [family], FAMILIES)
        family = FAMILIES[family]
    options = [field.name for field in fields(family)]
    chosen = family(**{name: settings[name] for name in settings if name in options})
    known = [*options, *chosen.knobs, *OWN_KEYWORDS]  # an option may decide what the knobs are
    require_known(f"keyword of {family.gymnasium_id}", settings, known)
    return chosen.pinned({name: settings[name] for name in settings if name not in options})


def generator_of(task_seed: int | np.random.Generator) -> np.random.Generator:
    """A generator of its own: PCG64 of a number, or a copy that leaves the original untouched."""
    if isinstance(task_seed, np.random.Generator):
        return deepcopy(task_seed)
    whole = isinstance(task_seed, int | np.integer) and task_seed >= 0
    require(whole, "task_seed", task_seed, "a whole number, 0 or more, or a numpy Generator")
    return np.random.Generator(np.random.PCG64(int(task_seed)))
