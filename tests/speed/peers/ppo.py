"""PPO on HalfCheetah by us and by others: steps per second and what is learned, side by side.

The job is one agent with the values single-file implementations have: 2 048 steps, 10 epochs of 32
minibatches, tanh 64×64, actions clipped before they are paid for. All run in one process and one
thread each, as workers of a study do, one after the other, seed by seed.

usage: ppo.py FOLDER [STEPS [SEEDS]]; environments are made in FOLDER once and kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean, median
from typing import Any

from run import HERE, OURS, TORCH, environment

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.training.federation import train

JOB: dict[str, Any] = {
    "id": "HalfCheetah-v5", "discount": 0.99, "segment": 2048, "epochs": 10, "minibatches": 32,
    "hidden": [64, 64], "step_size": 3e-4,
}  # fmt: skip
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
ROBOTS = (*TORCH, "mujoco==4.0.0", "imageio==2.38.1", "packaging")  # for Gymnasium's robots
PEERS = {
    "Stable-Baselines3's PPO": ("stable_baselines3_ppo.py", (*ROBOTS, "stable-baselines3==2.9.2")),
    "single-file PPO, torch": ("plain_ppo.py", ROBOTS),
}


def main(folder: Path, steps: int, seeds: int) -> None:
    """Measure everything in turn and print one row each."""
    file = folder / "ppo.json"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(JOB | {"steps": steps}))
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(seeds):
        found.setdefault(OURS, []).append(ours(steps, seed))
        for name, (script, packages) in PEERS.items():
            command = [str(environment(folder, packages)), str(HERE / script), str(file), str(seed)]
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD
            )
            found.setdefault(name, []).append(json.loads(done.stdout.splitlines()[-1]))
    rate = {name: median(one["steps_per_second"] for one in all_) for name, all_ in found.items()}
    print(f"{steps} steps, {seeds} seeds: median steps/s, mean of final returns")
    print(f"{'':28}{'steps/s':>10}{'fedrl is':>10}{'return':>10}")
    for name, all_ in found.items():
        faster, final = rate[OURS] / rate[name], mean(one["return"] for one in all_)
        print(f"{name:28}{rate[name]:10,.0f}{faster:9.1f}×{final:10.0f}")


def ours(steps: int, seed: int) -> dict[str, float]:
    """The same job by `train`, compiled before the clock starts."""
    rounds = steps // JOB["segment"]

    def run(rounds: int, episodes: int) -> Run:
        config = Config(
            family="halfcheetah", algorithm="fedppo", agents=1, local_steps=1, rounds=rounds,
            segment=JOB["segment"], step_size=JOB["step_size"], hidden=tuple(JOB["hidden"]),
            initial_log_std=0.0, normalise="own", evaluate_every=rounds,
            options={"clip_actions": True},
            evaluation_episodes=episodes,
            hyperparameters={
                "epochs": JOB["epochs"], "minibatches": JOB["minibatches"], "clip_critic": True,
            },
        )  # fmt: skip
        return Run(config, Seed("test", seed))

    with one_thread():
        train([run(1, 1)])
        (result,) = train([run(rounds, 10)])
    seconds = float(result.seconds[-1])
    return {
        "steps_per_second": rounds * JOB["segment"] / seconds,
        "return": float(result.columns["return"][-1]),
    }


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[2:4]]
    main(Path(sys.argv[1]), *(numbers + [100_000, 3][len(numbers) :]))
