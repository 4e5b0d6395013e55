"""Laws of robust aggregation: brute force, what a minority can do, and what is refused."""

from __future__ import annotations

import itertools
import statistics

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.optimize import minimize

from fedrl.algorithms.algorithm import weighted_mean
from fedrl.benchmark.config.communication import (
    AGGREGATORS,
    GeometricMedian,
    Krum,
    Median,
    MinimumDiameter,
    TrimmedMean,
)
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.messages.aggregation import aggregate, averaged

SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 5,
    "rounds": 3,
    "local_steps": 2,
    "step_size": 0.5,
    "evaluate_every": 3,
}
RULES = {name: {"rule": name, "byzantine": 1} for name in AGGREGATORS}


def run(algorithm="fedpg", seed=0, **changes) -> Run:
    return Run(Config(**{**SMALL, "algorithm": algorithm, **changes}), Seed("test", seed))


def vectors(seed, agents=6, size=3):
    return np.random.default_rng(seed).normal(size=(agents, size))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("agents", [5, 6])
def test_rules_equal_brute_force(seed, agents):
    m, f = vectors(seed, agents), 1
    columns = [sorted(column) for column in m.T.tolist()]
    expected = [statistics.median(column) for column in columns]
    np.testing.assert_allclose(aggregate(Median(), m), expected, rtol=1e-14)
    expected = [statistics.fmean(column[f:-f]) for column in columns]
    np.testing.assert_allclose(aggregate(TrimmedMean(byzantine=f), m), expected, rtol=1e-13)
    scores = []
    for i in range(agents):
        near = sorted(
            sum((a - b) ** 2 for a, b in zip(m[i], m[j], strict=True))
            for j in range(agents)
            if j != i
        )
        scores.append(sum(near[: agents - f - 2]))
    assert aggregate(Krum(byzantine=f), m).tolist() == m[scores.index(min(scores))].tolist()
    best = min(
        itertools.combinations(m, agents - f),
        key=lambda kept: max(np.linalg.norm(a - b) for a in kept for b in kept),
    )
    found = aggregate(MinimumDiameter(byzantine=f), m)
    np.testing.assert_allclose(found, np.mean(best, axis=0), rtol=1e-13)
    least = minimize(
        lambda z: np.linalg.norm(m - z, axis=1).sum(), m.mean(0), method="BFGS", tol=1e-12
    )
    np.testing.assert_allclose(aggregate(GeometricMedian(), m), least.x, rtol=0, atol=1e-5)
    lengths = np.linalg.norm(m - aggregate(GeometricMedian(), m), axis=1)
    assert lengths.sum() <= least.fun + 1e-12


def test_the_geometric_median_may_be_one_of_the_vectors():
    m = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    np.testing.assert_allclose(aggregate(GeometricMedian(), m), [0, 0], atol=1e-12)
    same = np.full((4, 2), 3.0)
    assert aggregate(GeometricMedian(), same).tolist() == [3.0, 3.0]


@pytest.mark.parametrize("rule", AGGREGATORS)
def test_one_far_vector_of_five_moves_nothing_far(rule):
    m = vectors(0, 5)
    chosen = AGGREGATORS[rule](byzantine=1)
    for far in (1e6, -1e6):
        found = aggregate(chosen, np.vstack([m[:4], np.full((1, 3), far)]))
        assert (np.abs(found) <= 2 * np.abs(m[:4]).max()).all()


@pytest.mark.parametrize("rule", AGGREGATORS)
def test_the_order_of_agents_does_not_matter(rule):
    m, chosen = vectors(3), AGGREGATORS[rule](byzantine=1)
    np.testing.assert_allclose(aggregate(chosen, m[::-1]), aggregate(chosen, m), atol=1e-10)


@pytest.mark.parametrize("rule", ["trimmed-mean", "minimum-diameter"])
@pytest.mark.parametrize("algorithm", ["scaffold-pg", "fedsvrpg"])
def test_without_byzantine_agents_a_mean_stays_the_mean(rule, algorithm):
    runs = [run(algorithm, aggregator=rule) for rule in (None, {"rule": rule, "byzantine": 0})]
    (plain,), (same,) = (train([one]) for one in runs)
    assert np.array_equal(plain.parameters, same.parameters)


@pytest.mark.parametrize("rule", AGGREGATORS)
def test_a_rule_withstands_an_attack_and_costs_nothing(rule):
    """The parameters stay near those without the attack, while the mean is thrown far away."""
    attack = {"agents": 1, "kind": "noise", "scale": 1e4}
    changes = {"aggregator": RULES[rule], "attack": attack}
    (robust,), (mean,) = train([run(**changes)]), train([run(attack=attack)])
    assert np.abs(robust.parameters).max() < 50 < np.abs(mean.parameters).max()
    assert robust.columns["bits_up"][-1] == mean.columns["bits_up"][-1]


@pytest.mark.parametrize("rule", AGGREGATORS)
def test_bits_alone_and_in_a_batch(rule):
    """With messages, participation, compression and attackers who look at the others."""
    changes = {
        "aggregator": RULES[rule],
        "attack": {"agents": 1, "kind": "alie"},
        "compression": {"kind": "qsgd"},
        "participation": 0.9,
        "agents": 6,
    }
    runs = [run("scaffold-pg", seed, **changes) for seed in (0, 1)]
    together, (alone,) = train(runs), train(runs[1:])
    assert np.array_equal(together[1].parameters, alone.parameters)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"aggregator": {"rule": "krum", "byzantine": 2}},
            "at most 1 of 5 agents in a round",
        ),
        ({"aggregator": {"rule": "krum", "byzantine": 1}, "participation": 0.8}, "n ≥ 2f + 3"),
        ({"aggregator": {"rule": "trimmed-mean", "byzantine": 3}}, "at most 2 of 5"),
        ({"aggregator": {"rule": "minimum-diameter", "byzantine": 3}}, "at most 2 of 5"),
        (
            {"aggregator": {"rule": "minimum-diameter", "byzantine": 15}, "agents": 40},
            "subsets of 40 agents",
        ),
        ({"aggregator": {"rule": "krumm"}}, "did you mean 'krum'?"),
        (
            {"aggregator": {"rule": "median"}, "agent_weights": (1.0, 1.0, 1.0, 1.0, 2.0)},
            "equal with an aggregator",
        ),
        (
            {"aggregator": {"rule": "median"}, "algorithm": "fedpg-br"},
            "fedpg-br has an aggregation of its own",
        ),
        (
            {"aggregator": {"rule": "median"}, "algorithm": "projpavg"},
            "projpavg averages probabilities",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, words):
    with pytest.raises(ValidationError) as caught:
        run(**changes)
    assert words in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
@pytest.mark.parametrize("agents", [1, 13])
def test_the_mean_of_all_federations_is_that_of_each(dtype, shape, agents):
    generator = torch.Generator().manual_seed(0)
    messages = (100 * torch.randn(4, agents, *shape, generator=generator)).to(dtype)
    weights = torch.rand(4, agents, generator=generator, dtype=torch.float32)
    expected = torch.stack([weighted_mean(*each) for each in zip(messages, weights, strict=True)])
    found = averaged(messages, weights)
    assert found.dtype == torch.result_type(messages, weights)
    assert torch.equal(found, expected.to(found.dtype))
