"""How a round grows with lanes and agents: `python tests/speed/growth.py` prints a Markdown table.

Rounds of FedSVRPG-M on CartPole with full episodes (T = 20), one or ten local steps K, one or ten
episodes B, each size in a process of its own: processor time per real step of the fastest of three
rounds; and the largest memory of the process with K = B = 1, without libraries' pages, beside what
`fedrl run --dry-run` says of it. It reads Linux's own account of memory.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import scipy.linalg  # noqa: F401  # numba's BLAS: loaded before its threads are limited
import torch

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.execution.estimate import size
from fedrl.benchmark.training.rounds.round import round_, start

LARGEST = 100_000  # episodes of a local step
SIZES = [(10, 1), (10, 10), (10, 100), (10, 1000), (10, 10_000), (1, 1000), (100, 100), (1000, 10)]


def one(agents: int, seeds: int) -> str:
    """The row of this many lanes."""
    alone = microseconds(agents, seeds, 1, 1)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - library_bytes()
    said = size([runs_of(agents, seeds, 1, 1)]).worker_bytes
    others = (microseconds(agents, seeds, 10, episodes) for episodes in (1, 10))
    return (
        f"| {agents} × {seeds} | {agents * seeds} | {alone} | {' | '.join(others)} "
        f"| {used / 1e6:.0f} | {said / 1e6:.0f} | {used / said:.2f} |"
    )


def runs_of(agents: int, seeds: int, local_steps: int, episodes: int) -> list[Run]:
    """One batch."""
    config = Config(
        family="cartpole", algorithm="fedsvrpg-m", agents=agents, local_steps=local_steps,
        episodes=episodes, step_size=1e-5, options={"horizon": 20}, evaluation_episodes=1,
    )  # fmt: skip
    return [Run(config, Seed("test", seed)) for seed in range(seeds)]


def microseconds(agents: int, seeds: int, local_steps: int, episodes: int) -> str:
    """Processor time per real step of a round; "–" where it would take minutes."""
    if agents * seeds * episodes > LARGEST:
        return "–"
    with one_thread(), torch.no_grad():
        batch = start(runs_of(agents, seeds, local_steps, episodes))
        steps, fastest = int(round_(*batch).ledger.steps.sum()), float("inf")
        for _ in range(3):
            begun = time.process_time()
            round_(*batch)
            fastest = min(fastest, time.process_time() - begun)
    return f"{fastest / steps * 1e6:.2f}"


def library_bytes() -> int:
    """Pages of files in memory: as many as the system likes to map."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("RssFile:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """All rows, one process after another."""
    columns = ("agents × seeds", "lanes", "µs a step, K = 1", "K = 10", "K = B = 10")
    print("|", " | ".join((*columns, "MB", "said, MB", "ratio")), "|")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for agents, seeds in SIZES:
        subprocess.run([sys.executable, __file__, str(agents), str(seeds)], check=True)


if __name__ == "__main__":
    print(one(*map(int, sys.argv[1:])), flush=True) if len(sys.argv) > 1 else main()
