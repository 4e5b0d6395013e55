"""How a round grows with lanes and agents: `python tests/speed/growth.py` prints a Markdown table.

One-step rounds of FedSVRPG-M on CartPole with full episodes (T = 20, B = 1), each size in a process
of its own: processor time per real step of the fastest of three rounds, and the largest memory of
the process beside what `fedrl run --dry-run` would say of it.
"""

import resource
import subprocess
import sys
import time

import scipy.linalg  # noqa: F401  # numba's BLAS: loaded before its threads are limited
import torch

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.execution.estimate import size
from fedrl.benchmark.training.rounds.round import round_, start

SIZES = [(10, 1), (10, 10), (10, 100), (10, 1000), (10, 10_000), (1, 1000), (100, 100), (1000, 10)]


def one(agents: int, seeds: int) -> str:
    """The row of this many lanes."""
    config = Config(
        family="cartpole", algorithm="fedsvrpg-m", agents=agents, local_steps=1, step_size=1e-5,
        options={"horizon": 20}, evaluation_episodes=1,
    )  # fmt: skip
    runs = [Run(config, Seed("test", seed)) for seed in range(seeds)]
    with one_thread(), torch.no_grad():
        batch = start(runs)
        steps, fastest = int(round_(*batch).ledger.steps.sum()), float("inf")
        for _ in range(3):
            begun = time.process_time()
            round_(*batch)
            fastest = min(fastest, time.process_time() - begun)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    said = size([runs]).worker_bytes
    return (
        f"| {agents} × {seeds} | {agents * seeds} | {fastest / steps * 1e6:.2f} "
        f"| {used / 1e6:.0f} | {said / 1e6:.0f} | {used / said:.2f} |"
    )


def main() -> None:
    """All rows, one process after another."""
    print("| agents × seeds | lanes | µs per real step | MB | said, MB | ratio |", flush=True)
    print("|---|---|---|---|---|---|", flush=True)
    for agents, seeds in SIZES:
        subprocess.run([sys.executable, __file__, str(agents), str(seeds)], check=True)


if __name__ == "__main__":
    print(one(*map(int, sys.argv[1:])), flush=True) if len(sys.argv) > 1 else main()
