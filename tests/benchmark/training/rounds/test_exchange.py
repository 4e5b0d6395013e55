"""What crosses between agents and their server arrives, is counted, and is all that is read."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Server
from fedrl.algorithms.methods.averaging.fedpg import FedPG
from fedrl.benchmark.conformance.communication import round_cost
from fedrl.benchmark.conformance.learning import (
    the_ledger_equals_an_independent_count,
    the_order_of_agents_does_not_matter,
)
from fedrl.benchmark.conformance.probe import SMALL, Kind, parameters_of, run_of
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rounds.round import round_, start


class Square(NamedTuple):
    """A number."""

    square: Tensor  # 0-d


@dataclass(frozen=True)
class Fair(FedPG):
    """Agents tell the server the squared length of their direction; only the server remembers."""

    def direction(self, gradients: Any, server: Server, agent: Agent, *batches: Any) -> Tensor:
        """u = g / (1 + m), m the mean squared length of the round before."""
        found = super().direction(gradients, server, agent, *batches)
        return found / (1 + server.memory.square)

    def server_memory(self, theta: Tensor) -> Square:
        return Square(theta.new_zeros(()))

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Any, Square]:
        return (), Square((direction * direction).sum())

    def absorb(self, server: Server, direction: Tensor, message: Square, share: Tensor) -> Square:
        return message


class Entries(NamedTuple):
    """The largest entries of a vector."""

    place: Tensor  # (k,)
    value: Tensor  # (k,)


class Owed(NamedTuple):
    """The part of an agent's directions that was not sent yet."""

    owed: Tensor  # (d,)


@dataclass(frozen=True)
class TopK(FedPG):
    """Agents send the k largest entries of what they owe, which is fed back into the next round."""

    keep: ClassVar[int] = 2

    def agent_memory(self, theta: Tensor) -> Owed:
        return Owed(torch.zeros_like(theta))

    def upload(self, server: Server, agent: Agent, direction: Tensor) -> Entries:
        owing = agent.memory.owed + direction
        place = owing.abs().topk(self.keep).indices
        return Entries(place, owing.gather(0, place))

    def receive(self, server: Server, upload: Entries) -> Tensor:
        return torch.zeros_like(server.theta).scatter(0, upload.place, upload.value)

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Owed, Any]:
        sent = self.receive(server, self.upload(server, agent, direction))
        return Owed(agent.memory.owed + direction - sent), ()


class Averages(NamedTuple):
    """What a server keeps for itself and what it tells."""

    kept: Tensor  # (d,)
    told: Tensor  # 0-d


@dataclass(frozen=True)
class Quiet(FedPG):
    """The server remembers d + 1 numbers and broadcasts one of them."""

    def server_memory(self, theta: Tensor) -> Averages:
        return Averages(torch.zeros_like(theta), theta.new_zeros(()))

    def broadcast(self, memory: Averages) -> Square:
        return Square(memory.told)

    def absorb(self, server: Server, direction: Tensor, message: Any, share: Tensor) -> Averages:
        kept = 0.5 * server.memory.kept + 0.5 * direction
        return Averages(kept, kept.square().sum())


@dataclass(frozen=True)
class Mute(FedPG):
    """The server remembers, and broadcasts nothing of it."""

    def server_memory(self, theta: Tensor) -> Square:
        return Square(theta.new_zeros(()))

    def broadcast(self, memory: Square) -> Any:
        return ()


@pytest.mark.parametrize(
    ("kind", "up", "down"),
    [(Fair, "d + 1", "d + 1"), (TopK, "4", "d"), (Quiet, "d", "d + 1"), (Mute, "d", "d")],
)
def test_only_what_crosses_is_billed(kind: Kind, up: str, down: str) -> None:
    the_ledger_equals_an_independent_count(kind)
    cost = round_cost(kind())
    assert (cost.floats_up, cost.floats_down) == (up, down)
    (result,) = train([run_of(kind)])
    for column, formula in (("floats_up", up), ("floats_down", down)):
        expected = SMALL["rounds"] * eval(formula, {"d": parameters_of(run_of(kind))})
        assert result.columns[column][-1] == expected


def test_a_message_reaches_the_server_of_an_algorithm_whose_agents_remember_nothing() -> None:
    run, seen = run_of(Fair), []
    with torch.no_grad():
        state = round_(*start([run]), seen.append)
    first = seen[-1].following - seen[0].theta
    means = first / (run.config.step_size * SMALL["local_steps"])
    expected = means.square().sum(-1).mean()
    assert expected > 0
    torch.testing.assert_close(state.server.memory.square[0], expected)


def test_what_is_not_sent_yet_is_owed() -> None:
    """Σ of what a server received + what its agents owe = Σ of their directions."""
    run, lengths = run_of(TopK, server_step_size=1.0), []
    with torch.no_grad():
        program, state, roster = start([run])
        begun, total = state.server.theta, 0
        for _ in range(4):
            seen: list[Any] = []
            state = round_(program, state, roster, seen.append)
            total += torch.stack([step.direction for step in seen]).mean((0, 1))
            lengths.append(int((state.server.momentum != 0).sum()))
    owed = state.memories.owed[0].mean(0)
    torch.testing.assert_close(state.server.theta[0] - begun[0] + owed, total)
    assert all(0 < count <= TopK.keep * SMALL["agents"] for count in lengths)
    assert owed.abs().max() > 0


def test_agents_that_select_by_magnitude_may_stand_in_any_order() -> None:
    """An odd number of entries: of two actions' equal magnitudes one would go by its rounding."""

    @dataclass(frozen=True)
    class Odd(TopK):
        """Sends three entries."""

        keep: ClassVar[int] = 3

    the_order_of_agents_does_not_matter(Odd)


def test_agents_read_u_only_where_it_is_broadcast() -> None:
    @dataclass(frozen=True)
    class Reader(FedPG):
        """Adds u_r, and does not say so."""

        def direction(self, gradients: Any, server: Server, agent: Agent, *batches: Any) -> Tensor:
            found = super().direction(gradients, server, agent, *batches)
            return found + server.momentum

    (reader,), (plain,) = train([run_of(Reader)]), train([run_of(FedPG)])
    np.testing.assert_array_equal(reader.parameters, plain.parameters)


def test_memory_within_a_round_needs_a_memory_to_go_home_to() -> None:
    @dataclass(frozen=True)
    class Homeless(FedPG):
        """Returns a memory that no agent has."""

        def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Any, Any]:
            return Square(direction.sum()), ()

    with pytest.raises(ValueError, match=r"Homeless.finish returns 1 .* Square; it must"):
        train([run_of(Homeless)])


def test_an_upload_that_is_no_direction_must_be_received() -> None:
    @dataclass(frozen=True)
    class Packed(TopK):
        """Sends entries that nobody makes a direction of."""

        receive = FedPG.receive

        def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Owed, Any]:
            return agent.memory, ()

    with pytest.raises(ValueError, match=r"Packed.receive must make a direction \(6,\)"):
        train([run_of(Packed)])
