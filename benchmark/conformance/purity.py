"""Laws of a family's own functions: same in, same out, nothing modified, compiled or not."""

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from fedrl.benchmark.conformance.draws import actions_of, draw, generator
from fedrl.benchmark.conformance.verdict import hold, hold_refused, hold_same
from fedrl.envs.family import CompiledFamily, SimulatedFamily, Step


def kernels_are_pure_and_the_same_when_compiled(kind: type[CompiledFamily]) -> None:
    """Same in, same out, nothing modified; and what numba makes of them agrees to 1e-15."""
    family: Any = kind()
    kernel, numbers = family.kernel, generator(1)
    task = type(draw(family))(
        *(f[1].item() if f.ndim == 1 else np.ascontiguousarray(f[1]) for f in draw(family))
    )
    compiled: list[Any] = [njit(part) for part in kernel[:3]]
    initial, observe, transition = compiled
    plan = actions_of(family, 200)
    width = family.observation_space.shape or (1,)
    state: Any = None
    for chosen in plan:
        uniform = numbers.random(kernel.start_draws)
        if state is None:
            state = kernel.initial(task, uniform)
            once_more = kernel.initial(task, uniform)
            hold_same(state, once_more, "initial is not a function of its inputs")
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
        same = _close([reward], [step[1]]) and terminated == step[2]
        hold(same, "the compiled transition gives another reward or end")
        state = None if step[2] else step[0]


def simulators_are_pure(kind: type[SimulatedFamily]) -> None:
    """Same in, same out, nothing modified, whatever was simulated before.

    A second simulator, which has played another episode first, follows the first one bit for bit.
    A replayable one goes back to any state; one that is not refuses to, instead of going wrong.
    """
    family = kind()
    task, numbers = draw(family), generator(1)
    simulator, used = family.simulator(task, 2), family.simulator(task, 2)
    lanes, plan = 6, actions_of(family, 20 * 6)
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
        other_step = _kept(used.step(state, action, uniform))
        hold_same(other_step, step, "step depends on what was simulated before")
        if simulator.replayable:
            simulator.step(step.state, action, uniform)
            again = simulator.step(state, action, uniform)
            hold_same(step, again, "step is not a function of its inputs")
        elif not np.array_equal(state, step.state):
            what = "a state before the last, given to a simulator that is not replayable,"
            hold_refused(partial(simulator.step, state, action, uniform), ["state"], what)
        same = np.array_equal(simulator.observe(state), seen)
        hold(same, "observe is not a function of the state")
        state = step.state


def _kept(step: Step) -> Step:
    """A copy that a simulator cannot write to."""
    return Step(*(np.copy(part) for part in step))


def _close(one: Any, two: Any) -> bool:
    pairs = zip(one, two, strict=True)
    return all(np.allclose(left, right, rtol=1e-15, atol=1e-15) for left, right in pairs)
