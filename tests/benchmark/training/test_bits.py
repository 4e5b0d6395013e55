"""Bit-exactness over random configurations: whatever the way a run is computed, the same bits."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedrl import run_study
from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.configuration import Config, Run, suits
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training import federation
from fedrl.benchmark.training.federation import train
from fedrl.envs import FAMILIES
from fedrl.envs.finite.tabular import Tabular

# What keeps a run of a family short and finite; everything else is drawn.
SHORT = {
    "gridworld": {"step_size": 0.5},
    "random-mdp": {"step_size": 0.5},
    "windy-cliff": {"step_size": 0.01},
    "opposed-pair": {"step_size": 0.5},
    "frozen-lake": {"step_size": 0.5},
    "cliff-walking": {"step_size": 0.01},
    "taxi": {"step_size": 0.1},
    "cartpole": {"step_size": 0.005},
    "linear-quadratic": {"step_size": 0.0001},
    "acrobot": {"step_size": 0.005},
    "pendulum": {"step_size": 0.0001},
    "mountain-car": {"step_size": 0.001},
    "halfcheetah": {"step_size": 0.001},
    "hopper": {"step_size": 0.001},
    "walker2d": {"step_size": 0.001},
    "gymnasium": {"step_size": 0.005},
}


POSSIBLE = {
    family: sorted(name for name, kind in ALGORITHMS.items() if suits(kind, FAMILIES[family]))
    for family in FAMILIES
}

EVERY_PAIR = "FEDRL_EVERY_PAIR" in os.environ  # as every night, by `tox run -e thorough`
# A kernel is compiled for each dtype, task and estimator, which takes seconds: by day those that
# other tests compile as well, by night all.
BY_DAY = {
    "cartpole": ["fedpg", "fedsvrpg-m", "scaffold-pg"],
    "halfcheetah": ["fedpg", "fedppo", "fedsvrpg-m", "mfpo"],
}
if not EVERY_PAIR:
    finite = {name for name, kind in FAMILIES.items() if issubclass(kind, Tabular)}
    POSSIBLE = {n: BY_DAY.get(n, own) for n, own in POSSIBLE.items() if n in finite | {*BY_DAY}}


@st.composite
def batches(draw):
    """Runs that share a program and differ in all that may differ within a batch."""
    family = draw(st.sampled_from(sorted(POSSIBLE)))
    algorithm = draw(st.sampled_from(POSSIBLE[family]))
    small = st.integers(1, 3)
    usual = "float32" if family == "cartpole" else "float64"
    dtype = draw(st.sampled_from(["float32", "float64"] if EVERY_PAIR else [usual]))
    depth = draw(st.integers(0, 3))
    common = {
        "family": family,
        "algorithm": algorithm,
        "options": {"horizon": draw(st.integers(ALGORITHMS[algorithm]().least_steps, 12))},
        "agents": draw(small),
        "rounds": draw(st.integers(1, 4)),
        "local_steps": draw(small),
        "episodes": draw(small),
        "evaluate_every": draw(small),
        "evaluation_episodes": draw(small),
        "budget": draw(st.none() | st.integers(1, 60)),
        "hidden": draw(st.lists(st.integers(1, 9), min_size=depth, max_size=depth)),
        "initial_momentum": draw(st.sampled_from(["zero", "batch"])),
        "weight_cap": None
        if ALGORITHMS[algorithm].model_based or ALGORITHMS[algorithm].actor_critic  # no weights
        else draw(st.none() | st.floats(1.1, 5.0)),
        "dtype": dtype,
    }
    runs = []
    for _ in range(draw(st.integers(2, 4))):
        own = {
            "kappa": draw(st.floats(0, 1)),
            "step_size": SHORT[family]["step_size"] * draw(st.floats(0.1, 1.0)),
            "server_step_size": draw(st.none() | st.floats(0.001, 0.1)),
        }
        own["hyperparameters"] = {
            p.name: draw(st.floats(p.metadata["low"], p.metadata["high"]))
            for p in ALGORITHMS[algorithm].tunables().values()
        }
        runs.append(Run(Config(**common, **own), Seed("test", draw(st.integers(0, 99)))))
    return runs


def assert_same(one, two):
    for name, column in one.columns.items():
        np.testing.assert_array_equal(column, two.columns[name], err_msg=name)


@settings(
    max_examples=40 if EVERY_PAIR else 15, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(runs=batches(), data=st.data())
def test_alone_together_shuffled_and_resumed(runs, data):
    together = train(runs)
    alone = data.draw(st.integers(0, len(runs) - 1), label="alone")
    order = data.draw(st.permutations(range(len(runs))), label="order")
    for place, result in zip(order, train([runs[p] for p in order]), strict=True):
        assert_same(result, together[place])
    states = []
    before, federation.SAVE_EVERY = federation.SAVE_EVERY, 0.0
    try:
        (single,) = train([runs[alone]], on_state=lambda run, state: states.append(state))
    finally:
        federation.SAVE_EVERY = before
    assert_same(single, together[alone])
    state = data.draw(st.sampled_from(states), label="state")
    assert_same(train([runs[alone]], states=[state])[0], together[alone])


EVERYTHING = """
title = "Every family, every algorithm"
seeds = 2
[settings]
kappa = 0.7
agents = 2
rounds = 2
local_steps = 2
horizon = 5
step_size = 0.001
evaluate_every = 1
evaluation_episodes = 2
"""


OFTEN = ("fedppo", "fedsvrpg-m")


def crossed() -> list[tuple[list[str], list[str]]]:
    """Families and the algorithms they are crossed with: no family and no algorithm is left out."""
    if not EVERY_PAIR:
        return [(sorted(FAMILIES), [*OFTEN]), (["random-mdp"], sorted({*ALGORITHMS} - {*OFTEN}))]
    groups: dict[tuple[str, ...], list[str]] = {}  # families by the algorithms they allow
    for family, algorithms in POSSIBLE.items():
        groups.setdefault(tuple(algorithms), []).append(family)
    return [(families, [*algorithms]) for algorithms, families in groups.items()]


@pytest.mark.long
def test_any_number_of_workers(tmp_path: Path):
    """All families, all algorithms: the files of one and of three workers are the same bytes."""
    studies = []
    for number, (families, algorithms) in enumerate(crossed()):
        studies.append(tmp_path / f"everything{number}.toml")
        tables = [f"[families.{name}]" for name in families]
        tables += [f"[algorithms.{name}]" for name in algorithms]
        studies[-1].write_text(EVERYTHING + "\n".join(tables))
    stored = {}
    for workers in (1, 3):
        for study in studies:
            assert run_study(study, results=tmp_path / str(workers), workers=workers).complete
        root = tmp_path / str(workers)
        stored[workers] = {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("seed-?????.parquet")
        }
    assert len(stored[1]) == 2 * sum(len(one) * len(other) for one, other in crossed())
    assert stored[1] == stored[3]
