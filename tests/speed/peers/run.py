"""The same jobs by us and by others, side by side in one run: `tox run -e peers`.

A job is FedSVRPG-M on CartPole, 10 seeds × 10 agents, K = 10, tanh 8×8, a step size so small that
policies stay near their start. Jobs differ in B, T and in where policies start, for what a ratio is
worth depends on it: JAX pays for every step of the horizon, we for those that are taken. Every peer
has an environment of its own, starts at our θ_0 and must give our local direction on one batch. It
is measured as it is usually run, in one process, and once more filling all cores: as many
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
from fedrl.benchmark.execution.processes import default_workers
from fedrl.benchmark.training.rounds.round import start as start_training

HERE = Path(__file__).parent
SEEDS, AGENTS, LOCAL_STEPS, STEP_SIZE = 10, 10, 10, 1e-5
ROUNDS = 100
OURS = "fedrl"


class Job(NamedTuple):
    """One regime."""

    episodes: int  # B
    horizon: int  # T
    balances: bool = False  # whether policies hold the pole, or are those training starts with
    rounds: int = ROUNDS
    step_size: float = STEP_SIZE


JOBS = {
    "early policies": Job(1, 200),
    "full episodes": Job(1, 20),
    "full episodes, ten each": Job(10, 20, rounds=30),
    "policies that balance": Job(1, 200, balances=True, rounds=30, step_size=1e-9),
}


class Peer(NamedTuple):
    """One script, and what it needs."""

    script: str
    packages: tuple[str, ...]
    rounds: int  # slow peers do less of the same
    seeds: int = SEEDS
    dtype: str = ""  # argument of a peer that uses the cores by itself
    every_job: bool = False  # or the first one only


TORCH = ("torch==2.13.0", "numpy==2.4.6", "gymnasium==1.4.0")
JAX = ("jax==0.10.2", "numpy==2.4.6")
PEERS = {
    "Gymnasium + torch loop": Peer("gymnasium_loop.py", TORCH, 5, seeds=1),
    "Gymnasium vector + batched torch": Peer("gymnasium_vector.py", TORCH, 10),
    "Stable-Baselines3, collection only": Peer(
        "stable_baselines3_collection.py", (*TORCH, "stable-baselines3==2.9.2"), 10
    ),
    "JAX, jitted and vmapped, float32": Peer(
        "jax_round.py", JAX, ROUNDS, dtype="float32", every_job=True
    ),
    "JAX, jitted and vmapped, float64": Peer(
        "jax_round.py", JAX, ROUNDS, dtype="float64", every_job=True
    ),
}


def main(folder: Path, repetitions: int) -> None:
    """Measure everything in turn, several times, and print medians."""
    cores = default_workers()
    print(f"steps/s, medians of {repetitions}; {cores} cores; fedrl has all cores in both columns")
    kept: dict[str, dict[str, list[Rates]]] = {}
    for title, job in JOBS.items():
        file = folder / "job.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        content = described(job)
        peers = {n: p for n, p in PEERS.items() if p.every_job or job == JOBS["early policies"]}
        found: dict[tuple[str, int], list[Rates]] = {}
        for _ in range(repetitions):
            found.setdefault((OURS, cores), []).append(ours(file, content, cores))
            for name, peer in peers.items():
                for used in dict.fromkeys((1, cores)):
                    found.setdefault((name, used), []).append(
                        theirs(peer, folder, file, content, used)
                    )
        show(title, job, found, cores)
        kept[title] = {f"{name}, {used} cores": values for (name, used), values in found.items()}
    (folder / "peers.json").write_text(json.dumps(kept, indent=1))


class Rates(NamedTuple):
    """One measurement, in steps/s."""

    real: float  # steps that were taken
    lane: float  # every episode as long as the horizon
    cpu: float  # real steps per second of processor time: other programs disturb it little

    @classmethod
    def of(cls, answers: list[dict[str, Any]]) -> Rates:
        """Of processes side by side."""
        real, lane = (
            [answer[f"{kind}_steps_per_second"] for answer in answers] for kind in ("real", "lane")
        )
        steps = sum(rate * a["seconds"] for rate, a in zip(real, answers, strict=True))
        return cls(sum(real), sum(lane), steps / sum(answer["cpu_seconds"] for answer in answers))


def show(title: str, job: Job, found: dict[tuple[str, int], list[Rates]], cores: int) -> None:
    """Print the table of one job."""
    middle = {key: Rates(*map(median, zip(*values, strict=True))) for key, values in found.items()}
    best = middle[OURS, cores]
    print(f"\n{title}: B = {job.episodes}, T = {job.horizon}")
    head = ("mean length", "real", "lane", "real/CPU s")
    print(f"{'':36}{'cores':>6}" + "".join(f"{h:>12}" for h in head) + "   fedrl is   by CPU time")
    for (name, used), rates in middle.items():
        length = job.horizon * rates.real / rates.lane
        print(
            f"{name:36}{used:6}{length:12.1f}{rates.real:12,.0f}{rates.lane:12,.0f}"
            f"{rates.cpu:12,.0f}{best.real / rates.real:10.2f}×{best.cpu / rates.cpu:13.2f}×"
        )


def ours(file: Path, job: dict[str, Any], cores: int) -> Rates:
    """One measurement of this project on all cores."""
    file.write_text(json.dumps(job))
    command = [sys.executable, str(HERE / "ours.py"), str(file), str(cores)]
    return measured([[*command, str(first)] for first in range(cores)], "ours.py")


def theirs(peer: Peer, folder: Path, file: Path, job: dict[str, Any], cores: int) -> Rates:
    """One measurement of a peer on this many cores."""
    python = environment(folder, peer.packages)
    sizes = {"rounds": min(peer.rounds, job["rounds"]), "seeds": peer.seeds}
    file.write_text(json.dumps({**job, **sizes}))
    command = [str(python), str(HERE / peer.script), str(file)]
    alone = [[*command, str(cores), peer.dtype]]  # it uses the cores by itself
    return measured(alone if peer.dtype else [command] * cores, peer.script)


def measured(commands: list[list[str]], name: str) -> Rates:
    """The speeds of these processes, added up."""
    processes = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True) for c in commands]
    answers = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(f"{name} failed; what it said is above")
    return Rates.of([json.loads(answer) for answer in answers])


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


def described(job: Job) -> dict[str, Any]:
    """Sizes, every seed's θ_0, and one batch with the direction that must come out."""
    config = Config(
        family="cartpole", algorithm="fedsvrpg-m", agents=AGENTS, local_steps=LOCAL_STEPS,
        step_size=job.step_size, options={"horizon": job.horizon}, episodes=job.episodes,
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
    alive = np.arange(job.horizon) < length
    observation = np.where(alive[:, None], played.observation[lane, 0], 0.0)
    action = np.where(alive, played.action[lane, 0, :, 0], 0.0)
    return {
        "agents": config.agents,
        "seeds": SEEDS,
        "rounds": job.rounds,
        "episodes": job.episodes,
        "local_steps": config.local_steps,
        "horizon": job.horizon,
        "discount": program.family.discount,
        "beta": config.hyperparameters["beta"],
        "step_size": config.step_size,
        "shape": program.policy.shape,
        "start": [balancing(program.policy.shape)] * SEEDS if job.balances else start.tolist(),
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


def balancing(shape: tuple[int, ...]) -> list[float]:
    """θ of a policy that holds the pole: it pushes to where the pole leans and turns.

    One unit of each layer carries c = x/20 + v/10 + angle + spin/2; π(right) = 1/(1 + e^-40c).
    """
    first, second, last = (
        np.zeros((rows, columns)) for rows, columns in zip(shape, shape[1:], strict=False)
    )
    first[:, 0] = 0.05, 0.1, 1.0, 0.5
    second[0, 0] = 1.0
    last[0] = -20.0, 20.0
    parts = [part for w in (first, second, last) for part in (w.ravel(), np.zeros(w.shape[1]))]
    return np.concatenate(parts).tolist()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
