"""What agents send again and again, and owe nothing of before the first round."""

from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from fedrl.algorithms import Agent, Server
from fedrl.benchmark.training.rounds.lifting import lift, overrides
from fedrl.benchmark.training.rounds.personal import Personal
from fedrl.benchmark.training.rounds.program import Program


def sent_again(
    program: Program, server: Server, memories: Any, personal: Personal
) -> dict[str, Any]:
    """Zero (G, n, …) for every value that agents send in every round: update, message, snapshot."""
    algorithm = program.algorithm
    if not algorithm.federated:
        return {}
    agents = program.agents_per_federation
    one: Server = tree_map(lambda leaf: leaf[:1], server)
    hyperparameters = {name: value[:1] for name, value in program.hyperparameters.items()}
    agent = Agent(one.theta, one.snapshot, tree_map(lambda leaf: leaf[:1, 0], memories))
    sent: dict[str, Any] = {}
    if algorithm.update_site == "agents":
        if overrides(algorithm, "begin"):
            begun = lift(algorithm, "begin", hyperparameters, one, agent)
            agent = agent._replace(memory=begun)
        arguments = (hyperparameters, one, agent, one.theta)
        sent["update"] = personal.sent(one.theta)
        if overrides(algorithm, "upload"):
            sent["update"] = lift(algorithm, "upload", *arguments)
        if overrides(algorithm, "finish"):
            sent["message"] = lift(algorithm, "finish", *arguments)[1]
    if algorithm.snapshot:
        sent["snapshot"] = personal.sent(one.theta)

    def zero(leaf: Tensor) -> Tensor:
        return leaf.new_zeros(len(server.theta), agents, *leaf.shape[1:])

    return {kind: tree_map(zero, value) for kind, value in sent.items() if tree_leaves(value)}
