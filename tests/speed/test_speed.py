"""Speed of the engine's parts; `tox run -e speed` runs this and prints ratios.

Every benchmark notes in `extra_info["steps"]` how many real environment steps one call handles.
One thread, one process, except where the name says otherwise.
"""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
import torch
from torch.func import vmap

from algorithms import CompiledGradients, Trajectories
from benchmark.cell import Cell, Run
from benchmark.federation import Federation, train
from benchmark.noise import Seed
from envs import FAMILIES

RUNS, AGENTS = 10, 10  # the paper's regime: 10 seeds × 10 agents × 1 episode


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


def cartpole(algorithm: str = "fedsvrpg-m", **changes) -> list[Run]:
    settings = {"agents": AGENTS, "rounds": 5, "evaluate_every": 1000, "step_size": 3e-4}
    cell = Cell(family="cartpole", algorithm=algorithm, **{**settings, **changes})
    return [Run(cell, Seed("test", seed)) for seed in range(RUNS)]


def measure(benchmark, function, steps: int, rounds: int = 10) -> None:
    function()  # compile
    benchmark.extra_info["steps"] = steps
    benchmark.pedantic(function, rounds=rounds, warmup_rounds=1)


def sampled(runs: list[Run]):
    federation = Federation(runs)
    theta = federation._per_agent(federation.server.theta)
    stream = federation._stream("training-0", 0)
    return federation, theta, lambda: federation.sampler.sample(theta.numpy(), stream, 1)


def test_gymnasium_loop(benchmark):
    """The reference: what most public code does, one environment and one torch call a step."""
    environment = gymnasium.make("CartPole-v1")
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 8), torch.nn.Tanh(),
        torch.nn.Linear(8, 2),
    )  # fmt: skip
    steps = 500

    def loop():
        observation, _ = environment.reset(seed=0)
        for _ in range(steps):
            distribution = torch.distributions.Categorical(
                logits=network(torch.from_numpy(observation))
            )
            observation, _, terminated, truncated, _ = environment.step(int(distribution.sample()))
            if terminated or truncated:
                observation, _ = environment.reset()

    measure(benchmark, loop, steps)


def test_rollout(benchmark):
    _, _, sample = sampled(cartpole())
    measure(benchmark, sample, int(sample().length.sum()))


@pytest.mark.parametrize("name", ["plain", "weighted", "curvature"])
def test_estimator(benchmark, name):
    federation, theta, sample = sampled(cartpole())
    played = sample()
    batch = Trajectories(*map(torch.from_numpy, played), theta)
    gradients = CompiledGradients(federation.policy, 0.99)
    function = vmap(getattr(gradients, name))
    arguments = (batch, theta) if name == "curvature" else (theta, batch)
    measure(benchmark, lambda: function(*arguments), int(played.length.sum()))


@pytest.mark.parametrize("algorithm", ["fedpg", "fedsvrpg-m", "fedhapg-m"])
def test_training(benchmark, algorithm):
    """Whole rounds, evaluation at the first and last round included."""
    runs = cartpole(algorithm)
    steps = sum(int(result.columns["steps_total"][-1]) for result in train(runs))
    measure(benchmark, lambda: train(runs), steps, rounds=5)


def test_halfcheetah_training(benchmark):
    cell = Cell(
        family="halfcheetah", algorithm="fedsvrpg-m", agents=5, rounds=1, local_steps=2,
        episodes=10, options={"horizon": 100}, hidden=(64, 64), evaluate_every=1000,
        evaluation_episodes=1,
    )  # fmt: skip
    runs = [Run(cell, Seed("test", seed)) for seed in range(5)]
    # what is sampled: training, the evaluation before and after, the random policy
    steps = 5 * 5 * 100 * (2 * 10 + 3)
    measure(benchmark, lambda: train(runs), steps, rounds=3)


def test_halfcheetah_physics_alone(benchmark):
    """The ceiling of the row above: the same physics without a policy."""
    family = FAMILIES["halfcheetah"](horizon=100)
    task = family.sample(25, 0.0, np.random.default_rng(0))
    simulator = family.simulator(task, 10)
    start = simulator.start(np.random.default_rng(1).random((250, simulator.start_draws)))
    action = np.random.default_rng(2).uniform(-1, 1, (250, 6))

    def physics():
        state = start
        for _ in range(20):
            state = simulator.step(state, action, np.empty((250, 0))).state

    measure(benchmark, physics, 20 * 250, rounds=3)


def test_exact_tabular_gradient(benchmark):
    """J and ∇J of 10 seeds × 100 agents on a 25-state MDP; a step is one agent's evaluation."""
    family = FAMILIES["gridworld"]()
    task = family.sample(1000, 0.5, np.random.default_rng(0))
    policy = np.full(task.reward.shape, 0.25)
    measure(benchmark, lambda: family.exact(task, policy), 1000)


def test_start_up(benchmark):
    """`fedrl --help`; a step is one start."""
    command = [sys.executable, "-m", "benchmark", "--help"]
    measure(benchmark, lambda: subprocess.run(command, check=True, capture_output=True), 1, 3)
