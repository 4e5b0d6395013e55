"""PPO as single-file implementations have it: Gymnasium's wrappers, torch, one environment.

usage: plain_ppo.py JOB.json SEED. Every setting is that of the job; observations and rewards are
normalised and clipped by wrappers, the learning rate falls to 0.
"""

import json
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import torch
from torch import nn
from torch.distributions import Normal

JOB, SEED = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])
STEPS, CLIP, DECAY = JOB["segment"], 0.2, 0.95


def network(inputs, outputs, last):
    widths = [inputs, *JOB["hidden"], outputs]
    layers = []
    for place, (rows, columns) in enumerate(zip(widths, widths[1:], strict=False)):
        layer = nn.Linear(rows, columns)
        nn.init.orthogonal_(layer.weight, last if place == len(widths) - 2 else 2**0.5)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def environment():
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make(JOB["id"]))
    env = gymnasium.wrappers.ClipAction(env)
    env = gymnasium.wrappers.NormalizeObservation(env)
    clip = lambda seen: np.clip(seen, -10, 10)  # noqa: E731
    env = gymnasium.wrappers.TransformObservation(env, clip, env.observation_space)
    env = gymnasium.wrappers.NormalizeReward(env, gamma=JOB["discount"])
    return gymnasium.wrappers.TransformReward(env, lambda reward: float(np.clip(reward, -10, 10)))


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    shuffles, env = np.random.default_rng(SEED), environment()
    o, a = env.observation_space.shape[0], env.action_space.shape[0]
    actor, critic, log_std = network(o, a, 0.01), network(o, 1, 1.0), nn.Parameter(torch.zeros(a))
    weights = [*actor.parameters(), *critic.parameters(), log_std]
    optimiser = torch.optim.Adam(weights, lr=JOB["step_size"], eps=1e-5)
    seen = torch.from_numpy(env.reset(seed=SEED)[0]).float()
    rounds, returns = JOB["steps"] // STEPS, []
    started = time.perf_counter()
    for r in range(rounds):
        optimiser.param_groups[0]["lr"] = JOB["step_size"] * (1 - r / rounds)
        x, taken, old, gained, value, following, ends = [], [], [], [], [], [], []
        with torch.no_grad():
            for _ in range(STEPS):
                policy = Normal(actor(seen), log_std.exp())
                action = policy.sample()
                after, reward, terminated, truncated, told = env.step(action.numpy())
                after = torch.from_numpy(after).float()
                x.append(seen), taken.append(action), gained.append(reward)
                old.append(policy.log_prob(action).sum()), value.append(critic(seen)[0])
                following.append(torch.zeros(()) if terminated else critic(after)[0])
                ends.append(terminated or truncated)
                if ends[-1]:
                    returns.append(float(told["episode"]["r"]))
                    after = torch.from_numpy(env.reset()[0]).float()
                seen = after
        gain, gains = 0.0, []
        for h in reversed(range(STEPS)):
            error = gained[h] + JOB["discount"] * following[h] - value[h]
            gain = error + JOB["discount"] * DECAY * gain * (not ends[h])
            gains.insert(0, gain)
        x, taken, old, value, gains = map(torch.stack, (x, taken, old, value, gains))
        target = gains + value
        for _ in range(JOB["epochs"]):
            for rows in np.array_split(shuffles.permutation(STEPS), JOB["minibatches"]):
                policy, v = Normal(actor(x[rows]), log_std.exp()), critic(x[rows])[:, 0]
                ratio = (policy.log_prob(taken[rows]).sum(-1) - old[rows]).exp()
                kept = gains[rows]
                kept = (kept - kept.mean()) / (kept.std() + 1e-8)
                surrogate = torch.minimum(ratio * kept, ratio.clamp(1 - CLIP, 1 + CLIP) * kept)
                held = value[rows] + (v - value[rows]).clamp(-CLIP, CLIP)
                error = torch.maximum((v - target[rows]) ** 2, (held - target[rows]) ** 2)
                loss = 0.25 * error.mean() - surrogate.mean()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(weights, 0.5)
                optimiser.step()
    seconds = time.perf_counter() - started
    final = float(np.mean(returns[-10:]))
    print(json.dumps({"steps_per_second": rounds * STEPS / seconds, "return": final}))


main()
