"""Which laws bind which entries, and running them."""

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fedrl.algorithms import Algorithm
from fedrl.benchmark.config.settings import located
from fedrl.benchmark.conformance import draws, dynamics, finite, learning, purity, view
from fedrl.benchmark.conformance.verdict import ConformanceError
from fedrl.envs.family import CompiledFamily, Family, SimulatedFamily
from fedrl.envs.finite.tabular import Tabular

LAWS: dict[Any, tuple[Callable[[Any], None], ...]] = {
    Family: (*draws.LAWS, *dynamics.LAWS, *view.LAWS),
    CompiledFamily: (purity.kernels_are_pure_and_the_same_when_compiled,),
    SimulatedFamily: (purity.simulators_are_pure,),
    Tabular: finite.LAWS,
    Algorithm: learning.LAWS,
}


class Verdict(NamedTuple):
    """The result of checking one law."""

    law: str  # as people say it
    holds: bool
    sentence: str  # what is wrong; "" if it holds
    seconds: float


def laws_of(value: type[Any]) -> list[Callable[[Any], None]]:
    """The laws that bind this class, by what it extends."""
    return [law for kind, laws in LAWS.items() if issubclass(value, kind) for law in laws]


def title(law: Callable[[Any], None]) -> str:
    """A law as people say it."""
    return law.__name__.replace("_", " ").replace("mdp", "MDP")


def judge(value: type[Any]) -> Iterator[Verdict]:
    """One verdict per law, as soon as it is known. Any error breaks the law it comes from."""
    for law in laws_of(value):
        started, sentence = time.perf_counter(), ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                law(value)
        except ConformanceError as error:
            sentence = " ".join(str(error).split())
        except Exception as error:  # the entry's own
            sentence = located(error)
        yield Verdict(title(law), not sentence, sentence, time.perf_counter() - started)
