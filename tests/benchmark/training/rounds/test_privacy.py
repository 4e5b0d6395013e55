"""Laws of privacy: what is sent, what is counted, and what the accountant says."""

from __future__ import annotations

import math
from unittest.mock import patch

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from fedrl.benchmark.config.communication import Privacy
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.messages.privacy import epsilon, noised

SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 4,
    "rounds": 4,
    "local_steps": 2,
    "step_size": 0.1,
    "evaluate_every": 1,
}


def run(algorithm="fedpg", seed=0, **changes) -> Run:
    return Run(Config(**{**SMALL, "algorithm": algorithm, **changes}), Seed("test", seed))


def test_vectors_are_clipped_and_noise_has_its_size():
    draw = np.random.default_rng(0)
    vectors, normal = draw.normal(size=(3, 40)), draw.normal(size=(3, 40))
    vectors[0] *= 0.01
    quiet = noised(Privacy(clip=0.5, noise=0.0), vectors, normal, 3)
    np.testing.assert_array_equal(quiet[0], vectors[0])
    np.testing.assert_allclose(np.linalg.norm(quiet[1:], axis=1), 0.5, rtol=1e-14)
    loud = noised(Privacy(clip=0.5, noise=2.0), vectors, normal, 3)
    np.testing.assert_allclose(loud - quiet, normal, rtol=0, atol=1e-14)
    summed = noised(Privacy(clip=0.5, noise=2.0, seen="sum"), vectors, normal, 4)
    np.testing.assert_allclose(summed - quiet, normal / 2, rtol=0, atol=1e-14)
    assert not noised(Privacy(noise=0.0), np.zeros((1, 3)), np.zeros((1, 3)), 1).any()


@pytest.mark.parametrize("releases", [1, 7, 100])
def test_epsilon_is_where_the_probabilities_of_two_neighbours_say(releases):
    """δ = max over events of P(S) - e^ε Q(S), here of N(μ, 1) and N(0, 1) by integration."""
    privacy = Privacy(noise=4.0, delta=1e-5)
    mu, eps = math.sqrt(releases) * 2 / 4.0, epsilon(privacy, np.array([releases, 0]), 2, 2)
    x = np.linspace(-12, mu + 12, 400_001)
    gap = stats.norm.pdf(x - mu) - math.exp(eps) * stats.norm.pdf(x)
    assert np.trapezoid(np.maximum(gap, 0), x) == pytest.approx(1e-5, rel=1e-4)


class TestLibrary:
    """Against the library of accountants, where it is installed."""

    @pytest.fixture(autouse=True)
    def _library(self):
        pytest.importorskip("dp_accounting")

    @pytest.mark.parametrize("releases", [1, 30])
    def test_composition_is_that_of_privacy_losses(self, releases):
        import dp_accounting as dp
        from dp_accounting import pld

        accountant = pld.PLDAccountant()  # the relation of neighbours is in the sensitivity, 2C
        accountant.compose(dp.GaussianDpEvent(2.0), releases)
        found = epsilon(Privacy(noise=4.0), np.array([releases]), 1, 1)
        assert found == pytest.approx(accountant.get_epsilon(1e-5), abs=1e-2)

    def test_amplification_is_that_of_the_renyi_accountant(self):
        import dp_accounting as dp
        from dp_accounting import rdp

        accountant = rdp.RdpAccountant(neighboring_relation=dp.NeighboringRelation.REPLACE_ONE)
        event = dp.SampledWithoutReplacementDpEvent(20, 5, dp.GaussianDpEvent(1.5))
        for _ in range(6):
            accountant.compose(event)
        counted = epsilon(Privacy(noise=3.0, seen="sum"), np.array([6] * 5 + [0] * 15), 20, 5)
        assert counted == pytest.approx(accountant.get_epsilon(1e-5), rel=1e-9)

    def test_less_participation_is_more_private(self):
        privacy = {"noise": 3.0, "seen": "sum"}
        (all_,), (some,) = (
            train([run(privacy=privacy, participation=share)]) for share in (1.0, 0.25)
        )
        assert some.columns["epsilon"][-1] < all_.columns["epsilon"][-1]


def test_what_is_sent_is_counted():
    """SCAFFOLD sends two vectors, Fast-FedPG an update and a snapshot; u₀ is one more."""
    privacy = {"clip": 1.0, "noise": 3.0}
    for algorithm, each in (("fedpg", 1), ("scaffold-pg", 2), ("fast-fedpg", 2)):
        (result,) = train([run(algorithm, privacy=privacy)])
        expected = [epsilon(Privacy(**privacy), np.array([each * r]), 4, 4) for r in range(5)]
        assert result.columns["epsilon"].tolist() == expected
    (result,) = train([run("fedpg-m", privacy=privacy, initial_momentum="batch")])
    expected = [epsilon(Privacy(**privacy), np.array([r + (r > 0)]), 4, 4) for r in range(5)]
    assert result.columns["epsilon"].tolist() == expected


def test_a_wide_clip_without_noise_changes_no_bit():
    privacy = {"clip": 1e6, "noise": 0.0}
    (plain,), (same,) = train([run()]), train([run(privacy=privacy)])
    assert np.array_equal(plain.parameters, same.parameters)
    assert same.columns["epsilon"].tolist() == [0, *[math.inf] * 4]


def test_bits_alone_in_a_batch_and_resumed():
    changes = {"privacy": {"noise": 0.5}, "participation": 0.5}
    changes |= {"compression": {"kind": "sign"}}
    runs = [run("scaffold-pg", seed, **changes) for seed in (0, 1)]
    together, (alone,), states = train(runs), train(runs[1:]), []
    with patch("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0):
        train(runs[1:], on_state=lambda _, state: states.append(state))
    (again,) = train(runs[1:], states=[states[1]])
    for other in (together[1], again):
        assert np.array_equal(other.parameters, alone.parameters)
        np.testing.assert_array_equal(other.columns["epsilon"], alone.columns["epsilon"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"privacy": {"clip": 0}}, "greater than 0"),
        ({"privacy": {"delta": 1.0}}, "less than 1"),
        ({"privacy": {"epsilon": 0}}, "no setting of privacy 'epsilon'"),
        (
            {"privacy": {"seen": "sum"}, "aggregator": {"rule": "median"}},
            "'none' where the server sees the sum alone",
        ),
        ({"privacy": {}, "agent_weights": (1.0, 1.0, 1.0, 2.0)}, "equal with privacy"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, words):
    with pytest.raises(ValidationError) as caught:
        run(**changes)
    assert words in str(caught.value)


def test_sums_and_rings_are_refused_in_one_line():
    kind = {"kind": "fixed-point"}
    with pytest.raises(ValidationError, match="the server sees the sum alone"):
        run(compression=kind, aggregator={"rule": "median"})
    with pytest.raises(ValidationError, match="at most 256 with fixed-point numbers"):
        run(compression=kind, agents=300)


def test_without_the_library_participation_does_not_amplify():
    with (
        patch("fedrl.benchmark.config.compatibility.find_spec", return_value=None),
        pytest.raises(ValidationError, match="install the accountant of participation"),
    ):
        run(privacy={"seen": "sum"}, participation=0.5)
