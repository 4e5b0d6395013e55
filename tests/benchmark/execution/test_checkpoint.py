"""Going on from a checkpoint gives the same bits; a damaged one is noticed, kept and not used."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.configuration import Config, Run, suits
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.checkpoint import Checkpoints, decode, delayed, encode
from fedrl.benchmark.training import federation
from fedrl.benchmark.training.federation import train
from fedrl.envs import FAMILIES

SETTINGS = {
    "random-mdp": {"options": {"horizon": 8}, "step_size": 0.3},
    "cartpole": {"options": {"horizon": 60}, "step_size": 0.005, "budget": 500},
    "halfcheetah": {"options": {"horizon": 6}, "step_size": 0.001, "hidden": (5, 4)}
    | {"dtype": "float64"},  # cartpole in single precision
}


def runs_of(family: str, algorithm: str, **changes) -> list[Run]:
    common = {"agents": 2, "rounds": 7, "local_steps": 2, "evaluate_every": 3, "kappa": 0.5}
    common |= {"initial_momentum": "batch", "evaluation_episodes": 2} | SETTINGS[family] | changes
    config = Config(family=family, algorithm=algorithm, **common)
    return [Run(config, Seed("test", index)) for index in range(3)]


@pytest.fixture
def every_round(monkeypatch):
    monkeypatch.setattr(federation, "SAVE_EVERY", 0.0)


def states_of(runs):
    """All states of every run, in the order of rounds, as they come back from disk."""
    kept = {run.seed: [] for run in runs}

    def keep(run, state):
        kept[run.seed].append(decode(encode(state, "key"), "key"))

    return train(runs, on_state=keep), kept


def assert_same(one, two):
    assert one.run == two.run
    for name, column in one.columns.items():
        np.testing.assert_array_equal(column, two.columns[name], err_msg=name)
        assert column.dtype == two.columns[name].dtype
    assert one.columns.keys() == two.columns.keys()
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert one.parameters.dtype == two.parameters.dtype


# One for each kind of thing that is kept (others are long, and obey the same law in conformance):
# nothing, u_r, memories of agents and server, moments, arrivals, sums of arrivals; values, parts of
# an agent's own. Each with one kind of network, whose kernels compile in seconds.
KEPT = {
    "random-mdp": ("fedpg", "fedsvrpg-m", "mfpo", "scaffold-pg", "feda2c", "afedpg", "malenia-nigt",
                   "fedsarsa", "pfedpg-ha", "ditto-pg", "b-rs-fedpg"),
    "cartpole": ("fedpg", "fedsvrpg-m", "scaffold-pg"),
    "halfcheetah": ("mfpo", "fedppo", "malenia-nigt"),
}  # fmt: skip


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
def test_a_resumed_run_has_the_same_bits(family, algorithm, every_round):
    """From every round, each of another run, alone; together; finished and unfinished mixed."""
    runs = runs_of(family, algorithm)
    whole, kept = states_of(runs)
    for place, result in enumerate(whole):
        states = kept[result.run.seed]
        assert states[-1].finished
        for state in states[place::3]:
            assert_same(train([result.run], states=[state])[0], result)
    for number in (0, 2):
        states = [kept[run.seed][min(number, len(kept[run.seed]) - 1)] for run in runs]
        for one, two in zip(train(runs, states=states), whole, strict=True):
            assert_same(one, two)
    last = [kept[run.seed][-1] for run in runs[:2]]
    for one, two in zip(train(runs, states=[*last, None]), whole, strict=True):
        assert_same(one, two)


def test_a_diverged_run_stays_diverged(every_round):
    runs = runs_of("random-mdp", "fedpg", step_size=1e308)
    whole, kept = states_of(runs)
    assert whole[0].columns["diverged"].all()
    (again,) = train(runs[:1], states=[kept[runs[0].seed][-1]])
    assert_same(again, whole[0])


def test_unfinished_runs_at_different_rounds_do_not_mix(every_round):
    runs = runs_of("random-mdp", "fedpg")
    _, kept = states_of(runs)
    with pytest.raises(ValueError, match="are at rounds"):
        train(runs[:2], states=[kept[runs[0].seed][0], kept[runs[1].seed][2]])


def test_no_damage_goes_unnoticed(tmp_path, every_round):
    """Any flipped bit, any truncation: set aside, never deleted, never used."""
    runs = runs_of("random-mdp", "fedpg")
    _, kept = states_of(runs)
    checkpoints = Checkpoints(tmp_path, "study")
    path = checkpoints.path(runs[0])
    checkpoints.save(runs[0], kept[runs[0].seed][1])
    whole = path.read_bytes()
    damaged = [whole[: len(whole) // 2], b"", b"\n", whole + b"x"]
    for place in range(0, len(whole), 97):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        damaged.append(bytes(flipped))
    for number, content in enumerate(damaged, start=1):
        path.write_bytes(content)
        assert checkpoints.load(runs[0]) is None
        assert path.with_name(f"{path.name}.corrupt-{number}").read_bytes() == content
        assert not path.exists()


def test_a_checkpoint_of_other_code_is_not_used(tmp_path, every_round, monkeypatch):
    runs = runs_of("random-mdp", "fedpg")
    _, kept = states_of(runs)
    checkpoints = Checkpoints(tmp_path, "study")
    checkpoints.save(runs[0], kept[runs[0].seed][1])
    assert checkpoints.load(runs[0]).round == 2
    assert checkpoints.load(runs[1]) is None
    monkeypatch.setattr("fedrl.benchmark.execution.checkpoint.run_key", lambda run: "other")
    assert checkpoints.load(runs[0]) is None
    assert checkpoints.path(runs[0]).exists()


def test_a_short_batch_writes_nothing_and_a_long_one_loses_nobody(
    tmp_path, every_round, monkeypatch
):
    """Runs that left in the first seconds are saved with the first state after them."""
    runs = runs_of("random-mdp", "fedpg")
    _, kept = states_of(runs)
    clock = [100.0]
    monkeypatch.setattr("fedrl.benchmark.execution.checkpoint.time.monotonic", lambda: clock[0])
    checkpoints = Checkpoints(tmp_path, "study")
    patient = delayed(checkpoints.save, 5.0)
    for run in runs[:2]:
        clock[0] += 2
        patient(run, kept[run.seed][-1])
    assert [checkpoints.load(run) for run in runs] == [None] * 3
    clock[0] += 2
    patient(runs[2], kept[runs[2].seed][1])
    assert [checkpoints.load(run).round for run in runs] == [7, 7, 2]


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(tmp_path, every_round, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fedrl.benchmark.execution.checkpoint.write_atomically", full)
    runs = runs_of("random-mdp", "fedpg")
    checkpoints = Checkpoints(tmp_path, "study")
    saved = train(runs, on_state=checkpoints.save)
    for one, two in zip(saved, train(runs), strict=True):
        assert_same(one, two)
    assert checkpoints.load(runs[0]) is None
