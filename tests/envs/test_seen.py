"""What a policy sees of another package's environment: wrappers, a part, scales, noise."""

from __future__ import annotations

import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from fedrl.benchmark.config.configuration import Config
from fedrl.envs.thirdparty import action_noise
from fedrl.envs.thirdparty.making import importing
from fedrl.envs.thirdparty.seen import wrapper
from fedrl.envs.thirdparty.third_party import GymnasiumFamily


class Orders(gymnasium.Env[Any, Any]):
    """Orders of 0 to 10000, seen as a picture and a number."""

    action_space = spaces.Box(0.0, 10000.0, (2,), np.float32)
    observation_space = spaces.Dict(
        {
            "picture": spaces.Box(0, 255, (2, 3), np.uint8),
            "place": spaces.Box(np.array([0.0, -np.inf]), np.array([4.0, np.inf])),
        }
    )

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.at = self.np_random.integers(0, 256, (2, 3), dtype=np.uint8)
        return self._seen(0.0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action)
        return self._seen(float(action[0])), float(action.sum()), False, False, {}

    def _seen(self, ordered: float) -> Any:
        return {"picture": self.at, "place": np.array([1.0, ordered], np.float32)}


class Halved(gymnasium.RewardWrapper[Any, Any]):
    def reward(self, reward: Any) -> Any:
        return reward / 2


gymnasium.register("Orders-v0", f"{__name__}:Orders")
SEEN = {"id": "Orders-v0", "horizon": 5}


def simulated(family: GymnasiumFamily, lanes: int = 1) -> Any:
    return family.simulator(family.sample(1, 1.0, np.random.default_rng(0)), lanes)


def test_pictures_and_orders_are_of_size_one() -> None:
    more = {"scale_observations": True, "scale_actions": True}
    family = GymnasiumFamily(**SEEN, component="picture", **more)
    assert family.observation_space == spaces.Box(-1.0, 1.0, (6,), np.float64)
    assert family.action_space == spaces.Box(-1.0, 1.0, (2,), np.float64)
    lane = simulated(family)
    state = lane.start(np.full((1, 1), 0.25))
    drawn = gymnasium.make("Orders-v0").reset(seed=2**30)[0]["picture"]
    assert state[0].tolist() == pytest.approx(drawn.ravel() / 127.5 - 1)
    for action, reward in ((-1.0, 0.0), (0.0, 10000.0), (1.0, 20000.0), (7.0, 20000.0)):
        step = lane.step(state, np.full((1, 2), action), np.zeros((1, 0)))
        assert step.reward[0] == pytest.approx(reward)


def test_what_has_no_bounds_stays_as_it_is() -> None:
    lane = simulated(GymnasiumFamily(**SEEN, component="place", scale_observations=True))
    state = lane.start(np.zeros((1, 1)))
    assert state[0].tolist() == [-0.5, 0.0]
    assert lane.step(state, np.full((1, 2), 3.0), np.zeros((1, 0))).state[0, 1] == 3.0


def test_a_wrapper_of_ones_own_is_part_of_the_environment_and_of_its_code() -> None:
    plain = GymnasiumFamily(**SEEN)
    halved = GymnasiumFamily(**SEEN, wrappers=[f"{__name__}:Halved"])
    rewards = []
    for family in (plain, halved):
        lane = simulated(family)
        state = lane.start(np.zeros((1, 1)))
        rewards.append(lane.step(state, np.full((1, 2), 3.0), np.zeros((1, 0))).reward[0])
    assert rewards == [6.0, 3.0]
    assert __name__ in halved.modules


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"component": "pictures"}, "did you mean 'picture'"),
        ({"wrappers": ["gymnasium.wrappers:ClipRewards"]}, "did you mean 'ClipReward'"),
        ({"wrappers": ["Halved"]}, "must be 'module:Wrapper'"),
        ({"wrappers": ["no_such_module:Halved"]}, "cannot be imported"),
        ({"wrappers": ["gymnasium.wrappers:ResizeObservation"]}, "cannot wrap this"),
        ({"scale_observations": True}, "needs a Box of observations"),
        ({"id": "CartPole-v1", "scale_actions": True}, "needs a Box of actions"),
        ({"ranges": {"action_noise": [0.1, 0.1, 0.2]}}, "must be [0, 0, most]"),
    ],
)
def test_what_cannot_be_done_is_a_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        GymnasiumFamily(**SEEN | given)


def test_a_stored_file_imports_no_wrapper() -> None:
    wrapper.cache_clear()
    with importing(allowed=False), pytest.raises(ValueError, match="--trust"):
        wrapper("gymnasium.wrappers:ClipReward")


def test_noise_on_actions_is_the_agents_own_and_of_its_size() -> None:
    family = GymnasiumFamily(**SEEN, scale_actions=True, ranges={"action_noise": [0.0, 0.0, 0.3]})
    assert family.sample(4, 0.0, np.random.default_rng(1)).values.tolist() == [[0.0]] * 4
    lane = simulated(family, lanes=3)
    assert lane.step_draws == 2
    state = lane.start(np.zeros((3, 1)))
    uniform = np.random.default_rng(2).random((3, 2))
    step = lane.step(state, np.zeros((3, 2)), uniform)
    noisy = action_noise.noisy(lane.space, np.zeros((3, 2)), lane.noise, uniform)
    assert step.reward == pytest.approx(10000 * (np.clip(noisy, -1, 1).sum(axis=1) / 2 + 1))
    draws = np.random.default_rng(3).random((40_000, 4))
    level = np.full(40_000, 0.2)
    found = action_noise.noisy(spaces.Box(-1, 1, (3,)), np.ones((40_000, 3)), level, draws) - 1
    assert found.mean(axis=0) == pytest.approx(0, abs=0.005)
    assert np.cov(found.T) == pytest.approx(0.04 * np.eye(3), abs=0.002)
    some = action_noise.noisy(spaces.Discrete(4), np.zeros((40_000, 1)), level, draws)
    assert (some != 0).mean() == pytest.approx(0.2 * 3 / 4, abs=0.01)


def test_settings_that_are_off_change_no_id() -> None:
    plain = Config(family="gymnasium", algorithm="fedpg")
    off = {"wrappers": [], "component": "", "scale_actions": False, "scale_observations": False}
    assert plain.id == "gymnasium-kappa0-n5-fedpg-7504c7b90c06"
    assert Config(family="gymnasium", algorithm="fedpg", options=off).id == plain.id
    scaled = {"id": "Pendulum-v1", "scale_actions": True}
    assert Config(family="gymnasium", algorithm="fedpg", options=scaled).id != plain.id
