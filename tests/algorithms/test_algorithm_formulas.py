"""Laws of every algorithm's formulas, on a quadratic whose gradients are known exactly.

J_i(θ) = -½ (θ - b_i)ᵀ A_i (θ - b_i). A "batch" is (A_i, b_i, z): the agent and the noise z that its
sampled gradients share, so reweighting to other parameters keeps the noise, as w does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import vmap

from fedrl.algorithms import ALGORITHMS, Agent, Algorithm, CompiledGradients, Server, Trajectories
from fedrl.algorithms.algorithm import LocalStep
from fedrl.algorithms.estimators.policy import TabularSoftmax

D, AGENTS, STEPS, ETA = 4, 3, 3, 0.1
close = {"rtol": 0, "atol": 1e-12}
GENERATOR = torch.Generator().manual_seed(3)
ROOT = torch.randn(AGENTS, D, D, generator=GENERATOR, dtype=torch.float64)
A = ROOT @ ROOT.mT / D + torch.eye(D, dtype=torch.float64)
B = torch.randn(AGENTS, D, generator=GENERATOR, dtype=torch.float64)


class Batch(NamedTuple):
    hessian: Tensor  # A_i
    peak: Tensor  # b_i
    noise: Tensor  # z


class Quadratic:
    def plain(self, theta: Tensor, batch: Batch) -> Tensor:
        return batch.hessian @ (batch.peak - theta) + batch.noise

    weighted = plain

    def curvature(self, batch: Batch, vector: Tensor) -> Tensor:
        return -(batch.hessian @ vector)


GRADIENTS = Quadratic()


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, D, generator=GENERATOR, dtype=torch.float64)


def gradient(theta: Tensor, agent: int) -> Tensor:
    return A[agent] @ (B[agent] - theta)


class Round(NamedTuple):
    """One round: iterates and directions (AGENTS, STEPS, D), next server and agents' memories."""

    thetas: Tensor
    directions: Tensor
    server: Server
    memories: dict[int, object]


class Federation:
    """Plain loops over agents and steps."""

    def __init__(self, algorithm: Algorithm, noisy: float = 1.0) -> None:
        self.algorithm, self.noisy = algorithm, noisy
        theta = torch.ones(D, dtype=torch.float64)
        zero = torch.zeros_like(theta)
        self.memories = {i: algorithm.agent_memory(theta) for i in range(AGENTS)}
        self.server = Server(theta, theta, zero, zero, algorithm.server_memory(theta))

    def round(self, taking_part: tuple[int, ...] = tuple(range(AGENTS))) -> Round:
        algorithm, theta = self.algorithm, self.server.theta
        snapshots = {i: gradient(theta, i) + self.noisy * noise() for i in taking_part}
        mean = torch.stack(list(snapshots.values())).mean(0)
        server = self.server._replace(snapshot=mean * algorithm.snapshot)
        self.opening = server
        thetas, directions, means, messages = [], [], [], []
        for i in taking_part:
            agent = Agent(theta, snapshots[i], self.memories[i])
            agent = agent._replace(memory=algorithm.begin(server, agent))
            for _ in range(STEPS):
                batches = [
                    Batch(A[i], B[i], self.noisy * noise()) for _ in range(algorithm.batches)
                ]
                u = algorithm.direction(GRADIENTS, server, agent, *batches)
                thetas.append(agent.theta)
                directions.append(u)
                memory = algorithm.remember(server, agent, u)
                agent = agent._replace(theta=agent.theta + ETA * u, memory=memory)
            means.append((agent.theta - theta) / (ETA * STEPS))
            self.memories[i], message = algorithm.finish(server, agent, means[-1])
            messages.append(message)
        u = torch.stack(means).mean(0)
        message = ()
        if messages[0]:
            parts = zip(*messages, strict=True)
            message = type(messages[0])(*(torch.stack(part).mean(0) for part in parts))
        share = torch.tensor(len(taking_part) / AGENTS, dtype=torch.float64)
        memory = algorithm.absorb(server, u, message, share)
        self.server = Server(theta + ETA * STEPS * u, theta, u, torch.zeros_like(theta), memory)
        shape = (len(taking_part), STEPS, D)
        stacked = [torch.stack(part).reshape(shape) for part in (thetas, directions)]
        return Round(*stacked, self.server, dict(self.memories))


def build(name: str, **hyperparameters: float) -> Algorithm:
    return ALGORITHMS[name](**hyperparameters)


def same_noise(*federations: Federation, rounds: int = 3) -> list[list[Round]]:
    """Rounds of federations that draw the same numbers."""
    start, results = GENERATOR.get_state(), []
    for federation in federations:
        GENERATOR.set_state(start)
        results.append([federation.round() for _ in range(rounds)])
    return results


def flat(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [tensor for part in value for tensor in flat(part)]  # type: ignore[attr-defined]


SAMPLED = [name for name, kind in ALGORITHMS.items() if not kind.model_based]


@pytest.mark.parametrize("name", ["fedsvrpg-m", "fedpg-m", "is-mbpg", "ha-mbpg", "mfpo"])
def test_without_momentum_it_is_fedpg_bit_for_bit(name):
    one, plain, other = same_noise(
        Federation(build(name, beta=1.0)), Federation(build("fedpg")), Federation(build(name))
    )
    assert torch.equal(one[-1].directions, plain[-1].directions)
    assert not torch.equal(other[-1].directions, plain[-1].directions)


def test_fedprox_without_pull_is_fedpg_bit_for_bit():
    free, plain, held = (
        rounds[-1].directions
        for rounds in same_noise(
            Federation(build("fedprox-pg", mu=0.0)),
            Federation(build("fedpg")),
            Federation(build("fedprox-pg", mu=1.0)),
            rounds=1,
        )
    )
    assert torch.equal(free, plain)
    assert torch.equal(held[:, 0], plain[:, 0])  # at θ_r nothing pulls
    assert not torch.equal(held[:, 1], plain[:, 1])


def test_mime_without_momentum_is_fedsvrpg_bit_for_bit():
    mime, svrpg = same_noise(Federation(build("mime-pg", beta=1.0)), Federation(build("fedsvrpg")))
    assert torch.equal(mime[-1].directions, svrpg[-1].directions)


@pytest.mark.parametrize("name", ["fedsvrpg", "fedhapg"])
def test_snapshot_directions_are_the_snapshot_plus_the_exact_gradient_difference(name):
    """u = μ + ∇J_i(θ) - ∇J_i(θ_r): the local samples' noise cancels."""
    federation = Federation(build(name))
    for _ in range(2):
        done = federation.round()
        opening = federation.opening
        for i in range(AGENTS):
            for k in range(STEPS):
                change = gradient(done.thetas[i, k], i) - gradient(opening.theta, i)
                torch.testing.assert_close(
                    done.directions[i, k], opening.snapshot + change, **close
                )


def test_fast_fedpg_starts_every_agent_along_the_true_average_gradient():
    federation = Federation(build("fast-fedpg"), noisy=0.0)
    done = federation.round()
    truth = torch.stack([gradient(federation.opening.theta, i) for i in range(AGENTS)]).mean(0)
    torch.testing.assert_close(done.directions[:, 0], truth.expand(AGENTS, D), **close)


def test_fast_fedpg_of_one_agent_is_fedpg():
    algorithm, batch = build("fast-fedpg"), Batch(A[0], B[0], noise())
    theta, snapshot = noise(), noise()
    server = Server(theta, theta, snapshot, snapshot)
    agent = Agent(noise(), snapshot)
    u = algorithm.direction(GRADIENTS, server, agent, batch)
    assert torch.equal(u, build("fedpg").direction(GRADIENTS, server, agent, batch))


@pytest.mark.parametrize("name", ["is-mbpg", "ha-mbpg"])
class TestLocalMomentum:
    def test_every_round_starts_with_a_plain_gradient(self, name):
        one, plain = Federation(build(name)), Federation(build("fedpg"))
        for _ in range(2):
            start = GENERATOR.get_state()
            first = one.round().directions[:, 0]
            GENERATOR.set_state(start)
            plain.server = plain.server._replace(theta=one.opening.theta)
            torch.testing.assert_close(first, plain.round().directions[:, 0], rtol=0, atol=0)

    def test_a_round_forgets_the_rounds_before(self, name):
        used, fresh = Federation(build(name)), Federation(build(name))
        used.round()
        fresh.server = used.server
        one, two = same_noise(used, fresh, rounds=1)
        assert torch.equal(one[0].directions, two[0].directions)

    def test_with_momentum_only_the_first_sample_counts(self, name):
        """β = 0: u_k = u_0 + ∇J_i(θ_k) - ∇J_i(θ_0), the sum telescopes."""
        done = Federation(build(name, beta=0.0)).round()
        for i in range(AGENTS):
            for k in range(STEPS):
                change = gradient(done.thetas[i, k], i) - gradient(done.thetas[i, 0], i)
                expected = done.directions[i, 0] + change
                torch.testing.assert_close(done.directions[i, k], expected, **close)


class TestScaffold:
    def test_a_variate_is_the_mean_gradient_of_the_last_round(self):
        federation = Federation(build("scaffold-pg"))
        for _ in range(3):
            before = dict(federation.memories)
            done = federation.round()
            for i in range(AGENTS):
                server = federation.opening.memory.variate
                sampled = done.directions[i] + before[i].variate - server  # g_i of every step
                torch.testing.assert_close(done.memories[i].variate, sampled.mean(0), **close)

    @pytest.mark.parametrize("absent", [(), (1,), (0, 2)])
    def test_the_servers_variate_is_the_mean_of_all_agents(self, absent):
        federation = Federation(build("scaffold-pg"))
        federation.round()
        federation.round(tuple(i for i in range(AGENTS) if i not in absent))
        mean = torch.stack([federation.memories[i].variate for i in range(AGENTS)]).mean(0)
        torch.testing.assert_close(federation.server.memory.variate, mean, **close)

    def test_the_first_round_is_fedpg(self):
        one, two = same_noise(
            Federation(build("scaffold-pg")), Federation(build("fedpg")), rounds=2
        )
        assert torch.equal(one[0].directions, two[0].directions)
        assert not torch.equal(one[1].directions, two[1].directions)


@pytest.mark.parametrize("name", ["scaffold-pg", "fast-fedpg", "fedsvrpg", "fedhapg", "mime-pg"])
def test_drift_correction_ends_at_the_maximum_of_the_average(name):
    """With exact gradients they end at argmax mean_i J_i; FedPG does not."""
    federation = Federation(build(name), noisy=0.0)
    for _ in range(300):
        federation.round()
    best = torch.linalg.solve(A.sum(0), (A @ B.unsqueeze(-1)).sum(0))[:, 0]
    torch.testing.assert_close(federation.server.theta, best, rtol=0, atol=1e-8)
    drifting = Federation(build("fedpg"), noisy=0.0)
    for _ in range(300):
        drifting.round()
    assert (drifting.server.theta - best).norm() > 1e-3


def test_mimes_momentum_is_the_weighted_sum_of_snapshots():
    federation, beta = Federation(build("mime-pg", beta=0.3)), 0.3
    snapshots = []
    for _ in range(4):
        federation.round()
        snapshots.append(federation.opening.snapshot)
    expected = sum(beta * (1 - beta) ** (3 - r) * mu for r, mu in enumerate(snapshots))
    torch.testing.assert_close(federation.server.memory.momentum, expected, **close)


@pytest.mark.parametrize("beta", [0.0, 0.2])
def test_mfpo_carries_the_exact_mean_gradient_across_rounds(beta):
    """Without noise mean_i u_i = mean_i ∇J_i(θ_i) at every step, averagings included."""
    federation = Federation(build("mfpo", beta=beta), noisy=0.0)
    for _ in range(4):
        done = federation.round()
        for k in range(STEPS):
            truth = torch.stack([gradient(done.thetas[i, k], i) for i in range(AGENTS)]).mean(0)
            torch.testing.assert_close(done.directions[:, k].mean(0), truth, **close)


def test_mfpo_averages_the_last_directions():
    federation = Federation(build("mfpo"))
    done = federation.round()
    assert torch.equal(done.server.memory.momentum, done.directions[:, -1].mean(0))


@pytest.mark.parametrize("name", SAMPLED)
def test_lifted_is_alone(name):
    """Every method under vmap over agents gives what it gives agent by agent, bit for bit."""
    kind, policy = ALGORITHMS[name], TabularSoftmax(3, 2)
    gradients = CompiledGradients(policy, 0.9)
    d, shuffles = len(kind().initial(policy, np.random.default_rng(0))), kind().shuffles
    theta, snapshot, other = (
        torch.randn(AGENTS, d, generator=GENERATOR, dtype=torch.float64) for _ in range(3)
    )
    uniform = torch.rand(AGENTS, shuffles, 10, generator=GENERATOR, dtype=torch.float64)
    server = Server(*other, snapshot[0], kind().server_memory(other[0]))
    values = torch.linspace(0.1, 0.9, AGENTS, dtype=torch.float64)
    personal = torch.randint(2, theta.shape, generator=GENERATOR).double()

    def choice(options: int) -> Tensor:
        return torch.randint(options, (AGENTS, 2, 5, 1), generator=GENERATOR).double()

    places, actions = choice(3), choice(2)
    length = torch.randint(1, 6, (AGENTS, 2), generator=GENERATOR)
    if kind.generative:  # two draws of every pair
        pairs = torch.cartesian_prod(torch.arange(3.0), torch.arange(2.0)).double().repeat(2, 1)
        places, actions = pairs.expand(AGENTS, -1, -1)[..., None].split(1, dim=2)
        length = torch.ones(AGENTS, len(pairs), dtype=torch.int64)

    def play(point: Tensor, place: Tensor, action: Tensor, steps: Tensor) -> Trajectories:
        reward = place[..., 0] + action[..., 0]
        log_prob = policy.log_prob(point[: policy.size], place, action)
        value, final = torch.zeros_like(reward), torch.zeros_like(place[:, 0])
        return Trajectories(place, action, reward, log_prob, steps, final, steps < 5, point, value)

    def walk(value, theta, snapshot, uniform, personal, *episodes):
        algorithm = kind()
        for field in kind.tunables():
            object.__setattr__(algorithm, field, value)
        step = LocalStep(value, value, uniform, value, personal)
        agent = Agent(theta, snapshot, algorithm.agent_memory(theta), step)
        agent = agent._replace(memory=algorithm.begin(server, agent))
        out = []
        for _ in range(2):
            points = algorithm.behaviour_parameters(server, agent, value)
            batches = [play(point, *episodes) for point in points]
            u, memory = algorithm.local_step(gradients, server, agent, *batches)
            memory = algorithm.remember(server, agent._replace(memory=memory), u)
            agent = agent._replace(theta=agent.theta + ETA * u, memory=memory)
            out += [*points, u, *flat(memory)]
        memory, message = algorithm.finish(server, agent, u)
        absorbed = algorithm.absorb(server, u, message, value)
        return tuple(out + flat(memory) + flat(message) + flat(absorbed))

    inputs = (values, theta, snapshot, uniform, personal, places, actions, length)
    lifted = vmap(walk)(*inputs)
    for i in range(AGENTS):
        for one, many in zip(walk(*(part[i] for part in inputs)), lifted, strict=True):
            torch.testing.assert_close(many[i], one, rtol=0, atol=0)
