"""A batch: runs in training at once, as arrays with a leading axis.

A batch holds S runs whose configs share a program; its numbers κ, η, λ and the hyperparameters
differ per run. All arrays have a leading axis of G federations and n agents in each: G = S, n = N,
except for algorithms that do not communicate, whose N agents are N federations of one agent.
Nothing a run computes depends on what else is in the batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_leaves, tree_map

from fedrl.algorithms import Algorithm, Server
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.training.diagnostics import NAMES
from fedrl.benchmark.training.experience import Baseline, estimators
from fedrl.benchmark.training.lanes import Lanes, chosen, joined, participants
from fedrl.benchmark.training.ledger import Ledger
from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.record import Record
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.envs.family import Array


class Batch:
    """Runs in training: who is still there, where they are, and what they draw."""

    def __init__(self, runs: Sequence[Run], threads: int = 1) -> None:
        self.runs = list(runs)
        self.config = runs[0].config
        if any(run.config.program != self.config.program for run in runs):
            raise ValueError("runs of one batch must share cell.program")
        self.family = self.config.build_family()
        self.policy = self.config.build_policy()
        self.algorithm = self.config.build_algorithm()
        self.threads = threads
        self.gradients, self.probe = estimators(self.config, self.family, self.policy)
        self.dtype: type[np.floating[Any]] = np.dtype(self.config.dtype).type
        # Federations per run, and agents per federation.
        self.split = 1 if self.algorithm.federated else self.config.agents
        self.agents = self.config.agents // self.split

        self.tasks = [
            self.family.sample(
                self.config.agents, run.config.kappa, run.seed.generator("environment")
            )
            for run in runs
        ]
        self.share = 0.0  # of the second draw, where MDPs drift
        self.others = [
            self.family.sample(self.config.agents, run.config.kappa, run.seed.generator("drift"))
            for run in (runs if self.config.drift is not None else ())
        ]
        initial = [self.policy.initial(run.seed.generator("parameters")) for run in runs]
        theta = torch.from_numpy(np.stack(initial).astype(self.dtype))
        theta = self._per_federation(theta)
        nothing = torch.zeros_like(theta)
        self.server = Server(theta, theta.clone(), nothing, nothing.clone())
        everyone = theta.unsqueeze(1).expand(-1, self.agents, -1)
        self.server = self.server._replace(memory=_lifted(self.algorithm.server_memory, theta, 1))
        self.memory = _lifted(self.algorithm.agent_memory, everyone, 2)  # leaves (G, n, …)
        self.baseline = Baseline.of(self.config, self.family, len(theta) * self.agents)
        self.ledger = Ledger.empty(len(runs) * self.split)
        self.inside = dict.fromkeys(NAMES, np.full(len(theta), np.nan))  # of the last round
        self.lifted = self._lifted()
        self.active = list(range(len(runs)))  # runs still in the batch
        self.records = [Record(run) for run in runs]
        self.round = 0  # rounds done
        self.finals: dict[int, Array] = {}  # (F, d), θ of the runs that have left the batch

    def point_at(self) -> None:
        """Everything that follows from which runs are active."""
        if not self.active:
            return
        self.step_size = self.lifted["step_size"].reshape(-1, 1, 1)
        self.server_step = self.lifted["server_step"].reshape(-1, 1)
        self._keys: dict[str, Array] = {}
        count, agents = len(self.active), self.config.agents
        task = joined([self._task(position) for position in self.active])
        sampler = Sampler(self.family, self.policy, task, self.threads)
        rows = np.arange(count * agents)
        self.everyone = Lanes(sampler, rows // self.agents, rows % agents, rows, self.agents)
        self.desk = self._server_lanes() if self.algorithm.update_site == "server" else None
        self.gather(self.round)

    def _server_lanes(self) -> Lanes:
        """The server steps in an MDP of its own, the family's without heterogeneity."""
        tasks = [
            self.family.sample(1, 0.0, self.runs[position].seed.generator("environment"))
            for position in self.active
        ]
        sampler = Sampler(self.family, self.policy, joined(tasks), self.threads)
        rows = np.arange(len(tasks))
        return Lanes(sampler, rows, np.full(len(tasks), self.config.agents), rows, 1)

    def gather(self, number: int) -> None:
        """Who takes part in the round, and who takes the local steps."""
        count = max(1, round(self.config.participation * self.agents))
        if self.split == 1 and count < self.agents:
            keys = np.array([self._key(p, "participation") for p in self.active], np.uint64)
            picked = participants(keys, self.agents, count, number)
            first = np.arange(len(self.active))[:, None] * self.agents
            rows = (first + picked).reshape(-1)
            task = chosen(self.everyone.sampler.task, rows)
            sampler = Sampler(self.family, self.policy, task, self.threads)
            federation = np.repeat(np.arange(len(self.active)), count)
            self.members = Lanes(sampler, federation, picked.reshape(-1), rows, count)
        else:
            self.members = self.everyone
        self.present = self.desk if self.desk is not None else self.members
        self.latest: Episodes | None = None

    @property
    def sampler(self) -> Sampler:
        """Of all agents of all active runs."""
        return self.everyone.sampler

    def drift(self) -> None:
        """Move the agents' MDPs to where they are after `self.round` rounds."""
        share = 0.0 if self.config.drift is None else self.config.drift.share(self.round)
        if share != self.share:
            self.share = share
            self.point_at()

    def _task(self, position: int) -> Any:
        """The MDPs of a run as they are now."""
        if self.share == 0:
            return self.tasks[position]
        return self.family.between(self.tasks[position], self.others[position], self.share)

    # --- who is there -----------------------------------------------------------------------------

    def spent(self) -> Array:
        """Share of the step budget every active run has spent; 0 where there is no budget."""
        steps = self.ledger.steps.reshape(-1, self.split).sum(axis=1) / self.config.agents
        return steps / (self.config.budget or np.inf)  # type: ignore[no-any-return]

    def drop(self, lost: Array) -> None:
        """Record runs with a lost federation (G,) as diverged in this round; they leave."""
        gone = np.asarray(lost.reshape(-1, self.split).any(axis=1))
        for place in np.flatnonzero(gone):
            self.records[self.active[place]].diverged_round = self.round
        self.leave(gone)

    def leave(self, gone: Array) -> None:
        """Take runs out of the batch; the others do not notice."""
        if not gone.any():
            return
        self.retire(np.flatnonzero(gone))
        self.active = [p for place, p in enumerate(self.active) if not gone[place]]
        keep = np.flatnonzero(np.repeat(~gone, self.split))
        rows = torch.from_numpy(keep)
        agents = (keep[:, None] * self.agents + np.arange(self.agents)).reshape(-1)
        self.server = tree_map(lambda part: part[rows], self.server)
        self.memory = tree_map(lambda part: part[rows], self.memory)
        self.baseline = self.baseline.holding(self.baseline.coefficients[agents])
        self.inside = {name: values[keep] for name, values in self.inside.items()}
        self.ledger = Ledger(*(part[keep] for part in self.ledger))
        self.lifted = {name: value[torch.from_numpy(keep)] for name, value in self.lifted.items()}
        self.point_at()

    def retire(self, places: Iterable[int]) -> None:
        """Keep the parameters of the active runs at these places: they will not move any more."""
        for place in places:
            theta = self.server.theta[place * self.split : (place + 1) * self.split]
            self.finals[self.active[place]] = theta.numpy().copy()

    # --- lifting ----------------------------------------------------------------------------------

    def call(self, method: str, lifted: dict[str, Tensor], *values: Any) -> Any:
        """A method of the algorithm, lifted over the leading axis of `lifted` and all values."""

        def call(lifted: dict[str, Tensor], *values: Any) -> Any:
            return getattr(self._algorithm(lifted), method)(*values)

        return vmap(call)(lifted, *values)

    def _algorithm(self, lifted: dict[str, Tensor]) -> Algorithm:
        """The algorithm with this run's hyperparameters, as 0-d tensors."""
        algorithm = copy.copy(self.algorithm)
        for parameter in fields(algorithm):
            object.__setattr__(algorithm, parameter.name, lifted[parameter.name])
        return algorithm

    def _lifted(self) -> dict[str, Tensor]:
        """Continuous settings, one entry per federation: (G,)."""

        def lift(value: Callable[[Config], float]) -> Tensor:
            values = torch.tensor([value(run.config) for run in self.runs], dtype=torch.float64)
            return self._per_federation(values.to(self.server.theta.dtype))

        names = [parameter.name for parameter in fields(self.algorithm)]
        lifted = {
            name: lift(lambda config, name=name: config.hyperparameters[name])  # type: ignore[misc]
            for name in names
        }
        lifted["step_size"] = lift(lambda config: config.step_size)
        lifted["server_step"] = lift(lambda config: config.server_step)
        return lifted

    def values(self) -> dict[str, Tensor]:
        """Hyperparameters of all who step, (L,) each."""
        pick = torch.from_numpy(self.present.federation)
        return {name: value[pick] for name, value in self.lifted.items()}

    def servers(self) -> Server:
        """What all who step have heard from their server, with leading axis L."""
        pick = torch.from_numpy(self.present.federation)
        return tree_map(lambda part: part[pick], self.server)  # type: ignore[no-any-return]

    def weights(self) -> Tensor:
        """Weights of the members' contributions, summing to 1: (G, n)."""
        weights = torch.from_numpy(self.config.shares[self.members.agents].astype(self.dtype))
        together = weights.reshape(-1, self.members.each)
        return together / together.sum(-1, keepdim=True)

    def _per_federation(self, per_run: Tensor) -> Tensor:
        return per_run.repeat_interleave(self.split, dim=0)

    def per_agent(self, per_federation: Tensor) -> Tensor:
        return per_federation.repeat_interleave(self.agents, dim=0)

    # --- random numbers ---------------------------------------------------------------------------

    def stream(self, purpose: str, draw: int, lanes: Lanes | None = None) -> Stream:
        """Random numbers of these lanes, of everyone by default."""
        lanes = self.everyone if lanes is None else lanes
        if purpose not in self._keys:
            keys = [self._key(position, purpose) for position in self.active]
            self._keys[purpose] = np.array(keys, np.uint64)
        return Stream(self._keys[purpose][lanes.federation // self.split], lanes.agents, draw)

    def _key(self, position: int, purpose: str) -> int:
        return self.runs[position].seed.key(purpose)

    def alpha(self, draw: int) -> Tensor:
        """One uniform number for each who steps: (L,)."""
        stream = self.stream("interpolation", draw, self.present)
        out = np.empty((len(stream.keys), 1))
        uniform_lanes(out, *stream, 1, 0)
        return torch.from_numpy(out[:, 0].astype(self.dtype))


def _lifted(method: Callable[[Tensor], Any], theta: Tensor, axes: int) -> Any:
    """What `method` makes of every parameter vector of theta (…, d), `axes` leading axes."""
    one = method(theta.reshape(-1, theta.shape[-1])[0])
    leading = theta.shape[:axes]
    if not tree_leaves(one):
        return one
    found = vmap(method)(theta.reshape(-1, theta.shape[-1]))
    return tree_map(lambda leaf: leaf.reshape(*leading, *leaf.shape[1:]).clone(), found)
