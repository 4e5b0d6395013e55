"""Which laws bind which kind of family."""

from collections.abc import Callable
from typing import Any

from fedrl.benchmark.conformance import draws, dynamics, finite, purity, view
from fedrl.envs.family import CompiledFamily, Family, SimulatedFamily
from fedrl.envs.finite.tabular import Tabular

Law = Callable[[Any], None]

FAMILY_LAWS: dict[Any, tuple[Law, ...]] = {
    Family: (*draws.LAWS, *dynamics.LAWS, *view.LAWS),
    CompiledFamily: (purity.kernels_are_pure_and_the_same_when_compiled,),
    SimulatedFamily: (purity.simulators_are_pure,),
    Tabular: finite.LAWS,
}
