"""The federated loop: any algorithm, any family, a batch of runs at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_leaves, tree_map

from fedrl.algorithms import Agent, Server, Trajectories
from fedrl.algorithms.algorithm import weighted_mean
from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.training.attacks import corrupted, normal
from fedrl.benchmark.training.batch import Batch
from fedrl.benchmark.training.diagnostics import Diagnostics
from fedrl.benchmark.training.disturbance import charged, noisy
from fedrl.benchmark.training.experience import models
from fedrl.benchmark.training.lanes import Lanes
from fedrl.benchmark.training.record import RunResult, RunState
from fedrl.benchmark.training.resumption import resume, state_of
from fedrl.benchmark.training.scoring import constants, evaluate_due

SAVE_EVERY = 5.0  # s of work between two states of a run


def train(
    runs: Sequence[Run],
    threads: int = 1,
    on_round: Callable[[int, int], None] | None = None,
    states: Sequence[RunState | None] | None = None,
    on_state: Callable[[Run, RunState], None] | None = None,
) -> list[RunResult]:
    """Train all runs, which must share `config.program`; results come in the order of `runs`.

    A run ends after `config.rounds` rounds, or with the round that spends `config.budget`.
    `on_round(done, total)` is called after every round. A run whose parameters or scores become
    non-finite is recorded as diverged in that round and leaves the batch; the others go on.

    `on_state(run, state)` is called for the runs of the batch every few seconds of work. Training
    goes on from such `states`, None for a run that has not begun; unfinished ones must be at the
    same round. The results are the same bits as without an interruption.
    """
    # A diverging run overflows on its way to being recorded: that deserves no warning.
    with torch.no_grad(), np.errstate(all="ignore"):
        return Federation(runs, threads, states).train(on_round, on_state)


class Federation(Batch):
    """A batch that trains."""

    def __init__(
        self,
        runs: Sequence[Run],
        threads: int = 1,
        states: Sequence[RunState | None] | None = None,
    ) -> None:
        super().__init__(runs, threads)
        if states is not None:
            resume(self, states)
        self.point_at()
        self.drift()

    def train(
        self,
        on_round: Callable[[int, int], None] | None = None,
        on_state: Callable[[Run, RunState], None] | None = None,
    ) -> list[RunResult]:
        """Rounds until every run has ended; see the function `train`."""
        config = self.config
        fixed = [constants(self, position) for position in range(len(self.runs))]
        started = saved = time.perf_counter()
        if self.round == 0:
            evaluate_due(self, np.full(len(self.active), True))
            started = time.perf_counter()
            self._initial_momentum()
        while self.active and self.round < config.rounds:
            self._round(self.round)
            self.round += 1
            self.drift()
            for position in self.active:
                elapsed = time.perf_counter() - started
                self.records[position].clock += elapsed / len(self.active)
            before = list(self.active)
            self.drop(~torch.isfinite(self.server.theta).all(-1).numpy())
            everyone = self.round % config.evaluate_every == 0 or self.round == config.rounds
            due = everyone | (self.spent() >= 1)
            if due.any():
                evaluate_due(self, due)
            self.leave(self.spent() >= 1)
            if on_state is not None:
                everyone = time.perf_counter() - saved >= SAVE_EVERY
                for position in before:
                    if everyone or position not in self.active:  # who leaves is not lost either
                        on_state(self.runs[position], state_of(self, position))
                saved = time.perf_counter() if everyone else saved
            if on_round is not None:
                share = max(self.round / config.rounds, min(self.spent(), default=1.0))
                on_round(min(round(share * config.rounds), config.rounds), config.rounds)
            started = time.perf_counter()
        self.retire(range(len(self.active)))
        return [
            record.result(values, self.finals[position])
            for position, (record, values) in enumerate(zip(self.records, fixed, strict=True))
        ]

    def _initial_momentum(self) -> None:
        """u_0: the mean over agents of a batch gradient at θ_0, or 0. Its samples are counted."""
        if not self.algorithm.uses_global_momentum or self.config.initial_momentum == "zero":
            return
        self.members = self.present = self.everyone
        theta = self.server.theta.unsqueeze(1).expand(-1, self.agents, -1)
        episodes = self.config.initial_episodes
        batch = self._sample(theta, "initial-momentum", 0, episodes, self.everyone)
        plain = vmap(self.gradients.plain)(batch.behaviour, batch)
        heard = self._heard(plain, "initial-momentum", 0).reshape(theta.shape)
        momentum = self.call("aggregate", self.lifted, heard, self.weights())
        self.server = self.server._replace(momentum=momentum)
        self.ledger.sent(self.policy.size * self.agents, self.policy.size * self.agents)

    def _round(self, number: int) -> None:
        config, algorithm = self.config, self.algorithm
        local_steps = 1 if algorithm.synchronous else config.local_steps
        self.shrink = config.step_decay**number
        self.gather(number)
        for exchange in range(config.local_steps // local_steps):
            first = number * config.local_steps + exchange
            self._begin(first)
            theta = self.server.theta.unsqueeze(1).expand(-1, self.present.each, -1)
            for k in range(local_steps):
                direction = self._direction(theta, first + k)
                self._remember(theta, direction)
                eta = self.step_size * self.shrink
                theta = self.policy.project(theta + eta * direction)
            self._exchange(theta, local_steps)
        if self.latest is not None and algorithm.update_site == "agents":
            self.baseline = self.baseline.fitted(self.present.rows, self.latest)

    def _begin(self, draw: int) -> None:
        """The snapshot, if the algorithm takes one, and the agents' memories for this round."""
        members, present = self.members, self.present
        theta = self.server.theta.unsqueeze(1).expand(-1, members.each, -1)
        self.own = torch.zeros_like(self.server.theta[torch.from_numpy(present.federation)])
        if self.algorithm.snapshot:
            batch = self._sample(theta, "snapshot", draw, self.config.snapshot_episodes, members)
            own = vmap(self.gradients.plain)(batch.behaviour, batch)
            heard = self._heard(own, "snapshot", draw)
            together = heard.reshape(theta.shape)
            snapshot = self.call("aggregate", self.lifted, together, self.weights())
            self.server = self.server._replace(snapshot=snapshot)
            if present is members:
                self.own = own
        self.carried = ()
        if tree_leaves(self.memory):
            flat = tree_map(lambda leaf: leaf.flatten(0, 1)[present.pick], self.memory)
            agent = Agent(theta.reshape(-1, theta.shape[-1]), self.own, flat)
            self.carried = self.call("begin", self.values(), self.servers(), agent)
        cap = float("inf") if self.config.weight_cap is None else self.config.weight_cap
        self.watch = Diagnostics(len(self.server.theta), cap)

    def _direction(self, theta: Tensor, draw: int) -> Tensor:
        """Local directions (G, n, d) of all who step, at theta (G, n, d)."""
        lanes = theta.reshape(-1, theta.shape[-1])
        server, agent, values = (
            self.servers(),
            Agent(lanes, self.own, self.carried),
            self.values(),
        )
        points = self.call("behaviour_parameters", values, server, agent, self.alpha(draw))
        episodes = self.config.episodes
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
        """The tricks of a direction (L, d), each off unless the configuration turns it on."""
        config = self.config
        if config.weight_decay:
            direction = direction - config.weight_decay * theta
        if config.clip_value is not None:
            direction = direction.clamp(-config.clip_value, config.clip_value)
        if config.clip_norm is not None:
            length = direction.norm(dim=-1, keepdim=True)
            direction = direction * (config.clip_norm / length).clamp(max=1.0)
        return direction

    def _remember(self, theta: Tensor, direction: Tensor) -> None:
        if tree_leaves(self.carried):
            flat = theta.reshape(-1, theta.shape[-1])
            agent = Agent(flat, self.own, self.carried)
            moved = direction.reshape(flat.shape)
            self.carried = self.call("remember", self.values(), self.servers(), agent, moved)

    def _exchange(self, theta: Tensor, local_steps: int) -> None:
        """u_{r+1} = Σ_i w_i (θ_{r,K}^i - θ_r) / (ηK), θ_{r+1} = θ_r + λ u_{r+1}."""
        share = self.shrink * local_steps / self.config.local_steps  # λ is stated for a whole round
        eta = self.step_size * self.shrink
        means = (theta - self.server.theta.unsqueeze(1)) / (eta * local_steps)
        message = self._finish_round(theta, means)
        if self.desk is not None:
            momentum = means[:, 0]
        else:
            flat = means.reshape(-1, means.shape[-1])
            heard = self._heard(flat, "update", self.round).reshape(means.shape)
            momentum = self.call("aggregate", self.lifted, heard, self.weights())
        present = torch.full_like(momentum[:, 0], self.members.each / self.agents)
        following = self.server.theta + (self.server_step * share) * momentum
        memory = self.server.memory
        if tree_leaves(memory):
            absorb = (self.server, momentum, message, present)
            memory = self.call("absorb", self.lifted, *absorb)
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
        kept, message = self.call("finish", self.values(), self.servers(), agent, flat[1])
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
                self.weights(),
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
        down = d * (1 + self.algorithm.uses_global_momentum)
        down += d * (self.algorithm.snapshot and self.desk is None)
        down += sum(leaf[0].numel() for leaf in tree_leaves(self.server.memory))
        self.ledger.sent(up * self.members.each, down * self.members.each)

    def _sample(
        self, theta: Tensor, purpose: str, draw: int, episodes: int, lanes: Lanes
    ) -> Trajectories:
        """Trajectories of the lanes, leading axis L, counted in the ledger; or their models."""
        points = theta.reshape(-1, theta.shape[-1])
        if self.config.gradients == "exact":
            return models(lanes, points)  # type: ignore[return-value]
        acting = points
        attack = self.config.attack
        if attack is not None and attack.kind == "random-action":
            acting = torch.where(self._byzantine(lanes), torch.zeros_like(points), points)
        played = lanes.sampler.sample(acting.numpy(), self.stream(purpose, draw, lanes), episodes)
        noise = self.stream(f"reward-noise-{purpose}", draw, lanes)
        played = noisy(self.config.reward_noise, charged(self.config.reward_cliff, played), noise)
        self.ledger.taken(played.length)
        if lanes is self.present and purpose.startswith("training"):
            self.latest = played if purpose == "training-0" else self.latest
            self.watch.sampled(played.log_prob, played.length)
        value = self.baseline.values(lanes.rows, played)
        return Trajectories(*(torch.from_numpy(part) for part in played), points, value)  # type: ignore[call-arg]

    def _heard(self, sent: Tensor, purpose: str, draw: int) -> Tensor:
        """What the server receives of the members' vectors (L, d)."""
        attack = self.config.attack
        if attack is None:
            return sent
        stream = self.stream(f"attack-{purpose}", draw, self.members)
        noise = normal(stream, sent.shape[-1]).astype(self.dtype)
        return corrupted(attack, sent, self._byzantine(self.members), torch.from_numpy(noise))

    def _byzantine(self, lanes: Lanes) -> Tensor:
        """(L, 1) bool: the last agents of every federation."""
        assert self.config.attack is not None
        from_here = self.config.agents - self.config.attack.agents
        byzantine = (lanes.agents >= from_here) & (lanes.agents < self.config.agents)
        return torch.from_numpy(byzantine).unsqueeze(-1)
