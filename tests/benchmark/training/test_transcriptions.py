"""Every algorithm against its own pseudocode, transcribed in plain loops over agents and steps.

Only the sampled trajectories (and the uniform α) are shared with the implementation; gradients,
weights, Hessians, filters and planning are written out again, in NumPy and for 3 states and
2 actions. Three local steps, so that what an agent carries along is carried more than once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from test_algorithms import PAPER, run

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.rounds.round import start
from fedrl.benchmark.training.rounds.sampling import interpolation, shuffles

Z, A, N, K, ROUNDS, T = 3, 2, 3, 3, 30, 6
ETA, LAMBDA = 0.2, 0.5  # λ is not ηK, so that the server's step is seen
B, SNAPSHOT = 2, 3  # episodes

Vector = np.ndarray


class Tau(NamedTuple):
    """One episode."""

    state: Vector  # (T,)
    action: Vector  # (T,)
    reward: Vector  # (T,)
    final: int  # the state after the last step


# --- estimators -----------------------------------------------------------------------------------


def table(theta):
    powers = np.exp(theta.reshape(Z, A))
    return powers / powers.sum(1, keepdims=True)


def score(theta, s, a):
    """∇ log π_θ(a|s)."""
    out = np.zeros((Z, A))
    out[s] = -table(theta)[s]
    out[s, a] += 1
    return out.ravel()


def gradient(taus, theta, gamma):
    """g(θ), the mean over episodes of Σ_h (Σ_{j≥h} γ^j R_j) ∇ log π(a_h|s_h)."""
    total, p, powers = np.zeros((Z, A)), table(theta), gamma ** np.arange(T)
    for tau in taus:
        for h, (s, a) in enumerate(zip(tau.state, tau.action, strict=True)):
            to_go = powers[h:] @ tau.reward[h:]
            total[s] -= to_go * p[s]
            total[s, a] += to_go
    return total.ravel() / len(taus)


def weight(tau, theta, sampled):
    """Π_h π_θ(a_h|s_h) / π_θ'(a_h|s_h)."""
    return np.prod(table(theta)[tau.state, tau.action] / table(sampled)[tau.state, tau.action])


def reweighted(taus, theta, sampled, gamma):
    """Mean of w(θ | θ') g(θ) over episodes sampled at θ'."""
    parts = [weight(tau, theta, sampled) * gradient([tau], theta, gamma) for tau in taus]
    return sum(parts) / len(taus)


def hessian(taus, theta, v, gamma):
    """Mean of ⟨∇log p(τ), v⟩ g(τ) + ∇²Φ(τ) v, with dense second derivatives of log π."""
    total = np.zeros(Z * A)
    for tau in taus:
        whole = sum(score(theta, s, a) for s, a in zip(tau.state, tau.action, strict=True))
        total += (whole @ v) * gradient([tau], theta, gamma)
        for h in range(T):
            to_go = sum(gamma**j * tau.reward[j] for j in range(h, T))
            s, p = tau.state[h], table(theta)[tau.state[h]]
            second = -(np.diag(p) - np.outer(p, p))
            total[s * A : s * A + A] += to_go * second @ v[s * A : s * A + A]
    return total / len(taus)


# --- what is shared -------------------------------------------------------------------------------


class World:
    """The sampler of a run, its discount and, where they are known, its models."""

    def __init__(self, run: Run) -> None:
        self.program, _, self.roster = start([run])
        self.gamma = self.program.family.discount
        task = self.program.tasks[0]
        self.kernel, self.reward, self.start = task.kernel, task.reward, task.start
        self.numbers = {}  # of a generative model, by draw and agent

    def sample(self, theta, i, draw, purpose="training-0", episodes=B):
        lanes = self.roster.all_agents
        stream = lanes.stream(self.program, purpose, draw)
        return taus(lanes.sampler.sample(np.repeat(theta[None], N, axis=0), stream, episodes), i)

    def draw(self, i, draw, b, s, a):
        """Reward and successor of (s, a) in draw b of agent i, from the number that is its own."""
        if (draw, i) not in self.numbers:
            keys, agents, _ = self.roster.all_agents.stream(self.program, "training-0", draw)
            out = np.empty((1, B * Z * A))
            uniform_lanes(out, keys[i : i + 1], agents[i : i + 1], draw, 1, 0)
            self.numbers[draw, i] = out.reshape(B, Z, A)
        reached = np.cumsum(self.kernel[i, s, a])
        after = min(np.searchsorted(reached, self.numbers[draw, i][b, s, a], "right"), Z - 1)
        return self.reward[i, s, a], after

    def sample_at_server(self, theta, draw):
        lanes = self.roster.server_lanes
        stream = lanes.stream(self.program, "training-0", draw)
        return taus(lanes.sampler.sample(theta[None], stream, B), 0)

    def snapshots(self, theta, r):
        """Every agent's batch gradient at θ_r."""
        return [
            gradient(self.sample(theta, i, r * K, "snapshot", SNAPSHOT), theta, self.gamma)
            for i in range(N)
        ]

    def alpha(self, i, draw):
        return interpolation(self.program, self.roster.all_agents, draw)[i].item()

    def order(self, i, draw, epoch):
        """Fisher and Yates, from the last place to the first."""
        numbers = shuffles(self.program, self.roster.all_agents, draw)[i, epoch]
        order = list(range(B * T))
        for place in range(B * T - 1, 0, -1):
            other = int(numbers[place] * (place + 1))
            order[place], order[other] = order[other], order[place]
        return order


def taus(played, lane):
    state, action = played.observation[lane, :, :, 0], played.action[lane, :, :, 0]
    reward, final = played.reward[lane], played.final[lane, :, 0]
    assert (played.length[lane] == T).all()
    assert not played.terminated[lane].any()
    return [
        Tau(s.astype(int), a.astype(int), r, int(f))
        for s, a, r, f in zip(state, action, reward, final, strict=True)
    ]


def averaged(theta, locals_):
    """θ_{r+1} = θ_r + λ/(ηK) · mean_i (θ_{r,K}^i - θ_r)."""
    return theta + LAMBDA / (ETA * K) * (sum(locals_) / N - theta)


TRANSCRIBED: dict[str, tuple[Callable[..., Vector], dict[str, float]]] = {}


def transcribes(name, **hyperparameters):
    """Under which name the pseudocode is registered, and with which hyperparameters it is run."""

    def entry(function):
        TRANSCRIBED[name] = (function, hyperparameters)
        return function

    return entry


# --- averaging ------------------------------------------------------------------------------------


@transcribes("fedpg")
def fedpg(w):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                x = x + ETA * gradient(w.sample(x, i, r * K + k), x, w.gamma)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("independent-pg")
def independent_pg(w):
    ends = []
    for i in range(N):
        theta = np.zeros(Z * A)
        for r in range(ROUNDS):
            x = theta
            for k in range(K):
                x = x + ETA * gradient(w.sample(x, i, r * K + k), x, w.gamma)
            theta = theta + LAMBDA / (ETA * K) * (x - theta)
        ends.append(theta)
    return np.stack(ends)


@transcribes("pooled-pg")
def pooled_pg(w):
    theta = np.zeros(Z * A)
    for t in range(ROUNDS * K):
        slopes = [gradient(w.sample(theta, i, t), theta, w.gamma) for i in range(N)]
        theta = theta + LAMBDA / K * sum(slopes) / N
    return theta


@transcribes("fedprox-pg", mu=0.7)
def fedprox_pg(w, mu):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                g = gradient(w.sample(x, i, r * K + k), x, w.gamma)
                x = x + ETA * (g - mu * (x - theta))
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("s-fedpg", temperature=0.1)
def s_fedpg(w, temperature):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                soft = [
                    tau._replace(
                        reward=tau.reward - temperature * np.log(table(x)[tau.state, tau.action])
                    )
                    for tau in w.sample(x, i, r * K + k)
                ]
                x = x + ETA * gradient(soft, x, w.gamma)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("b-rs-fedpg", temperature=0.1)
def b_rs_fedpg(w, temperature):
    """Two actions are one bit: both of its logits, as the published code has them."""
    both = np.zeros((Z, 2))
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = both.copy()
            for k in range(K):
                p, move = table(x.ravel()), np.zeros((Z, 2))
                theta = np.stack([np.zeros(Z), x[:, 1] - x[:, 0]], axis=1)
                for tau in w.sample(theta.ravel(), i, r * K + k):
                    so_far = np.zeros((Z, 2))
                    for h in range(T):
                        s, a = tau.state[h], tau.action[h]
                        so_far[s] -= p[s]
                        so_far[s, a] += 1
                        reward = tau.reward[h] - temperature * np.log(p[s, a])
                        move += w.gamma**h * so_far * reward / B
                x = x + ETA * move
            ends.append(x)
        both = averaged(both, ends)
    return np.stack([np.zeros(Z), both[:, 1] - both[:, 0]], axis=1).ravel()


@transcribes("fednpg", damping=0.5)
def fednpg(w, damping):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                fisher = np.zeros((Z * A, Z * A))
                for tau in batch:
                    for s, a in zip(tau.state, tau.action, strict=True):
                        fisher += np.outer(score(x, s, a), score(x, s, a)) / (B * T)
                matrix = fisher + damping * np.eye(Z * A)
                x = x + ETA * np.linalg.solve(matrix, gradient(batch, x, w.gamma))
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


# --- variance reduction ---------------------------------------------------------------------------


@transcribes("fedsvrpg")
def fedsvrpg(w):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        mu = sum(w.snapshots(theta, r)) / N
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                stale = reweighted(batch, theta, x, w.gamma)
                x = x + ETA * (mu + gradient(batch, x, w.gamma) - stale)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("fedhapg")
def fedhapg(w):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        mu = sum(w.snapshots(theta, r)) / N
        ends = []
        for i in range(N):
            path = [theta]
            u = mu
            for k in range(K):
                x, before = path[-1], path[max(k - 1, 0)]
                alpha = w.alpha(i, r * K + k)
                between = alpha * x + (1 - alpha) * before
                batch = w.sample(between, i, r * K + k)
                u = u + hessian(batch, between, x - before, w.gamma)
                path.append(x + ETA * u)
            ends.append(path[-1])
        theta = averaged(theta, ends)
    return theta


@transcribes("is-mbpg", beta=0.3)
def is_mbpg(w, beta):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x, before, u = theta, None, None
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                g = gradient(batch, x, w.gamma)
                if k == 0:
                    u = g
                else:
                    stale = reweighted(batch, before, x, w.gamma)
                    u = beta * g + (1 - beta) * (u + g - stale)
                before, x = x, x + ETA * u
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("ha-mbpg", beta=0.3)
def ha_mbpg(w, beta):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            u = gradient(w.sample(theta, i, r * K), theta, w.gamma)
            before, x = theta, theta + ETA * u
            for k in range(1, K):
                alpha = w.alpha(i, r * K + k)
                between = alpha * x + (1 - alpha) * before
                batch = w.sample(between, i, r * K + k)
                g = reweighted(batch, x, between, w.gamma)
                change = hessian(batch, between, x - before, w.gamma)
                u = beta * g + (1 - beta) * (u + change)
                before, x = x, x + ETA * u
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("n-harpg", beta=0.3)
def n_harpg(w, beta):
    theta = np.zeros(Z * A)
    d, before = np.zeros((N, Z * A)), np.zeros((N, Z * A))
    for r in range(ROUNDS):
        moved = np.zeros(Z * A)
        for i in range(N):
            x = theta
            for k in range(K):
                draw = r * K + k
                between = before[i] + w.alpha(i, draw) * (x - before[i])
                g = gradient(w.sample(x, i, draw), x, w.gamma)
                taus = w.sample(between, i, draw, "training-1")
                change = hessian(taus, between, x - before[i], w.gamma)
                d[i] = beta * g + (1 - beta) * (d[i] + change)
                before[i], x = x, x + ETA * d[i]
            moved += (x - theta) / (ETA * K) / N
        theta = theta + LAMBDA * moved / np.linalg.norm(moved)
    return theta


def normalised(w, beta, estimates):
    """Of x, θ_{r-1}, agent and draw, `estimates` are those of ∇J and of its change."""
    theta = previous = c = m = np.zeros(Z * A)
    own = [np.zeros(Z * A)] * N
    for r in range(ROUNDS):
        ends, seen = [], []
        for i in range(N):
            x, fresh = theta, []
            for k in range(K):
                g, change = estimates(x, previous, i, r * K + k)
                v = beta * (g - own[i] + c) + (1 - beta) * (m + change)
                x = x + ETA * v / np.linalg.norm(v)
                fresh.append(g)
            ends.append(x)
            seen.append(sum(fresh) / K)
        # All agents take part: c before the round and the mean change of c_i sum to their mean.
        m, c, own = beta * sum(seen) / N + (1 - beta) * m, sum(seen) / N, seen
        theta, previous = averaged(theta, ends), theta
    return theta


@transcribes("pfedpg-vr", beta=0.3)
def pfedpg_vr(w, beta):
    def estimates(x, previous, i, draw):
        batch = w.sample(x, i, draw)
        g = gradient(batch, x, w.gamma)
        return g, g - reweighted(batch, previous, x, w.gamma)

    return normalised(w, beta, estimates)


@transcribes("pfedpg-ha", beta=0.3)
def pfedpg_ha(w, beta):
    def estimates(x, previous, i, draw):
        between = previous + w.alpha(i, draw) * (x - previous)
        batch = w.sample(between, i, draw)
        g = reweighted(batch, x, between, w.gamma)
        return g, hessian(batch, between, x - previous, w.gamma)

    return normalised(w, beta, estimates)


@transcribes("mfpo", beta=0.3)
def mfpo(w, beta):
    theta, mean = np.zeros(Z * A), None
    before = [None] * N
    for r in range(ROUNDS):
        ends, momenta = [], []
        for i in range(N):
            x, u = theta, mean
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                g = gradient(batch, x, w.gamma)
                if u is None:
                    u = g
                else:
                    u = g + (1 - beta) * (u - reweighted(batch, before[i], x, w.gamma))
                before[i], x = x, x + ETA * u
            ends.append(x)
            momenta.append(u)
        theta, mean = averaged(theta, ends), sum(momenta) / N
    return theta


# --- drift correction -----------------------------------------------------------------------------


@transcribes("scaffold-pg")
def scaffold_pg(w):
    theta, c, own = np.zeros(Z * A), np.zeros(Z * A), [np.zeros(Z * A)] * N
    for r in range(ROUNDS):
        ends, fresh = [], []
        for i in range(N):
            x, seen = theta, []
            for k in range(K):
                seen.append(gradient(w.sample(x, i, r * K + k), x, w.gamma))
                x = x + ETA * (seen[-1] - own[i] + c)
            ends.append(x)
            fresh.append(sum(seen) / K)  # option II: the mean gradient of the round
        theta, own, c = averaged(theta, ends), fresh, sum(fresh) / N
    return theta


@transcribes("fast-fedpg")
def fast_fedpg(w):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        each = w.snapshots(theta, r)
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                g = gradient(w.sample(x, i, r * K + k), x, w.gamma)
                x = x + ETA * (g - each[i] + sum(each) / N)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("mime-pg", beta=0.3)
def mime_pg(w, beta):
    theta, m = np.zeros(Z * A), np.zeros(Z * A)
    for r in range(ROUNDS):
        mu = sum(w.snapshots(theta, r)) / N
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                corrected = gradient(batch, x, w.gamma) - reweighted(batch, theta, x, w.gamma) + mu
                x = x + ETA * (beta * corrected + (1 - beta) * m)
            ends.append(x)
        theta, m = averaged(theta, ends), beta * mu + (1 - beta) * m
    return theta


# --- Byzantine agents -----------------------------------------------------------------------------


def trusted(vectors, sigma, tightness, alpha):
    """Fan et al. 2021, Algorithm 1.1: the agents whose gradients are kept."""
    for radius in (2 * sigma * tightness, 2 * sigma):
        central = []
        for i in range(N):
            close = [j for j in range(N) if np.linalg.norm(vectors[j] - vectors[i]) <= radius]
            if len(close) > N / 2:
                central.append(i)
        if central:
            mean = sum(vectors[i] for i in central) / len(central)
            offsets = {i: np.linalg.norm(vectors[i] - mean) for i in central}
        else:
            offsets = {i: sum(np.linalg.norm(vectors[i] - v) for v in vectors) for i in range(N)}
        median = min(offsets, key=offsets.get)
        kept = [j for j in range(N) if np.linalg.norm(vectors[j] - vectors[median]) <= radius]
        if len(kept) >= (1 - alpha) * N:
            break
    return kept


@transcribes("fedpg-br", sigma=0.8, tightness=0.6, alpha=0.4)
def fedpg_br(w, sigma, tightness, alpha):
    theta, seen = np.zeros(Z * A), set()
    for r in range(ROUNDS):
        each = w.snapshots(theta, r)
        kept = trusted(each, sigma, tightness, alpha)
        seen.add(len(kept))
        mu = sum(each[i] for i in kept) / len(kept)
        x = theta
        for k in range(K):
            batch = w.sample_at_server(x, r * K + k)
            stale = reweighted(batch, theta, x, w.gamma)
            x = x + ETA * (gradient(batch, x, w.gamma) - stale + mu)
        theta = theta + LAMBDA / (ETA * K) * (x - theta)
    assert len(seen) > 1  # the filter did filter, and not always
    return theta


@transcribes("fednigt", alpha=0.4)
def fednigt(w, alpha):
    theta = previous = mean = np.zeros(Z * A)
    for r in range(ROUNDS):
        ahead, ends = (1 - alpha) / alpha * (theta - previous), []
        for i in range(N):
            x = theta
            for k in range(K):
                x = x + ETA * gradient(w.sample(x + ahead, i, r * K + k), x + ahead, w.gamma)
            ends.append(x)
        mean = (1 - alpha) * mean + alpha * (sum(ends) / N - theta) / (ETA * K)
        theta, previous = theta + LAMBDA * mean / np.linalg.norm(mean), theta
    return theta


@transcribes("afedpg", alpha=0.4)
def afedpg(w, alpha):
    """Agents that are as fast as each other arrive in turn; test_clock.py has others."""
    theta = previous = mean = np.zeros(Z * A)
    told = [(theta, previous)] * N
    for r in range(ROUNDS):
        i = r % N
        start, before = told[i]
        ahead, x = (1 - alpha) / alpha * (start - before), start
        for k in range(K):
            x = x + ETA * gradient(w.sample(x + ahead, i, r * K + k), x + ahead, w.gamma)
        mean = (1 - alpha) * mean + alpha * (x - start) / (ETA * K)
        theta, previous = theta + LAMBDA * mean / np.linalg.norm(mean), theta
        told[i] = (theta, previous)
    return theta


def arrivals(w, alpha, needed):
    """Agents that are as fast as each other: the order of arrivals, and who is told when.

    `needed(directions)` of every agent's since the last step: what the server takes, or None.
    """
    theta = previous = mean = np.zeros(Z * A)
    due, r = [1.0] * N, 0
    directions = [[] for _ in range(N)]
    while r < ROUNDS:
        i = int(np.argmin(due))
        ahead, x = (1 - alpha) / alpha * (theta - previous), theta
        for k in range(K):
            x = x + ETA * gradient(w.sample(x + ahead, i, r * K + k), x + ahead, w.gamma)
        directions[i].append((x - theta) / (ETA * K))
        due[i] += 1
        taken = needed(directions)
        if taken is not None:
            mean = (1 - alpha) * mean + alpha * taken
            theta, previous = theta + LAMBDA * mean / np.linalg.norm(mean), theta
            directions = [[] for _ in range(N)]
            due = [due[i]] * N  # they stop and begin anew
        r += 1
    return theta


@transcribes("rennala-nigt", alpha=0.4, gathered=5)
def rennala_nigt(w, alpha, gathered):
    def needed(directions):
        every = [one for own in directions for one in own]
        return sum(every) / gathered if len(every) == gathered else None

    return arrivals(w, alpha, needed)


@transcribes("malenia-nigt", alpha=0.4, gathered=5)
def malenia_nigt(w, alpha, gathered):
    def needed(directions):
        counts = [len(own) for own in directions]
        enough = min(counts) > 0 and N / sum(1 / c for c in counts) >= gathered / N - 1e-9
        return sum(sum(own) / len(own) for own in directions) / N if enough else None

    return arrivals(w, alpha, needed)


@transcribes("tilted-pg", tilt=2.0)
def tilted_pg(w, tilt):
    theta, values = np.zeros(Z * A), np.zeros(N)
    for r in range(ROUNDS):
        e, earned, moved = np.exp(np.minimum(-tilt * (values - values.mean()), 3)), np.zeros(N), 0
        for i in range(N):
            x = theta
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                earned[i] += sum(w.gamma ** np.arange(T) @ tau.reward for tau in batch) / B / K
                x = x + ETA * e[i] * gradient(batch, x, w.gamma)
            moved = moved + (x - theta) / (ETA * K) / N
        theta, values = theta + LAMBDA * moved / e.mean(), earned
    return theta


@transcribes("agnostic-pg", weight_step=0.8)
def agnostic_pg(w, weight_step):
    theta, mixture = np.zeros(Z * A), np.full(N, 1 / N)
    values = None
    for r in range(ROUNDS):
        grown = np.ones(N)  # by how much each weight grows before they are normalised
        if values is not None:
            grown = np.exp(np.minimum(weight_step * (values.mean() - values), 3))
        e, earned, moved = N * mixture * grown, np.zeros(N), 0
        for i in range(N):
            x = theta
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                earned[i] += sum(w.gamma ** np.arange(T) @ tau.reward for tau in batch) / B / K
                x = x + ETA * e[i] * gradient(batch, x, w.gamma)
            moved = moved + (x - theta) / (ETA * K) / N
        mixture = mixture * grown / (mixture * grown).sum()
        theta, values = theta + LAMBDA * moved / e.mean(), earned
    assert mixture.max() > 1.4 / N  # the adversary has chosen
    return theta


@transcribes("fedrep-pg", personal_share=0.5)
def fedrep_pg(w, personal_share):
    """Tables have no layers to keep; test_personal.py has networks."""
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                x = x + ETA * gradient(w.sample(x, i, r * K + k), x, w.gamma)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


@transcribes("ditto-pg", mu=0.3)
def ditto_pg(w, mu):
    theta, copies = np.zeros(Z * A), np.zeros((N, Z * A))
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                draw = r * K + k
                own = gradient(w.sample(copies[i], i, draw, "training-1"), copies[i], w.gamma)
                copies[i] = copies[i] + ETA * (own - mu * (copies[i] - theta))
                x = x + ETA * gradient(w.sample(x, i, draw), x, w.gamma)
            ends.append(x)
        theta = averaged(theta, ends)
    return copies


@transcribes("fedhpd", weight=2.0, passes=3)
def fedhpd(w, weight, passes):
    logits, shown = np.zeros((N, Z * A)), np.full((Z, A), 1 / A)
    for r in range(ROUNDS):
        for i in range(N):
            for k in range(K):
                batch = w.sample(logits[i], i, r * K + k)
                logits[i] = logits[i] + ETA * gradient(batch, logits[i], w.gamma)
                for _ in range(passes if k == 0 else 0):
                    logits[i] += ETA * weight * (shown - table(logits[i])).ravel() / Z
        mean = sum(table(v) for v in logits) / N
        shown = shown + LAMBDA / (ETA * K) * (mean - shown)
    return logits


def test_without_a_divergence_fedhpd_learns_alone():
    """What others show changes nothing then; with one it does."""
    alone, apart, together = (
        train([run(name, server_step_size=None, hyperparameters=values)])[0].parameters
        for name, values in (
            ("independent-pg", {}), ("fedhpd", {"weight": 0.0}), ("fedhpd", {"weight": 2.0}),
        )
    )  # fmt: skip
    np.testing.assert_allclose(apart, alone, rtol=0, atol=1e-12)
    assert np.abs(together - alone).max() > 1e-3


# --- values ---------------------------------------------------------------------------------------


@transcribes("qavg-sampled", temperature=0.5)
def qavg_sampled(w, temperature):
    q = np.zeros((Z, A))
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            mine = q
            for k in range(K):
                change = np.zeros((Z, A))
                for tau in w.sample(mine.ravel() / temperature, i, r * K + k):
                    for h in range(T - 1):
                        s, a, after = tau.state[h], tau.action[h], tau.state[h + 1]
                        target = tau.reward[h] + w.gamma * mine[after].max()
                        change[s, a] += (target - mine[s, a]) / B
                mine = mine + ETA * change
            ends.append(mine)
        q = averaged(q, ends)
    return q.ravel() / temperature


@transcribes("fedsarsa", temperature=0.5)
def fedsarsa(w, temperature):
    q = np.zeros((Z, A))
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            mine = q
            for k in range(K):
                change = np.zeros((Z, A))
                for tau in w.sample(mine.ravel() / temperature, i, r * K + k):
                    for h in range(T - 1):
                        s, a = tau.state[h], tau.action[h]
                        after = mine[tau.state[h + 1], tau.action[h + 1]]
                        change[s, a] += (tau.reward[h] + w.gamma * after - mine[s, a]) / B
                mine = mine + ETA * change
            ends.append(mine)
        q = averaged(q, ends)
    return q.ravel() / temperature


@transcribes("fedtd")
def fedtd(w):
    q = np.zeros((Z, A))
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            mine = q
            for k in range(K):
                change = np.zeros((Z, A))
                for tau in w.sample(np.zeros(Z * A), i, r * K + k):
                    path = [*tau.state, tau.final]
                    for h in range(T):
                        s, a = tau.state[h], tau.action[h]
                        target = tau.reward[h] + w.gamma * mine[path[h + 1]].mean()
                        change[s, a] += (target - mine[s, a]) / B
                mine = mine + ETA * change
            ends.append(mine)
        q = averaged(q, ends)
    return q.ravel()


@transcribes("fed-dvr-q", growth=1.5, refinements=4)
def fed_dvr_q(w, growth, refinements):
    """Epochs of 1, 2, 3, 5, 8, … rounds that estimate T Q̄, each followed by four that move Q."""
    q, r, size = np.zeros((Z, A)), 0, 1

    def backed(i, draw, values):
        found = np.zeros((Z, A))
        for b in range(B):
            for s in range(Z):
                for a in range(A):
                    reward, after = w.draw(i, draw, b, s, a)
                    found[s, a] += (reward + w.gamma * values[after].max()) / B
        return found

    while True:
        anchor, estimate = q, np.zeros((Z, A))
        for _ in range(size):
            if r == ROUNDS:
                return q.ravel()
            for i in range(N):
                for k in range(K):
                    estimate += backed(i, r * K + k, anchor) / (size * N * K)
            r += 1
        for _ in range(refinements):
            if r == ROUNDS:
                return q.ravel()
            ends = []
            for i in range(N):
                mine = q
                for k in range(K):
                    draw = r * K + k
                    target = backed(i, draw, mine) - backed(i, draw, anchor) + estimate
                    mine = mine + ETA * (target - mine)
                ends.append(mine)
            q = averaged(q, ends)
            r += 1
        size = math.ceil(size * growth)


@transcribes("qavg")
def qavg(w):
    q = np.zeros((Z, A))
    for _ in range(ROUNDS):
        ends = []
        for i in range(N):
            mine = q
            for _ in range(K):
                backup = w.reward[i] + w.gamma * w.kernel[i] @ mine.max(1)
                mine = (1 - ETA) * mine + ETA * backup
            ends.append(mine)
        q = averaged(q, ends)
    return q.ravel()


@transcribes("softpavg")
def softpavg(w):
    theta = np.zeros((Z, A))
    for _ in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for _ in range(K):
                pi = table(x.ravel())
                moves = np.einsum("sa,sax->sx", pi, w.kernel[i])
                value = np.linalg.solve(np.eye(Z) - w.gamma * moves, (pi * w.reward[i]).sum(1))
                q = w.reward[i] + w.gamma * w.kernel[i] @ value
                x = x + ETA * (q - value[:, None]) / (1 - w.gamma)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta.ravel()


@transcribes("projpavg")
def projpavg(w):
    theta = np.full((Z, A), 1 / A)
    for _ in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for _ in range(K):
                values = [np.zeros(Z)]  # of T, T-1, … steps done
                for _ in range(T):
                    q = w.reward[i] + w.gamma * w.kernel[i] @ values[-1]
                    values.append((x * q).sum(1))
                slope, there = np.zeros((Z, A)), w.start[i]
                for h in range(T):
                    q = w.reward[i] + w.gamma * w.kernel[i] @ values[T - 1 - h]
                    slope += w.gamma**h * there[:, None] * q
                    there = np.einsum("s,sa,sax->x", there, x, w.kernel[i])
                x = x + ETA * slope
                first = np.clip((1 + x[:, 0] - x[:, 1]) / 2, 0, 1)  # the closest of two actions
                x = np.stack([first, 1 - first], axis=1)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta.ravel()


ACTOR_CRITIC = {
    "gae_decay": 0.8, "value_weight": 0.7, "entropy_weight": 0.02, "largest_norm": 0.3,
    "anneal": 0.5,
}  # fmt: skip


def proximal(
    w, gae_decay, value_weight, entropy_weight, largest_norm, anneal, epochs=1, minibatches=1,
    clip=np.inf, divergence_weight=0.0, standardise=True, alone=False,
):  # fmt: skip
    """Clipped surrogate, value fit, entropy, divergence from θ_r, by Adam in minibatches."""
    thetas = np.zeros((N, Z * A + Z))  # θ_r, of every agent
    first, second, count = np.zeros_like(thetas), np.zeros_like(thetas), [0] * N
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x, held = thetas[i].copy(), table(thetas[i, : Z * A])
            for k in range(K):
                steps, old = [], table(x[: Z * A])  # (s, a, advantage, target) of every step
                for tau in w.sample(x[: Z * A], i, r * K + k):
                    value = x[Z * A :][np.append(tau.state, tau.final)]
                    error = tau.reward + w.gamma * value[1:] - value[:-1]
                    for h in range(T):
                        gain = sum((w.gamma * gae_decay) ** (j - h) * error[j] for j in range(h, T))
                        steps.append((tau.state[h], tau.action[h], gain, gain + value[h]))
                for epoch in range(epochs):
                    order = w.order(i, r * K + k, epoch)
                    for part in np.array_split(order, minibatches):
                        mini = [steps[m] for m in part]
                        gains = np.array([gain for _, _, gain, _ in mini])
                        if standardise:
                            gains = (gains - gains.mean()) / (gains.std() + 1e-8)
                        slope = np.zeros(Z * A + Z)
                        p = table(x[: Z * A])
                        for (s, a, _, target), gain in zip(mini, gains, strict=True):
                            ratio = p[s, a] / old[s, a]
                            if ratio * gain <= np.clip(ratio, 1 - clip, 1 + clip) * gain:
                                slope[: Z * A] += ratio * gain * score(x[: Z * A], s, a)
                            entropy = -(p[s] @ np.log(p[s]))
                            here = slice(s * A, s * A + A)
                            slope[here] -= entropy_weight * p[s] * (np.log(p[s]) + entropy)
                            slope[here] += divergence_weight * (held[s] - p[s])
                            slope[Z * A + s] += value_weight * (target - x[Z * A + s])
                        slope /= len(mini)
                        slope *= min(1, largest_norm / np.linalg.norm(slope))
                        count[i] += 1
                        first[i] = 0.9 * first[i] + 0.1 * slope
                        second[i] = 0.999 * second[i] + 0.001 * slope**2
                        mean = first[i] / (1 - 0.9 ** count[i])
                        root = np.sqrt(second[i] / (1 - 0.999 ** count[i]))
                        x += ETA * (1 - anneal * r / ROUNDS) * mean / (root + 1e-5)
            ends.append(x)
        told = [[x] * N if alone else ends for x in ends]
        thetas = np.stack([averaged(*pair) for pair in zip(thetas, told, strict=True)])
    return thetas[:, : Z * A] if alone else thetas[0, : Z * A]


@transcribes("fedppo", clip=0.1, epochs=3, minibatches=2, **ACTOR_CRITIC)
def fedppo(w, **given):
    return proximal(w, **given)


@transcribes("independent-ppo", clip=0.1, epochs=3, minibatches=2, **ACTOR_CRITIC)
def independent_ppo(w, **given):
    return proximal(w, alone=True, **given)


@transcribes("fedkl", clip=0.1, epochs=3, minibatches=2, divergence_weight=0.9, **ACTOR_CRITIC)
def fedkl(w, **given):
    return proximal(w, **given)


@transcribes("feda2c", **ACTOR_CRITIC)
def feda2c(w, **given):
    return proximal(w, standardise=False, **given)


@transcribes("fedtrpo", damping=0.3, radius=0.002, backtracks=4)
def fedtrpo(w, damping, radius, backtracks):
    theta = np.zeros(Z * A)
    for r in range(ROUNDS):
        ends = []
        for i in range(N):
            x = theta
            for k in range(K):
                batch = w.sample(x, i, r * K + k)
                pairs = [p for tau in batch for p in zip(tau.state, tau.action, strict=True)]
                scores = np.array([score(x, s, a) for s, a in pairs])
                fisher, g = scores.T @ scores / len(pairs), gradient(batch, x, w.gamma)
                along = np.linalg.solve(fisher + damping * np.eye(Z * A), g)
                move, old = np.sqrt(2 * radius / (along @ g)) * along, table(x)
                for j in range(backtracks + 1):
                    new = table(x + move / 2**j)
                    gain = 0.0
                    for tau in batch:
                        for h, (s, a) in enumerate(zip(tau.state, tau.action, strict=True)):
                            to_go = sum(w.gamma**m * tau.reward[m] for m in range(h, T))
                            gain += to_go * (new[s, a] / old[s, a] - 1) / B
                    apart = np.mean([old[s] @ np.log(old[s] / new[s]) for s, _ in pairs])
                    if j == backtracks or (gain > 0 and apart <= radius):
                        break
                x = x + (move / 2**j if j < backtracks else 0)
            ends.append(x)
        theta = averaged(theta, ends)
    return theta


def test_every_algorithm_of_the_registry_is_transcribed():
    assert {*TRANSCRIBED, *PAPER} == {*ALGORITHMS}


@pytest.mark.parametrize("name", TRANSCRIBED)
def test_it_is_its_pseudocode(name):
    transcription, hyperparameters = TRANSCRIBED[name]
    config = Config(
        family="random-mdp",
        options={"size": Z, "choices": A, "horizon": T},
        algorithm=name,
        hyperparameters=hyperparameters,
        kappa=0.8,
        agents=N,
        rounds=ROUNDS,
        local_steps=K,
        episodes=B,
        snapshot_episodes=SNAPSHOT,
        step_size=ETA,
        server_step_size=LAMBDA,
        evaluate_every=ROUNDS,
    )
    world = World(Run(config, Seed("test", 0)))
    with torch.no_grad():
        expected = transcription(world, **hyperparameters)
    (result,) = train(world.program.runs)
    found = result.parameters
    assert np.abs(found - world.program.policy.initial(np.random.default_rng(0))).max() > 1e-2
    np.testing.assert_allclose(found.squeeze(), expected, rtol=0, atol=1e-10)
