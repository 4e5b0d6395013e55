"""Environment objects side by side, stepped one by one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from fedrl.envs.family import Array, Simulator, Step
from fedrl.envs.thirdparty import action_noise
from fedrl.envs.thirdparty.making import Env, Values

SEEDS = 2**32  # a seed for reset is a whole number below


class GymnasiumSimulator(Simulator):
    """Lanes of environment objects; a state row is what the lane's environment shows.

    It is no state to go back to: `step` accepts only the states it has last returned.
    """

    start_draws = 1
    step_draws = 0
    replayable = False

    def __init__(
        self,
        make: Callable[[Values], Env],
        lanes: Sequence[Values],
        action_space: spaces.Space[Any],
        width: int,
        *,
        renew: bool,
    ) -> None:
        levels = [dict(lane).get(action_noise.NAME, 0.0) for lane in lanes]
        self.noise = np.array(levels) if action_noise.NAME in dict(*lanes[:1]) else None
        if self.noise is not None:
            self.step_draws = action_noise.draws(action_space)
        self.lanes = [tuple(one for one in lane if one[0] != action_noise.NAME) for lane in lanes]
        self.make, self.space, self.width, self.renew = make, action_space, width, renew
        self.envs = self._made()
        self.running = np.zeros(len(self.envs), dtype=bool)
        self.shown: Array = np.zeros((len(self.envs), self.width))

    def start(self, uniform: Array) -> Array:
        """reset(seed = ⌊2³² u⌋) in every lane."""
        if self.renew:
            self.envs = self._made()
        state = np.empty((len(self.envs), self.width))
        for lane, env in enumerate(self.envs):
            state[lane] = env.reset(seed=int(uniform[lane, 0] * SEEDS))[0]
        self.running[:] = True
        self.shown = state
        return state.copy()

    def observe(self, state: Array) -> Array:
        """The state is what is seen."""
        return state.copy()

    def step(self, state: Array, action: Array, uniform: Array) -> Step:
        """Step every lane whose episode runs; the others stay, without reward."""
        if not np.array_equal(state, self.shown):
            raise ValueError(
                "a Gymnasium environment goes on from where it is; step() must be given the state "
                "that start() or the step before returned"
            )
        if self.noise is not None:
            action = action_noise.noisy(self.space, action, self.noise, uniform)
        after, reward = state.copy(), np.zeros(len(state))
        for lane in np.flatnonzero(self.running):
            if not np.isfinite(action[lane]).all():
                reward[lane], self.running[lane] = np.nan, False
                continue
            seen, gain, terminated, truncated, _ = self.envs[lane].step(self._taken(action[lane]))
            row = np.asarray(seen, np.float64)
            if np.isfinite(row).all() and np.isfinite(float(gain)):
                after[lane], reward[lane] = row, float(gain)
                self.running[lane] = not (terminated or truncated)
            else:
                reward[lane], self.running[lane] = np.nan, False
        self.shown = after
        return Step(after.copy(), reward, ~self.running)

    def _made(self) -> list[Env]:
        return [self.make(own) for own in self.lanes]

    def _taken(self, action: Array) -> Any:
        """The action (a,) as an element of the environment's space."""
        if isinstance(self.space, spaces.Discrete):
            return self.space.start + self.space.dtype.type(action[0])
        assert isinstance(self.space, spaces.Box)
        return np.clip(action, self.space.low, self.space.high).astype(self.space.dtype)
