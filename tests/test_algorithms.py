"""Laws of the algorithms and of the federated loop, over the whole registry."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from algorithms import ALGORITHMS
from benchmark.cell import Cell, Run
from benchmark.federation import Federation, train
from benchmark.noise import Seed
from benchmark.rollout import Sampler

SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 3,
    "rounds": 4,
    "local_steps": 2,
    "episodes": 2,
    "step_size": 0.5,
    "evaluate_every": 2,
}
EVERY = sorted(ALGORITHMS)


def cell(algorithm: str, **changes) -> Cell:
    return Cell(**{**SMALL, "algorithm": algorithm, **changes})


def run(algorithm: str, seed: int = 0, **changes) -> Run:
    return Run(cell(algorithm, **changes), Seed("test", seed))


def final(federation: Federation) -> torch.Tensor:
    federation.train()
    return federation.server.theta


def federation(*runs: Run) -> Federation:
    with torch.no_grad():
        return Federation(runs)


@pytest.mark.parametrize("name", EVERY)
class TestConformance:
    def test_it_is_a_frozen_value_with_documented_hyperparameters(self, name):
        kind = ALGORITHMS[name]
        assert dataclasses.fields(kind) is not None
        assert kind.__dataclass_params__.frozen
        assert kind.reference
        assert kind.direction.__doc__
        assert "u =" in kind.direction.__doc__
        for parameter in dataclasses.fields(kind):
            low, high = parameter.metadata["domain"]
            assert low <= parameter.metadata["low"] <= parameter.default
            assert parameter.default <= parameter.metadata["high"] <= high
            with pytest.raises(ValueError, match=rf"{parameter.name} is .* must be in"):
                kind(**{parameter.name: high + 1})

    def test_agents_do_not_see_each_other(self, name):
        """An agent's directions in the first round are the same in a larger federation."""
        few, many = federation(run(name, agents=2)), federation(run(name, agents=4))
        directions = []
        for batch in (few, many):
            if not batch.algorithm.federated:
                theta = batch.server.theta.unsqueeze(1)
                directions.append(batch._direction(theta, 0)[:2, 0])
            else:
                theta = batch.server.theta.unsqueeze(1).expand(-1, batch.agents, -1)
                directions.append(batch._direction(theta, 0)[0, :2])
        assert torch.equal(*directions)

    def test_the_order_of_agents_does_not_matter(self, name):
        first, second = federation(run(name, episodes=1)), federation(run(name, episodes=1))
        order = [2, 0, 1]
        second.sampler.task = type(second.sampler.task)(
            *(np.ascontiguousarray(part[order]) for part in second.sampler.task)
        )
        second.agent_of_lane = second.agent_of_lane[order]
        one, two = final(first), final(second)
        if not first.algorithm.federated:
            one = one[order]
        torch.testing.assert_close(one, two, rtol=0, atol=1e-12)

    def test_momentum_is_the_mean_of_the_local_directions(self, name):
        batch = federation(run(name))
        if batch.algorithm.synchronous:
            batch = federation(run(name, local_steps=1))
        seen = []
        inner = batch._direction
        batch._direction = lambda theta, draw: seen.append(inner(theta, draw)) or seen[-1]
        for number in range(3):
            seen.clear()
            batch._round(number)
            expected = torch.stack(seen).mean((0, 2))
            torch.testing.assert_close(batch.server.momentum, expected, rtol=0, atol=1e-12)

    def test_the_ledger_equals_an_independent_count(self, name, monkeypatch):
        counted = {"steps": 0, "trajectories": 0}
        inner = Sampler.sample

        def counting(self, theta, stream, episodes):
            played = inner(self, theta, stream, episodes)
            counted["steps"] += int(played.length.sum())
            counted["trajectories"] += played.length.size
            return played

        monkeypatch.setattr(Sampler, "sample", counting)  # tabular evaluation samples nothing
        changes = {"initial_momentum": "batch", "initial_episodes": 7}
        (result,) = train([run(name, **changes)])
        algorithm, agents, d = ALGORITHMS[name], SMALL["agents"], 6
        steps_taken = SMALL["rounds"] * SMALL["local_steps"]
        trajectories = steps_taken * SMALL["episodes"] * algorithm.batches * agents
        trajectories += 7 * agents if algorithm.anchored else 0
        assert counted["trajectories"] == trajectories
        last = {key: column[-1] for key, column in result.columns.items()}
        assert last["steps_total"] == counted["steps"]
        assert last["trajectories_total"] == trajectories
        assert last["steps_per_agent"] == counted["steps"] / agents
        exchanges = SMALL["rounds"] * (SMALL["local_steps"] if algorithm.synchronous else 1)
        extra = d if algorithm.anchored else 0  # the exchange that forms u_0
        up = (exchanges * d + extra) * algorithm.federated
        down = (exchanges * d * (2 if algorithm.anchored else 1) + extra) * algorithm.federated
        assert (last["floats_up"], last["floats_down"]) == (up, down)

    def test_evaluation_is_free_and_changes_nothing(self, name):
        often, seldom = run(name, evaluate_every=1), run(name, evaluate_every=4)
        for first, second in zip(
            train([often])[0].columns.values(), train([seldom])[0].columns.values(), strict=True
        ):
            np.testing.assert_array_equal(first[-1], second[-1])

    def test_it_learns_from_exact_truth(self, name):
        """Ascent: a long run with a small step improves the average objective."""
        (result,) = train([run(name, rounds=60, step_size=0.05, episodes=10)])
        objective = result.columns["objective"]
        assert objective[-1] > objective[0] + 0.02


@pytest.mark.parametrize("name", ["fedsvrpg-m", "fedpg-m", "fedhapg-m2"])
def test_without_momentum_it_is_fedpg_bit_for_bit(name):
    plain = final(federation(run("fedpg")))
    assert torch.equal(final(federation(run(name, hyperparameters={"beta": 1.0}))), plain)
    assert not torch.equal(final(federation(run(name, hyperparameters={"beta": 0.5}))), plain)


def test_fedhapg_m_without_momentum_starts_as_fedpg():
    """At the first local step θ(α) = θ, so β = 1 leaves the plain gradient (w = 1)."""
    first = federation(run("fedhapg-m", hyperparameters={"beta": 1.0}, rounds=1, local_steps=1))
    plain = federation(run("fedpg", rounds=1, local_steps=1))
    torch.testing.assert_close(final(first), final(plain), rtol=0, atol=1e-14)


def test_independent_agents_are_federations_of_one():
    together = final(federation(run("independent-pg")))
    alone = final(federation(run("fedpg", agents=1)))
    assert torch.equal(together[0], alone[0])


def test_pooled_pg_is_fedpg_with_one_local_step():
    pooled = final(federation(run("pooled-pg", local_steps=2, rounds=4)))
    single = final(federation(run("fedpg", local_steps=1, rounds=8)))
    assert torch.equal(pooled, single)


def test_default_server_step_is_parameter_averaging():
    batch = federation(run("fedpg"))
    seen = []
    inner = batch._exchange
    batch._exchange = lambda theta, steps: (seen.append(theta), inner(theta, steps))[1]
    batch._round(0)
    torch.testing.assert_close(batch.server.theta, seen[0].mean(1), rtol=0, atol=1e-14)


@pytest.mark.parametrize("beta", [0.2, 0.7])
@pytest.mark.parametrize("name", ["fedsvrpg-m", "fedhapg-m", "fedhapg-m2", "fedpg-m"])
def test_the_papers_pseudocode_transcribed(name, beta):
    """Ten rounds of Wang et al. 2024, Algorithms 1 and 2, in plain loops over agents and steps.

    Only the sampled trajectories are shared with the implementation.
    """
    chosen = run(
        name,
        hyperparameters={"beta": beta},
        rounds=10,
        episodes=1,
        step_size=0.3,
        server_step_size=0.5,
        initial_momentum="batch",
    )
    batch = federation(chosen)
    sampler, discount = batch.sampler, batch.family.discount
    agents, steps, eta, lam = 3, 2, 0.3, 0.5

    def trajectory(theta, agent, purpose, draw, episodes=1):
        lanes = np.repeat(theta[None], agents, axis=0)
        played = sampler.sample(lanes, batch._stream(purpose, draw), episodes)
        states, actions = (p[agent, :, :, 0].astype(int) for p in played[:2])
        return list(zip(states, actions, played.reward[agent], strict=True))

    def table(theta):
        table = np.exp(theta.reshape(3, 2))
        return table / table.sum(1, keepdims=True)

    def gradient(tau, theta):
        p, g, powers = table(theta), np.zeros((3, 2)), discount ** np.arange(len(tau[2]))
        for h, (s, a) in enumerate(zip(tau[0], tau[1], strict=True)):
            g[s] += (powers * tau[2])[h:].sum() * (np.eye(2)[a] - p[s])
        return g.ravel()

    def weight(tau, theta, sampled):
        return np.prod(table(theta)[tau[0], tau[1]] / table(sampled)[tau[0], tau[1]])

    def hessian(tau, theta, v):
        p, v, powers = table(theta), v.reshape(3, 2), discount ** np.arange(len(tau[2]))
        score, curve = 0.0, np.zeros((3, 2))
        for h, (s, a) in enumerate(zip(tau[0], tau[1], strict=True)):
            score += v[s, a] - p[s] @ v[s]
            curve[s] -= (powers * tau[2])[h:].sum() * p[s] * (v[s] - p[s] @ v[s])
        return score * gradient(tau, theta) + curve.ravel()

    theta = previous = np.zeros(6)
    u = np.mean(
        [
            gradient(tau, theta)
            for i in range(agents)
            for tau in trajectory(theta, i, "initial-momentum", 0, 10)
        ],
        axis=0,
    )
    for r in range(10):
        moved = np.zeros(6)
        for i in range(agents):
            local = theta
            for k in range(steps):
                draw = r * steps + k
                if name in ("fedsvrpg-m", "fedpg-m"):
                    (tau,) = trajectory(local, i, "training-0", draw)
                    g = gradient(tau, local)
                    change = g - weight(tau, previous, local) * gradient(tau, previous)
                    change = 0 if name == "fedpg-m" else change
                else:
                    alpha = batch._alpha(draw)[i].item()
                    between = alpha * local + (1 - alpha) * previous
                    which = "training-0" if name == "fedhapg-m" else "training-1"
                    (tau,) = trajectory(between, i, which, draw)
                    change = hessian(tau, between, local - previous)
                    if name == "fedhapg-m":
                        g = weight(tau, local, between) * gradient(tau, local)
                    else:
                        g = gradient(trajectory(local, i, "training-0", draw)[0], local)
                local = local + eta * (beta * g + (1 - beta) * (u + change))
            moved += local - theta
        u = moved / (eta * agents * steps)
        theta, previous = theta + lam * u, theta
    np.testing.assert_allclose(final(batch)[0].numpy(), theta, rtol=0, atol=1e-11)
