"""Stable-Baselines3 collecting rollouts: no gradients, and one policy for all environments.

usage: stable_baselines3_collection.py JOB.json. Environments restart at once: all steps are real.
"""

import json
import sys
import time
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

JOB = json.loads(Path(sys.argv[1]).read_text())
STEPS = 128  # of every environment, per collection


def main():
    torch.set_num_threads(1)
    environments = make_vec_env(
        "CartPole-v1",
        n_envs=JOB["seeds"] * JOB["agents"],
        seed=0,
        env_kwargs={"max_episode_steps": JOB["horizon"]},
    )
    model = PPO(
        "MlpPolicy",
        environments,
        n_steps=STEPS,
        policy_kwargs={"net_arch": JOB["shape"][1:-1]},
        device="cpu",
    )
    _, callback = model._setup_learn(total_timesteps=10**9)

    def collect():
        model.collect_rollouts(environments, callback, model.rollout_buffer, STEPS)

    collect()
    started = time.perf_counter()
    worked = time.process_time()
    for _ in range(JOB["rounds"]):
        collect()
    seconds = time.perf_counter() - started
    cpu = time.process_time() - worked
    rate = JOB["rounds"] * STEPS * environments.num_envs / seconds
    rates = {"real_steps_per_second": rate, "lane_steps_per_second": rate}
    print(
        json.dumps(
            {
                "name": "stable-baselines3-collection",
                **rates,
                "seconds": seconds,
                "cpu_seconds": cpu,
            }
        )
    )


main()
