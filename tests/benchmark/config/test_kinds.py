"""Laws of values: a number is written as a number, and two spellings are one configuration."""

from typing import Any

import pytest

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import StudyError

BASE: dict[str, Any] = {"family": "random-mdp", "algorithm": "fedsvrpg-m", "agents": 2}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"agents": True}, "agents.*should be 1, if that is meant"),
        ({"agents": "3"}, "agents.*should be 3, if that is meant"),
        ({"step_size": "0.1"}, "step_size.*should be 0.1"),
        ({"per_decision": 1}, "per_decision.*should be True"),
        ({"hidden": [True]}, "hidden"),
        ({"hyperparameters": {"beta": True}}, "beta.*1.0"),
        ({"options": {"horizon": "5"}}, "horizon is '5'; it must be 5, if that is meant"),
        ({"attack": {"kind": "sign-flip", "agents": True}}, "attack"),
        ({"agent_weights": [1e308, 1e308]}, "finite in sum"),
    ],
)
def test_what_is_not_of_its_kind_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){says}"):
        Config(**BASE | given)


def test_minus_zero_is_zero() -> None:
    assert Config(**BASE, kappa=-0.0).id == Config(**BASE).id


def test_a_study_is_stored_below_its_results(tmp_path: Any) -> None:
    for name, says in (
        ("...toml", "must not begin with a dot"),
        ("..toml", "must not begin with a dot"),
        (".hidden.toml", "must not begin with a dot"),
        ("s..toml", "must not end with a dot"),
        ("s .toml", "must not end with a dot or a space"),
        ("con.toml", "must not be con, a device of Windows"),
        ("Aux.1.toml", "must not be Aux.1, a device of Windows"),
        ("a:b.toml", "must not have ':' in it"),
    ):
        with pytest.raises(StudyError, match=says):
            load_study(tmp_path / name)


def test_a_copy_has_an_id_of_its_own() -> None:
    config = Config(**BASE)
    names = {config.id, config.program}
    assert names.isdisjoint({(copy := config.model_copy(update={"agents": 7})).id, copy.program})
    assert config.model_copy().id == config.id
