"""Stable-Baselines3's PPO, with its normalising wrapper, on one robot.

usage: stable_baselines3_ppo.py JOB.json SEED
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

JOB, SEED = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])


def main():
    torch.set_num_threads(1)
    environments = VecNormalize(make_vec_env(JOB["id"], n_envs=1, seed=SEED), gamma=JOB["discount"])
    model = PPO(
        "MlpPolicy",
        environments,
        learning_rate=lambda left: JOB["step_size"] * left,
        n_steps=JOB["segment"],
        batch_size=JOB["segment"] // JOB["minibatches"],
        n_epochs=JOB["epochs"],
        clip_range_vf=0.2,
        policy_kwargs={"net_arch": JOB["hidden"], "log_std_init": 0.0},
        seed=SEED,
        device="cpu",
    )
    started = time.perf_counter()
    model.learn(JOB["steps"])
    seconds = time.perf_counter() - started
    environments.training, environments.norm_reward = False, False
    returns = evaluate_policy(model, environments, 10, deterministic=False)[0]
    answer = {"steps_per_second": JOB["steps"] / seconds, "return": float(np.mean(returns))}
    print(json.dumps(answer))


main()
