"""The worked examples of CONTRIBUTING.md, executed as they stand there."""

from __future__ import annotations

import importlib.util
import re
import sys

import numpy as np
import pytest

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.envs import FAMILIES
from places import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()


def example(kind: str) -> str:
    (code,) = re.findall(rf"```\w+ {kind}\n(.*?)```", TEXT, re.S)
    assert len(code.splitlines()) < 40, "a worked example stays under 40 lines"
    return code


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import an example as a module of its own, with fresh registries."""

    def load(kind: str, name: str):
        path = tmp_path / f"{name}.py"
        path.write_text(example(kind))
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    registry.algorithms.cache_clear()
    registry.families.cache_clear()
    yield load
    registry.algorithms.cache_clear()
    registry.families.cache_clear()


def test_the_algorithm(load, monkeypatch):
    """It trains, and without its penalty it is FedPG."""
    monkeypatch.setitem(ALGORITHMS, "ridge-pg", load("algorithm", "ridge_pg").RidgePG)
    common = {"family": "random-mdp", "rounds": 3, "kappa": 0.5, "step_size": 0.5}

    def objective(algorithm: str, **hyperparameters: float) -> np.ndarray:
        config = Config(**common, algorithm=algorithm, hyperparameters=hyperparameters)
        return train([Run(config, Seed("test", 0))])[0].columns["objective"]

    np.testing.assert_array_equal(objective("ridge-pg", mu=0.0), objective("fedpg"))
    assert objective("ridge-pg", mu=1.0)[-1] != objective("fedpg")[-1]


def test_the_family(load, monkeypatch):
    """κ = 0 gives copies, κ = 1 does not; an exact optimum exists; it can be trained on."""
    monkeypatch.setitem(FAMILIES, "riverswim", load("family", "riverswim").RiverSwim)
    family = FAMILIES["riverswim"]()
    same = family.sample(4, 0.0, np.random.default_rng(0)).kernel
    assert (same == same[0]).all()
    different = family.sample(4, 1.0, np.random.default_rng(0))
    assert not (different.kernel == different.kernel[0]).all()
    np.testing.assert_allclose(different.kernel.sum(-1), 1)
    assert (family.optimum(different) > 0).all()
    config = Config(family="riverswim", algorithm="fedpg", rounds=3, kappa=0.5)
    (result,) = train([Run(config, Seed("test", 0))])
    assert np.isfinite(result.columns["objective"]).all()


def test_the_study(tmp_path):
    """2 κ × (FedPG + FedSVRPG-M with two β) = 6 cells of 5 seeds, and it runs."""
    from fedrl import load_records, run_study
    from fedrl.benchmark.config.study import load_study

    path = tmp_path / "momentum.toml"
    path.write_text(example("study"))
    study = load_study(path)
    assert len(study.configs()) == 6
    assert len(study.runs()) == 30
    small = ["settings.rounds=2", "seeds=1"]
    run_study(path, results=tmp_path / "results", workers=1, overrides=small)
    records = load_records(path, results=tmp_path / "results", overrides=small)
    assert records.groupby(["kappa", "algorithm"]).ngroups == 4
