"""What a round of every algorithm takes: `python tests/speed/rounds.py` prints a Markdown table.

Rounds of ten local steps on CartPole with full episodes (T = 20, B = 1), ten agents, one or five
seeds in a batch: milliseconds of the fastest of five times six rounds. What a lift costs shows with
one seed.
"""

import time

import scipy.linalg  # noqa: F401  # numba's BLAS: loaded before its threads are limited
import torch

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.configuration import Config, Run, suits
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.envs import FAMILIES


def milliseconds(algorithm: str, seeds: int) -> float:
    """A round of `seeds` runs."""
    config = Config(
        family="cartpole", algorithm=algorithm, agents=10, local_steps=10, step_size=1e-5,
        options={"horizon": 20}, evaluation_episodes=1, evaluate_every=1000, rounds=1000,
    )  # fmt: skip
    with one_thread(), torch.no_grad():
        program, state, roster = start([Run(config, Seed("test", seed)) for seed in range(seeds)])
        state, fastest = round_(program, state, roster), float("inf")
        for _ in range(5):
            begun = time.perf_counter()
            for _ in range(6):
                state = round_(program, state, roster)
            fastest = min(fastest, time.perf_counter() - begun)
    return fastest / 6 * 1e3


def main() -> None:
    """A row for every algorithm that CartPole suits."""
    print("| algorithm | ms, 1 seed | 5 seeds |\n|---|---|---|", flush=True)
    for name, kind in ALGORITHMS.items():
        if suits(kind, FAMILIES["cartpole"]):
            one, five = (milliseconds(name, seeds) for seeds in (1, 5))
            print(f"| {name} | {one:.1f} | {five:.1f} |", flush=True)


if __name__ == "__main__":
    main()
