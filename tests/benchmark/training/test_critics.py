"""A critic beside any algorithm: a transcription in loops, resumption, cost, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.rounds.sampling import uniform

STATES, ACTIONS, GAMMA, DECAY, RATE = 4, 3, 0.9, 0.7, 0.05
RULE = {"decay": DECAY, "step_size": RATE, "epochs": 2, "minibatches": 3}
PRACTICE = ["fedpg", "fedpg-m", "fedsvrpg-m", "fedhapg-m", "scaffold-pg", "fedprox-pg", "fednpg"]


def run(algorithm="fedpg", seed=0, **changes):
    config = {
        "family": "random-mdp",
        "options": {"size": STATES, "choices": ACTIONS, "horizon": 7, "discount": GAMMA},
        "algorithm": algorithm,
        "kappa": 0.7,
        "agents": 2,
        "rounds": 6,
        "local_steps": 2,
        "episodes": 2,
        "step_size": 0.2,
        "critic": RULE,
        "evaluate_every": 2,
    }
    return Run(Config(**config | changes), Seed("test", seed))


class Value:
    """A table V with Adam, fitted in loops."""

    def __init__(self):
        self.v, self.first, self.second, self.updates = np.zeros(STATES), 0.0, 0.0, 0

    def advantages(self, observation, reward, final):
        found = []
        for states, rewards, last in zip(
            observation[..., 0].astype(int), reward, final, strict=True
        ):
            values = np.append(self.v[states], self.v[int(last[0])])
            gain, gains = 0.0, []
            for h in reversed(range(len(states))):
                error = rewards[h] + GAMMA * values[h + 1] - values[h]
                gain = error + GAMMA * DECAY * gain
                gains.insert(0, gain)
            found.append(gains)
        return np.array(found)

    def fit(self, states, target, orders):
        for numbers in orders:
            order = np.arange(len(states))
            for place in range(len(order) - 1, 0, -1):
                other = int(numbers[place] * (place + 1))
                order[[place, other]] = order[[other, place]]
            for part in range(3):
                rows = order[part * len(order) // 3 : (part + 1) * len(order) // 3]
                slope = np.zeros(STATES)
                for m in rows:
                    slope[states[m]] += (target[m] - self.v[states[m]]) / len(rows)
                self.updates += 1
                self.first = 0.9 * self.first + 0.1 * slope
                self.second = 0.999 * self.second + 0.001 * slope**2
                root = np.sqrt(self.second / (1 - 0.999**self.updates)) + 1e-5
                self.v = self.v + RATE * self.first / (1 - 0.9**self.updates) / root


@pytest.mark.parametrize("kept", ["own", "averaged"])
def test_fedpg_with_a_critic_is_its_transcription(kept):
    one = run(critic=RULE | {"kept": kept})
    program, state, roster = start([one])
    theta, lanes = state.server.theta[0].numpy().copy(), roster.all_agents
    critics = [Value(), Value()]
    with torch.no_grad():
        for _ in range(6):
            state = round_(program, state, roster)
    for r in range(6):
        own = np.stack([theta, theta])
        for draw in (2 * r, 2 * r + 1):
            played = lanes.sampler.sample(own, lanes.stream(program, "training-0", draw), 2)
            orders, gradients = uniform(program, lanes, "critic", draw, 2), np.zeros_like(own)
            for i, value in enumerate(critics):
                gain = value.advantages(played.observation[i], played.reward[i], played.final[i])
                states = played.observation[i, ..., 0].astype(int).ravel()
                actions = played.action[i, ..., 0].astype(int).ravel()
                target = gain.ravel() + value.v[states]
                table = own[i].reshape(STATES, ACTIONS)
                chance = np.exp(table) / np.exp(table).sum(1, keepdims=True)
                slope = np.zeros((STATES, ACTIONS))
                for s, a, c in zip(states, actions, gain.ravel(), strict=True):
                    slope[s] -= c * chance[s] / 2
                    slope[s, a] += c / 2
                gradients[i] = slope.ravel()
                value.fit(states, target, orders[i])
            own = own + 0.2 * gradients
        theta = own.mean(0)
        if kept == "averaged":
            critics[0].v = critics[1].v = (critics[0].v + critics[1].v) / 2
    np.testing.assert_allclose(state.server.theta[0].numpy(), theta, rtol=0, atol=1e-10)
    assert np.abs(theta).max() > 0.1


@pytest.mark.parametrize("algorithm", [*PRACTICE, "fedhapg-m2", "independent-pg", "fedsvrpg"])
def test_a_batch_and_an_interruption_change_no_bit(algorithm, monkeypatch):
    monkeypatch.setattr("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0)
    runs = [run(algorithm, seed) for seed in range(2)]
    states = {}

    def keep(one, state):
        states.setdefault(state.round, {})[one.seed.index] = state

    together = train(runs, on_state=keep)
    resumed = train(runs, states=[states[3][place] for place in range(2)])
    for one, first, again in zip(runs, together, resumed, strict=True):
        (alone,) = train([one])
        assert not first.columns["diverged"].any()
        for other in (again, alone):
            np.testing.assert_array_equal(first.parameters, other.parameters)


@pytest.mark.long
def test_robots_in_practical_mode():
    """Critic, segments, pooled statistics, whitened advantages and Adam at the server, together."""
    settings = {
        "family": "hopper",
        "options": {"horizon": 30},
        "segment": 20,
        "per_step_mean": True,
        "whiten": True,
        "normalise": "pooled",
        "weight_cap": 2.0,
        "hidden": (4, 4),
        "step_size": 0.01,
        "server_step_size": 0.01,
        "server_optimiser": {"kind": "adam"},
        "evaluation_episodes": 2,
    }
    for algorithm in PRACTICE:
        runs = [run(algorithm, seed, **settings) for seed in range(3)]
        together = train(runs)
        for one, first in zip(runs, together, strict=True):
            (alone,) = train([one])
            np.testing.assert_array_equal(first.parameters, alone.parameters)
            for name, column in first.columns.items():
                np.testing.assert_array_equal(column, alone.columns[name], err_msg=name)
            assert not first.columns["diverged"].any()


def test_an_averaged_critic_is_counted():
    costs = {
        kept: train([run(critic=RULE | {"kept": kept})])[0].columns["floats_up"][-1]
        for kept in ("own", "averaged")
    }
    assert costs["own"] == 6 * STATES * ACTIONS
    assert costs["averaged"] == costs["own"] + 6 * STATES


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"algorithm": "fedppo"},
            "critic is {'decay': 0.7}; it must be 'none': fedppo has a critic",
        ),
        ({"gradients": "exact"}, "there are no episodes"),
        ({"algorithm": "fedpg-br"}, "'none': the server steps"),
        ({"per_decision": True}, "it takes the place of rewards to go"),
        ({"baseline": "linear"}, "it takes the place of rewards to go"),
        ({"critic": {"decay": 1.5}}, "less than or equal to 1"),
        ({"critic": {"lambda": 0.9}}, "setting of critic 'lambda'"),
        ({"critic": {"minibatches": 20}}, "enough for a batch of 20 steps"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        run(**changes)
