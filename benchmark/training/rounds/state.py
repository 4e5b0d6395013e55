"""Where a batch stands between two rounds: a value that a round takes and returns."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

from fedrl.algorithms import Server
from fedrl.benchmark.training.critics import Critics
from fedrl.benchmark.training.diagnostics import NAMES
from fedrl.benchmark.training.experience import Baseline
from fedrl.benchmark.training.ledger import Ledger
from fedrl.benchmark.training.normaliser import Normaliser
from fedrl.benchmark.training.rounds.feedback import sent_again
from fedrl.benchmark.training.rounds.lazy import Uploads
from fedrl.benchmark.training.rounds.lifting import first_memory, overrides
from fedrl.benchmark.training.rounds.personal import Personal
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.segments import Environments
from fedrl.benchmark.training.server_optimiser import ServerOptimiser
from fedrl.envs.family import Array


class State(NamedTuple):
    """Everything rounds carry on, of the G federations of the active runs."""

    round: int  # rounds done
    active: tuple[int, ...]  # positions of the runs that still train
    server: Server  # leaves (G, …)
    memories: Any  # the agents', leaves (G, n, …)
    baseline: Baseline
    normaliser: Normaliser
    critics: Critics
    environments: Environments
    optimiser: ServerOptimiser
    personal: Personal
    now: Tensor  # (G,), simulated seconds so far
    due: Tensor  # (G, n), when agents arrive; of asynchronous algorithms
    heard: Any  # what the server was when each agent was told, leaves (G, n, …); likewise, else ()
    releases: Tensor  # (G, n), vectors that agents have sent under privacy
    owed: dict[str, Any]  # what agents owe of what they send, leaves (G, n, …); see `sending`
    uploads: Uploads  # of lazy agents
    ledger: Ledger
    diagnostics: dict[str, Array]  # of the last round with an evaluation after it, (G,) each


def initial_state(program: Program) -> State:
    """Before the first round, all runs active; u_0 is 0."""
    algorithm, config, family = program.algorithm, program.config, program.family
    generators = [run.seed.generator("parameters") for run in program.runs]
    initial = [algorithm.initial(program.policy, generator) for generator in generators]
    theta = torch.from_numpy(np.stack(initial).astype(program.dtype))
    theta = theta.repeat_interleave(program.federations_per_run, dim=0)
    nothing, agents = torch.zeros_like(theta), program.agents_per_federation
    groups, everyone = len(theta), len(theta) * agents
    memory = first_memory(algorithm.server_memory, theta)
    every = theta.unsqueeze(1).expand(-1, agents, -1)
    server = Server(theta, theta.clone(), nothing, nothing.clone(), memory)
    memories = first_memory(algorithm.agent_memory, every)
    personal = Personal.of(program, theta)
    feeds_back = config.compression is not None and config.compression.error_feedback
    lazy = config.lazy if algorithm.federated else None
    again = sent_again(program, server, memories, personal) if feeds_back or lazy else {}

    def to_all(leaf: Tensor) -> Tensor:
        return leaf.unsqueeze(1).repeat_interleave(agents, dim=1)

    return State(
        round=0,
        active=tuple(range(len(program.runs))),
        server=server,
        memories=memories,
        baseline=Baseline.of(config, family, everyone),
        normaliser=Normaliser.of(config, family, program.policy, everyone),
        critics=Critics.of(list(program.runs), program.policy, family.discount, program.dtype),
        environments=Environments.of(config, family, program.tasks[0], everyone),
        optimiser=ServerOptimiser.of(config.server_optimiser, theta),
        personal=personal,
        releases=torch.zeros(groups, agents, dtype=torch.int64),
        now=torch.zeros(groups, dtype=torch.float64),
        due=torch.zeros(groups, agents * algorithm.asynchronous, dtype=torch.float64),
        heard=tree_map(to_all, server) if algorithm.asynchronous else (),
        owed=again if feeds_back else {},
        uploads=Uploads() if lazy is None else Uploads.of(lazy, again["update"]),
        ledger=Ledger.empty(groups),
        diagnostics=dict.fromkeys(NAMES, np.full(groups, np.nan)),
    )


def without(program: Program, state: State, gone: Array) -> State:
    """The state without the active runs that are `gone` (bool); the others do not notice."""
    keep = np.flatnonzero(np.repeat(~gone, program.federations_per_run))
    rows, count = torch.from_numpy(keep), program.agents_per_federation
    agents = (keep[:, None] * count + np.arange(count)).reshape(-1)
    return state._replace(
        active=tuple(p for p, left in zip(state.active, gone, strict=True) if not left),
        server=tree_map(lambda part: part[rows], state.server),
        memories=tree_map(lambda part: part[rows], state.memories),
        personal=state.personal._replace(values=state.personal.values[rows]),
        releases=state.releases[rows],
        now=state.now[rows],
        due=state.due[rows],
        heard=tree_map(lambda part: part[rows], state.heard),
        owed=tree_map(lambda part: part[rows], state.owed),
        uploads=tree_map(lambda part: part[rows], state.uploads),
        baseline=state.baseline._replace(coefficients=state.baseline.coefficients[agents]),
        normaliser=state.normaliser._replace(sums=state.normaliser.sums[agents]),
        critics=state.critics._replace(states=state.critics.states[agents]),
        environments=state.environments._replace(states=state.environments.states[agents]),
        optimiser=state.optimiser._replace(moments=state.optimiser.moments[rows]),
        ledger=Ledger(*(part[keep] for part in state.ledger)),
        diagnostics={name: values[keep] for name, values in state.diagnostics.items()},
    )


def federations_of(program: Program, place: int) -> slice:
    """The federations of the active run at `place`."""
    count = program.federations_per_run
    return slice(place * count, (place + 1) * count)


def personalised(program: Program) -> bool:
    """Whether agents act with parameters of their own, so that a run ends with N policies."""
    return bool(program.config.personal) or overrides(program.algorithm, "acting")


def acting(program: Program, state: State, rows: Array, theta: Tensor) -> Tensor:
    """Parameters (L, d) that the agents at `rows` act with at θ_r (L, d)."""
    pick = torch.from_numpy(rows)
    theta = state.personal.theta(theta, pick)
    if overrides(program.algorithm, "acting"):
        memory = tree_map(lambda leaf: leaf.flatten(0, 1)[pick], state.memories)
        theta = vmap(program.algorithm.acting)(theta, memory)
    return theta


def policies(program: Program, state: State, place: int) -> Array:
    """The policies (F, p) of the active run at `place`, for plain observations; F = N if agents
    have their own.

    Statistics are those of a federation's first agent, everyone's unless they keep their own.
    """
    mine, count = federations_of(program, place), program.agents_per_federation
    theta, size = state.server.theta[mine], program.policy.size
    rows = np.arange(mine.start, mine.stop) * count
    if personalised(program) and program.algorithm.federated:
        rows = np.arange(mine.start * count, mine.stop * count)
        theta = acting(program, state, rows, theta.repeat_interleave(count, dim=0))
    return state.normaliser.acting(rows, theta[:, :size].numpy()).copy()


def spent(program: Program, state: State) -> Array:
    """Share of the step budget every active run has spent; 0 where there is no budget."""
    if program.config.budget is None:
        return np.zeros(len(state.active))
    steps = state.ledger.steps.reshape(-1, program.federations_per_run).sum(axis=1)
    return steps / program.config.agents / program.config.budget  # type: ignore[no-any-return]
