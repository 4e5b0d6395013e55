"""Which laws bind algorithms."""

from collections.abc import Callable
from typing import Any

from fedrl.algorithms import Algorithm
from fedrl.benchmark.conformance import learning

ALGORITHM_LAWS: dict[Any, tuple[Callable[[Any], None], ...]] = {Algorithm: learning.LAWS}
