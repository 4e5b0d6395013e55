"""A critic beside the policy: advantages for any algorithm, and the fit of V, in one compiled call.

Axes: L lanes, B episodes, T steps, M steps taken, c parameters of V.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from fedrl.algorithms.estimators.actor_critic.advantages import generalised_advantages
from fedrl.algorithms.estimators.actor_critic.kernels import shuffle
from fedrl.algorithms.estimators.actor_critic.optimisers import ADAM, ascend
from fedrl.algorithms.estimators.coefficients import pack
from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.kernels import body_and_head, source_digest


class Fit(NamedTuple):
    """What decides advantages and the fit of V; the same for all lanes."""

    discount: float  # γ
    decay: float  # λ of the advantages
    step_size: float  # of Adam
    epochs: int  # passes over the batch; 0: V stays
    minibatches: int  # updates per pass


@cache
def compiled_valuation(name: str) -> Callable[..., None]:
    """Advantages Â by V, then V fitted to Â + V, for policies of the class `name`.

    (shape of V, fit, state (L,3c+1), observation (L,B,T,o), reward (L,B,T), length (L,B),
    final (L,B,o), terminated (L,B), uniform (L,E,·), value (L,B,T), out (L,3c+1)).

    A state is V's parameters, both moments of Adam and the count of its updates. Writes the state
    after the fit and value_h = Σ_{j≥h} R_j - Â_h, which an estimator without discount has to
    subtract from its rewards to go to be left with Â_h.
    """
    body, _ = body_and_head(name)
    forward, backward = body.forward, body.backward
    version = source_digest(forward, pack, generalised_advantages, ascend, shuffle)

    @compiled
    def valuate(  # type: ignore[no-untyped-def]
        shape, fit, state, observation, reward, length, final, terminated, uniform, value, out
    ):
        _ = version  # a closed-over value is part of the key of the compilation cache
        c = (state.shape[1] - 1) // 3
        gradient = np.empty(c, state.dtype)
        for lane in range(len(state)):
            own = out[lane]
            for entry in range(len(own)):  # a copy of arrays compiles much more
                own[entry] = state[lane, entry]
            theta, first, second = own[:c], own[c : 2 * c], own[2 * c : 3 * c]
            # Segments are padded with empty episodes, as many as others in the batch need.
            lengths = length[lane][: np.sum(length[lane] > 0)]
            x, _ = pack(observation[lane], observation[lane], lengths, theta)
            steps = len(x)
            _, v = forward(shape, theta, x)
            _, last = forward(shape, theta, final[lane][: len(lengths)])
            advantage = np.empty(steps)
            generalised_advantages(
                reward[lane], v[:, 0], last[:, 0], terminated[lane], lengths, fit.discount,
                fit.decay, advantage,
            )  # fmt: skip
            at = 0
            for b in range(len(lengths)):
                total = 0.0
                for h in range(lengths[b] - 1, -1, -1):
                    total += reward[lane, b, h]
                    value[lane, b, h] = total - advantage[at + h]
                at += lengths[b]
            target = advantage + v[:, 0]
            for epoch in range(fit.epochs):
                order = np.arange(steps)
                shuffle(order, uniform[lane, epoch])
                for part in range(fit.minibatches):
                    begin, end = part * steps, (part + 1) * steps
                    rows = order[begin // fit.minibatches : end // fit.minibatches]
                    if len(rows) == 0:  # fewer steps than minibatches
                        continue
                    some, wanted = x[rows], target[rows]
                    cached, fitted = forward(shape, theta, some)
                    for m in range(len(rows)):
                        fitted[m, 0] = (wanted[m] - fitted[m, 0]) / len(rows)
                    gradient[:] = 0
                    backward(shape, theta, some, cached, fitted, gradient)
                    own[3 * c] += 1
                    ascend(ADAM, fit.step_size, own[3 * c], gradient, theta, first, second)

    return valuate  # type: ignore[no-any-return]
