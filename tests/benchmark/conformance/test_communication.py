"""What a list says a round costs is what the ledger of a run charges."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from fedrl.algorithms import ALGORITHMS, Agent, Algorithm, Server
from fedrl.algorithms.methods.averaging.fedpg import FedPG
from fedrl.benchmark.conformance.communication import carried, round_cost
from fedrl.benchmark.conformance.probe import SMALL, parameters_of, run_of
from fedrl.benchmark.training.federation import train

SNAPSHOT = 3


def value(formula: str, d: int) -> int:
    """The number a formula is for a small run of the laws with d parameters."""
    symbols = {"K": SMALL["local_steps"], "B": SMALL["episodes"], "B₀": SNAPSHOT, "d": d}
    # `B₀` is no name to Python.
    plain = formula.replace("·", "*").replace("B₀", "snapshot")
    return int(eval(plain, {"__builtins__": {}}, {**symbols, "snapshot": SNAPSHOT}))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_formulas_are_what_the_ledger_charges(name: str) -> None:
    cost, kind = round_cost(ALGORITHMS[name]()), ALGORITHMS[name]
    agents = SMALL["agents"]
    gathers = kind.ready is not Algorithm.ready
    own = {"hyperparameters": {"gathered": agents}} if gathers else {}
    run = run_of(kind, snapshot_episodes=SNAPSHOT, initial_momentum="zero", **own)
    (result,), d = train([run]), parameters_of(run)
    last = {column: values[-1] for column, values in result.columns.items()}
    # A round of an asynchronous algorithm is that of one agent.
    rounds = SMALL["rounds"] / (agents if kind.asynchronous else 1)
    exchanges = int(rounds) if gathers else rounds
    for column in ("floats_up", "floats_down"):
        formula = getattr(cost, column).removesuffix(" when the server steps")
        assert last[column] == pytest.approx(exchanges * value(formula, d), rel=1e-12)
    played, _, by_server = cost.samples.partition(" (and ")
    server = value(by_server.removesuffix(" by the server)"), d) if by_server else 0
    assert last["trajectories_total"] == rounds * (agents * value(played, d) + server)


class Receipt(NamedTuple):
    """A message of one vector and two numbers."""

    vector: Tensor
    first: Tensor
    second: Tensor


class Talkative(FedPG):
    """Sends a receipt with its parameters and hears a number with the server's."""

    def server_memory(self, theta: Tensor) -> tuple[Tensor]:
        return (theta.new_zeros(()),)

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[tuple[()], Receipt]:
        number = torch.zeros(())
        return (), Receipt(direction, number, number)


class Square(FedPG):
    """Sends a matrix."""

    def finish(
        self, server: Server, agent: Agent, direction: Tensor
    ) -> tuple[tuple[()], tuple[Tensor, Tensor]]:
        return (), (direction, torch.outer(direction, direction))


def test_constants_stand_beside_multiples_of_d() -> None:
    assert carried(Talkative(), 10) == (10, 12, 1)
    cost = round_cost(Talkative())
    assert (cost.floats_up, cost.floats_down) == ("2·d + 2", "d + 1")


def test_a_message_that_is_not_linear_in_d_is_refused_in_words() -> None:
    algorithm: Algorithm = Square()
    with pytest.raises(ValueError, match=r"message of Square has .* must be a whole multiple of d"):
        round_cost(algorithm)
