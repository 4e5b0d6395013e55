"""Packages that add entries and are at fault: one line, and nobody else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from fedrl.algorithms import ALGORITHMS
from fedrl.algorithms.algorithm import Algorithm
from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.conformance.dynamics import every_knob_acts
from fedrl.benchmark.conformance.entries import find_entry, with_settings
from fedrl.benchmark.inspection import catalogue
from fedrl.envs import FAMILIES
from places import IMPORTED_FROM

FedPG: Any = ALGORITHMS["fedpg"]
Pole: Any = FAMILIES["cartpole"]


@dataclass(frozen=True)
class WithoutRange(FedPG):
    strength: float = 0.5


@dataclass(frozen=True)
class HalfRange(FedPG):
    strength: float = field(default=0.5, metadata={"domain": (0.0, 1.0)})


@dataclass(frozen=True)
class Abstract(Algorithm):
    pass


@dataclass(frozen=True, kw_only=True)
class WithoutDefault(Pole):
    count: int


@dataclass(frozen=True)
class Broken(Pole):
    def __post_init__(self) -> None:
        raise RuntimeError("needs a\nlicence")


FAULTY = [
    ("fedrl.algorithms", "no_such_module:Thing", "cannot be imported .ModuleNotFoundError"),
    ("fedrl.algorithms", f"{__name__}:Nothing", "cannot be imported .AttributeError"),
    ("fedrl.algorithms", f"{__name__}:WithoutRange", "field strength has no range: write it as"),
    ("fedrl.algorithms", f"{__name__}:HalfRange", "field strength has no range: write it as"),
    ("fedrl.algorithms", f"{__name__}:Abstract", "does not define direction"),
    ("fedrl.algorithms", f"{__name__}:Broken", "does not extend Algorithm"),
    ("fedrl.families", f"{__name__}:WithoutDefault", "field count has no default"),
    ("fedrl.families", f"{__name__}:FAULTY", "does not extend Family"),
]


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Entry points as if packages had them."""

    def have(*points: EntryPoint) -> None:
        found = {point.group: [point] for point in points}
        monkeypatch.setattr(registry, "entry_points", lambda group: found.get(group, []))
        registry.algorithms.cache_clear()
        registry.families.cache_clear()

    yield have
    monkeypatch.undo()
    registry.algorithms.cache_clear()
    registry.families.cache_clear()


@pytest.mark.parametrize(("group", "value", "message"), FAULTY, ids=lambda text: text[-15:])
def test_a_faulty_entry_is_told_in_one_line_and_left_out(
    entries: Any, group: str, value: str, message: str
) -> None:
    entries(EntryPoint("mine", value, group))
    with pytest.warns(registry.EntryPointWarning, match=message) as caught:
        known = [*registry.algorithms(), *registry.families()]
    assert known == [*ALGORITHMS, *FAMILIES]
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)


def test_a_taken_name_stays_with_whom_it_was(entries: Any) -> None:
    entries(EntryPoint("cartpole", f"{__name__}:Broken", "fedrl.families"))
    with pytest.warns(registry.EntryPointWarning, match="its name is taken"):
        assert registry.families()["cartpole"] is Pole


def test_a_family_that_cannot_be_made_hides_no_other(entries: Any) -> None:
    entries(EntryPoint("mine", f"{__name__}:Broken", "fedrl.families"))
    with pytest.warns(registry.EntryPointWarning, match="mine is left out: RuntimeError"):
        listed = catalogue.families()
    assert [entry["name"] for entry in listed] == list(FAMILIES)
    with pytest.raises(ValueError, match=r"family mine cannot be made .* RuntimeError: needs"):
        Config(family="mine", algorithm="fedpg")


def test_the_laws_see_the_settings_that_are_given(entries: Any) -> None:
    entries()
    settings = ["id=Pendulum-v1", "ranges={m=[0.5,1.0,1.5]}", "horizon=20"]
    chosen = with_settings(find_entry("gymnasium"), settings).value
    assert list(chosen.knobs) == ["m"]
    assert chosen().horizon == 20
    every_knob_acts(chosen)
    beta = with_settings(find_entry("fedsvrpg-m"), ["beta=0.25"]).value
    assert beta().beta == 0.25
    assert list(beta.tunables()) == ["beta"]


OWN = """
from typing import NamedTuple

from fedrl.envs.control.cartpole import CartPole, CartPoleTask

OwnTask = NamedTuple("OwnTask", CartPoleTask.__annotations__.items())


class Own(CartPole):
    def sample(self, *given):
        return OwnTask(*super().sample(*given))
"""
PLAY = """
import sys

import numpy as np

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.envs.control.cartpole import CartPole

if "own" in sys.argv:
    from own import Own as Kind
else:
    Kind = CartPole
family, policy = Kind(horizon=3), Config(family="cartpole", algorithm="fedpg").build_policy()
sampler = Sampler(family, policy, family.sample(1, 0.0, np.random.default_rng(0)))
stream = Stream(np.zeros(1, np.uint64), np.arange(1), 0)
sampler.sample(np.zeros((1, policy.size)), stream, 1)
"""


@pytest.mark.long
def test_what_is_compiled_for_another_package_is_apart(tmp_path: Path) -> None:
    """The index of compiled code is read with all types in it: a package may be gone by then."""
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "own.py").write_text(OWN)
    (tmp_path / "play.py").write_text(PLAY)
    places = {"PYTHONPATH": f"{IMPORTED_FROM}{os.pathsep}{tmp_path / 'gone'}"}
    environment = os.environ | places | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for words in (["own"], []):
        done = subprocess.run(
            [sys.executable, tmp_path / "play.py", *words],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (tmp_path / "gone" / "own.py").unlink(missing_ok=True)
