"""Laws of what agents experience: shapes, purity, no leakage between agents, knobs that act."""

from functools import cache
from typing import Any

import numpy as np
from gymnasium import spaces
from numba import njit

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.conformance.draws import draw, generator, rows
from fedrl.benchmark.conformance.entries import name_of
from fedrl.benchmark.conformance.verdict import hold, hold_refused, hold_same
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.envs.family import Array, CompiledFamily, Family, Kernel, SimulatedFamily, Step
from fedrl.envs.views.gym import lane_of

Kind = type[Family]
STEPS = 40


def policy_of(kind: Kind) -> Any:
    """The policy that fits the family's spaces, small."""
    config = Config(family=name_of(kind), algorithm="fedpg", dtype="float64", hidden=(4,))
    return config.build_policy()


def played(family: Family, task: Any, theta: Array, agents: Array, episodes: int = 2) -> Episodes:
    """Episodes of all agents in the task, each on its own numbers of one stream."""
    keys = np.full(len(agents), Seed("test", 0).key("training"), np.uint64)
    return Sampler(family, policy_of(type(family)), task).sample(
        theta, Stream(keys, agents, 5), episodes
    )


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
    hold(
        isinstance(seen, spaces.Discrete)
        or (isinstance(seen, spaces.Box) and len(seen.shape) == 1),
        f"observation_space is {seen}; it must be Discrete or a Box with one axis",
    )
    hold(
        isinstance(taken, spaces.Discrete)
        or (isinstance(taken, spaces.Box) and len(taken.shape) == 1),
        f"action_space is {taken}; it must be Discrete or a Box with one axis",
    )
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
        hold_same(
            seen_by(first, agent),
            seen_by(again, agent),
            "the same numbers must give the same episodes",
        )
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
    alone = played(family, rows(task, slice(1, 2)), theta[1:2], np.array([1]))
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


def _actions(family: Family, count: int) -> list[Array]:
    """Random actions (a,), the same ones every time."""
    space = family.action_space
    space.seed(1)
    return [np.atleast_1d(space.sample()) for _ in range(count)]


def _trajectories(family: Family, episodes: int = 5, steps: int = 25) -> list[Any]:
    """Play one agent under actions and random numbers that do not depend on its knobs."""
    lane = lane_of(family, draw(family, 1, 0.0))
    plan = _actions(family, steps)
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


@cache
def _compiled(kernel: Kernel) -> tuple[Any, Any, Any]:
    return njit(kernel.initial), njit(kernel.observe), njit(kernel.transition)


def kernels_are_pure_and_the_same_when_compiled(kind: type[CompiledFamily]) -> None:
    """Same in, same out, nothing modified; and what numba makes of them agrees to 1e-15."""
    family: Any = kind()
    kernel, numbers = family.kernel, generator(1)
    task = type(draw(family))(
        *(f[1].item() if f.ndim == 1 else np.ascontiguousarray(f[1]) for f in draw(family))
    )
    initial, observe, transition = _compiled(kernel)
    plan = _actions(family, 200)
    width = family.observation_space.shape or (1,)
    state: Any = None
    for chosen in plan:
        uniform = numbers.random(kernel.start_draws)
        if state is None:
            state = kernel.initial(task, uniform)
            hold_same(
                state, kernel.initial(task, uniform), "initial is not a function of its inputs"
            )
            hold(_close(initial(task, uniform), state), "initial is another function when compiled")
        seen, again, fast = np.empty(width), np.empty(width), np.empty(width)
        kernel.observe(task, state, seen)
        kernel.observe(task, state, again)
        observe(task, state, fast)
        hold(np.array_equal(seen, again), "observe is not a function of its inputs")
        hold(_close(seen, fast), "observe is another function when compiled")
        action = chosen.astype(np.float64)
        uniform = numbers.random(kernel.step_draws)
        kept = action.copy(), uniform.copy(), tuple(np.copy(part) for part in state)
        step = kernel.transition(task, state, action, uniform)
        again_step = kernel.transition(task, state, action, uniform)
        hold_same(again_step[0], step[0], "transition is not a function of its inputs")
        hold(again_step[1:] == step[1:], "transition is not a function of its inputs")
        hold(step[0] is not state, "transition must return a new state")
        hold(np.array_equal(action, kept[0]), "transition modifies the action")
        hold(np.array_equal(uniform, kept[1]), "transition modifies its random numbers")
        hold_same(tuple(state), kept[2], "transition modifies the state")
        following, reward, terminated = transition(task, state, action, uniform)
        hold(_close(following, step[0]), "transition is another function when compiled")
        hold(
            _close([reward], [step[1]]) and terminated == step[2],
            "the compiled transition gives another reward or end",
        )
        state = None if step[2] else step[0]


def simulators_are_pure(kind: type[SimulatedFamily]) -> None:
    """Same in, same out, nothing modified, whatever was simulated before.

    A second simulator, which has played another episode first, follows the first one bit for bit.
    A replayable one goes back to any state; one that is not refuses to, instead of going wrong.
    """
    family = kind()
    task, numbers = draw(family), generator(1)
    simulator, used = family.simulator(task, 2), family.simulator(task, 2)
    lanes, plan = 6, _actions(family, 20 * 6)
    actions = [np.stack(plan[lanes * t : lanes * (t + 1)]) for t in range(20)]
    other = used.start(generator(2).random((lanes, used.start_draws)))
    for action in actions[::-1][:7]:
        other = used.step(other, action, generator(3).random((lanes, used.step_draws))).state
    uniform = numbers.random((lanes, simulator.start_draws))
    kept = uniform.copy()
    state = np.copy(simulator.start(uniform))
    hold(np.array_equal(simulator.start(uniform), state), "start is not a function of its inputs")
    hold(np.array_equal(used.start(uniform), state), "start depends on what was simulated before")
    hold(np.array_equal(uniform, kept), "start modifies its random numbers")
    for action in actions:
        uniform = numbers.random((lanes, simulator.step_draws))
        before = [state.copy(), action.copy(), uniform.copy()]
        seen = np.copy(simulator.observe(state))
        step = _kept(simulator.step(state, action, uniform))
        hold_same([state, action, uniform], before, "step modifies its inputs")
        hold_same(
            _kept(used.step(state, action, uniform)),
            step,
            "step depends on what was simulated before",
        )
        if simulator.replayable:
            simulator.step(step.state, action, uniform)
            again = simulator.step(state, action, uniform)
            hold_same(step, again, "step is not a function of its inputs")
        elif not np.array_equal(state, step.state):
            hold_refused(
                lambda s=state, a=action, u=uniform: simulator.step(s, a, u),  # type: ignore[misc]
                ["state"],
                "a state before the last, given to a simulator that is not replayable,",
            )
        hold(
            np.array_equal(simulator.observe(state), seen), "observe is not a function of the state"
        )
        state = step.state


def _kept(step: Step) -> Step:
    """A copy that a simulator cannot write to."""
    return Step(*(np.copy(part) for part in step))


def _close(one: Any, two: Any, tolerance: float = 1e-15) -> bool:
    return all(
        np.allclose(left, right, rtol=tolerance, atol=tolerance)
        for left, right in zip(one, two, strict=True)
    )


LAWS = (
    experience_fits_the_spaces,
    the_same_numbers_give_the_same_episodes,
    agents_do_not_notice_their_neighbours,
    every_knob_acts,
)
