"""FedSVRPG-M on Gymnasium's own vector CartPole, one environment per seed and agent.

usage: gymnasium_vector.py JOB.json. Policies are batched; all wait for the longest episode.
"""

import json
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import torch

JOB = json.loads(Path(sys.argv[1]).read_text())
T, GAMMA, BETA, STEP_SIZE = (JOB[k] for k in ("horizon", "discount", "beta", "step_size"))


def log_policy(theta, x):
    """log π of every lane under its own parameters: (L, d), (L, T, 4) -> (L, T, 2)."""
    at = 0
    for layer, (rows, columns) in enumerate(zip(JOB["shape"], JOB["shape"][1:], strict=False)):
        weight = theta[:, at : at + rows * columns].reshape(-1, rows, columns)
        at += (rows + 1) * columns
        x = torch.baddbmm(theta[:, None, at - columns : at], x, weight)
        if layer < len(JOB["shape"]) - 2:
            x = torch.tanh(x)
    return x.log_softmax(-1)


def play(environments, theta, seed):
    """One episode of every lane, until the last has ended: (L, t, 4), (L, t), alive (L, t)."""
    observations, actions, living = [], [], []
    observation, _ = environments.reset(seed=seed)
    alive = np.ones(len(theta), bool)
    for _ in range(T):
        seen = torch.from_numpy(observation)
        second = log_policy(theta, seen[:, None])[:, 0, 1].exp()
        action = (torch.rand(len(theta)) < second).long()
        observations.append(seen)
        actions.append(action)
        living.append(torch.from_numpy(alive))
        observation, _, terminated, _, _ = environments.step(action.numpy())
        alive = alive & ~terminated
        if not alive.any():
            break
    return torch.stack(observations, 1), torch.stack(actions, 1), torch.stack(living, 1)


def gradient(theta, observation, action, to_go, alive):
    """∇ Σ_h to_go_h log π(a_h|s_h) of every lane, and Σ_h log π(a_h|s_h)."""
    with torch.enable_grad():
        theta = theta.detach().requires_grad_()
        taken = log_policy(theta, observation).gather(-1, action[..., None])[..., 0] * alive
        (slope,) = torch.autograd.grad((to_go * taken).sum(), theta)
    return slope, taken.detach().sum(1)


def direction(theta, previous, momentum, observation, action, alive):
    """g(θ) + (1 - β) [u_r - w g(θ_{r-1})]."""
    discounted = alive * GAMMA ** torch.arange(alive.shape[1])
    to_go = discounted.flip(1).cumsum(1).flip(1)
    fresh, taken = gradient(theta, observation, action, to_go, alive)
    stale, before = gradient(previous, observation, action, to_go, alive)
    return fresh + (1 - BETA) * (momentum - (before - taken).exp()[:, None] * stale)


def check():
    batch = {k: torch.tensor(v)[None] for k, v in JOB["check"].items()}
    alive = torch.arange(T)[None] < batch["length"]
    points = (batch["theta"], batch["previous"], batch["momentum"])
    ours = direction(*points, batch["observation"], batch["action"].long(), alive)
    wanted = batch["direction"]
    torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    check()
    seeds, agents, local_steps = JOB["seeds"], JOB["agents"], JOB["local_steps"]
    environments = gymnasium.make_vec(
        "CartPole-v1", seeds * agents, vectorization_mode="vector_entry_point"
    )
    theta = previous = torch.tensor(JOB["start"][:seeds])
    momentum = torch.zeros_like(theta)
    steps, started = 0, time.perf_counter()
    worked = time.process_time()
    for number in range(JOB["rounds"]):
        local, old, drift = (
            part.repeat_interleave(agents, 0) for part in (theta, previous, momentum)
        )
        for k in range(local_steps):
            episodes = play(environments, local, 0 if (number, k) == (0, 0) else None)
            local = local + STEP_SIZE * direction(local, old, drift, *episodes)
            steps += int(episodes[2].sum())
        moved = local.reshape(seeds, agents, -1).mean(1) - theta
        momentum = moved / (local_steps * STEP_SIZE)
        theta, previous = theta + STEP_SIZE * local_steps * momentum, theta
    seconds = time.perf_counter() - started
    cpu = time.process_time() - worked
    lane = JOB["rounds"] * seeds * agents * local_steps * T
    rates = {"real_steps_per_second": steps / seconds, "lane_steps_per_second": lane / seconds}
    print(json.dumps({"name": "gymnasium-vector", **rates, "seconds": seconds, "cpu_seconds": cpu}))


main()
