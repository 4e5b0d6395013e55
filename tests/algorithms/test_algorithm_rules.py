"""What single algorithms compute, step by step, outside of the federated loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_estimators import (
    ACTIONS,
    DISCOUNT,
    FAMILY,
    HORIZON,
    STATES,
    TASK,
    Enumeration,
    tight,
)
from test_exact import model, normal, objective
from torch import Tensor
from torch.func import grad, vmap

from fedrl.algorithms import ALGORITHMS, Agent, CompiledGradients, Gradients, Server, Trajectories
from fedrl.algorithms.estimators.exact import ExactGradients
from fedrl.algorithms.estimators.policy import TabularSoftmax
from fedrl.algorithms.estimators.tabular import TabularDirect, TabularGreedy
from fedrl.algorithms.methods.averaging.fednpg import FedNPG
from fedrl.algorithms.methods.averaging.s_fedpg import SFedPG
from fedrl.algorithms.methods.corrected.fedpg_br import FedPGBR
from fedrl.algorithms.methods.tabular.projpavg import ProjPAvg
from fedrl.algorithms.methods.tabular.qavg import QAvg
from fedrl.algorithms.methods.tabular.qavg_sampled import QAvgSampled
from fedrl.algorithms.methods.tabular.softpavg import SoftPAvg

SOFTMAX = TabularSoftmax(STATES, ACTIONS)
SIZE = SOFTMAX.size
GRADIENTS = CompiledGradients(SOFTMAX, DISCOUNT)
TABLES = {"softmax": SOFTMAX, "direct": TabularDirect(STATES, ACTIONS)}
TABLES["greedy"] = TabularGreedy(STATES, ACTIONS)


def server(theta: Tensor, snapshot: Tensor | None = None) -> Server:
    zero = torch.zeros_like(theta)
    return Server(theta, theta, zero, zero if snapshot is None else snapshot)


def agent(theta: Tensor) -> Agent:
    return Agent(theta, torch.zeros_like(theta))


def batch(theta: Tensor, lengths: list[int], seed: int = 0, fill: float = float("nan")):
    """Random episodes of the given lengths; padding holds `fill`."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), HORIZON)
    state = torch.randint(STATES, shape, generator=generator).double()
    action = torch.randint(ACTIONS, shape, generator=generator).double()
    reward = torch.randn(shape, generator=generator, dtype=torch.float64)
    length = torch.tensor(lengths)
    log_prob = SOFTMAX.log_prob(theta, state.unsqueeze(-1), action.unsqueeze(-1))
    past = torch.arange(HORIZON) >= length.unsqueeze(-1)
    parts = [part.masked_fill(past, fill) for part in (state, action, reward, log_prob)]
    return Trajectories(
        parts[0].unsqueeze(-1),
        parts[1].unsqueeze(-1),
        *parts[2:],
        length,
        torch.zeros(len(lengths), 1, dtype=torch.float64),
        length < HORIZON,
        theta,
        torch.zeros(shape, dtype=torch.float64),
    )


# --- everything registered is liftable, and blind to what it is lifted with -----------------------


@pytest.mark.parametrize(
    "kind",
    [FedNPG, SFedPG, FedPGBR, QAvgSampled, ProjPAvg, SoftPAvg, QAvg],
    ids=lambda k: k.__name__,
)
def test_a_lifted_direction_is_the_direction_alone_bit_for_bit(kind):
    """Over two axes, hyperparameters included, with NaN as padding."""
    algorithm, runs, agents = kind(), 3, 2
    theta = normal(runs, agents, SIZE)
    if kind.table == "direct":
        theta = theta.reshape(runs, agents, STATES, ACTIONS).softmax(-1).flatten(-2)
    names = list(vars(algorithm))
    values = {n: torch.rand(runs, dtype=torch.float64) + 0.2 for n in names}
    anchor, snapshot = normal(runs, SIZE, seed=1), normal(runs, SIZE, seed=2)
    if kind.model_based:
        gradients = ExactGradients(TABLES[kind.table], DISCOUNT, HORIZON)
        tasks = FAMILY.sample(runs * agents, 0.5, np.random.default_rng(0))
        lanes = [model(tasks, lane, theta.flatten(0, 1)[lane]) for lane in range(runs * agents)]
    else:
        gradients = GRADIENTS
        lanes = [
            batch(theta.flatten(0, 1)[lane], [HORIZON, 1 + lane % HORIZON], seed=lane)
            for lane in range(runs * agents)
        ]
    grid = type(lanes[0])(
        *(
            torch.stack(part).reshape(runs, agents, *part[0].shape)
            for part in zip(*lanes, strict=True)
        )
    )

    def direction(values, anchor, snapshot, theta, data):
        chosen = object.__new__(kind)
        for name, value in values.items():
            object.__setattr__(chosen, name, value)
        return chosen.direction(gradients, server(anchor, snapshot), agent(theta), data)

    inner = vmap(direction, (None, None, None, 0, 0))
    together = vmap(inner)(values, anchor, snapshot, theta, grid)
    assert together.isfinite().all()
    for run in range(runs):
        for i in range(agents):
            alone = direction(
                {n: v[run] for n, v in values.items()},
                anchor[run],
                snapshot[run],
                theta[run, i],
                lanes[run * agents + i],
            )
            assert torch.equal(together[run, i], alone)


def test_model_based_algorithms_say_that_they_need_a_finite_mdp():
    for name, kind in ALGORITHMS.items():
        assert kind.finite or not kind.model_based, name
        assert kind.finite or kind.table == "softmax", name
    assert {kind for kind in ALGORITHMS.values() if kind.model_based} >= {ProjPAvg, SoftPAvg, QAvg}


# --- FedNPG ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("damping", [0.01, 1.0])
def test_fednpg_is_a_dense_solve(damping):
    theta = normal(SIZE)
    data = batch(theta, [3, 2, 3, 3])
    columns = [GRADIENTS.fisher(theta, data, unit) for unit in torch.eye(SIZE).double()]
    fisher = torch.stack(columns, -1)
    expected = torch.linalg.solve(
        fisher + damping * torch.eye(SIZE).double(), GRADIENTS.plain(theta, data)
    )
    found = FedNPG(damping=damping).direction(GRADIENTS, server(theta), agent(theta), data)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_fednpg_stays_where_the_gradient_is_zero():
    theta = normal(SIZE)
    data = batch(theta, [3, 2])
    data = data._replace(reward=torch.zeros_like(data.reward))
    found = FedNPG().direction(GRADIENTS, server(theta), agent(theta), data)
    assert torch.equal(found, torch.zeros(SIZE).double())


def test_much_damping_is_the_gradient():
    theta = normal(SIZE)
    data = batch(theta, [3, 2])
    found = FedNPG(damping=1e8).direction(GRADIENTS, server(theta), agent(theta), data)
    torch.testing.assert_close(1e8 * found, GRADIENTS.plain(theta, data), rtol=1e-6, atol=1e-9)


# --- S-FedPG --------------------------------------------------------------------------------------


def test_s_fedpg_is_unbiased_for_the_regularised_objective():
    every, theta, tau = Enumeration(SOFTMAX), normal(SIZE), 0.3
    algorithm = SFedPG(temperature=tau)
    data = every.batches(theta)
    values = vmap(lambda b: algorithm.direction(GRADIENTS, server(theta), agent(theta), b))(data)
    value = objective(
        lambda table: table.softmax(-1), model(TASK, 0, theta), DISCOUNT, HORIZON, tau
    )
    torch.testing.assert_close(every.expectation(theta, values), grad(value)(theta), **tight)


@pytest.mark.parametrize("kind", [Gradients, CompiledGradients])
def test_s_fedpg_without_temperature_is_fedpg_bit_for_bit(kind):
    theta, gradients = normal(SIZE), kind(SOFTMAX, DISCOUNT)
    data = batch(theta, [3, 1])
    plain = gradients.plain(theta, data)
    found = SFedPG(temperature=0.0).direction(gradients, server(theta), agent(theta), data)
    other = SFedPG(temperature=0.1).direction(gradients, server(theta), agent(theta), data)
    assert torch.equal(found, plain)
    assert not torch.equal(other, plain)


# --- FedPG-BR -------------------------------------------------------------------------------------


def honest(n: int, spread: float = 0.1) -> Tensor:
    return normal(SIZE, seed=9) + spread * normal(n, SIZE, seed=3) / SIZE**0.5


def equal(n: int) -> Tensor:
    return torch.full((n,), 1 / n).double()


@pytest.mark.parametrize("attack", [1e3, -1e3, float("nan"), float("inf")])
def test_a_minority_of_attackers_changes_nothing(attack):
    good = honest(4)
    everyone = torch.cat([torch.full((3, SIZE), attack).double(), good])
    found = FedPGBR().aggregate(everyone, equal(7))
    torch.testing.assert_close(found, good.mean(0), **tight)


def test_close_messages_are_averaged_and_order_does_not_matter():
    messages = honest(6)
    found = FedPGBR().aggregate(messages, equal(6))
    torch.testing.assert_close(found, messages.mean(0), **tight)
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    messages = torch.cat([honest(4), 50 + honest(2)])
    torch.testing.assert_close(
        FedPGBR().aggregate(messages[order], equal(6)),
        FedPGBR().aggregate(messages, equal(6)),
        **tight,
    )


def test_the_wider_rule_decides_where_the_tighter_one_keeps_too_few():
    """On a line: 3 of 5 within 2σ √(V/B) = 1 of the median, 5 of 5 within 2σ = 10."""
    at = torch.tensor([0.0, 0.1, 0.2, 3.0, 4.0]).double().unsqueeze(-1)
    narrow = FedPGBR(sigma=5.0, tightness=0.1, alpha=0.45)  # 3 ≥ 2.75 are enough
    wide = FedPGBR(sigma=5.0, tightness=0.1, alpha=0.3)  # 3 < 3.5 are not
    torch.testing.assert_close(narrow.aggregate(at, equal(5)), at[:3].mean(0), **tight)
    torch.testing.assert_close(wide.aggregate(at, equal(5)), at.mean(0), **tight)


def test_without_any_majority_the_most_central_message_is_taken():
    at = torch.tensor([-100.0, 0.0, 70.0]).double().unsqueeze(-1)
    found = FedPGBR(sigma=1.0).aggregate(at, equal(3))
    assert torch.equal(found, at[1])


def test_absent_agents_are_not_counted():
    messages = torch.cat([honest(3), 1e3 + honest(4)])
    weights = torch.cat([equal(3), torch.zeros(4).double()])
    found = FedPGBR().aggregate(messages, weights)
    torch.testing.assert_close(found, messages[:3].mean(0), **tight)


def test_a_lifted_filter_is_the_filter_alone_bit_for_bit():
    messages = normal(5, 7, SIZE, seed=4)
    messages[1, :3] += 40
    messages[2, 0] = float("nan")
    weights = torch.rand(5, 7, generator=torch.Generator().manual_seed(0)).double()
    weights[3, 4:] = 0
    weights = weights / weights.sum(-1, keepdim=True)
    sigma = torch.tensor([0.1, 1, 2, 3, 100]).double()

    def filtered(sigma, messages, weights):
        chosen = object.__new__(FedPGBR)
        for name, value in {**vars(FedPGBR()), "sigma": sigma}.items():
            object.__setattr__(chosen, name, value)
        return chosen.aggregate(messages, weights)

    together = vmap(filtered)(sigma, messages, weights)
    assert together.isfinite().all()
    for lane in range(5):
        alone = FedPGBR(sigma=sigma[lane].item()).aggregate(messages[lane], weights[lane])
        assert torch.equal(together[lane], alone)


def test_fedpg_br_starts_each_round_at_the_filtered_gradient():
    theta, filtered = normal(SIZE), normal(SIZE, seed=1)
    data = batch(theta, [3, 2])
    found = FedPGBR().direction(GRADIENTS, server(theta, filtered), agent(theta), data)
    torch.testing.assert_close(found, filtered, **tight)


def test_fedpg_br_is_unbiased_with_an_unbiased_snapshot():
    every = Enumeration(SOFTMAX)
    start, theta = normal(SIZE), normal(SIZE, seed=1)
    snapshot = grad(every.objective)(start)
    values = vmap(
        lambda b: FedPGBR().direction(GRADIENTS, server(start, snapshot), agent(theta), b)
    )(every.batches(theta))
    expected = grad(every.objective)(theta)
    torch.testing.assert_close(every.expectation(theta, values), expected, **tight)


# --- model-based ----------------------------------------------------------------------------------


def test_projpavg_ascends_to_the_optimum_of_one_mdp():
    """No direction that stays within policies is one of ascent at the end."""
    policy, theta = TABLES["direct"], torch.from_numpy(TABLES["direct"].uniform())
    exact, here = ExactGradients(policy, DISCOUNT, HORIZON), model(TASK, 0, theta)
    value = objective(lambda table: table, here, DISCOUNT, HORIZON)
    first = value(theta)
    for _ in range(300):
        before = value(theta)
        u = ProjPAvg().direction(exact, server(theta), agent(theta), here)
        theta = policy.project(theta + 0.1 * u)
        assert value(theta) >= before - 1e-12
    assert value(theta) > first + 0.01
    slope = grad(value)(theta).reshape(STATES, ACTIONS)
    gap = slope.amax(-1) - (theta.reshape(STATES, ACTIONS) * slope).sum(-1)
    assert gap.abs().max() < 1e-8


def test_softpavg_is_the_natural_gradient():
    """F u = ∇J over a long horizon; F weighs states with (1 - γ) Σ_h γ^h P(s_h = s)."""
    theta = normal(SIZE)
    exact, here = ExactGradients(SOFTMAX, DISCOUNT, 400), model(TASK, 0, theta)
    u = SoftPAvg().direction(exact, server(theta), agent(theta), here).reshape(STATES, ACTIONS)
    pi = theta.reshape(STATES, ACTIONS).softmax(-1)
    moves = torch.einsum("sa,sax->sx", pi, here.kernel)
    visits = torch.linalg.solve((torch.eye(STATES).double() - DISCOUNT * moves).T, here.start)
    share = (1 - DISCOUNT) * visits.unsqueeze(-1)
    product = share * pi * (u - (pi * u).sum(-1, keepdim=True))
    torch.testing.assert_close(product.flatten(), exact.plain(theta, here), rtol=0, atol=1e-10)


def test_softpavg_improves_the_value_of_every_state():
    """Natural steps on softmax logits improve monotonically, for any step size."""
    theta = normal(SIZE)
    exact, here = ExactGradients(SOFTMAX, DISCOUNT, HORIZON), model(TASK, 0, theta)

    def values(theta: Tensor) -> Tensor:
        pi = theta.reshape(STATES, ACTIONS).softmax(-1)
        return (pi * exact.action_value(theta, here).reshape(STATES, ACTIONS)).sum(-1)

    for step in (0.1, 1.0, 10.0):
        before = values(theta)
        theta = theta + step * SoftPAvg().direction(exact, server(theta), agent(theta), here)
        assert (values(theta) >= before - 1e-12).all()


def test_qavg_with_unit_step_is_the_averaged_bellman_update():
    tasks = FAMILY.sample(3, 0.8, np.random.default_rng(0))
    exact, q = ExactGradients(TABLES["greedy"], DISCOUNT, HORIZON), normal(SIZE)
    models = [model(tasks, i, q) for i in range(3)]
    moved = sum(q + QAvg().direction(exact, server(q), agent(q), here) for here in models) / 3
    best = q.reshape(STATES, ACTIONS).amax(-1)
    expected = sum(here.reward + DISCOUNT * here.kernel @ best for here in models) / 3
    torch.testing.assert_close(moved, expected.flatten(), **tight)


# --- QAvg, sampled --------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [0.1, 2.0])
def test_sampled_qavg_is_batch_q_learning_transcribed(tau):
    """In plain loops, on Q = τ θ, with episodes that end early, at T - 1 and not at all."""
    theta, lengths = normal(SIZE), [1, HORIZON - 1, HORIZON, HORIZON]
    data, q = batch(theta, lengths), tau * theta.reshape(STATES, ACTIONS)
    change = torch.zeros(STATES, ACTIONS).double()
    for b, length in enumerate(lengths):
        for h in range(min(length, HORIZON - 1)):
            s, a = int(data.observation[b, h, 0]), int(data.action[b, h, 0])
            ahead = q[int(data.observation[b, h + 1, 0])].max() if h + 1 < length else 0.0
            change[s, a] += (data.reward[b, h] + DISCOUNT * ahead - q[s, a]) / len(lengths)
    algorithm = QAvgSampled(temperature=tau)
    found = algorithm.direction(GRADIENTS, server(theta), agent(theta), data)
    torch.testing.assert_close(tau * found, change.flatten(), **tight)


def test_sampled_qavg_expects_the_bellman_error_of_each_pair_times_its_visits():
    """So that its fixed point, without noise, is that of the model-based update."""
    every, theta, tau = Enumeration(SOFTMAX), normal(SIZE), 0.5
    algorithm = QAvgSampled(temperature=tau)
    values = vmap(lambda b: algorithm.direction(GRADIENTS, server(theta), agent(theta), b))(
        every.batches(theta)
    )
    here, q = model(TASK, 0, theta), tau * theta
    exact = ExactGradients(TABLES["greedy"], DISCOUNT, HORIZON)
    error = QAvg().direction(exact, server(q), agent(q), here)
    pi = theta.reshape(STATES, ACTIONS).softmax(-1)
    moves = torch.einsum("sa,sax->sx", pi, here.kernel)
    mass, visits = here.start, torch.zeros(STATES).double()
    for _ in range(HORIZON - 1):
        visits, mass = visits + mass, mass @ moves
    expected = (visits.unsqueeze(-1) * pi).flatten() * error
    torch.testing.assert_close(tau * every.expectation(theta, values), expected, **tight)


def test_sampled_qavg_learns_nothing_from_a_single_unfinished_step():
    theta = normal(SIZE)
    data = batch(theta, [HORIZON])
    first = dict(zip(data._fields, (part[:, :1] for part in data[:4]), strict=False))
    data = data._replace(**first, length=torch.ones(1, dtype=int))
    found = QAvgSampled().direction(GRADIENTS, server(theta), agent(theta), data)
    assert not found.any()
