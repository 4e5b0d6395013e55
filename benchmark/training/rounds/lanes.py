"""Who acts together: the lanes of one call of the engine, and the random numbers they read.

A lane is one agent of one federation. G federations with n lanes each give L = G·n lanes.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.state import State
from fedrl.envs.family import Array, Task


class Lanes(NamedTuple):
    """L = G·n lanes."""

    sampler: Sampler
    run: Array  # (L,), the lane's run, its position in the batch
    federation: Array  # (L,), 0..G-1
    agent: Array  # (L,), the agent's number within its run; N is the server itself
    rows: Array  # (L,), its place among all G·N agents; of the server, its federation
    each: int  # n

    @property
    def pick(self) -> Tensor:
        """`rows` for indexing tensors."""
        return torch.from_numpy(self.rows)

    def stream(self, program: Program, purpose: str, draw: int) -> Stream:
        """The random numbers these lanes read for a purpose."""
        return Stream(program.keys(purpose).take(self.run), self.agent, draw)


class Roster(NamedTuple):
    """Who is there in a round, of the active runs."""

    all_agents: Lanes
    server_lanes: Lanes | None  # where the server takes the local steps
    participants: Lanes  # whose messages the server receives
    hyperparameters: dict[str, Tensor]  # (G,) each
    step_size: Tensor  # (G, 1), η
    server_step: Tensor  # (G, 1), λ

    @property
    def steppers(self) -> Lanes:
        """Those who take the local steps."""
        return self.participants if self.server_lanes is None else self.server_lanes


def rebuild_lanes(program: Program, state: State) -> Roster:
    """Rebuild lanes and step sizes for the active runs, their MDPs as they are in this round."""
    agents, runs = program.config.agents, np.array(state.active, np.int64)
    tasks = [task_of(program, position, state.round) for position in state.active]
    sampler = sampler_of(program, tasks)
    rows, each = np.arange(len(runs) * agents), program.agents_per_federation
    everyone = Lanes(sampler, runs[rows // agents], rows // each, rows % agents, rows, each)
    count = program.federations_per_run
    picked = torch.from_numpy((runs[:, None] * count + np.arange(count)).reshape(-1))
    by_server = program.algorithm.update_site == "server"
    return Roster(
        everyone,
        _server_lanes(program, runs) if by_server else None,
        everyone,
        {name: value[picked] for name, value in program.hyperparameters.items()},
        program.step_size[picked].reshape(-1, 1),
        program.server_step[picked].reshape(-1, 1),
    )


def with_participants(program: Program, state: State, roster: Roster) -> Roster:
    """The roster of the next round: who takes part in it is drawn anew, or arrives next."""
    agents, everyone = program.agents_per_federation, roster.all_agents
    count = 1 if program.algorithm.asynchronous else program.config.present
    if program.federations_per_run > 1 or count == agents:
        return roster._replace(participants=everyone)
    runs = everyone.run[::agents]
    if program.algorithm.asynchronous:  # of those who arrive together, the one of least number
        order = np.lexsort((everyone.agent.reshape(-1, agents), state.due.numpy()), axis=-1)
        picked = order[:, :1]
    else:
        keys = program.keys("participation")[runs]
        picked = participants(keys, agents, count, state.round)
    rows = (np.arange(len(runs))[:, None] * agents + picked).reshape(-1)
    sampler = everyone.sampler.of(chosen(everyone.sampler.task, rows))
    lanes = (everyone.run[rows], everyone.federation[rows], everyone.agent[rows], rows)
    return roster._replace(participants=Lanes(sampler, *lanes, count))


def _server_lanes(program: Program, runs: Array) -> Lanes:
    """The server steps in an MDP of its own, the family's without heterogeneity."""
    tasks = [
        program.family.sample(1, 0.0, program.runs[run].seed.generator("environment"))
        for run in runs
    ]
    rows = np.arange(len(runs))
    return Lanes(
        sampler_of(program, tasks), runs, rows, np.full(len(runs), program.config.agents), rows, 1
    )


def sampler_of(program: Program, tasks: list[Any]) -> Sampler:
    """Concatenate the tasks of several runs; an empty list gives no lanes."""
    task = joined(tasks) if tasks else chosen(program.tasks[0], np.arange(0))
    return Sampler(program.family, program.policy, task, program.threads)


def drifted(program: Program, number: int) -> float:
    """The share of the second draw in the MDPs after `number` rounds; 0 where they stand still."""
    return 0.0 if program.config.drift is None else program.config.drift.share(number)


def task_of(program: Program, position: int, number: int) -> Any:
    """The MDPs of a run after `number` rounds."""
    share = drifted(program, number)
    if share == 0:
        return program.tasks[position]
    return program.family.between(program.tasks[position], program.drift_targets[position], share)


def chosen(task: Task, rows: Array | slice) -> Task:
    """The tasks of these rows."""
    return type(task)(*(np.ascontiguousarray(field[rows]) for field in task))


def joined(tasks: list[Task]) -> Task:
    """Tasks of several runs behind each other."""
    return type(tasks[0])(*(np.concatenate(field) for field in zip(*tasks, strict=True)))


def participants(keys: Array, agents: int, count: int, number: int) -> Array:
    """The `count` agents of every run that take part in round `number`, in order: (S, count).

    Every agent has a uniform number of its own for every round; the smallest take part.
    """
    lanes = np.tile(np.arange(agents), len(keys))
    out = Stream(np.repeat(keys, agents), lanes, number).uniform(1)
    order = np.argsort(out.reshape(len(keys), agents), axis=1, kind="stable")
    return np.sort(order[:, :count], axis=1)
