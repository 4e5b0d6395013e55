"""Settings of actor-critics and of normalisation: what goes together, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fedrl.benchmark.config.configuration import Config

PENDULUM = {"family": "pendulum", "options": {"horizon": 20}, "algorithm": "fedppo"}
FINITE = {"family": "random-mdp", "options": {"horizon": 20}}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"hyperparameters": {"minibatches": 21}}, "episodes is 1; it must be enough for a batch"),
        ({"hyperparameters": {"minibatches": 2.5}}, "minibatches is 2.5; it must be"),
        ({"hyperparameters": {"epochs": 0}}, "epochs is 0; it must be at least 1"),
        ({"hyperparameters": {"optimiser": "adamw"}}, "optimiser is 'adamw'; it must be"),
        ({"hyperparameters": {"epoch": 3}}, "did you mean 'epochs'"),
        ({"whiten": True}, "whiten is True; it must be off: fedppo has advantages of its own"),
        ({"baseline": "linear"}, "baseline is 'linear'; it must be off"),
        ({**FINITE, "gradients": "exact"}, "'sampled': fedppo reads episodes"),
        ({**FINITE, "normalise": "own"}, "normalise is 'own'; it must be 'none': a finite MDP"),
        ({"algorithm": "fedpg-br", "normalise": "own"}, "it must be 'none': the server steps"),
        ({"normalise": "own", "evaluation_gradients": True}, "evaluation_gradients is True"),
    ],
)
def test_what_cannot_go_together_is_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValidationError) as error:
        Config(**{**PENDULUM, **settings})
    (first,) = error.value.errors()
    assert sentence in str(first["ctx"]["error"])
    assert "\n" not in str(first["ctx"]["error"])


def test_structure_decides_the_program_and_numbers_do_not():
    plain = Config(**PENDULUM)
    for name, value in (("epochs", 3), ("optimiser", "sgd"), ("standardise", False)):
        other = Config(**PENDULUM, hyperparameters={name: value})
        assert other.program != plain.program
        assert other.id != plain.id
    assert Config(**PENDULUM, hyperparameters={"clip": 0.3}).program == plain.program


def test_a_configuration_is_itself_after_a_round_trip():
    config = Config(**PENDULUM, hyperparameters={"optimiser": "sgd", "orthogonal": False})
    assert Config.model_validate_json(config.model_dump_json()) == config
    spelt = {"epochs": 10.0, "minibatches": 4, "clip": 0.2, "standardise": True}
    assert Config(**PENDULUM, hyperparameters=spelt).id == Config(**PENDULUM).id


def test_a_setting_younger_than_published_results_keeps_their_names():
    """At its default it is no part of the name; turned on, it is."""
    named = Config(family="random-mdp", algorithm="fedpg").id
    assert named == "random-mdp-kappa0-n5-fedpg-d209e1ec2f22"
    on, off = (Config(**PENDULUM, normalise=kind) for kind in ("own", "none"))
    assert off.id == Config(**PENDULUM).id != on.id
