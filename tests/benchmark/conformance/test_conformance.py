"""Every registered entry obeys every law that binds it; and the laws can be broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from fedrl.algorithms import ALGORITHMS
from fedrl.algorithms.methods.averaging.fedpg import FedPG
from fedrl.algorithms.methods.averaging.fedpg_m import FedPGM
from fedrl.algorithms.methods.corrected.pfedpg import PFedPGVR
from fedrl.benchmark.conformance import draws, dynamics, finite, learning, purity
from fedrl.benchmark.conformance.digests import DIGESTS
from fedrl.benchmark.conformance.verdict import ConformanceError
from fedrl.benchmark.conformance.verdicts import judge, laws_of
from fedrl.benchmark.training.rounds.lifting import entrywise
from fedrl.envs import FAMILIES
from fedrl.envs.control.cartpole import CartPole
from fedrl.envs.family import Knob, heterogeneity_level
from fedrl.envs.finite.random_mdp import RandomMDP
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.mujoco.halfcheetah import HalfCheetah, HalfCheetahSimulator

# Steps, momentum, corrections, curvature, values: of some laws the other algorithms are long.
LEARNING = (
    *("fedpg", "fedsvrpg-m", "fedhapg-m", "mfpo", "scaffold-pg", "feda2c", "fedppo", "afedpg"),
    *("qavg", "fedsarsa", "fedpg-br", "pfedpg-vr", "b-rs-fedpg"),
)


PURE = purity.kernels_are_pure_and_the_same_when_compiled


def takes_long(name: str, law: Callable[[Any], None]) -> bool:
    if law in (
        learning.it_learns_from_exact_truth,
        learning.evaluation_is_free_and_changes_nothing,
        learning.the_order_of_agents_does_not_matter,
        learning.a_run_alone_is_the_run_in_a_batch,
        learning.a_resumed_run_is_the_uninterrupted_one,
    ):
        return name not in LEARNING
    if law is PURE:  # all finite families have the kernels of one, and compile them anew
        return name != "random-mdp" and issubclass(FAMILIES[name], Tabular)
    return (name, law) == ("taxi", finite.nothing_beats_the_optimum)


def cases(entries: Mapping[str, type[Any]]) -> Any:
    """Every entry with every law that binds it."""
    pairs = [(name, law) for name, kind in entries.items() for law in laws_of(kind)]
    marked = [
        pytest.param(
            *pair,
            id=f"{pair[0]}-{pair[1].__name__}",
            marks=pytest.mark.long if takes_long(*pair) else (),
        )
        for pair in pairs
    ]
    return pytest.mark.parametrize(("name", "law"), marked)


@cases(FAMILIES)
def test_family(name: str, law: Callable[[Any], None]) -> None:
    law(FAMILIES[name])


@cases(ALGORITHMS)
def test_algorithm(name: str, law: Callable[[Any], None]) -> None:
    law(ALGORITHMS[name])


def test_every_family_has_a_published_digest() -> None:
    assert set(DIGESTS) == set(FAMILIES)


# Families that break one law each


@dataclass(frozen=True)
class Forgetful(CartPole):
    """Draws from numpy's global generator."""

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Any:
        np.random.random()
        return super().sample(agents, kappa, generator)


@dataclass(frozen=True)
class Copies(CartPole):
    """All agents are the same at every level."""

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Any:
        return super().sample(agents, 0.0 * heterogeneity_level(kappa), generator)


@dataclass(frozen=True)
class Crowded(RandomMDP):
    """What agent 0 gets depends on how many there are."""

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Any:
        task = super().sample(agents, kappa, generator)
        return type(task)(*(field[::-1] for field in task))


@dataclass(frozen=True)
class Wild(CartPole):
    """Takes any level."""

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Any:
        return super().sample(agents, 0.5 if not 0 <= kappa <= 1 else kappa, generator)


@dataclass(frozen=True)
class Impatient(CartPole):
    """Its MDPs depend on the horizon."""

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Any:
        task = super().sample(agents, kappa, generator)
        return task._replace(gravity=task.gravity + 1 / self.horizon)


@dataclass(frozen=True)
class Silent(CartPole):
    """Does not say what κ scales."""

    heterogeneity: ClassVar[str] = ""


@dataclass(frozen=True)
class Ornamental(RandomMDP):
    """Has a knob that turns nothing."""

    knobs: ClassVar[dict[str, Knob]] = {"colour": Knob(0.0, 0.0, 1.0, "hue", "of the states")}


@dataclass(frozen=True)
class Leaky(RandomMDP):
    """Rows sum to more than 1."""

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Any:
        task = super().sample(agents, kappa, generator)
        return task._replace(chance=1.001 * task.chance)


@dataclass(frozen=True)
class Optimistic(RandomMDP):
    """Understates the optimum."""

    def optimum(self, task: Any) -> Any:
        return 0.5 * super().optimum(task)


def shared_start(self: HalfCheetahSimulator, uniform: Any) -> Any:
    """Every lane starts where the mean of all lanes would."""
    state = START(self, uniform)
    return np.repeat(state.mean(axis=0, keepdims=True), len(state), axis=0)


START = HalfCheetahSimulator.start


@pytest.mark.parametrize(
    ("broken", "law", "words"),
    [
        (Silent, draws.the_family_describes_itself, "heterogeneity must say something"),
        (Forgetful, draws.only_the_generator_decides, "global generator"),
        (Copies, draws.with_heterogeneity_agents_differ, "the same MDP"),
        (Crowded, draws.an_agent_is_the_same_in_a_larger_federation, "chance differs"),
        (Wild, draws.impossible_levels_are_refused, "is accepted"),
        (Impatient, draws.the_mdps_do_not_depend_on_how_long_they_are_played, "another horizon"),
        (Impatient, draws.knobs_stay_in_their_range, "gravity must lie in"),
        (Ornamental, dynamics.every_knob_acts, "knob colour"),
        (Leaky, finite.transition_rows_are_distributions, "does not sum to 1"),
        (Optimistic, finite.nothing_beats_the_optimum, "optim"),
    ],
)
def test_a_broken_family_is_told_what_is_wrong(
    broken: Any, law: Callable[[Any], None], words: str
) -> None:
    with pytest.raises(ConformanceError, match=words):
        law(broken)


def test_a_leak_between_lanes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HalfCheetahSimulator, "start", shared_start)
    with pytest.raises(ConformanceError, match="change with its neighbours"):
        dynamics.agents_do_not_notice_their_neighbours(HalfCheetah)


def test_an_error_inside_an_entry_breaks_the_law_it_comes_from() -> None:
    @dataclass(frozen=True)
    class Clumsy(CartPole):
        def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Any:
            raise ZeroDivisionError("of a\nfamily")

    verdicts = {verdict.law: verdict for verdict in judge(Clumsy)}
    sentence = verdicts["only the generator decides"].sentence
    assert "ZeroDivisionError" in sentence
    assert sentence.endswith("of a family")
    assert verdicts["the family describes itself"].holds


# Algorithms that break one law each


@dataclass(frozen=True)
class Anonymous(FedPG):
    """Does not say where it comes from."""

    reference: ClassVar[str] = ""


@dataclass(frozen=True)
class Descent(FedPG):
    """Walks downhill."""

    def direction(self, *inputs: Any) -> Any:
        """u = -g(θ)."""
        return -super().direction(*inputs)


@dataclass(frozen=True)
class Stray(FedPG):
    """Claims to sample twice as much as it does."""

    batches: ClassVar[int] = 2


@dataclass(frozen=True)
class Boastful(FedPGM):
    """Claims to be FedPG where it is not."""

    contains: ClassVar[Mapping[str, Mapping[str, float]]] = {"fedpg": {"beta": 0.9}}


@dataclass(frozen=True)
class Misspelt(FedPGM):
    """Claims to be what nobody knows."""

    contains: ClassVar[Mapping[str, Mapping[str, float]]] = {"fedgp": {"beta": 1.0}}


@dataclass(frozen=True)
class Untuned(FedPG):
    """Has a hyperparameter without a range."""

    beta: float = 0.5


@pytest.mark.parametrize(
    ("broken", "law", "words"),
    [
        (Anonymous, learning.it_is_a_frozen_value_with_documented_hyperparameters, "reference"),
        (Untuned, learning.it_is_a_frozen_value_with_documented_hyperparameters, "beta must be a"),
        (Boastful, learning.it_is_what_it_contains, "with beta = 0.9 its θ is not that of fedpg"),
        (Misspelt, learning.it_is_what_it_contains, "'fedgp'; did you mean 'fedpg'"),
        (Descent, learning.it_learns_from_exact_truth, "bring the mean J"),
        (Stray, learning.the_ledger_equals_an_independent_count, "another number of episodes"),
    ],
)
def test_a_broken_algorithm_is_told_what_is_wrong(
    broken: Any, law: Callable[[Any], None], words: str
) -> None:
    with pytest.raises(ConformanceError, match=words):
        law(broken)


class Crossing(torch.autograd.Function):
    """x + scale · Σ x over all lanes: a rule for vmap that reads other lanes than its own."""

    @staticmethod
    def forward(x: Tensor, scale: float) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor, scale: float) -> tuple[Tensor, int]:
        return x + scale * x.sum(in_dims[0], keepdim=True), in_dims[0]


@dataclass(frozen=True)
class Nosy(FedPG):
    """FedPG whose agents see each other, across federations too."""

    def direction(self, gradients: Any, server: Any, agent: Any, *batches: Any) -> Tensor:
        found = super().direction(gradients, server, agent, *batches)
        return Crossing.apply(found, 1e-9)  # type: ignore[no-any-return,no-untyped-call]


@dataclass(frozen=True)
class Crowded(FedPG):
    """FedPG whose servers see each other."""

    def aggregate(self, messages: Tensor, weights: Tensor) -> Tensor:
        return Crossing.apply(super().aggregate(messages, weights), 1e-9)  # type: ignore[no-any-return,no-untyped-call]


@dataclass(frozen=True)
class Scaled(FedPG):
    """FedPG with directions over their squared length: not by entries, and it does not say so."""

    def direction(self, gradients: Any, server: Any, agent: Any, *batches: Any) -> Tensor:
        found = super().direction(gradients, server, agent, *batches)
        return found / (found * found).sum()


@dataclass(frozen=True)
class Guided(PFedPGVR):
    """PFedPG-VR with another estimate: what its direction calls may be of any kind."""

    def estimates(self, *values: Any) -> tuple[Tensor, Tensor]:
        fresh, change = super().estimates(*values)
        return fresh / fresh.sum(), change


@dataclass(frozen=True)
class WronglyScaled(Scaled):
    """The same, which says that it is entry by entry."""

    entrywise = True


def test_a_direction_that_is_not_entry_by_entry_is_found() -> None:
    learning.entry_by_entry_is_one_after_the_other(FedPG)
    assert entrywise(FedPG)
    assert entrywise(PFedPGVR)
    assert not entrywise(Scaled), "FedPG said it of another direction"
    assert not entrywise(Guided), "PFedPG-VR said it of another estimate"
    with pytest.raises(ConformanceError, match="it is not entrywise"):
        learning.entry_by_entry_is_one_after_the_other(WronglyScaled)


def test_agents_that_see_each_other_are_found() -> None:
    with pytest.raises(ConformanceError, match="when other agents are added"):
        learning.agents_do_not_see_each_other(Nosy)


def test_a_result_that_depends_on_the_batch_is_found() -> None:
    with pytest.raises(ConformanceError, match="what else is in its batch"):
        learning.a_run_alone_is_the_run_in_a_batch(Crowded)
