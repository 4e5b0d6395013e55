"""A generative model of finite MDPs: what follows every state and action, as often as is asked."""

import numpy as np
from numpy.typing import DTypeLike

from fedrl.benchmark.training.rollout import Episodes, Stream
from fedrl.envs.finite.mdp import TabularTask


def draws(task: TabularTask, stream: Stream, count: int, dtype: DTypeLike) -> Episodes:
    """`count` draws of what follows every (s, a) of every lane, as episodes of one step.

    Episode b·Z·A + s·A + a is draw b of the pair (s, a). Where an episode went on to is `final`.
    Actions are nobody's choice: log_prob is 0.
    """
    lanes, states, actions = task.reward.shape
    pairs = states * actions
    uniform = stream.uniform(count * pairs).reshape(lanes, count, states, actions, 1)
    reach = np.cumsum(task.chance, axis=-1)[:, None]
    reach[..., -1] = np.inf  # rounding leaves no number without an outcome
    last = task.chance.shape[-1] - 1 - np.argmax(task.chance[..., ::-1] > 0, axis=-1)
    place = np.minimum(np.argmax(uniform < reach, axis=-1), last[:, None])[..., None]

    def outcome(values: np.ndarray) -> np.ndarray:
        every = np.broadcast_to(values[:, None], (*place.shape[:-1], values.shape[-1]))
        one = place if values.shape[-1] > 1 else np.zeros_like(place)
        return np.take_along_axis(every, one, axis=-1)[..., 0].reshape(lanes, -1)

    after = outcome(task.successor)
    ends = np.take_along_axis(task.terminal, after, axis=1)
    state, action = np.divmod(np.tile(np.arange(pairs), count), actions)
    shape = (lanes, count * pairs, 1)
    return Episodes(
        np.broadcast_to(state[:, None, None], (*shape, 1)).astype(dtype),
        np.broadcast_to(action[:, None, None], (*shape, 1)).astype(dtype),
        outcome(task.payoff).astype(dtype)[..., None],
        np.zeros(shape, dtype),
        np.ones(shape[:2], np.int64),
        np.where(ends, 0, after).astype(dtype)[..., None],
        ends,
    )
