"""The contract of algorithms whose agents carry a momentum of their own from local step to step."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server


class Local(NamedTuple):
    """The memory of an agent from local step to local step."""

    momentum: Tensor  # (d,), u_{k-1}
    previous: Tensor  # (d,), θ_{k-1}, its own; where it starts, θ there
    started: Tensor  # 0-d, 0 at the very first local step and 1 afterwards


@dataclass(frozen=True)
class LocalMomentum(Algorithm):
    """u_{k-1} and θ_{k-1} are the agent's own; every round starts anew, unless `begin` differs."""

    kind: ClassVar[str] = "local momentum"

    def agent_memory(self, theta: Tensor) -> Local:
        return Local(theta.new_zeros(theta.shape), theta, theta.new_zeros(()))

    def begin(self, server: Server, agent: Agent) -> Local:
        return self.agent_memory(server.theta)

    def remember(self, server: Server, agent: Agent, direction: Tensor) -> Local:
        return Local(direction, agent.theta, 0 * agent.memory.started + 1)
