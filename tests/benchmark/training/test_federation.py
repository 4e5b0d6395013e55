"""Bit-exactness: a run's numbers depend on its own configuration only."""

from __future__ import annotations

import numpy as np
import pytest

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.configuration import Config, Run, suits
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.envs import FAMILIES

SETTINGS = {
    "random-mdp": {"options": {"horizon": 8}, "step_size": 0.3},
    "gridworld": {"options": {"horizon": 12}, "step_size": 0.3},
    "cartpole": {"options": {"horizon": 60}, "step_size": 0.005, "evaluation_episodes": 3},
    "halfcheetah": {
        "dtype": "float64",  # cartpole in single precision
        "options": {"horizon": 8},
        "step_size": 0.01,
        "hidden": (5, 4),
        "evaluation_episodes": 2,
    },
}


def make(family: str, algorithm: str, **changes) -> Config:
    common = {
        "agents": 3,
        "rounds": 3,
        "local_steps": 2,
        "episodes": 2,
        "evaluate_every": 1,
        "initial_momentum": "batch",
        "initial_episodes": 2,
    }
    return Config(
        **{
            **common,
            **SETTINGS[family],
            "family": family,
            "algorithm": algorithm,
            "kappa": 0.6,
            **changes,
        }
    )


def assert_same_bits(one, two):
    assert one.run == two.run
    assert one.columns.keys() == two.columns.keys()
    for name, column in one.columns.items():
        np.testing.assert_array_equal(column, two.columns[name], err_msg=name)
    np.testing.assert_array_equal(one.parameters, two.parameters)


# One for each way of stepping and each kind of memory; the others are long, and obey the same law
# in conformance. Each with one kind of network, whose kernels compile in seconds.
STEPPING = ("fedpg", "fedsvrpg-m", "fedhapg-m", "mfpo", "scaffold-pg", "fedppo", "fedtrpo")
KEPT = {
    "random-mdp": STEPPING,
    "gridworld": (*STEPPING, "afedpg", "qavg-sampled", "fedsarsa", "pfedpg-ha"),
    "cartpole": ("fedpg", "fedsvrpg-m", "scaffold-pg"),
    "halfcheetah": ("fedsvrpg-m", "fedhapg-m", "mfpo", "fedppo"),
}


@pytest.mark.parametrize(
    ("family", "algorithm"),
    [
        pytest.param(
            family,
            algorithm,
            marks=() if algorithm in KEPT[family] else pytest.mark.long,
        )
        for family in sorted(SETTINGS)
        for algorithm, kind in sorted(ALGORITHMS.items())
        if suits(kind, FAMILIES[family])
    ],
)
def test_alone_in_a_batch_and_in_any_order(family, algorithm):
    """A batch of other seeds, heterogeneity, step sizes and hyperparameters changes no bit."""
    variants = [make(family, algorithm), make(family, algorithm, kappa=0.0)]
    variants.append(make(family, algorithm, step_size=0.7 * variants[0].step_size))
    variants.append(make(family, algorithm, server_step_size=0.8 * variants[0].server_step))
    tunables = ALGORITHMS[algorithm].tunables().values()
    tuned = {p.name: (p.default + p.metadata["high"]) / 2 for p in tunables}
    if tuned:
        variants.append(make(family, algorithm, hyperparameters=tuned))
    runs = [Run(config, Seed("test", seed)) for config in variants for seed in (0, 4)]
    together = train(runs)
    for result in together:
        assert np.isfinite(result.columns["objective"]).all()
        assert np.isfinite(result.parameters).all()
    backwards = train(runs[::-1])[::-1]
    for one, other in zip(together, backwards, strict=True):
        assert_same_bits(one, other)
    for place in (0, 3, len(runs) - 1):
        assert_same_bits(train([runs[place]])[0], together[place])


@pytest.mark.parametrize("algorithm", ["fedsvrpg-m", "independent-pg"])
def test_a_run_ends_with_the_round_that_spends_its_budget(algorithm):
    """Each run of a batch on its own; up to its end the numbers are those without a budget."""
    free = make("cartpole", algorithm, rounds=12, evaluate_every=4)
    paid = make("cartpole", algorithm, rounds=12, evaluate_every=4, budget=400)
    seeds = [Seed("test", index) for index in range(6)]
    results = train([Run(paid, seed) for seed in seeds])
    lengths = set()
    for seed, result in zip(seeds, results, strict=True):
        (whole,) = train([Run(free.model_copy(update={"evaluate_every": 1}), seed)])
        spent = whole.columns["steps_per_agent"]
        end = int(np.flatnonzero(spent >= 400)[0])
        lengths.add(end)
        assert result.columns["round"].tolist() == sorted({*range(0, end, 4), end})
        rounds = result.columns["round"].astype(int)
        for name in ("objective", "steps_total", "trajectories_total", "floats_up"):
            np.testing.assert_array_equal(result.columns[name], whole.columns[name][rounds])
        assert not result.columns["diverged"].any()
        assert_same_bits(train([Run(paid, seed)])[0], result)
    assert len(lengths) > 1, "the runs of this test end at different rounds"


@pytest.mark.parametrize(
    "family", [pytest.param("cartpole", marks=pytest.mark.long), "halfcheetah"]
)
def test_double_precision_too(family):
    config = make(family, "fedsvrpg-m", dtype="float64")
    runs = [Run(config, Seed("test", seed)) for seed in range(3)]
    assert_same_bits(train([runs[1]])[0], train(runs)[1])


def test_native_threads_change_no_bit():
    runs = [Run(make("halfcheetah", "fedpg"), Seed("test", seed)) for seed in range(2)]
    for one, two in zip(train(runs, threads=1), train(runs, threads=2), strict=True):
        assert_same_bits(one, two)


@pytest.mark.parametrize("family", ["cartpole", "halfcheetah"])
def test_divergence_is_recorded_and_the_others_go_on(family):
    """An absurd step size overflows; the run ends there, its neighbours keep every bit."""
    good = make(family, "fedsvrpg-m")
    bad = make(family, "fedsvrpg-m", step_size=3e38, hyperparameters={"beta": 0.5})
    runs = [Run(bad, Seed("test", 0)), Run(good, Seed("test", 0)), Run(bad, Seed("test", 1))]
    results = train(runs)
    for result in (results[0], results[2]):
        assert result.columns["diverged"].all()
        first = int(result.columns["diverged_round"][0])
        assert 1 <= first <= good.rounds
        np.testing.assert_array_equal(result.columns["round"], np.arange(first))
    assert not results[1].columns["diverged"].any()
    assert_same_bits(train([runs[1]])[0], results[1])
    assert_same_bits(train([runs[0]])[0], results[0])


def test_runs_of_different_programs_are_refused():
    runs = [Run(make("random-mdp", name), Seed("test", 0)) for name in ("fedpg", "fedpg-m")]
    with pytest.raises(ValueError, match=r"share config\.program"):
        train(runs)
