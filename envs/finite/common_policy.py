"""The best known policy that all agents share: exact gradient ascent from several starts."""

from functools import lru_cache

import numpy as np

from fedrl.envs.family import Array
from fedrl.envs.finite.exact import evaluate, plan
from fedrl.envs.finite.mdp import TabularTask, mean_task

# Next to a cliff a soft policy learns to keep away from it, so a nearly greedy one is needed too.
SOFTNESS = (0.1, 0.001)
RESTARTS = 16  # random policies, the same in every process


def best_policy(task: TabularTask, discount: float, horizon: int) -> tuple[float, Array]:
    """Best known max_π (1/N) Σ_i J_i(π) over stationary policies, and a policy (Z, A) attaining it.

    The problem is not concave. Exponentiated-gradient ascent with an adaptive step starts from the
    uniform policy, from the optimal policy of the average MDP and from that of every agent (up to
    eight of them), each softened a little and a lot, and from `RESTARTS` random deterministic
    policies, each mixed half and half with the uniform one; the best end point is returned. It is a
    lower bound on the true maximum. One agent has no conflict to settle and needs no restarts.
    """
    parts = tuple((part.tobytes(), part.dtype.str, part.shape) for part in task)
    return _best_policy(parts, discount, horizon)


@lru_cache(maxsize=64)
def _best_policy(
    parts: tuple[tuple[bytes, str, tuple[int, ...]], ...], discount: float, horizon: int
) -> tuple[float, Array]:
    # writable, as everybody's: kernels are compiled once
    task = TabularTask(*(np.frombuffer(p, kind).reshape(shape).copy() for p, kind, shape in parts))
    actions = task.reward.shape[-1]
    starts = [np.full(task.reward.shape[1:], 1 / actions)]
    for mdps in (mean_task(task), task):
        _, best = plan(mdps.successor, mdps.chance, mdps.reward, discount, horizon)
        greedy = np.eye(actions)[best[:8, 0]]
        starts.extend(
            (1 - softness) * policy + softness / actions
            for softness in SOFTNESS
            for policy in greedy
        )
    if len(task.reward) > 1:
        generator = np.random.default_rng(0)
        random = generator.integers(actions, size=(RESTARTS, task.reward.shape[1]))
        starts.extend((np.eye(actions)[random] + 1 / actions) / 2)
    ends = [ascend(task, policy, discount, horizon) for policy in starts]
    return max(ends, key=lambda end: end[0])


def ascend(task: TabularTask, policy: Array, discount: float, horizon: int) -> tuple[float, Array]:
    """π ← π exp(α ∂J/∂π) / Z with α doubled after a gain and halved after a loss."""

    def score(policy: Array) -> tuple[float, Array]:
        lifted = np.broadcast_to(policy, task.reward.shape).copy()
        parts = task.successor, task.chance, task.reward, task.start
        objective, gradient = evaluate(*parts, lifted, discount, horizon)
        return float(np.mean(objective)), np.mean(gradient, axis=0)

    value, gradient = score(policy)
    step = 1.0
    for _ in range(200):
        logits = np.log(np.maximum(policy, 1e-300)) + step * gradient
        trial = np.exp(logits - logits.max(axis=-1, keepdims=True))
        trial /= trial.sum(axis=-1, keepdims=True)
        trial_value, trial_gradient = score(trial)
        if trial_value < value:
            step /= 2
            continue
        gain = trial_value - value
        policy, value, gradient = trial, trial_value, trial_gradient
        step *= 2
        if gain <= 1e-9 * max(1.0, abs(value)):
            break
    return value, policy
