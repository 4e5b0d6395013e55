"""The same job by us and by others, side by side in one run: `tox run -e peers`.

The job is the paper's regime: 10 seeds × 10 agents × 1 episode per local step, K = 10, FedSVRPG-M
on CartPole (T = 200), tanh 8×8, a step size so small that the policy stays near its start. Every
peer has its own environment, starts at our θ_0 and must give our local direction on one batch.
It is measured as it is usually run, in one process, and once more filling all cores: as many
processes, their speeds added, or what it has for that. Ours has all cores in both comparisons.

usage: run.py FOLDER [REPETITIONS]; environments are made in FOLDER once and kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch

from fedrl.algorithms import Agent, Gradients, Server, Trajectories
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.workers import default_workers
from fedrl.benchmark.training.rounds.round import start as start_training

HERE = Path(__file__).parent
SEEDS, AGENTS, LOCAL_STEPS, HORIZON, STEP_SIZE = 10, 10, 10, 200, 1e-5
ROUNDS = 100
OURS = "fedrl"


class Peer(NamedTuple):
    """One script, and what it needs."""

    script: str
    packages: tuple[str, ...]
    rounds: int  # slow peers do less of the same
    seeds: int = SEEDS
    dtype: str = ""  # argument of a peer that uses the cores by itself


TORCH = ("torch==2.13.0", "numpy==2.4.6", "gymnasium==1.4.0")
JAX = ("jax==0.10.2", "numpy==2.4.6")
PEERS = {
    "Gymnasium + torch loop": Peer("gymnasium_loop.py", TORCH, 5, seeds=1),
    "Gymnasium vector + batched torch": Peer("gymnasium_vector.py", TORCH, 10),
    "Stable-Baselines3, collection only": Peer(
        "stable_baselines3_collection.py", (*TORCH, "stable-baselines3==2.9.2"), 10
    ),
    "JAX, jitted and vmapped, float32": Peer("jax_round.py", JAX, ROUNDS, dtype="float32"),
    "JAX, jitted and vmapped, float64": Peer("jax_round.py", JAX, ROUNDS, dtype="float64"),
}


def main(folder: Path, repetitions: int) -> None:
    """Measure everything in turn, several times, and print medians."""
    job = the_job()
    cores = default_workers()
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(repetitions):
        rates.setdefault((OURS, cores), []).append(ours(cores))
        for name, peer in PEERS.items():
            for used in dict.fromkeys((1, cores)):
                rates.setdefault((name, used), []).append(theirs(peer, folder, job, used))
    middle = {key: median(values) for key, values in rates.items()}
    best = middle[OURS, cores]
    print(f"real steps/s, medians of {repetitions}; {cores} cores")
    print(f"{'':36}{'one process':>12}{'fedrl is':>10}{'all cores':>12}{'fedrl is':>10}")
    print(f"{OURS:36}{'':22}{best:12,.0f}")
    for name in PEERS:
        one, all_cores = middle[name, 1], middle[name, cores]
        print(f"{name:36}{one:12,.0f}{best / one:9.1f}×{all_cores:12,.0f}{best / all_cores:9.1f}×")
    spread = {f"{name}, {used} cores": values for (name, used), values in rates.items()}
    (folder / "peers.json").write_text(json.dumps(spread, indent=1))


def ours(cores: int) -> float:
    """`fedrl speed`; its step size is the job's."""
    command = [sys.executable, "-m", "fedrl", "speed", "--json", "--workers", str(cores)]
    sizes = {
        "family": "cartpole", "algorithm": "fedsvrpg-m", "seeds": SEEDS, "agents": AGENTS,
        "episodes": 1, "local-steps": LOCAL_STEPS, "horizon": HORIZON, "rounds": ROUNDS,
        "hidden": "8,8", "step-size": STEP_SIZE,
    }  # fmt: skip
    command += [part for name, value in sizes.items() for part in (f"--{name}", str(value))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["real_steps_per_second"]


def theirs(peer: Peer, folder: Path, job: dict[str, Any], cores: int) -> float:
    """One measurement of a peer on this many cores."""
    python = environment(folder, peer.packages)
    file = folder / "job.json"
    file.write_text(json.dumps({**job, "rounds": peer.rounds, "seeds": peer.seeds}))
    command = [str(python), str(HERE / peer.script), str(file)]
    processes = [
        subprocess.Popen(entry, stdout=subprocess.PIPE, text=True)
        for entry in ([[*command, str(cores), peer.dtype]] if peer.dtype else [command] * cores)
    ]
    answers = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(f"{peer.script} failed; what it said is above")
    return sum(json.loads(answer)["real_steps_per_second"] for answer in answers)


def environment(folder: Path, packages: tuple[str, ...]) -> Path:
    """Python of the virtual environment with these packages, made when it is not there yet."""
    place = folder / hashlib.blake2b(" ".join(packages).encode(), digest_size=4).hexdigest()
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (place / "complete").exists():
        print(f"installing {' '.join(packages)}", flush=True)
        venv.create(place, with_pip=True, clear=True)
        variables = {k: v for k, v in os.environ.items() if k != "PIP_CONSTRAINT"}
        command = [str(python), "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(command, check=True, env=variables)
        (place / "complete").touch()
    return python


def the_job() -> dict[str, Any]:
    """Sizes, every seed's θ_0, and one batch with the direction that must come out."""
    config = Config(
        family="cartpole", algorithm="fedsvrpg-m", agents=AGENTS, local_steps=LOCAL_STEPS,
        step_size=STEP_SIZE, options={"horizon": HORIZON},
    )  # fmt: skip
    runs = [Run(config, Seed("test", seed)) for seed in range(SEEDS)]
    program, state, roster = start_training(runs)
    generator = torch.Generator().manual_seed(0)
    start = state.server.theta
    theta, previous, momentum = (
        (start[0] + scale * torch.randn(start[0].shape, generator=generator)).double()
        for scale in (0.1, 0.1, 1.0)
    )
    stream = roster.all_agents.stream(program, "training-0", 0)
    lanes = theta.repeat(len(stream.keys), 1)
    played = roster.all_agents.sampler.sample(lanes.numpy(), stream, 1)
    lane = int(played.length[:, 0].argmax())
    length = int(played.length[lane, 0])
    value = torch.zeros(played.reward.shape[1:], dtype=theta.dtype)
    batch = Trajectories(*(torch.from_numpy(part[lane]) for part in played), theta, value)
    nothing = torch.zeros_like(theta)
    gradients = Gradients(program.policy, program.family.discount)
    direction = config.build_algorithm().direction(
        gradients, Server(theta, previous, momentum, nothing), Agent(theta, nothing), batch
    )
    alive = np.arange(HORIZON) < length
    observation = np.where(alive[:, None], played.observation[lane, 0], 0.0)
    action = np.where(alive, played.action[lane, 0, :, 0], 0.0)
    return {
        "agents": config.agents,
        "local_steps": config.local_steps,
        "horizon": HORIZON,
        "discount": program.family.discount,
        "beta": config.hyperparameters["beta"],
        "step_size": config.step_size,
        "shape": program.policy.shape,
        "start": start.tolist(),
        "check": {
            "theta": theta.tolist(),
            "previous": previous.tolist(),
            "momentum": momentum.tolist(),
            "observation": observation.tolist(),
            "action": action.tolist(),
            "length": length,
            "direction": direction.tolist(),
        },
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
