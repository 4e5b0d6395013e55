"""Server optimisers: their recursions, in loops of NumPy; neutral values; nothing is sent."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rounds.round import round_, start

RULES = {
    "momentum": {"kind": "momentum", "first_decay": 0.7},
    "adam": {"kind": "adam", "first_decay": 0.7, "second_decay": 0.9, "floor": 0.02},
    "yogi": {"kind": "yogi", "first_decay": 0.7, "second_decay": 0.9, "floor": 0.02},
    "normalised": {"kind": "normalised"},
}
ROUNDS = 50


def run(rule=None, algorithm="fedsvrpg-m", seed=0, **changes):
    config = {
        "family": "random-mdp",
        "options": {"size": 4, "choices": 3, "horizon": 8},
        "algorithm": algorithm,
        "kappa": 0.7,
        "agents": 3,
        "rounds": ROUNDS,
        "local_steps": 2,
        "step_size": 0.2,
        "server_step_size": 0.1,
        "evaluate_every": 10,
    }
    return Run(Config(**config | changes, server_optimiser=rule), Seed("test", seed))


def stepped(rule, momenta, theta):
    """θ after every round, from u_{r+1} of each."""
    kind, floor = rule["kind"], rule.get("floor")
    keep, square = rule.get("first_decay"), rule.get("second_decay")
    first, second, path = np.zeros_like(theta), np.full_like(theta, (floor or 0) ** 2), []
    for u in momenta:
        if kind == "normalised":
            step = u / np.linalg.norm(u)
        elif kind == "momentum":
            first = keep * first + u
            step = first
        else:
            first = keep * first + (1 - keep) * u
            if kind == "adam":
                second = square * second + (1 - square) * u**2
            else:
                second = second - (1 - square) * u**2 * np.sign(second - u**2)
            step = first / (np.sqrt(second) + floor)
        theta = theta + 0.1 * step
        path.append(theta)
    return path


@pytest.mark.parametrize("name", RULES)
def test_the_server_steps_as_its_rule_says(name):
    program, state, roster = start([run(RULES[name])])
    first, momenta, found = state.server.theta[0].numpy().copy(), [], []
    with torch.no_grad():
        for _ in range(ROUNDS):
            state = round_(program, state, roster)
            momenta.append(state.server.momentum[0].numpy())
            found.append(state.server.theta[0].numpy())
    np.testing.assert_allclose(found, stepped(RULES[name], momenta, first), rtol=0, atol=1e-10)


def test_momentum_that_keeps_nothing_changes_no_bit_and_no_rule_costs_a_float():
    plain, neutral = train([run()])[0], train([run({"kind": "momentum", "first_decay": 0.0})])[0]
    np.testing.assert_array_equal(plain.parameters, neutral.parameters)
    for name in RULES:
        found = train([run(RULES[name], rounds=4)])[0].columns
        for column in ("floats_up", "floats_down", "steps_total"):
            np.testing.assert_array_equal(
                found[column], train([run(rounds=4)])[0].columns[column], err_msg=name
            )


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("algorithm", ["scaffold-pg", "independent-pg", "fedppo"])
def test_a_batch_and_an_interruption_change_no_bit(name, algorithm, monkeypatch):
    monkeypatch.setattr("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0)
    runs, states = [run(RULES[name], algorithm, seed, rounds=6) for seed in (0, 1)], {}

    def keep(one, state):
        states.setdefault(state.round, {})[one.seed.index] = state

    together = train(runs, on_state=keep)
    resumed = train(runs, states=[states[3][place] for place in (0, 1)])
    for one, alone, again in zip(runs, together, resumed, strict=True):
        np.testing.assert_array_equal(alone.parameters, train([one])[0].parameters)
        np.testing.assert_array_equal(alone.parameters, again.parameters)


@pytest.mark.parametrize(
    ("rule", "algorithm", "said"),
    [
        ({"kind": "adam"}, "qavg", "'none': θ of qavg is no vector of logits"),
        ({"kind": "adem"}, "fedpg", "adem"),
        ({"kind": "adam", "first_decay": 1.0}, "fedpg", "less than 1"),
        ({"kind": "adam", "beta": 0.9}, "fedpg", "setting of server_optimiser 'beta'"),
        ("adam", "fedpg", '"none" or a table: {kind = "adam"}'),
    ],
)
def test_what_cannot_be_is_refused(rule, algorithm, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        run(rule, algorithm)
