"""Laws of cross-evaluations: the diagonal is home, identical agents make identical columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_cli import Answer, content, fedrl  # noqa: F401

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.inspection.cross_evaluation import COMMON, agents_of, trained, transferred
from fedrl.benchmark.storage import parameters
from fedrl.benchmark.training.federation import train
from fedrl.envs.finite.opposed_pair import OpposedPair

Fedrl = Callable[..., Answer]
STUDY = """
title = "Cross"
description = "Opposed agents, alone and together."
seeds = 2
[settings]
agents = 3
kappa = 1.0
rounds = 2
evaluate_every = 2
[families.opposed-pair]
step_size = 0.5
[algorithms.independent-pg]
[algorithms.fedpg]
"""


def run(algorithm: str, family: str = "opposed-pair", kappa: float = 1.0) -> Run:
    config = Config(
        family=family, algorithm=algorithm, agents=3, kappa=kappa, rounds=2, step_size=0.3
    )
    return Run(config, Seed("test", 0))


@pytest.mark.parametrize("algorithm", ["independent-pg", "fedpg"])
def test_at_home_a_policy_scores_what_its_run_recorded(algorithm: str) -> None:
    """Mean of the diagonal, or of the common policy's only row, is the last recorded objective."""
    result = train([run(algorithm)])[0]
    matrix = trained(result.run, result.parameters, 5)
    home = np.diag(matrix.objective) if len(matrix.objective) > 1 else matrix.objective[0]
    assert len(matrix.objective) == len(result.parameters)
    assert matrix.episodes == 0
    np.testing.assert_allclose(home.mean(), result.columns["objective"][-1], rtol=1e-12)


def test_alike_agents_score_alike_everywhere() -> None:
    result = train([run("independent-pg", kappa=0.0)])[0]
    matrix = trained(result.run, result.parameters, 5).objective
    assert (matrix == matrix[:, :1]).all()
    assert len(np.unique(matrix[:, 0])) > 1  # the policies are not alike


@pytest.mark.parametrize("family", ["opposed-pair", "cartpole"])
def test_agents_that_took_no_part_are_those_that_a_larger_federation_would_have(
    family: str,
) -> None:
    one, larger = (
        Run(Config(family=family, algorithm="fedpg", agents=agents), Seed("test", 0))
        for agents in (2, 5)
    )
    policy = one.config.build_policy()
    theta = np.random.default_rng(0).standard_normal((1, policy.size)).astype(np.float32)
    whole, few = trained(larger, theta, 4), transferred(one, theta, 4, 3)
    assert few.episodes == whole.episodes
    np.testing.assert_array_equal(few.objective, whole.objective[:, 2:])


def test_sampled_entries_do_not_depend_on_the_other_policies() -> None:
    one = run("independent-pg", "cartpole")
    generator = np.random.default_rng(0)
    theta = generator.standard_normal((3, one.config.build_policy().size)).astype(np.float32)
    whole = trained(one, theta, 4)
    assert whole.episodes == 4
    for i in range(3):
        np.testing.assert_array_equal(trained(one, theta[[i]], 4).objective[0], whole.objective[i])


def test_the_optimum_of_one_is_the_worst_for_its_opposite() -> None:
    """At κ = 1 the gambles of agents 0 and 1 are opposite: the gain of one is the loss of other."""
    known = agents_of(run("fedpg"))
    assert known.optimum is not None
    assert known.distance is not None
    matrix = known.optimum.objective
    np.testing.assert_allclose(matrix[0, 1], -matrix[0, 0], rtol=1e-12)
    np.testing.assert_allclose(matrix[0, 2], matrix[0, 0], rtol=1e-12)
    assert known.distance.largest == 1.0
    task = OpposedPair().sample(3, 1.0, Seed("test", 0).generator("environment"))
    np.testing.assert_allclose(np.diag(matrix), OpposedPair().optimum(task), rtol=1e-12)


def test_what_is_missing_foreign_or_a_link_is_told(fedrl: Fedrl, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "crossed.toml").write_text(STUDY)
    only = ("--only", "algorithm=fedpg")
    assert fedrl("run", "crossed.toml", "--workers", "1", *only, "--only", "seed=0").code == 0
    answer = fedrl("cross", "crossed.toml", *only)
    assert answer.code == 0
    assert "1 run(s) are not stored" in answer.err
    theta = next(tmp_path.rglob("seed-00000.parameters.npz"))
    theta.write_bytes(parameters.encode(np.zeros((1, 2)), "another run's key"))
    answer = fedrl("cross", "crossed.toml", *only, "--json")
    assert "no final parameters are stored; remove it, and `fedrl run` stores them" in answer.err
    assert [one["trained"] for one in json.loads(answer.out)["runs"]] == [None]
    folder, elsewhere = tmp_path / "results" / "crossed" / "cross", tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = content(elsewhere)
    answer = fedrl("cross", "crossed.toml", *only)
    assert answer.code == 2
    assert "is a symbolic link out of the results folder" in answer.err
    assert content(elsewhere) == before


def test_the_files_are_the_same_when_written_again(fedrl: Fedrl, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "crossed.toml").write_text(STUDY)
    assert fedrl("run", "crossed.toml", "--workers", "1").code == 0
    answer = fedrl("cross", "crossed.toml", "--held-out", "2", "--json")
    folder = tmp_path / "results" / "crossed" / "cross"
    before = content(folder)
    shown = fedrl("cross", "crossed.toml", "--held-out", "2")
    assert "transfer: in the MDPs of 2 agents that took no part" in shown.out
    assert content(folder) == before
    assert sorted(Path(name).suffix for name in before) == [".csv", ".png", ".png", ".svg", ".svg"]
    table = pd.read_csv(folder / "cross.csv")
    found = json.loads(answer.out)["runs"]
    assert len(found) == 4
    for one in found:
        mine = table[(table.cell == one["cell"]) & (table.seed == one["seed"])]
        for kind in ("optimum", "trained", "transfer"):
            values = mine[mine.policy == kind].objective.to_numpy()
            np.testing.assert_array_equal(values, np.ravel(one[kind]))
    assert set(table[table.policy == "transfer"].agent) == {3, 4}
    common = table[(table.algorithm == "fedpg") & (table.policy == "trained")]
    assert (common.policy_of == COMMON).all()
