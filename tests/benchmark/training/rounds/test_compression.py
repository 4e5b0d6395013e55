"""Laws of compression: expectations, the error that is fed back, and what a message costs."""

from __future__ import annotations

import itertools
import math
from unittest.mock import patch

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fedrl.benchmark.config.communication import COMPRESSIONS, QSGD, FixedPoint, RandomK, Sign, TopK
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.messages.compression import Size, compressed, size_of, variance
from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.rounds.round import round_, start

FIXED = FixedPoint(bits=14, bound=2.0)
KINDS = (TopK(share=0.3), RandomK(share=0.3), QSGD(levels=3), Sign(), FIXED)
VECTOR = np.array([[0.3, -2.0, 0.0, 0.5, -0.7]])
SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 3,
    "rounds": 4,
    "local_steps": 2,
    "step_size": 0.5,
    "evaluate_every": 2,
}


def run(algorithm="fedpg", seed=0, **changes) -> Run:
    return Run(Config(**{**SMALL, "algorithm": algorithm, **changes}), Seed("test", seed))


# --- compressors ----------------------------------------------------------------------------------


def test_random_k_is_unbiased_by_enumeration():
    """All orders of the five places are equally probable; its variance is ω ‖v‖²."""
    kind = RandomK(share=0.4)
    orders = np.array(list(itertools.permutations(np.arange(5) / 5)))
    found = compressed(kind, np.repeat(VECTOR, len(orders), axis=0), orders)
    np.testing.assert_allclose(found.mean(0), VECTOR[0], rtol=0, atol=1e-14)
    error = np.square(found - VECTOR).sum(1).mean()
    assert error == pytest.approx(variance(kind, 5) * np.square(VECTOR).sum(), rel=1e-12)


@pytest.mark.parametrize("levels", [1, 3, 4])
def test_qsgd_is_unbiased_by_enumeration(levels):
    """Entries are rounded independently, each to one of two neighbours."""
    length = math.sqrt(np.square(VECTOR).sum())
    exact = levels * np.abs(VECTOR) / length
    above = exact - np.floor(exact)  # probability of the upper neighbour
    mean, square = np.zeros(5), 0.0
    for upper in itertools.product([False, True], repeat=5):
        chance = np.prod(np.where(upper, above, 1 - above))
        if chance > 0:
            uniform = np.where(upper, above / 2, (1 + above) / 2)
            (found,) = compressed(QSGD(levels=levels), VECTOR, uniform)
            mean += chance * found
            square += chance * np.square(found - VECTOR).sum()
            level = np.round(found * levels / length)
            np.testing.assert_allclose(found, level * length / levels, rtol=0, atol=1e-15)
    np.testing.assert_allclose(mean, VECTOR[0], rtol=0, atol=1e-14)
    assert square <= variance(QSGD(levels=levels), 5) * length**2


def test_fixed_point_is_unbiased_by_enumeration_and_adds_up_in_its_ring():
    exact = VECTOR / FIXED.spacing
    above = exact - np.floor(exact)
    mean = sum(
        np.where(upper, above, 1 - above)
        * compressed(FIXED, VECTOR, np.where(upper, above / 2, (1 + above) / 2))
        for upper in (False, True)
    )
    np.testing.assert_allclose(mean, VECTOR, rtol=0, atol=1e-14)
    draw, ring = np.random.default_rng(0), 2**FIXED.bits
    many = np.sign(draw.normal(size=(256, 5))) * 3  # beyond the bound: as large as it gets
    many[:, 0] = 3
    sent = compressed(FIXED, many, draw.random(many.shape))
    masks = draw.integers(0, ring, size=many.shape)
    masks[-1] = -masks[:-1].sum(0)  # masks cancel
    hidden = (np.round(sent / FIXED.spacing).astype(int) + masks) % ring
    total = hidden.sum(0) % ring
    total = np.where(total > ring // 2, total - ring, total) * FIXED.spacing
    np.testing.assert_allclose(total, sent.sum(0), rtol=0, atol=1e-9)


def test_biased_compressors_by_hand():
    nothing = np.zeros_like(VECTOR)
    (two,) = compressed(TopK(share=0.4), VECTOR, nothing)
    assert two.tolist() == [0, -2.0, 0, 0, -0.7]
    (signs,) = compressed(Sign(), VECTOR, nothing)
    np.testing.assert_allclose(signs, [0.7, -0.7, 0.7, 0.7, -0.7], rtol=1e-15)
    tie = np.array([[1.0, -1.0, 1.0, 1.0]])
    assert compressed(TopK(share=0.5), tie, 0 * tie).tolist() == [[1.0, -1.0, 0, 0]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_with_feedback_every_compressor_is_a_contraction(kind):
    """E‖C(v) - v‖² < ‖v‖², here over random vectors and numbers."""
    draw = np.random.default_rng(0)
    vectors, uniform = draw.normal(size=(4000, 20)), draw.random((4000, 20))
    fed = kind.model_copy(update={"error_feedback": True})
    left = np.square(compressed(fed, vectors, uniform) - vectors).sum(1)
    assert (left / np.square(vectors).sum(1)).mean() < 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_vector_that_is_not_finite_is_seen(kind):
    broken = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, np.inf]])
    np.testing.assert_array_equal(compressed(kind, broken, np.zeros((2, 3))), broken)


# --- messages -------------------------------------------------------------------------------------


def written(kind, vector: np.ndarray, sent: np.ndarray) -> str:
    """A message as zeros and ones, from which `read` makes the vector that was sent."""
    size = len(vector)

    def real(value: float) -> str:
        return f"{int(np.float64(value).view(np.uint64)):064b}"

    if isinstance(kind, TopK):
        places, width = np.flatnonzero(sent), math.ceil(math.log2(size))
        return "".join(real(sent[p]) + f"{p:0{width}b}" for p in places)
    if isinstance(kind, RandomK):
        return "".join(real(value) for value in sent[sent != 0])
    if isinstance(kind, FixedPoint):
        whole = np.round(sent / kind.spacing).astype(int) % 2**kind.bits
        return "".join(f"{number:0{kind.bits}b}" for number in whole)
    if isinstance(kind, QSGD):
        length = math.sqrt(np.square(vector).sum())
        width = math.ceil(math.log2(2 * kind.levels + 1))
        levels = np.round(sent / length * kind.levels).astype(int) + kind.levels
        return real(length) + "".join(f"{level:0{width}b}" for level in levels)
    return real(np.abs(sent[0])) + "".join("01"[int(value < 0)] for value in sent)


def read(kind, text: str, size: int, places: np.ndarray) -> np.ndarray:
    """What the server makes of a message; `places` are random-k's."""

    def real(at: int) -> float:
        return float(np.uint64(int(text[at : at + 64], 2)).view(np.float64))

    found = np.zeros(size)
    if isinstance(kind, TopK):
        each = 64 + math.ceil(math.log2(size))
        for at in range(0, len(text), each):
            found[int(text[at + 64 : at + each], 2)] = real(at)
    elif isinstance(kind, RandomK):
        found[places] = [real(at) for at in range(0, len(text), 64)]
    elif isinstance(kind, FixedPoint):
        whole = [int(text[kind.bits * i : kind.bits * (i + 1)], 2) for i in range(size)]
        half = 2 ** (kind.bits - 1)
        found[:] = [((number + half) % 2**kind.bits - half) * kind.spacing for number in whole]
    elif isinstance(kind, QSGD):
        width = math.ceil(math.log2(2 * kind.levels + 1))
        levels = [int(text[64 + width * i : 64 + width * (i + 1)], 2) for i in range(size)]
        found[:] = real(0) * (np.array(levels) - kind.levels) / kind.levels
    else:
        found[:] = [(1 - 2 * int(bit)) * real(0) for bit in text[64:]]
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("size", [30, 64, 65])
def test_a_message_of_the_size_that_is_counted_can_be_read(kind, size):
    draw = np.random.default_rng(size)
    vector, uniform = draw.normal(size=size), draw.random(size)
    (sent,) = compressed(kind, vector[None], uniform[None])
    text = written(kind, vector, sent)
    assert len(text) == size_of(kind, size, 64).bits
    back = read(kind, text, size, np.flatnonzero(sent))
    np.testing.assert_allclose(back, sent, rtol=1e-15, atol=0)


def test_what_would_not_be_shorter_is_sent_whole():
    assert size_of(TopK(share=0.95), 20, 32) == Size(20, 640) == size_of(None, 20, 32)
    assert size_of(Sign(), 1, 32) == Size(1, 32)
    vector = np.array([[1.0, -2.0]])
    for kind in (TopK(share=1.0), RandomK(share=1.0), QSGD(levels=2**15), Sign()):
        one = vector[:, :1]
        np.testing.assert_array_equal(compressed(kind, one, 0 * one), one)


# --- within a federation --------------------------------------------------------------------------


def rounds_of(chosen: Run):
    """The state after every round."""
    with torch.no_grad():
        program, state, roster = start([chosen])
        yield program, roster, state, None
        for _ in range(chosen.config.rounds):
            seen = []
            state = round_(program, state, roster, seen.append)
            taken = sum(step.direction for step in seen) / len(seen)
            yield program, roster, state, taken


@pytest.mark.parametrize("kind", [*KINDS, TopK(share=0.3, error_feedback=False)], ids=str)
def test_what_was_sent_and_what_is_owed_is_what_was_computed(kind):
    """The telescoping sum Σ_r C(v_r + e_r) + e_R = Σ_r v_r, and e = 0 without feedback."""
    fed = kind.model_copy(update={"error_feedback": True}) if kind.kind != "top-k" else kind
    sent, computed, owed = 0.0, 0.0, 0.0
    for _, _, state, taken in rounds_of(run(compression=fed, rounds=6, options={})):
        if taken is not None:
            sent = sent + state.server.momentum[0]
            computed = computed + taken.mean(0)
            owed = state.owed["update"][0].mean(0) if fed.error_feedback else 0 * sent
    together = (sent + owed).numpy()
    same = np.allclose(together, computed.numpy(), rtol=0, atol=1e-12)
    assert same == fed.error_feedback
    assert not np.allclose(sent.numpy(), computed.numpy(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("algorithm", ["fedpg", "scaffold-pg", "fast-fedpg", "fedpg-br"])
def test_everything_that_is_sent_whole_is_the_uncompressed_run(algorithm):
    (plain,), (whole,) = (
        train([run(algorithm, **changes)])
        for changes in ({}, {"compression": {"kind": "top-k", "share": 1.0}})
    )
    assert np.array_equal(plain.parameters, whole.parameters)
    for name, column in plain.columns.items():
        np.testing.assert_array_equal(column, whole.columns[name], err_msg=name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_fifty_rounds_transcribed(kind):
    """SCAFFOLD under compression in plain loops: update and message owe apart, bits are counted.

    Only the local directions of SCAFFOLD itself come from the implementation.
    """
    chosen = run(
        "scaffold-pg", compression=kind, rounds=50, step_size=0.1, options={"size": 8, "choices": 3}
    )
    agents, total = 3, 0
    owed = {name: np.zeros((agents, 24)) for name in ("update", "message")}
    theta, control, c = np.zeros(24), np.zeros((agents, 24)), np.zeros(24)
    for number, (program, roster, state, taken) in enumerate(rounds_of(chosen)):
        if taken is not None:
            means = taken.numpy()
            new = control - c + means  # c_i ← c_i - c + (θ_{r,K} - θ_r) / (Kη)
            values = {"update": means, "message": new - control}
            control = new
            received = {}
            for name, value in values.items():
                wanted = value + owed[name] if kind.error_feedback else value
                uniform = np.empty((agents, 24))
                stream = roster.all_agents.stream(
                    program, f"compression-{name}-0", 2 * (number - 1)
                )
                uniform_lanes(uniform, *stream, 1, 0)
                received[name] = np.stack(
                    [one(kind, *pair) for pair in zip(wanted, uniform, strict=True)]
                )
                owed[name] = wanted - received[name]
                total += agents * size_of(kind, 24, 64).bits
            theta = theta + 0.2 * received["update"].mean(0)
            c = c + received["message"].mean(0)
        np.testing.assert_allclose(state.server.theta[0].numpy(), theta, rtol=0, atol=1e-10)
        np.testing.assert_allclose(state.server.memory[0][0].numpy(), c, rtol=0, atol=1e-10)
        assert int(state.ledger.bits_up[0]) == total
        assert int(state.ledger.bits_down[0]) == number * agents * 2 * 24 * 64


def one(kind, vector, uniform):
    """One vector, entry after entry."""
    d, found = len(vector), np.zeros(len(vector))
    if isinstance(kind, TopK | RandomK):
        k = max(1, round(kind.share * d))
        rank = -np.abs(vector) if isinstance(kind, TopK) else uniform
        for place in sorted(range(d), key=lambda j: rank[j])[:k]:
            scaled = isinstance(kind, RandomK) and not kind.error_feedback
            found[place] = vector[place] * (d / k if scaled else 1)
    elif isinstance(kind, FixedPoint):
        for j in range(d):
            exact = min(max(vector[j], -kind.bound), kind.bound) / kind.spacing
            found[j] = (math.floor(exact) + (uniform[j] < exact % 1)) * kind.spacing
    elif isinstance(kind, Sign):
        for j in range(d):
            found[j] = np.abs(vector).sum() / d * (1 if vector[j] >= 0 else -1)
    else:
        length = math.sqrt(sum(entry**2 for entry in vector))
        for j in range(d):
            level = kind.levels * abs(vector[j]) / length
            up = uniform[j] < level - math.floor(level)
            found[j] = math.copysign(length * (math.floor(level) + up) / kind.levels, vector[j])
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_bits_alone_in_a_batch_and_resumed(kind):
    """With half of the agents there, and an algorithm that sends all there is to send."""
    runs = [run("scaffold-pg", seed, compression=kind, participation=0.67) for seed in (0, 1)]
    together, (alone,), states = train(runs), train(runs[1:]), []
    assert np.array_equal(together[1].parameters, alone.parameters)
    with patch("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0):
        train(runs[1:], on_state=lambda _, state: states.append(state))
    (again,) = train(runs[1:], states=[states[1]])
    assert np.array_equal(again.parameters, alone.parameters)
    np.testing.assert_array_equal(again.columns["bits_up"], alone.columns["bits_up"])


def test_agents_that_send_nothing_are_not_compressed():
    kind = {"kind": "sign"}
    (plain,), (same,) = (
        train([run("independent-pg")]),
        train([run("independent-pg", compression=kind)]),
    )
    assert np.array_equal(plain.parameters, same.parameters)
    assert same.columns["bits_up"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "topk"}, "no kind of compression 'topk'; did you mean 'top-k'?"),
        ({"share": 0.1}, "compression lacks a kind; known: top-k, random-k, qsgd, sign"),
        ({"kind": "top-k", "share": 0}, "compression.share is 0; it must be greater than 0"),
        ({"kind": "qsgd", "share": 0.1}, "no setting of compression 'share'"),
        ({"kind": "qsgd", "levels": 0}, "compression.levels is 0; it must be greater than or"),
        ("sign", "compression is 'sign'; it must be \"none\" or a table"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(table, words):
    with pytest.raises(ValidationError) as caught:
        run(compression=table)
    assert words in str(caught.value)


def test_probabilities_are_not_compressed():
    with pytest.raises(ValidationError, match="projpavg averages probabilities"):
        run("projpavg", compression={"kind": "sign"})


def test_every_kind_is_in_the_list():
    assert {kind.kind for kind in KINDS} == set(COMPRESSIONS)
