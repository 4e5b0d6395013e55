"""Laws of lazy uploads: who speaks, what the server goes on with, and what is counted."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.settings import explain
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rounds.round import round_, start

SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 4,
    "rounds": 6,
    "local_steps": 2,
    "step_size": 0.5,
    "evaluate_every": 2,
}
LAZY = {"weight": 2.0, "window": 3, "noise": 0.1}


def run(algorithm="fedpg", seed=0, **changes) -> Run:
    return Run(Config(**{**SMALL, "algorithm": algorithm, **changes}), Seed("test", seed))


@pytest.mark.parametrize("algorithm", ["fedpg", "scaffold-pg", "fast-fedpg", "fedhpd", "pooled-pg"])
def test_agents_that_are_never_silent_are_as_if_not_lazy(algorithm):
    (plain,), (never,) = (
        train([run(algorithm, **changes)]) for changes in ({}, {"lazy": {"weight": 0.0}})
    )
    assert np.array_equal(plain.parameters, never.parameters)
    for name, column in plain.columns.items():
        np.testing.assert_array_equal(column, never.columns[name], err_msg=name)


@pytest.mark.parametrize("algorithm", ["fedpg", "scaffold-pg"])
def test_fifty_rounds_transcribed(algorithm):
    """LAPG in plain loops, of one step per round and of two: who spoke is counted, agent by agent.

    Only the local directions come from the implementation. SCAFFOLD's messages are sent as ever.
    """
    chosen = run(algorithm, rounds=50, lazy=LAZY, episodes=5)
    agents, d, numbers, spoken = 4, 6, 0, []
    last, moves, theta = [None] * agents, [], np.zeros(d)
    with torch.no_grad():
        program, state, roster = start([chosen])
        for _ in range(50):
            seen: list = []
            state = round_(program, state, roster, seen.append)
            means = sum(step.direction for step in seen).numpy() / len(seen)
            recent = sum(moves[-3:]) / 3
            for agent in range(agents):
                gap = 0.0 if last[agent] is None else means[agent] - last[agent]
                if last[agent] is None or np.square(gap).sum() >= 2.0 * recent + 0.1:
                    last[agent] = means[agent]
                    numbers += d
                    spoken.append(agent)
            step = np.mean(last, axis=0)
            theta = theta + 1.0 * step
            moves.append(np.square(step).sum())
            np.testing.assert_allclose(state.server.theta[0].numpy(), theta, rtol=0, atol=1e-10)
            np.testing.assert_allclose(state.uploads.last[0].numpy(), last, rtol=0, atol=1e-10)
            messages = d * agents * state.round * (algorithm == "scaffold-pg")
            assert int(state.ledger.floats_up[0]) == numbers + messages
            assert int(state.ledger.bits_up[0]) == 64 * (numbers + messages)
    assert 20 < len(spoken) < 190, "the transcription must meet both who speaks and who does not"


def test_a_silent_agent_is_done_sooner():
    """Of one bit per second, a round takes what its slowest participant sends and receives."""
    clock = {"bandwidth": 64.0, "compute": 1.0}
    (lazy,) = train([run(lazy={"weight": 0.0, "noise": 1e6}, clock=clock, evaluate_every=1)])
    np.testing.assert_allclose(np.diff(lazy.columns["simulated_seconds"]), [14, 8, 8, 8, 8, 8])
    np.testing.assert_array_equal(lazy.columns["floats_up"], [0, 6, 6, 6, 6, 6, 6])


def test_bits_alone_in_a_batch_and_resumed():
    runs = [run("scaffold-pg", seed, lazy=LAZY, episodes=5) for seed in (0, 1)]
    together, (alone,), states = train(runs), train(runs[1:]), []
    assert np.array_equal(together[1].parameters, alone.parameters)
    with patch("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0):
        train(runs[1:], on_state=lambda _, state: states.append(state))
    (again,) = train(runs[1:], states=[states[1]])
    assert np.array_equal(again.parameters, alone.parameters)
    np.testing.assert_array_equal(again.columns["bits_up"], alone.columns["bits_up"])
    assert alone.columns["bits_up"][-1] < 6 * 2 * 6 * 64


def test_a_run_that_diverges_is_seen_to():
    """What is not finite is sent, however near or far it is."""
    chosen = run(step_size=1e200, lazy={"weight": 0.0, "noise": 1e6})
    with torch.no_grad():
        program, state, roster = start([chosen])
        state = round_(program, state, roster)
        broken = state.server._replace(theta=torch.full_like(state.server.theta, torch.nan))
        state = round_(program, state._replace(server=broken), roster)
    assert state.server.theta.isnan().all()
    assert int(state.ledger.floats_up[0]) == 2 * 4 * 6


def test_agents_that_send_nothing_are_not_lazy():
    (plain,), (same,) = train([run("independent-pg")]), train([run("independent-pg", lazy=LAZY)])
    assert np.array_equal(plain.parameters, same.parameters)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lazy": {"weight": -1.0}}, "lazy.weight is -1.0; it must be greater than or equal to 0"),
        ({"lazy": {"windows": 3}}, "no setting of lazy 'windows'; did you mean 'window'?"),
        ({"lazy": True}, '"none" or a table: {weight = 1.0, window = 10}'),
        ({"lazy": LAZY, "participation": 0.5}, "participation is 0.5; it must be 1 with lazy"),
        ({"lazy": LAZY, "compression": {"kind": "sign"}}, "it must be 'none' with lazy"),
        ({"lazy": LAZY, "privacy": {}}, "it must be 'none' with lazy"),
        ({"lazy": LAZY, "algorithm": "afedpg"}, "afedpg hears one agent at a time"),
        ({"lazy": LAZY, "algorithm": "fedpg-br"}, "fedpg-br steps at the server"),
    ],
)
def test_what_does_not_go_together_is_told(changes, words):
    with pytest.raises(ValidationError) as error:
        run(**changes)
    assert words in explain(error.value)
