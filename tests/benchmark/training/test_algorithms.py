"""Laws of the algorithms and of the federated loop, over the whole registry."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.rounds.sampling import interpolation

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


def config(algorithm: str, **changes) -> Config:
    return Config(**{**SMALL, "algorithm": algorithm, **changes})


def run(algorithm: str, seed: int = 0, **changes) -> Run:
    return Run(config(algorithm, **changes), Seed("test", seed))


def final(one: Run) -> np.ndarray:
    (result,) = train([one])
    return result.parameters


@pytest.mark.parametrize("name", ["fedsvrpg-m", "fedpg-m", "fedhapg-m2"])
def test_without_momentum_it_is_fedpg_bit_for_bit(name):
    plain = final(run("fedpg"))
    assert np.array_equal(final(run(name, hyperparameters={"beta": 1.0})), plain)
    assert not np.array_equal(final(run(name, hyperparameters={"beta": 0.5})), plain)


def test_fedhapg_m_without_momentum_starts_as_fedpg():
    """At the first local step θ(α) = θ, so β = 1 leaves the plain gradient (w = 1)."""
    first = run("fedhapg-m", hyperparameters={"beta": 1.0}, rounds=1, local_steps=1)
    plain = run("fedpg", rounds=1, local_steps=1)
    np.testing.assert_allclose(final(first), final(plain), rtol=0, atol=1e-14)


def test_an_agent_that_is_outvoted_is_not_given_up_by_agnostic_pg():
    """Of three agents two want the opposite of the third: FedPG follows them, at its expense."""
    settings = {"family": "opposed-pair", "options": {}, "kappa": 1.0, "rounds": 60}
    settings |= {"episodes": 10, "evaluate_every": 60, "agent_scores": True}
    worst = []
    for name in ("fedpg", "agnostic-pg"):
        (result,) = train([run(name, **settings)])
        worst.append(min(result.columns[f"agent_score_{i}"][-1] for i in range(3)))
    assert worst[0] < -2
    assert worst[1] > -1


def test_independent_agents_are_federations_of_one():
    together = final(run("independent-pg"))
    alone = final(run("fedpg", agents=1))
    assert np.array_equal(together[0], alone[0])


def test_pooled_pg_is_fedpg_with_one_local_step():
    pooled = final(run("pooled-pg", local_steps=2, rounds=4))
    single = final(run("fedpg", local_steps=1, rounds=8))
    assert np.array_equal(pooled, single)


def test_default_server_step_is_parameter_averaging():
    seen = []
    with torch.no_grad():
        program, state, roster = start([run("fedpg")])
        after = round_(program, state, roster, seen.append)
    mean = seen[-1].following.mean(0, keepdim=True)
    torch.testing.assert_close(after.server.theta, mean, rtol=0, atol=1e-14)


PAPER = ["fedsvrpg-m", "fedhapg-m", "fedhapg-m2", "fedpg-m"]


@pytest.mark.parametrize("beta", [0.2, 0.7])
@pytest.mark.parametrize("name", PAPER)
def test_the_papers_pseudocode_transcribed(name, beta):
    """Fifty rounds of Wang et al. 2024, Algorithms 1 and 2, in plain loops over agents and steps.

    Only the sampled trajectories are shared with the implementation.
    """
    chosen = run(
        name,
        hyperparameters={"beta": beta},
        rounds=50,
        episodes=1,
        step_size=0.3,
        server_step_size=0.5,
        initial_momentum="batch",
    )
    program, _, roster = start([chosen])
    lanes_of_all = roster.all_agents
    sampler, discount = lanes_of_all.sampler, program.family.discount
    agents, steps, eta, lam = 3, 2, 0.3, 0.5

    def trajectory(theta, agent, purpose, draw, episodes=1):
        lanes = np.repeat(theta[None], agents, axis=0)
        played = sampler.sample(lanes, lanes_of_all.stream(program, purpose, draw), episodes)
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
    for r in range(50):
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
                    alpha = interpolation(program, lanes_of_all, draw)[i].item()
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
    np.testing.assert_allclose(final(chosen)[0], theta, rtol=0, atol=1e-10)
