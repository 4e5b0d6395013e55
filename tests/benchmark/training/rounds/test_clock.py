"""Laws of the virtual clock: how long rounds take, who arrives when, and that only time changes."""

from __future__ import annotations

import heapq
import math
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import stats

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rounds.clock import pace
from fedrl.benchmark.training.rounds.lanes import Lanes
from fedrl.benchmark.training.rounds.round import round_, start

SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 3,
    "rounds": 4,
    "local_steps": 2,
    "step_size": 0.1,
    "evaluate_every": 1,
}
HEAVY = {"pace": "pareto", "network": "pareto", "latency": 0.5, "bandwidth": 1000.0}


def run(algorithm="fedpg", seed=0, **changes) -> Run:
    return Run(Config(**{**SMALL, "algorithm": algorithm, **changes}), Seed("test", seed))


def times(**changes) -> list[float]:
    (result,) = train([run(**changes)])
    return result.columns["simulated_seconds"].tolist()


def test_synchronous_rounds_wait_for_the_slowest():
    assert times() == [0, 2, 4, 6, 8]
    slowest = 2 * 0.5 * math.sqrt(3)
    found = times(clock={"pace": "sqrt", "compute": 0.5})
    np.testing.assert_allclose(found, slowest * np.arange(5), rtol=1e-14)


def test_exchanges_and_snapshots_take_time():
    """Six float64 go each way, of FedSVRPG-M twice down; a snapshot takes B₀/B gradients."""
    clock = {"latency": 0.5, "bandwidth": 100.0}
    found = times(clock=clock)
    np.testing.assert_allclose(found, (2 + 0.5 + 2 * 6 * 64 / 100) * np.arange(5), rtol=1e-14)
    found = times(clock=clock, compression={"kind": "sign"})
    np.testing.assert_allclose(found, (2 + 0.5 + (6 * 64 + 70) / 100) * np.arange(5), rtol=1e-14)
    found = times(clock=clock, algorithm="fast-fedpg", episodes=2, snapshot_episodes=3)
    np.testing.assert_allclose(
        found, (2 + 1.5 + 2 * 0.5 + 4 * 6 * 64 / 100) * np.arange(5), rtol=1e-14
    )
    found = times(clock=clock, algorithm="fedsvrpg-m", initial_momentum="batch")
    first = 10 + 0.5 + 2 * 6 * 64 / 100
    later = (2 + 0.5 + 3 * 6 * 64 / 100) * np.arange(5)
    np.testing.assert_allclose(found, [0, *(first + later[1:])], rtol=1e-14)


def test_agents_that_do_not_communicate_work_at_once():
    found = times(algorithm="independent-pg", clock={"pace": "sqrt", "latency": 9.0})
    np.testing.assert_allclose(found, 2 * math.sqrt(3) * np.arange(5), rtol=1e-14)


@pytest.mark.parametrize("algorithm", ["fedpg", "scaffold-pg"])
def test_a_clock_changes_nothing_but_time(algorithm):
    (plain,), (timed,) = train([run(algorithm)]), train([run(algorithm, clock=HEAVY)])
    assert np.array_equal(plain.parameters, timed.parameters)
    for name in plain.columns.keys() - {"simulated_seconds"}:
        np.testing.assert_array_equal(plain.columns[name], timed.columns[name], err_msg=name)


def test_heavy_tails_have_the_distribution_they_name():
    program, _, roster = start([run(clock={"pace": "pareto", "index": 2.5}, agents=2)])
    drawn = [pace(program, "pareto", roster.all_agents, "clock-compute", n) for n in range(4000)]
    sample = np.concatenate(drawn)
    expected = stats.pareto(2.5, scale=1.5 / 2.5)
    assert expected.mean() == pytest.approx(1)
    assert stats.kstest(sample, expected.cdf).statistic < 2 / math.sqrt(len(sample))


@pytest.mark.parametrize("clock", [HEAVY, {"pace": "sqrt"}, None], ids=["pareto", "sqrt", "none"])
def test_fifty_arrivals_transcribed(clock):
    """AFedPG as a queue of events in plain loops; only trajectories and durations are shared."""
    chosen = run(
        "afedpg",
        rounds=50,
        local_steps=1,
        server_step_size=0.2,
        clock=clock,
        hyperparameters={"alpha": 0.4},
    )
    program, state, roster = start([chosen])
    lanes, bits = roster.all_agents, 2 * 6 * 64

    def duration(agent, draw):
        return float(took(program, lanes, bits, draw)[agent])

    theta = previous = np.zeros(6)
    mean, now = np.zeros(6), 0.0
    told = [(theta, previous)] * 3
    queue = [(duration(agent, 0), agent) for agent in range(3)]
    heapq.heapify(queue)
    order = []
    for r in range(50):
        now, agent = heapq.heappop(queue)
        order.append(agent)
        old, older = told[agent]
        g = slope(program, lanes, old + 0.6 / 0.4 * (old - older), agent, r)
        mean = 0.6 * mean + 0.4 * g
        theta, previous = theta + 0.2 * mean / np.linalg.norm(mean), theta
        told[agent] = (theta, previous)
        heapq.heappush(queue, (now + duration(agent, r + 1), agent))
        with torch.no_grad():
            state = round_(program, state, roster)
        np.testing.assert_allclose(state.server.theta[0].numpy(), theta, rtol=0, atol=1e-10)
        assert float(state.now[0]) == pytest.approx(now, rel=1e-13)
    counts = np.bincount(order, minlength=3)
    assert (counts.max() - counts.min() <= 1) == (clock is None)  # in turn, if all are as fast
    assert int(state.ledger.floats_up[0]) == int(state.ledger.floats_down[0]) == 50 * 6


@pytest.mark.parametrize("algorithm", ["rennala-nigt", "malenia-nigt"])
def test_fifty_arrivals_that_are_gathered_transcribed(algorithm):
    """Who has been fast brings more, all stop when there is enough, an exchange takes its time."""
    chosen = run(
        algorithm,
        rounds=50,
        local_steps=1,
        server_step_size=0.2,
        clock=HEAVY,
        hyperparameters={"alpha": 0.4, "gathered": 7},
    )
    program, state, roster = start([chosen])
    rennala = algorithm == "rennala-nigt"
    lanes, numbers = roster.all_agents, (6, 6) if rennala else (7, 7)  # up, down
    clock, bits = program.config.clock, 64 * sum(numbers)

    def computing(draw):
        return clock.compute * pace(program, clock.pace, lanes, "clock-compute", draw)

    def sending(draw):
        line = clock.latency + bits / clock.bandwidth
        return line * pace(program, clock.network, lanes, "clock-network", draw).max()

    theta = previous = mean = np.zeros(6)
    due, kept, steps = computing(0), [[], [], []], 0
    for r in range(50):
        agent = int(np.argmin(due))
        now = due[agent]
        point = theta + 0.6 / 0.4 * (theta - previous)
        kept[agent].append(slope(program, lanes, point, agent, r))
        due[agent] = now + computing(r + 1)[agent]
        counts = [len(own) for own in kept]
        if rennala:
            taken = sum(map(sum, kept)) / 7 if sum(counts) == 7 else None
        else:
            enough = min(counts) > 0 and 3 / sum(1 / c for c in counts) >= 7 / 3
            taken = sum(sum(own) / len(own) for own in kept) / 3 if enough else None
        if taken is not None:
            mean, steps = 0.6 * mean + 0.4 * taken, steps + 1
            theta, previous = theta + 0.2 * mean / np.linalg.norm(mean), theta
            now = now + sending(r + 1)
            due, kept = now + computing(r + 1), [[], [], []]
        with torch.no_grad():
            state = round_(program, state, roster)
        np.testing.assert_allclose(state.server.theta[0].numpy(), theta, rtol=0, atol=1e-10)
        assert float(state.now[0]) == pytest.approx(now, rel=1e-13)
    assert 3 < steps < 50
    assert int(state.ledger.floats_up[0]) == steps * 3 * numbers[0]
    assert int(state.ledger.bits_down[0]) == steps * 3 * 64 * numbers[1]
    assert int(state.ledger.trajectories[0]) == 50


def slope(program, lanes, theta, agent, draw):
    """g(θ) of an episode that the agent plays at θ, written out."""
    played = lanes.sampler.sample(
        np.repeat(theta[None], 3, axis=0), lanes.stream(program, "training-0", draw), 1
    )
    p = np.exp(theta.reshape(3, 2))
    p /= p.sum(1, keepdims=True)
    g, steps = np.zeros((3, 2)), played.length[agent, 0]
    earned = program.family.discount ** np.arange(steps) * played.reward[agent, 0, :steps]
    for t in range(steps):
        s, a = (int(part[agent, 0, t, 0]) for part in played[:2])
        g[s] += earned[t:].sum() * (np.eye(2)[a] - p[s])
    return g.ravel()


@pytest.mark.parametrize("algorithm", ["rennala-nigt", "malenia-nigt"])
@pytest.mark.parametrize("latency", [0.0, 0.5])
def test_gathering_one_direction_of_each_is_the_synchronous_algorithm(algorithm, latency):
    """If all are as fast as each other, with the same steps, numbers sent and seconds."""
    changes = {"clock": {"latency": latency}, "local_steps": 1, "server_step_size": 0.3}
    (whole,) = train([run("fednigt", rounds=9, **changes)])
    changes |= {"rounds": 27, "evaluate_every": 3, "hyperparameters": {"gathered": 3}}
    gathers = run(algorithm, **changes)
    with same_draws(by=3):
        (found,) = train([gathers])
    np.testing.assert_allclose(found.parameters, whole.parameters, rtol=0, atol=1e-12)
    for name in ("steps_total", "simulated_seconds"):
        np.testing.assert_array_equal(found.columns[name], whole.columns[name], err_msg=name)
    more = 9 * (algorithm == "malenia-nigt")  # a number more per step
    assert found.columns["floats_up"][-1] == whole.columns["floats_up"][-1] + more


@contextmanager
def same_draws(by):
    """Streams of training that count steps of the server, `by` arrivals each."""
    kept = Lanes.stream

    def stream(self, program, purpose, draw):
        return kept(self, program, purpose, draw // by if purpose == "training-0" else draw)

    with patch.object(Lanes, "stream", stream):
        yield


def took(program, lanes, bits, draw):
    """Durations (N,) of a gradient and an exchange, from the configuration."""
    clock = program.config.clock
    if clock is None:
        return np.ones(3)
    compute = pace(program, clock.pace, lanes, "clock-compute", draw)
    network = pace(program, clock.network, lanes, "clock-network", draw)
    line = clock.latency + (0 if clock.bandwidth is None else bits / clock.bandwidth)
    return clock.compute * compute + line * network


def test_without_delay_asynchronous_is_synchronous():
    """One agent is never late."""
    runs = [run(name, agents=1, rounds=9) for name in ("afedpg", "fednigt")]
    (late,), (punctual,) = (train([one]) for one in runs)
    assert np.array_equal(late.parameters, punctual.parameters)


def test_without_memory_nigt_is_normalised_fedpg():
    normalised = run(server_optimiser={"kind": "normalised"})
    (one,), (two,) = train([run("fednigt", hyperparameters={"alpha": 1.0})]), train([normalised])
    np.testing.assert_allclose(one.parameters, two.parameters, rtol=0, atol=1e-14)


def test_bits_alone_in_a_batch_and_resumed():
    changes = {"clock": HEAVY, "rounds": 9, "compression": {"kind": "top-k", "share": 0.3}}
    runs = [run("afedpg", seed, **changes) for seed in (0, 1)]
    together, (alone,), states = train(runs), train(runs[1:]), []
    with patch("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0):
        train(runs[1:], on_state=lambda _, state: states.append(state))
    (again,) = train(runs[1:], states=[states[4]])
    for other in (together[1], again):
        assert np.array_equal(other.parameters, alone.parameters)
        for name, column in alone.columns.items():
            np.testing.assert_array_equal(other.columns[name], column, err_msg=name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clock": {"compute": 0}}, "greater than 0"),
        ({"clock": {"latency": -1.0}}, "greater than or equal to 0"),
        ({"clock": {"pace": "slow"}}, "'constant', 'sqrt' or 'pareto'"),
        ({"clock": {"speed": 1}}, "no setting of clock 'speed'"),
        ({"algorithm": "afedpg", "participation": 0.5}, "afedpg hears one agent at a time"),
        (
            {"algorithm": "afedpg", "aggregator": {"rule": "median"}},
            "afedpg hears one agent at a time",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, words):
    with pytest.raises(ValidationError) as caught:
        run(**changes)
    assert words in str(caught.value)
