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
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from algorithms import Agent, Algorithm, Server, Trajectories
from algorithms.algorithm import weighted_mean
from algorithms.policy import Table, TabularSoftmax
from benchmark.attacks import corrupted, normal
from benchmark.cell import Cell, Run
from benchmark.diagnostics import NAMES, PREFIX, Diagnostics
from benchmark.disturbance import charged, noisy
from benchmark.evaluate import Scores, evaluate
from benchmark.experience import Baseline, estimators, models
from benchmark.lanes import Lanes, chosen, joined, participants
from benchmark.ledger import Ledger
from benchmark.noise import uniform_lanes
from benchmark.record import Record, RunResult, RunState
from benchmark.rollout import Episodes, Sampler, Stream
from envs.family import Array
from envs.tabular import Tabular

SAVE_EVERY = 5.0  # s of work between two states of a run


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
        self.gradients, self.probe = estimators(self.cell, self.family, self.policy)
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
        nothing = torch.zeros_like(theta)
        self.server = Server(theta, theta.clone(), nothing, nothing.clone())
        everyone = theta.unsqueeze(1).expand(-1, self.agents, -1)
        self.server = self.server._replace(memory=_lifted(self.algorithm.server_memory, theta, 1))
        self.memory = _lifted(self.algorithm.agent_memory, everyone, 2)  # leaves (G, n, …)
        self.baseline = Baseline.of(self.cell, self.family, len(theta) * self.agents)
        self.ledger = Ledger.empty(len(runs) * self.split)
        self.inside = dict.fromkeys(NAMES, np.full(len(theta), np.nan))  # of the last round
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
            theta, previous, momentum, *memory = (
                torch.from_numpy(np.concatenate(parts))
                for parts in zip(
                    *((s.theta, s.previous, s.momentum, *s.memory.values()) for s in going),
                    strict=True,
                )
            )
            self.server = self.server._replace(theta=theta, previous=previous, momentum=momentum)
            self._restore(memory)
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
            memory={str(i): leaf[mine].numpy() for i, leaf in enumerate(self._remembered())},
            ledger=np.stack([part[mine] for part in self.ledger]),
            clock=record.clock,
            diverged_round=record.diverged_round,
            rows=record.columns(),
            seconds=np.array(record.seconds),
        )

    def _remembered(self) -> list[Tensor]:
        """All that is carried from round to round beside θ and u, each with leading axis G."""
        coefficients = torch.from_numpy(self.baseline.coefficients)
        per_federation = coefficients.unflatten(0, (len(self.server.theta), self.agents))
        return [*tree_leaves(self.server.memory), *tree_leaves(self.memory), per_federation]

    def _restore(self, leaves: Sequence[Tensor]) -> None:
        """The inverse of `_remembered`."""
        server, shape = tree_flatten(self.server.memory)
        agents, form = tree_flatten(self.memory)
        self.server = self.server._replace(memory=tree_unflatten(leaves[: len(server)], shape))
        self.memory = tree_unflatten(leaves[len(server) : len(server) + len(agents)], form)
        self.baseline = self.baseline.holding(leaves[-1].flatten(0, 1).numpy())

    # --- one round --------------------------------------------------------------------------------

    def _round(self, number: int) -> None:
        cell, algorithm = self.cell, self.algorithm
        local_steps = 1 if algorithm.synchronous else cell.local_steps
        self.shrink = cell.step_decay**number
        self._gather(number)
        for exchange in range(cell.local_steps // local_steps):
            first = number * cell.local_steps + exchange
            self._begin(first)
            theta = self.server.theta.unsqueeze(1).expand(-1, self.present.each, -1)
            for k in range(local_steps):
                direction = self._direction(theta, first + k)
                self._remember(theta, direction)
                eta = self.step_size * self.shrink
                theta = self.policy.project(theta + eta * direction)
            self._exchange(theta, local_steps)
        if self.latest is not None and algorithm.stepper == "agents":
            self.baseline = self.baseline.fitted(self.present.rows, self.latest)

    def _gather(self, number: int) -> None:
        """Who takes part in the round, and who takes the local steps."""
        count = max(1, round(self.cell.participation * self.agents))
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

    def _begin(self, draw: int) -> None:
        """The snapshot, if the algorithm takes one, and the agents' memories for this round."""
        members, present = self.members, self.present
        theta = self.server.theta.unsqueeze(1).expand(-1, members.each, -1)
        self.own = torch.zeros_like(self.server.theta[torch.from_numpy(present.federation)])
        if self.algorithm.snapshot:
            batch = self._sample(theta, "snapshot", draw, self.cell.snapshot_episodes, members)
            own = vmap(self.gradients.plain)(batch.behaviour, batch)
            heard = self._heard(own, "snapshot", draw)
            together = heard.reshape(theta.shape)
            snapshot = self._call("aggregate", self.lifted, together, self._weights())
            self.server = self.server._replace(snapshot=snapshot)
            if present is members:
                self.own = own
        self.carried = ()
        if tree_leaves(self.memory):
            flat = tree_map(lambda leaf: leaf.flatten(0, 1)[present.pick], self.memory)
            agent = Agent(theta.reshape(-1, theta.shape[-1]), self.own, flat)
            self.carried = self._call("begin", self._values(), self._servers(), agent)
        cap = float("inf") if self.cell.weight_cap is None else self.cell.weight_cap
        self.watch = Diagnostics(len(self.server.theta), cap)

    def _direction(self, theta: Tensor, draw: int) -> Tensor:
        """Local directions (G, n, d) of all who step, at theta (G, n, d)."""
        lanes = theta.reshape(-1, theta.shape[-1])
        server, agent, values = (
            self._servers(),
            Agent(lanes, self.own, self.carried),
            self._values(),
        )
        points = self._call("points", values, server, agent, self._alpha(draw))
        episodes = self.cell.episodes
        batches = [
            self._sample(point, f"training-{which}", draw, episodes, self.present)
            for which, point in enumerate(points)
        ]
        self.probe.log_weights.clear()

        def direct(lifted: dict[str, Tensor], *values: Any) -> Tensor:
            return self._algorithm(lifted).direction(self.gradients, *values)  # type: ignore[arg-type]

        found: Tensor = vmap(direct)(values, server, agent, *batches)
        found = self._limited(found, lanes)
        drift = (lanes - server.previous).reshape(theta.shape).numpy()
        self.watch.step(drift, found.reshape(theta.shape).numpy(), self.probe.log_weights)
        return found.reshape(theta.shape)

    def _limited(self, direction: Tensor, theta: Tensor) -> Tensor:
        """The tricks of a direction (L, d), each off unless the cell turns it on."""
        cell = self.cell
        if cell.weight_decay:
            direction = direction - cell.weight_decay * theta
        if cell.clip_value is not None:
            direction = direction.clamp(-cell.clip_value, cell.clip_value)
        if cell.clip_norm is not None:
            length = direction.norm(dim=-1, keepdim=True)
            direction = direction * (cell.clip_norm / length).clamp(max=1.0)
        return direction

    def _remember(self, theta: Tensor, direction: Tensor) -> None:
        if tree_leaves(self.carried):
            flat = theta.reshape(-1, theta.shape[-1])
            agent = Agent(flat, self.own, self.carried)
            moved = direction.reshape(flat.shape)
            self.carried = self._call("remember", self._values(), self._servers(), agent, moved)

    def _exchange(self, theta: Tensor, local_steps: int) -> None:
        """u_{r+1} = Σ_i w_i (θ_{r,K}^i - θ_r) / (ηK), θ_{r+1} = θ_r + λ u_{r+1}."""
        share = self.shrink * local_steps / self.cell.local_steps  # λ is stated for a whole round
        eta = self.step_size * self.shrink
        means = (theta - self.server.theta.unsqueeze(1)) / (eta * local_steps)
        message = self._finish_round(theta, means)
        if self.desk is not None:
            momentum = means[:, 0]
        else:
            flat = means.reshape(-1, means.shape[-1])
            heard = self._heard(flat, "update", self.round).reshape(means.shape)
            momentum = self._call("aggregate", self.lifted, heard, self._weights())
        present = torch.full_like(momentum[:, 0], self.members.each / self.agents)
        following = self.server.theta + (self.server_step * share) * momentum
        memory = self.server.memory
        if tree_leaves(memory):
            absorb = (self.server, momentum, message, present)
            memory = self._call("absorb", self.lifted, *absorb)
        kept = self.server.snapshot
        self.server = Server(following, self.server.theta, momentum, kept, memory)
        self.inside = self.watch.values(momentum.numpy(), means.numpy())
        self._charge(message)

    def _finish_round(self, theta: Tensor, means: Tensor) -> Any:
        """Agents' memories go home; the mean of their messages (G, …)."""
        if not tree_leaves(self.memory):
            return ()
        flat = (theta.reshape(-1, theta.shape[-1]), means.reshape(-1, means.shape[-1]))
        agent = Agent(flat[0], self.own, self.carried)
        kept, message = self._call("finish", self._values(), self._servers(), agent, flat[1])
        pick = self.present.pick

        def home(all_of_them: Tensor, new: Tensor) -> Tensor:
            rows = all_of_them.flatten(0, 1).clone()
            rows[pick] = new
            return rows.reshape(all_of_them.shape)

        self.memory = tree_map(home, self.memory, kept)
        if not tree_leaves(message):
            return ()
        shape = (len(self.server.theta), self.present.each)
        return tree_map(
            lambda leaf: vmap(weighted_mean)(
                self._heard(leaf, "message", self.round).reshape(*shape, *leaf.shape[1:]),
                self._weights(),
            ),
            message,
        )

    def _charge(self, message: Any) -> None:
        """Count what the round's agents sent and received: d numbers and what the values hold."""
        if not self.algorithm.federated:
            return
        d = self.policy.size
        up = d * (self.desk is None) + d * self.algorithm.snapshot
        up += sum(leaf[0].numel() for leaf in tree_leaves(message))
        down = d * (1 + self.algorithm.anchored)
        down += d * (self.algorithm.snapshot and self.desk is None)
        down += sum(leaf[0].numel() for leaf in tree_leaves(self.server.memory))
        self.ledger.sent(up * self.members.each, down * self.members.each)

    def _initial_momentum(self) -> None:
        """u_0: the mean over agents of a batch gradient at θ_0, or 0. Its samples are counted."""
        if not self.algorithm.anchored or self.cell.initial_momentum == "zero":
            return
        self.members = self.present = self.everyone
        theta = self.server.theta.unsqueeze(1).expand(-1, self.agents, -1)
        episodes = self.cell.initial_episodes
        batch = self._sample(theta, "initial-momentum", 0, episodes, self.everyone)
        plain = vmap(self.gradients.plain)(batch.behaviour, batch)
        heard = self._heard(plain, "initial-momentum", 0).reshape(theta.shape)
        momentum = self._call("aggregate", self.lifted, heard, self._weights())
        self.server = self.server._replace(momentum=momentum)
        self.ledger.sent(self.policy.size * self.agents, self.policy.size * self.agents)

    def _sample(
        self, theta: Tensor, purpose: str, draw: int, episodes: int, lanes: Lanes
    ) -> Trajectories:
        """Trajectories of the lanes, leading axis L, counted in the ledger; or their models."""
        points = theta.reshape(-1, theta.shape[-1])
        if self.cell.gradients == "exact":
            return models(lanes, points)  # type: ignore[return-value]
        acting = points
        attack = self.cell.attack
        if attack is not None and attack.kind == "random-action":
            acting = torch.where(self._byzantine(lanes), torch.zeros_like(points), points)
        played = lanes.sampler.sample(acting.numpy(), self._stream(purpose, draw, lanes), episodes)
        noise = self._stream(f"reward-noise-{purpose}", draw, lanes)
        played = noisy(self.cell.reward_noise, charged(self.cell.reward_cliff, played), noise)
        self.ledger.taken(played.length)
        if lanes is self.present and purpose.startswith("training"):
            self.latest = played if purpose == "training-0" else self.latest
            self.watch.sampled(played.log_prob, played.length)
        value = self.baseline.values(lanes.rows, played)
        return Trajectories(*(torch.from_numpy(part) for part in played), points, value)  # type: ignore[call-arg]

    def _heard(self, sent: Tensor, purpose: str, draw: int) -> Tensor:
        """What the server receives of the members' vectors (L, d)."""
        attack = self.cell.attack
        if attack is None:
            return sent
        stream = self._stream(f"attack-{purpose}", draw, self.members)
        noise = normal(stream, sent.shape[-1]).astype(self.dtype)
        return corrupted(attack, sent, self._byzantine(self.members), torch.from_numpy(noise))

    def _byzantine(self, lanes: Lanes) -> Tensor:
        """(L, 1) bool: the last agents of every federation."""
        assert self.cell.attack is not None
        from_here = self.cell.agents - self.cell.attack.agents
        byzantine = (lanes.agents >= from_here) & (lanes.agents < self.cell.agents)
        return torch.from_numpy(byzantine).unsqueeze(-1)

    def _weights(self) -> Tensor:
        """Weights of the members' contributions, summing to 1: (G, n)."""
        weights = torch.from_numpy(self.cell.shares[self.members.agents].astype(self.dtype))
        together = weights.reshape(-1, self.members.each)
        return together / together.sum(-1, keepdim=True)

    # --- evaluation -------------------------------------------------------------------------------

    def _evaluate(self, due: Array) -> None:
        """Add a point to the records of the active runs that are due."""
        scores = self._scores(self.server.theta.numpy())
        finite = np.all(np.isfinite(scores.objective), axis=1)
        agents, cell_shares = self.cell.agents, self.cell.shares
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
                    "floats_up": up / agents,
                    "floats_down": down / agents,
                    "objective": float(scores.objective[mine].reshape(-1) @ cell_shares),
                    "return": float(undiscounted @ cell_shares),
                    "return_worst": undiscounted.min(),
                    "return_best": undiscounted.max(),
                    "stationarity": scores.stationarity[mine].mean(),
                    "heterogeneity": scores.heterogeneity[mine].mean(),
                }
                | {PREFIX + name: values[mine].mean() for name, values in self.inside.items()}
            )
        if self.round > 0:
            self._drop(~finite & np.repeat(due, self.split))

    def _scores(self, theta: Array) -> Scores:
        stream = self._stream("evaluation", self.round)
        episodes = self.cell.evaluation_episodes
        cliff, shares = self.cell.reward_cliff, self.cell.shares
        weights = shares if self.split == 1 else np.ones(1)
        plain = self._slopes if self.cell.evaluation_gradients else None
        return evaluate(
            self.family, self.sampler, theta, stream, episodes, cliff, weights=weights, plain=plain
        )

    def _slopes(self, theta: Array, played: Episodes) -> Array:
        """Plain gradients (L, d) of evaluation episodes."""
        points = torch.from_numpy(theta)
        value = torch.zeros(played.reward.shape, dtype=points.dtype)
        parts = (torch.from_numpy(np.ascontiguousarray(part)) for part in played)
        batch = Trajectories(*parts, points, value)  # type: ignore[call-arg]
        return vmap(self.gradients.plain)(points, batch).numpy()

    def _constants(self, position: int) -> dict[str, Any]:
        """What a report measures a run against; the random policy has all parameters zero."""
        run, task = self.runs[position], self.tasks[position]
        agents = np.arange(self.cell.agents)
        keys = np.full(self.cell.agents, run.seed.key("random-policy"), np.uint64)
        policy = self.policy
        if isinstance(policy, Table):  # of a table that is π or Q, zeros are no policy
            policy = TabularSoftmax(policy.states, policy.actions)
        sampler = Sampler(self.family, policy, task, self.threads)
        theta = np.zeros((1, policy.size), self.dtype)
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
        weighted, caveat = task, self.cell.caveat
        if self.cell.agent_weights is not None and isinstance(self.family, Tabular):
            scale = (self.cell.shares * self.cell.agents)[:, None, None]
            weighted = task._replace(reward=task.reward * scale)
        elif self.cell.agent_weights is not None:
            caveat += ", of equal weights"
        reference = self.family.reference(weighted)
        return {
            "metric": metric,
            "random": float(random.reshape(-1) @ self.cell.shares),
            "reference": np.nan if reference is None else reference.value,
            "reference_meaning": "" if reference is None else reference.meaning + caveat,
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
        rows = torch.from_numpy(keep)
        agents = (keep[:, None] * self.agents + np.arange(self.agents)).reshape(-1)
        self.server = tree_map(lambda part: part[rows], self.server)
        self.memory = tree_map(lambda part: part[rows], self.memory)
        self.baseline = self.baseline.holding(self.baseline.coefficients[agents])
        self.inside = {name: values[keep] for name, values in self.inside.items()}
        self.ledger = Ledger(*(part[keep] for part in self.ledger))
        self.lifted = {name: value[torch.from_numpy(keep)] for name, value in self.lifted.items()}
        self._point_at()

    def _point_at(self) -> None:
        """Everything that follows from which runs are active."""
        if not self.active:
            return
        self.step_size = self.lifted["step_size"].reshape(-1, 1, 1)
        self.server_step = self.lifted["server_step"].reshape(-1, 1)
        self._keys: dict[str, Array] = {}
        count, agents = len(self.active), self.cell.agents
        task = joined([self._task(position) for position in self.active])
        sampler = Sampler(self.family, self.policy, task, self.threads)
        rows = np.arange(count * agents)
        self.everyone = Lanes(sampler, rows // self.agents, rows % agents, rows, self.agents)
        self.desk = self._server_lanes() if self.algorithm.stepper == "server" else None
        self._gather(self.round)

    def _server_lanes(self) -> Lanes:
        """The server steps in an MDP of its own, the family's without heterogeneity."""
        tasks = [
            self.family.sample(1, 0.0, self.runs[position].seed.generator("environment"))
            for position in self.active
        ]
        sampler = Sampler(self.family, self.policy, joined(tasks), self.threads)
        rows = np.arange(len(tasks))
        return Lanes(sampler, rows, np.full(len(tasks), self.cell.agents), rows, 1)

    @property
    def sampler(self) -> Sampler:
        """Of all agents of all active runs."""
        return self.everyone.sampler

    def _call(self, method: str, lifted: dict[str, Tensor], *values: Any) -> Any:
        """A method of the algorithm, lifted over the leading axis of `lifted` and all values."""

        def call(lifted: dict[str, Tensor], *values: Any) -> Any:
            return getattr(self._algorithm(lifted), method)(*values)

        return vmap(call)(lifted, *values)

    def _values(self) -> dict[str, Tensor]:
        """Hyperparameters of all who step, (L,) each."""
        pick = torch.from_numpy(self.present.federation)
        return {name: value[pick] for name, value in self.lifted.items()}

    def _servers(self) -> Server:
        """What all who step have heard from their server, with leading axis L."""
        pick = torch.from_numpy(self.present.federation)
        return tree_map(lambda part: part[pick], self.server)  # type: ignore[no-any-return]

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

    def _key(self, position: int, purpose: str) -> int:
        return self.runs[position].seed.key(purpose)

    def _stream(self, purpose: str, draw: int, lanes: Lanes | None = None) -> Stream:
        """Random numbers of these lanes, of everyone by default."""
        lanes = self.everyone if lanes is None else lanes
        if purpose not in self._keys:
            keys = [self._key(position, purpose) for position in self.active]
            self._keys[purpose] = np.array(keys, np.uint64)
        return Stream(self._keys[purpose][lanes.federation // self.split], lanes.agents, draw)

    def _alpha(self, draw: int) -> Tensor:
        """One uniform number for each who steps: (L,)."""
        stream = self._stream("interpolation", draw, self.present)
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
