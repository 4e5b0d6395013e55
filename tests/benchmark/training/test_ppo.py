"""FedPPO of one agent is PPO: against a plain transcription, networks and their slopes by hand."""

from __future__ import annotations

import numpy as np
import torch

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.rounds.sampling import shuffles

T, B, WIDTH, H = 12, 3, 3, 4  # steps, episodes, entries of an observation, hidden units
EPOCHS, PARTS, CLIP, DECAY, VALUE, ENTROPY, LARGEST, RATE = 4, 3, 0.1, 0.9, 0.6, 0.01, 0.4, 0.02
ITERATIONS = 3
STEPS = B * T


class Net:
    """z = W₂ᵀ tanh(W₁ᵀ x + b₁) + b₂ with one output, and its derivatives."""

    def __init__(self, flat):
        self.w1, rest = flat[: WIDTH * H].reshape(WIDTH, H), flat[WIDTH * H :]
        self.b1, self.w2, self.b2 = rest[:H], rest[H : 2 * H].reshape(H, 1), rest[2 * H]

    def __call__(self, x):
        self.x, self.h = x, np.tanh(x @ self.w1 + self.b1)
        return (self.h @ self.w2)[:, 0] + self.b2

    def slopes(self, delta):
        """∂(Σ δ z) of the last input, flat."""
        back = delta[:, None] @ self.w2.T * (1 - self.h**2)
        parts = (self.x.T @ back, back.sum(0), self.h.T @ delta, delta.sum(keepdims=True))
        return np.concatenate([part.ravel() for part in parts])


SIZE = WIDTH * H + H + H + 1  # of one network
POLICY = SIZE + 1  # and log σ


def log_density(theta, x, a):
    return -0.5 * ((a - Net(theta[:SIZE])(x)) / np.exp(theta[SIZE])) ** 2 - theta[SIZE]


def advantages(theta, played):
    """Of all steps, episode after episode; nothing terminates, so every last value counts."""
    value = Net(theta[POLICY:])
    found = []
    for b in range(B):
        values = value(np.concatenate([played.observation[0, b], played.final[0, b : b + 1]]))
        gain, gains = 0.0, np.zeros(T)
        for h in reversed(range(T)):
            error = played.reward[0, b, h] + 0.99 * values[h + 1] - values[h]
            gains[h] = gain = error + 0.99 * DECAY * gain
        found.append(gains)
    return np.concatenate(found)


def slope(theta, x, a, old, gain, target):
    """∇L(θ) on one minibatch."""
    gain = (gain - gain.mean()) / (gain.std() + 1e-8)
    policy, value = Net(theta[:SIZE]), Net(theta[POLICY:])
    error = a - policy(x)
    precision = np.exp(-2 * theta[SIZE])
    ratio = np.exp(log_density(theta, x, a) - old)
    beyond = np.where(gain > 0, ratio > 1 + CLIP, ratio < 1 - CLIP)
    c = np.where(beyond, 0.0, ratio * gain)
    policy(x)
    actor = policy.slopes(c * error * precision)
    spread = (c * (error**2 * precision - 1)).sum() + ENTROPY * len(x)
    critic = value.slopes(VALUE * (target - value(x)))
    whole = np.concatenate([actor, [spread], critic]) / len(x)
    return whole * min(1.0, LARGEST / np.linalg.norm(whole)), beyond.any()


def test_one_agent_is_ppo():
    config = Config(
        family="pendulum",
        options={"horizon": T, "discount": 0.99},
        algorithm="fedppo",
        hyperparameters={
            "epochs": EPOCHS,
            "minibatches": PARTS,
            "clip": CLIP,
            "gae_decay": DECAY,
            "value_weight": VALUE,
            "entropy_weight": ENTROPY,
            "largest_norm": LARGEST,
            "anneal": 1.0,
        },
        hidden=(H,),
        agents=1,
        local_steps=1,
        rounds=ITERATIONS,
        episodes=B,
        step_size=RATE,
        dtype="float64",
        evaluate_every=ITERATIONS,
        evaluation_episodes=1,
    )
    program, state, roster = start([Run(config, Seed("test", 0))])
    theta, lanes = state.server.theta[0].numpy().copy(), roster.all_agents
    with torch.no_grad():
        for _ in range(ITERATIONS):
            state = round_(program, state, roster)
    before, clipped = theta.copy(), False
    first, second, updates = np.zeros_like(theta), np.zeros_like(theta), 0
    for r in range(ITERATIONS):
        stream = lanes.stream(program, "training-0", r)
        played = lanes.sampler.sample(theta[None, :POLICY], stream, B)
        assert (played.length == T).all()
        x, a = played.observation[0].reshape(STEPS, WIDTH), played.action[0].reshape(STEPS)
        gain, old = advantages(theta, played), log_density(theta, x, a)
        target = gain + Net(theta[POLICY:])(x)
        uniform = shuffles(program, lanes, r)[0]
        for epoch in range(EPOCHS):
            order = np.arange(STEPS)
            for place in range(STEPS - 1, 0, -1):
                other = int(uniform[epoch, place] * (place + 1))
                order[[place, other]] = order[[other, place]]
            for rows in np.split(order, PARTS):
                data = (part[rows] for part in (x, a, old, gain, target))
                direction, beyond = slope(theta, *data)
                clipped |= beyond
                updates += 1
                first = 0.9 * first + 0.1 * direction
                second = 0.999 * second + 0.001 * direction**2
                root = np.sqrt(second / (1 - 0.999**updates)) + 1e-5
                rate = RATE * (1 - r / ITERATIONS)
                theta = theta + rate * first / (1 - 0.9**updates) / root
    assert clipped, "the clip of this test is never active"
    assert np.abs(theta - before).max() > 0.1
    np.testing.assert_allclose(state.server.theta[0].numpy(), theta, rtol=0, atol=1e-9)
