"""The federated loop: any algorithm, any family, a batch of runs at once.

A batch holds S runs whose cells share a program; its numbers κ, η, λ and the hyperparameters
differ per run. All arrays have a leading axis of G federations and n agents in each: G = S, n = N,
except for algorithms that do not communicate, whose N agents are N federations of one agent.
Nothing a run computes depends on what else is in the batch.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from algorithms import Algorithm, CompiledGradients, Server, Trajectories
from benchmark.cell import Cell, Run
from benchmark.disturbance import charged, noisy
from benchmark.evaluate import Scores, evaluate
from benchmark.noise import uniform_lanes
from benchmark.record import Record, RunResult, RunState
from benchmark.rollout import Sampler, Stream
from envs.family import Array

SAVE_EVERY = 5.0  # s of work between two states of a run


class Ledger(NamedTuple):
    """Cost of a federation so far; evaluation is not charged."""

    steps: Array  # (G,), environment steps of all its agents
    trajectories: Array  # (G,), episodes of all its agents
    floats_up: Array  # (G,), floats one agent has sent
    floats_down: Array  # (G,), floats one agent has received


def train(
    runs: Sequence[Run],
    threads: int = 1,
    on_round: Callable[[int, int], None] | None = None,
    states: Sequence[RunState | None] | None = None,
    on_state: Callable[[Run, RunState], None] | None = None,
) -> list[RunResult]:
    """Train all runs, which must share `cell.program`; results come in the order of `runs`.

    A run ends after `cell.rounds` rounds, or with the round that spends `cell.budget`.
    `on_round(done, total)` is called after every round. A run whose parameters or scores become
    non-finite is recorded as diverged in that round and leaves the batch; the others go on.

    `on_state(run, state)` is called for the runs of the batch every few seconds of work. Training
    goes on from such `states`, None for a run that has not begun; unfinished ones must be at the
    same round. The results are the same bits as without an interruption.
    """
    # A diverging run overflows on its way to being recorded: that deserves no warning.
    with torch.no_grad(), np.errstate(all="ignore"):
        return Federation(runs, threads, states).train(on_round, on_state)


class Federation:
    """A batch of runs in training."""

    def __init__(
        self,
        runs: Sequence[Run],
        threads: int = 1,
        states: Sequence[RunState | None] | None = None,
    ) -> None:
        self.runs = list(runs)
        self.cell = runs[0].cell
        if any(run.cell.program != self.cell.program for run in runs):
            raise ValueError("runs of one batch must share cell.program")
        self.family = self.cell.build_family()
        self.policy = self.cell.build_policy()
        self.algorithm = self.cell.build_algorithm()
        self.threads = threads
        cap = float("inf") if self.cell.weight_cap is None else self.cell.weight_cap
        self.gradients = CompiledGradients(self.policy, self.family.discount, cap)
        self.dtype: type[np.floating[Any]] = np.dtype(self.cell.dtype).type
        # Federations per run, and agents per federation.
        self.split = 1 if self.algorithm.federated else self.cell.agents
        self.agents = self.cell.agents // self.split

        self.tasks = [
            self.family.sample(self.cell.agents, run.cell.kappa, run.seed.generator("environment"))
            for run in runs
        ]
        self.share = 0.0  # of the second draw, where MDPs drift
        self.others = [
            self.family.sample(self.cell.agents, run.cell.kappa, run.seed.generator("drift"))
            for run in (runs if self.cell.drift is not None else ())
        ]
        initial = [self.policy.initial(run.seed.generator("parameters")) for run in runs]
        theta = torch.from_numpy(np.stack(initial).astype(self.dtype))
        theta = self._per_federation(theta)
        self.server = Server(theta, theta.clone(), torch.zeros_like(theta))
        self.ledger = Ledger(*(np.zeros(len(runs) * self.split, np.int64) for _ in range(4)))
        self.lifted = self._lifted()
        self.active = list(range(len(runs)))  # runs still in the batch
        self.records = [Record(run) for run in runs]
        self.round = 0  # rounds done
        self.finals: dict[int, Array] = {}  # (F, d), θ of the runs that have left the batch
        if states is not None:
            self._resume(states)
        self._point_at()
        self._drift()

    def _drift(self) -> None:
        """Move the agents' MDPs to where they are after `self.round` rounds."""
        share = 0.0 if self.cell.drift is None else self.cell.drift.share(self.round)
        if share != self.share:
            self.share = share
            self._point_at()

    def _task(self, position: int) -> Any:
        """The MDPs of a run as they are now."""
        if self.share == 0:
            return self.tasks[position]
        return self.family.between(self.tasks[position], self.others[position], self.share)

    def _resume(self, states: Sequence[RunState | None]) -> None:
        """Go on from states that were taken at the end of the same round, or from finished ones."""
        open_rounds = {0 if s is None else s.round for s in states if s is None or not s.finished}
        if len(open_rounds) > 1:
            raise ValueError(f"unfinished runs of one batch are at rounds {sorted(open_rounds)}")
        self.round = max(open_rounds, default=self.cell.rounds)
        self.records = [
            Record(run) if state is None else Record.resumed(run, state)
            for run, state in zip(self.runs, states, strict=True)
        ]
        self._leave(np.array([state is not None and state.finished for state in states]))
        ended = [(p, state) for p, state in enumerate(states) if state and state.finished]
        self.finals = {position: state.theta for position, state in ended}
        going = [state for state in states if state is not None and not state.finished]
        if going:
            self.server = Server(
                torch.from_numpy(np.concatenate([state.theta for state in going])),
                torch.from_numpy(np.concatenate([state.previous for state in going])),
                torch.from_numpy(np.concatenate([state.momentum for state in going])),
            )
            self.ledger = Ledger(*np.concatenate([state.ledger for state in going], axis=1))

    def train(
        self,
        on_round: Callable[[int, int], None] | None = None,
        on_state: Callable[[Run, RunState], None] | None = None,
    ) -> list[RunResult]:
        """Rounds until every run has ended; see the function `train`."""
        cell = self.cell
        constants = [self._constants(position) for position in range(len(self.runs))]
        started = saved = time.perf_counter()
        if self.round == 0:
            self._evaluate(np.full(len(self.active), True))
            started = time.perf_counter()
            self._initial_momentum()
        while self.active and self.round < cell.rounds:
            self._round(self.round)
            self.round += 1
            self._drift()
            for position in self.active:
                elapsed = time.perf_counter() - started
                self.records[position].clock += elapsed / len(self.active)
            before = list(self.active)
            self._drop(~torch.isfinite(self.server.theta).all(-1).numpy())
            everyone = self.round % cell.evaluate_every == 0 or self.round == cell.rounds
            due = everyone | (self._spent() >= 1)
            if due.any():
                self._evaluate(due)
            self._leave(self._spent() >= 1)
            if on_state is not None:
                everyone = time.perf_counter() - saved >= SAVE_EVERY
                for position in before:
                    if everyone or position not in self.active:  # who leaves is not lost either
                        on_state(self.runs[position], self._state(position))
                saved = time.perf_counter() if everyone else saved
            if on_round is not None:
                share = max(self.round / cell.rounds, min(self._spent(), default=1.0))
                on_round(min(round(share * cell.rounds), cell.rounds), cell.rounds)
            started = time.perf_counter()
        self._finish(range(len(self.active)))
        return [
            record.result(values, self.finals[position])
            for position, (record, values) in enumerate(zip(self.records, constants, strict=True))
        ]

    def _state(self, position: int) -> RunState:
        """State of a run at the end of this round, finished if it has left the batch."""
        record, mine = self.records[position], slice(0, 0)
        if position in self.active:
            place = self.active.index(position)
            mine = slice(place * self.split, (place + 1) * self.split)
        return RunState(
            round=self.round,
            finished=position not in self.active or self.round == self.cell.rounds,
            theta=self.finals.get(position, self.server.theta[mine].numpy()),
            previous=self.server.previous[mine].numpy(),
            momentum=self.server.momentum[mine].numpy(),
            ledger=np.stack([part[mine] for part in self.ledger]),
            clock=record.clock,
            diverged_round=record.diverged_round,
            rows=record.columns(),
            seconds=np.array(record.seconds),
        )

    # --- one round --------------------------------------------------------------------------------

    def _round(self, number: int) -> None:
        cell, algorithm = self.cell, self.algorithm
        local_steps = 1 if algorithm.synchronous else cell.local_steps
        for exchange in range(cell.local_steps // local_steps):
            theta = self.server.theta.unsqueeze(1).expand(-1, self.agents, -1)
            for k in range(local_steps):
                draw = number * cell.local_steps + exchange + k
                theta = theta + self.step_size * self._direction(theta, draw)
            self._exchange(theta, local_steps)

    def _direction(self, theta: Tensor, draw: int) -> Tensor:
        """Local directions (G, n, d) of all agents at theta (G, n, d)."""
        lanes = theta.reshape(-1, theta.shape[-1])
        server = Server(*(self._per_agent(part) for part in self.server))
        points = self._points(server, lanes, self._alpha(draw), self.lane_values)
        batches = [
            self._sample(point, f"training-{which}", draw, self.cell.episodes)
            for which, point in enumerate(points)
        ]
        directions: Tensor = self._directions(server, lanes, batches, self.lane_values)
        return directions.reshape(theta.shape)

    def _exchange(self, theta: Tensor, local_steps: int) -> None:
        """u_{r+1} = (1/(ηNK)) Σ_i (θ_{r,K}^i - θ_r), θ_{r+1} = θ_r + λ u_{r+1}."""
        share = local_steps / self.cell.local_steps  # λ is stated for a whole round
        step_size = self.step_size[:, 0]
        moved = sum_over_agents(theta - self.server.theta.unsqueeze(1)) / self.agents
        momentum = moved / (step_size * local_steps)
        following = self.server.theta + (self.server_step * share) * momentum
        self.server = Server(following, self.server.theta, momentum)
        if self.algorithm.federated:
            self.ledger.floats_up[:] += self.policy.size
            self.ledger.floats_down[:] += self.policy.size * (2 if self.algorithm.anchored else 1)

    def _initial_momentum(self) -> None:
        """u_0: the mean over agents of a batch gradient at θ_0, or 0. Its samples are counted."""
        if not self.algorithm.anchored or self.cell.initial_momentum == "zero":
            return
        theta = self.server.theta.unsqueeze(1).expand(-1, self.agents, -1)
        batch = self._sample(theta, "initial-momentum", 0, self.cell.initial_episodes)
        plain = vmap(self.gradients.plain)(batch.behaviour, batch).reshape(theta.shape)
        self.server = self.server._replace(momentum=sum_over_agents(plain) / self.agents)
        self.ledger.floats_up[:] += self.policy.size
        self.ledger.floats_down[:] += self.policy.size

    def _sample(self, theta: Tensor, purpose: str, draw: int, episodes: int) -> Trajectories:
        """Trajectories of all lanes, leading axis L = G·n, counted in the ledger."""
        lanes = theta.reshape(-1, theta.shape[-1])
        played = self.sampler.sample(lanes.numpy(), self._stream(purpose, draw), episodes)
        noise = self._stream(f"reward-noise-{purpose}", draw)
        played = noisy(self.cell.reward_noise, charged(self.cell.reward_cliff, played), noise)
        steps = played.length.reshape(-1, self.agents * episodes)
        self.ledger.steps[:] += steps.sum(axis=1)
        self.ledger.trajectories[:] += steps.shape[1]
        value = torch.from_numpy(np.zeros(played.reward.shape, self.dtype))
        return Trajectories(*(torch.from_numpy(part) for part in played), lanes, value)  # type: ignore[call-arg]

    # --- evaluation -------------------------------------------------------------------------------

    def _evaluate(self, due: Array) -> None:
        """Add a point to the records of the active runs that are due."""
        scores = self._scores(self.server.theta.numpy())
        finite = np.all(np.isfinite(scores.objective), axis=1)
        agents = self.cell.agents
        for place, position in enumerate(self.active):
            mine = slice(place * self.split, (place + 1) * self.split)
            if not due[place] or (self.round > 0 and not finite[mine].all()):
                continue
            undiscounted = scores.undiscounted[mine].reshape(-1)
            steps, trajectories, up, down = (int(part[mine].sum()) for part in self.ledger)
            self.records[position].point(
                {
                    "round": self.round,
                    "steps_per_agent": steps / agents,
                    "trajectories_per_agent": trajectories / agents,
                    "steps_total": steps,
                    "trajectories_total": trajectories,
                    "floats_up": up // self.split,
                    "floats_down": down // self.split,
                    "objective": scores.objective[mine].reshape(-1).mean(),
                    "return": undiscounted.mean(),
                    "return_worst": undiscounted.min(),
                    "return_best": undiscounted.max(),
                    "stationarity": scores.stationarity[mine].mean(),
                }
            )
        if self.round > 0:
            self._drop(~finite & np.repeat(due, self.split))

    def _scores(self, theta: Array) -> Scores:
        stream = self._stream("evaluation", self.round)
        episodes = self.cell.evaluation_episodes
        cliff = self.cell.reward_cliff
        return evaluate(self.family, self.sampler, theta, stream, episodes, cliff)

    def _constants(self, position: int) -> dict[str, Any]:
        """What a report measures a run against; the random policy has all parameters zero."""
        run, task = self.runs[position], self.tasks[position]
        agents = np.arange(self.cell.agents)
        keys = np.full(self.cell.agents, run.seed.key("random-policy"), np.uint64)
        sampler = Sampler(self.family, self.policy, task, self.threads)
        theta = np.zeros((1, self.policy.size), self.dtype)
        scores = evaluate(
            self.family,
            sampler,
            theta,
            Stream(keys, agents, 0),
            self.cell.evaluation_episodes,
            self.cell.reward_cliff,
        )
        metric = self.family.metric
        random = scores.objective if metric == "objective" else scores.undiscounted
        reference = self.family.reference(task)
        return {
            "metric": metric,
            "random": float(random.mean()),
            "reference": np.nan if reference is None else reference.value,
            "reference_meaning": "" if reference is None else reference.meaning + self.cell.caveat,
        }

    # --- the batch --------------------------------------------------------------------------------

    def _spent(self) -> Array:
        """Share of the step budget every active run has spent; 0 where there is no budget."""
        steps = self.ledger.steps.reshape(-1, self.split).sum(axis=1) / self.cell.agents
        return steps / (self.cell.budget or np.inf)  # type: ignore[no-any-return]

    def _drop(self, lost: Array) -> None:
        """Record runs with a lost federation (G,) as diverged in this round; they leave."""
        gone = np.asarray(lost.reshape(-1, self.split).any(axis=1))
        for place in np.flatnonzero(gone):
            self.records[self.active[place]].diverged_round = self.round
        self._leave(gone)

    def _finish(self, places: Iterable[int]) -> None:
        """Keep the parameters of the active runs at these places: they will not move any more."""
        for place in places:
            theta = self.server.theta[place * self.split : (place + 1) * self.split]
            self.finals[self.active[place]] = theta.numpy().copy()

    def _leave(self, gone: Array) -> None:
        """Take runs out of the batch; the others do not notice."""
        if not gone.any():
            return
        self._finish(np.flatnonzero(gone))
        self.active = [p for place, p in enumerate(self.active) if not gone[place]]
        keep = np.flatnonzero(np.repeat(~gone, self.split))
        self.server = Server(*(part[torch.from_numpy(keep)] for part in self.server))
        self.ledger = Ledger(*(part[keep] for part in self.ledger))
        self.lifted = {name: value[torch.from_numpy(keep)] for name, value in self.lifted.items()}
        self._point_at()

    def _point_at(self) -> None:
        """Everything that follows from which runs are active."""
        if not self.active:
            return
        parts = zip(*(self._task(position) for position in self.active), strict=True)
        task = type(self.tasks[0])(*(np.concatenate(part) for part in parts))
        self.sampler = Sampler(self.family, self.policy, task, self.threads)
        count = len(self.active)
        self.agent_of_lane = np.tile(np.arange(self.cell.agents), count)
        self.step_size = self.lifted["step_size"].reshape(-1, 1, 1)
        self.server_step = self.lifted["server_step"].reshape(-1, 1)
        self._keys: dict[str, Array] = {}
        self.lane_values = {name: self._per_agent(value) for name, value in self.lifted.items()}
        self._points = vmap(self._call_points)
        self._directions = vmap(self._call_direction)

    def _call_points(
        self, server: Server, theta: Tensor, alpha: Tensor, lifted: dict[str, Tensor]
    ) -> tuple[Tensor, ...]:
        return self._algorithm(lifted).points(server, theta, alpha)

    def _call_direction(
        self,
        server: Server,
        theta: Tensor,
        batches: list[Trajectories],
        lifted: dict[str, Tensor],
    ) -> Tensor:
        return self._algorithm(lifted).direction(self.gradients, server, theta, *batches)

    def _algorithm(self, lifted: dict[str, Tensor]) -> Algorithm:
        """The algorithm with this run's hyperparameters, as 0-d tensors."""
        algorithm = copy.copy(self.algorithm)
        for parameter in fields(algorithm):
            object.__setattr__(algorithm, parameter.name, lifted[parameter.name])
        return algorithm

    def _lifted(self) -> dict[str, Tensor]:
        """Continuous settings, one entry per federation: (G,)."""

        def lift(value: Callable[[Cell], float]) -> Tensor:
            values = torch.tensor([value(run.cell) for run in self.runs], dtype=torch.float64)
            return self._per_federation(values.to(self.server.theta.dtype))

        names = [parameter.name for parameter in fields(self.algorithm)]
        lifted = {
            name: lift(lambda cell, name=name: cell.hyperparameters[name])  # type: ignore[misc]
            for name in names
        }
        lifted["step_size"] = lift(lambda cell: cell.step_size)
        lifted["server_step"] = lift(lambda cell: cell.server_step)
        return lifted

    def _per_federation(self, per_run: Tensor) -> Tensor:
        return per_run.repeat_interleave(self.split, dim=0)

    def _per_agent(self, per_federation: Tensor) -> Tensor:
        return per_federation.repeat_interleave(self.agents, dim=0)

    def _stream(self, purpose: str, draw: int) -> Stream:
        if purpose not in self._keys:
            keys = [self.runs[position].seed.key(purpose) for position in self.active]
            self._keys[purpose] = np.array(keys, np.uint64).repeat(self.cell.agents)
        return Stream(self._keys[purpose], self.agent_of_lane, draw)

    def _alpha(self, draw: int) -> Tensor:
        """One uniform number per agent: (L,)."""
        stream = self._stream("interpolation", draw)
        out = np.empty((len(stream.keys), 1))
        uniform_lanes(out, *stream, 1, 0)
        return torch.from_numpy(out[:, 0].astype(self.dtype))


def sum_over_agents(values: Tensor) -> Tensor:
    """Σ over the second axis of (G, n, d), agent after agent, so that G cannot change the order."""
    total = values[:, 0]
    for agent in range(1, values.shape[1]):
        total = total + values[:, agent]
    return total
