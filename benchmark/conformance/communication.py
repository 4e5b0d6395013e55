"""Count what an agent plays, sends and receives in a round, on the algorithm's own values.

The ledger of a run counts what was sent; this says it before anything runs, as a formula in
d parameters, K local steps, B episodes a batch and B₀ a snapshot.
"""

from typing import NamedTuple

import torch
from torch.utils._pytree import tree_leaves

from fedrl.algorithms import Agent, Algorithm, Server

SIZES = (24, 48)  # two d's: a size that is linear in d is known from two values


class Cost(NamedTuple):
    """The cost of a round for one agent, as formulas; the server's own episodes stand apart."""

    samples: str  # episodes
    floats_up: str
    floats_down: str


def carried(algorithm: Algorithm, parameters: int) -> tuple[int, int, int]:
    """Sizes of what agents upload and tell and of what is broadcast, for d = `parameters`.

    Beside θ_r, u_r and snapshots, once per exchange; what is uploaded stands for parameters.
    """
    theta = torch.zeros(parameters, dtype=torch.float64)
    memory = algorithm.broadcast(algorithm.server_memory(theta))
    server = Server(theta, theta, theta, theta, memory)
    agent = Agent(theta, theta, algorithm.agent_memory(theta))
    agent = agent._replace(memory=algorithm.begin(server, agent))
    message = algorithm.finish(server, agent, theta)[1]
    upload = algorithm.upload(server, agent, theta)
    return numbers(upload), numbers(message), numbers(memory)


def round_cost(algorithm: Algorithm) -> Cost:
    """Cost of a round, from what the algorithm declares and from the values it carries."""
    by_agents = algorithm.update_site == "agents"
    samples = _samples(algorithm)
    if not algorithm.federated:
        return Cost(samples, "0", "0")
    upload, message, kept = (
        _linear(f"the {what} of {type(algorithm).__name__}", *sizes)
        for what, *sizes in zip(
            ("upload", "message", "server memory"),
            *(carried(algorithm, d) for d in SIZES),
            strict=True,
        )
    )
    exchanges = "K·" if algorithm.synchronous else ""
    up, constant = ((one + two) * by_agents for one, two in zip(upload, message, strict=True))
    # The server keeps the aggregate of snapshots to itself when it takes the steps.
    down = 1 + algorithm.uses_global_momentum + (algorithm.snapshot and by_agents)
    when = " when the server steps" * (type(algorithm).ready is not Algorithm.ready)
    return Cost(
        samples,
        _formula(exchanges, up + algorithm.snapshot, constant) + when,
        _formula(exchanges, down + kept[0], kept[1]) + when,
    )


def _samples(algorithm: Algorithm) -> str:
    if algorithm.model_based:
        return "0"
    exchanges = "K·" if algorithm.synchronous else ""
    local = _times(algorithm.batches, "K·B·d" if algorithm.generative else "K·B")
    parts = [local] if algorithm.update_site == "agents" else []
    parts += [f"{exchanges}B₀"] if algorithm.snapshot else []
    server = f" (and {local} by the server)" if algorithm.update_site == "server" else ""
    return (" + ".join(parts) or "0") + server


def _linear(what: str, small: int, large: int) -> tuple[int, int]:
    """(a, b) with a d + b floats for both sizes."""
    slope, rest = divmod(large - small, SIZES[1] - SIZES[0])
    constant = small - slope * SIZES[0]
    if rest or constant < 0:
        sizes = f"{small} and {large} floats for d = {SIZES[0]} and {SIZES[1]}"
        raise ValueError(f"{what} has {sizes}; it must be a whole multiple of d and a constant")
    return slope, constant


def _formula(exchanges: str, slope: int, constant: int) -> str:
    parts = [_times(slope, "d")] if slope else []
    parts += [str(constant)] if constant else []
    total = " + ".join(parts) or "0"
    if not exchanges or total == "0":
        return total
    return f"{exchanges}({total})" if len(parts) > 1 else f"{exchanges}{total}"


def _times(count: int, unit: str) -> str:
    return unit if count == 1 else f"{count}·{unit}"


def numbers(values: object) -> int:
    """How many numbers the tensors of a value hold."""
    return sum(leaf.numel() for leaf in tree_leaves(values))
