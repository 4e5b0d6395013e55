"""FedSVRPG-M as an ordinary program: one Gymnasium environment, one torch call a step.

usage: gymnasium_loop.py JOB.json
"""

import json
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

JOB = json.loads(Path(sys.argv[1]).read_text())
T, GAMMA, BETA, STEP_SIZE = (JOB[k] for k in ("horizon", "discount", "beta", "step_size"))


def network():
    inputs, first, second, outputs = JOB["shape"]
    return nn.Sequential(
        nn.Linear(inputs, first), nn.Tanh(),
        nn.Linear(first, second), nn.Tanh(),
        nn.Linear(second, outputs),
    )  # fmt: skip


def load(net, theta):
    """Write the job's flat θ (weights as (in, out)) into the network."""
    at = 0
    with torch.no_grad():
        for layer in net[::2]:
            rows, columns = layer.in_features, layer.out_features
            layer.weight.copy_(theta[at : at + rows * columns].reshape(rows, columns).T)
            at += (rows + 1) * columns
            layer.bias.copy_(theta[at - columns : at])


def flat(entries):
    """Weights, biases, … as one vector in the job's order."""
    return torch.cat([e.t().reshape(-1) for e in entries])


def play(environment, net, seed):
    """One episode."""
    observations, actions, rewards = [], [], []
    observation, _ = environment.reset(seed=seed)
    for _ in range(T):
        with torch.no_grad():
            action = Categorical(logits=net(torch.from_numpy(observation))).sample().item()
        observations.append(observation)
        actions.append(action)
        observation, reward, terminated, _, _ = environment.step(action)
        rewards.append(reward)
        if terminated:
            break
    return torch.from_numpy(np.stack(observations)), torch.tensor(actions), rewards


def direction(net, previous, momentum, observation, action, reward):
    """g(θ) + (1 - β) [u_r - w g(θ_{r-1})]."""
    discounted = torch.tensor(reward, dtype=observation.dtype) * GAMMA ** torch.arange(len(reward))
    to_go = discounted.flip(0).cumsum(0).flip(0)
    taken = Categorical(logits=net(observation)).log_prob(action)
    fresh = flat(torch.autograd.grad((to_go * taken).sum(), list(net.parameters())))
    before = Categorical(logits=previous(observation)).log_prob(action)
    stale = flat(torch.autograd.grad((to_go * before).sum(), list(previous.parameters())))
    weight = (before.sum() - taken.sum()).exp().detach()
    return fresh + (1 - BETA) * (momentum - weight * stale)


def check():
    batch = JOB["check"]
    theta, previous, momentum, observation, wanted = (
        torch.tensor(batch[k], dtype=torch.float64)
        for k in ("theta", "previous", "momentum", "observation", "direction")
    )
    nets = network().double(), network().double()
    for net, point in zip(nets, (theta, previous), strict=True):
        load(net, point)
    n = batch["length"]
    action = torch.tensor(batch["action"])[:n].long()
    ours = direction(*nets, momentum, observation[:n], action, [1.0] * n)
    torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


def main():
    torch.set_num_threads(1)
    check()
    environments = [gymnasium.make("CartPole-v1") for _ in range(JOB["agents"])]
    net, previous_net = network(), network()
    steps, started = 0, time.perf_counter()
    worked = time.process_time()
    for seed in range(JOB["seeds"]):
        theta = previous = torch.tensor(JOB["start"][seed])
        momentum = torch.zeros_like(theta)
        for number in range(JOB["rounds"]):
            load(previous_net, previous)
            moved = torch.zeros_like(theta)
            for agent, environment in enumerate(environments):
                local = theta
                for k in range(JOB["local_steps"]):
                    load(net, local)
                    dice = seed if (number, agent, k) == (0, 0, 0) else None
                    episode = play(environment, net, dice)
                    local = local + STEP_SIZE * direction(net, previous_net, momentum, *episode)
                    steps += len(episode[1])
                moved += local - theta
            momentum = moved / (JOB["agents"] * JOB["local_steps"] * STEP_SIZE)
            theta, previous = theta + STEP_SIZE * JOB["local_steps"] * momentum, theta
    seconds = time.perf_counter() - started
    cpu = time.process_time() - worked
    lane = JOB["rounds"] * JOB["seeds"] * JOB["agents"] * JOB["local_steps"] * T
    rates = {"real_steps_per_second": steps / seconds, "lane_steps_per_second": lane / seconds}
    print(json.dumps({"name": "gymnasium-loop", **rates, "seconds": seconds, "cpu_seconds": cpu}))


main()
