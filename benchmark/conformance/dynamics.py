"""Laws of what agents experience: shapes, purity, no leakage between agents, knobs that act."""

from typing import Any

import numpy as np
from gymnasium import spaces

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.conformance.draws import actions_of, draw, generator
from fedrl.benchmark.conformance.entries import name_of
from fedrl.benchmark.conformance.verdict import hold, hold_same
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.benchmark.training.rounds.lanes import chosen
from fedrl.envs.family import Array, Family
from fedrl.envs.views.gym import lane_of

Kind = type[Family]
STEPS = 40


def policy_of(kind: Kind) -> Any:
    """The policy that fits the family's spaces, small."""
    config = Config(family=name_of(kind), algorithm="fedpg", dtype="float64", hidden=(4,))
    return config.build_policy()


def played(family: Family, task: Any, theta: Array, agents: Array, episodes: int = 2) -> Episodes:
    """Episodes of all agents in the task, each on its own numbers of one stream."""
    return Sampler(family, policy_of(type(family)), task).sample(theta, stream_of(agents), episodes)


def stream_of(agents: Array) -> Stream:
    """The stream that these agents read."""
    keys = np.full(len(agents), Seed("test", 0).key("training"), np.uint64)
    return Stream(keys, agents, 5)


def parameters(kind: Kind, agents: int, seed: int = 4) -> Array:
    """Random parameters, one row per agent."""
    return generator(seed).normal(0, 0.3, (agents, policy_of(kind).size))


def seen_by(episodes: Episodes, agent: int) -> list[Any]:
    """All that one agent experienced; what is beyond an episode's end is undefined."""
    lengths = episodes.length[agent]
    parts = (episodes.observation, episodes.action, episodes.reward, episodes.log_prob)
    return [lengths, *(part[agent, b, :end] for part in parts for b, end in enumerate(lengths))]


def experience_fits_the_spaces(kind: Kind) -> None:
    """Observations, actions and rewards are finite and as the spaces say."""
    family = kind(horizon=STEPS)
    seen, taken = family.observation_space, family.action_space
    for name, space in (("observation_space", seen), ("action_space", taken)):
        vector = isinstance(space, spaces.Box) and len(space.shape) == 1
        fits = vector or isinstance(space, spaces.Discrete)
        hold(fits, f"{name} is {space}; it must be Discrete or a Box with one axis")
    task = draw(family)
    episodes = played(family, task, parameters(kind, 3), np.arange(3))
    for agent in range(3):
        for b, end in enumerate(episodes.length[agent]):
            hold(1 <= end <= family.horizon, f"an episode of {end} steps; at most {STEPS}")
            observation = episodes.observation[agent, b, :end]
            hold(np.isfinite(observation).all(), "an observation is not finite")
            hold(np.isfinite(episodes.reward[agent, b, :end]).all(), "a reward is not finite")
            inside = (
                all(int(row[0]) in seen and row[0] == int(row[0]) for row in observation)
                if isinstance(seen, spaces.Discrete)
                else all(row.astype(seen.dtype) in seen for row in observation)
            )
            hold(inside, f"an observation is not in {seen}")


def the_same_numbers_give_the_same_episodes(kind: Kind) -> None:
    """Sampling is pure: no bit changes when it is repeated, and the MDPs are left as they are."""
    family = kind(horizon=STEPS)
    task, theta = draw(family), parameters(kind, 3)
    kept = [field.copy() for field in task], theta.copy()
    first = played(family, task, theta, np.arange(3))
    again = played(kind(horizon=STEPS), task, theta, np.arange(3))
    for agent in range(3):
        one, two = seen_by(first, agent), seen_by(again, agent)
        hold_same(one, two, "the same numbers must give the same episodes")
    hold_same(list(task), kept[0], "playing must not change the MDPs")
    hold(np.array_equal(theta, kept[1]), "playing must not change the parameters")


def agents_do_not_notice_their_neighbours(kind: Kind) -> None:
    """Agent i's episodes are the same beside other MDPs, other parameters, or nobody."""
    family = kind(horizon=STEPS)
    task, theta = draw(family), parameters(kind, 3)
    base = seen_by(played(family, task, theta, np.arange(3)), 1)
    other, others_theta = draw(family, seed=8), parameters(kind, 3, 9)
    mixed = type(task)(*(field.copy() for field in task))
    for mine, theirs in zip(mixed, other, strict=True):
        mine[[0, 2]] = theirs[[0, 2]]
    moved = theta.copy()
    moved[[0, 2]] = others_theta[[0, 2]]
    sentence = "the episodes of an agent change with its neighbours' "
    hold_same(seen_by(played(family, mixed, theta, np.arange(3)), 1), base, sentence + "MDPs")
    hold_same(seen_by(played(family, task, moved, np.arange(3)), 1), base, sentence + "parameters")
    alone = played(family, chosen(task, slice(1, 2)), theta[1:2], np.array([1]))
    hold_same(seen_by(alone, 0), base, sentence + "presence")


def every_knob_acts(kind: Kind) -> None:
    """Pinned low, middle and high: under the same actions and numbers the trajectories differ.

    A knob that is an angle may mean the same at both ends.
    """
    family = kind()
    middle = {name: (knob.low + knob.high) / 2 for name, knob in family.knobs.items()}
    for name, knob in family.knobs.items():
        low, half, high = (
            _trajectories(family.pinned({**middle, name: value}))
            for value in (knob.low, middle[name], knob.high)
        )
        acts = low != high or low != half
        hold(acts, f"knob {name} pinned anywhere from {knob.low:g} to {knob.high:g} does nothing")


def _trajectories(family: Family, episodes: int = 5, steps: int = 25) -> list[Any]:
    """Play one agent under actions and random numbers that do not depend on its knobs."""
    lane = lane_of(family, draw(family, 1, 0.0))
    plan = actions_of(family, steps)
    seen: list[Any] = []
    for episode in range(episodes):
        numbers = generator(episode)
        state = lane.start(numbers.random(lane.start_draws))
        seen.append(lane.observe(state).tolist())
        for action in plan:
            state, reward, terminated = lane.step(state, action, numbers.random(lane.step_draws))
            seen.append((lane.observe(state).tolist(), float(reward), bool(terminated)))
            if terminated:
                break
    return seen


LAWS = (
    experience_fits_the_spaces,
    the_same_numbers_give_the_same_episodes,
    agents_do_not_notice_their_neighbours,
    every_knob_acts,
)
