"""Speed of the engine's parts; `tox run -e speed` runs this and prints ratios.

Every benchmark notes in `extra_info["steps"]` how many real environment steps one call handles.
One thread, one process. What is measured is processor time: other programs disturb it little.
"""

from __future__ import annotations

import subprocess
import sys
import time

import gymnasium
import mujoco
import numpy as np
import pytest
import scipy.linalg  # noqa: F401  # numba's BLAS: loaded before its threads are limited
import torch
from mujoco.rollout import Rollout
from torch.func import vmap

from fedrl.algorithms import CompiledGradients, Trajectories
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.inspection.catalogue import dynamics
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.noise import START, uniform_lanes
from fedrl.benchmark.training.rounds.exchange import broadcast, take_snapshot
from fedrl.benchmark.training.rounds.local import begin, local_step
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.segments import segment
from fedrl.envs import FAMILIES
from fedrl.envs.mujoco.robot import Robot

pytestmark = pytest.mark.benchmark(timer=time.process_time)

RUNS, AGENTS = 10, 10  # the paper's regime: 10 seeds × 10 agents × 1 episode


@pytest.fixture(autouse=True)
def single_thread():
    with one_thread(), torch.no_grad():
        yield


def cartpole(algorithm: str = "fedsvrpg-m", **changes) -> list[Run]:
    settings = {"agents": AGENTS, "rounds": 5, "evaluate_every": 1000, "step_size": 3e-4}
    config = Config(**{"family": "cartpole", "algorithm": algorithm, **settings, **changes})
    return [Run(config, Seed("test", seed)) for seed in range(RUNS)]


def measure(benchmark, function, steps: int, rounds: int = 10) -> None:
    if not benchmark.disabled:
        function()  # compile
    benchmark.extra_info["steps"] = steps
    benchmark.pedantic(function, rounds=rounds, warmup_rounds=1)


def sampled(runs: list[Run]):
    program, state, roster = start(runs)
    lanes = roster.all_agents
    theta = state.server.theta[lanes.federation]
    stream = lanes.stream(program, "training-0", 0)
    return lanes.sampler, theta, stream, lambda: lanes.sampler.sample(theta.numpy(), stream, 1)


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
    *_, sample = sampled(cartpole())
    measure(benchmark, sample, int(sample().length.sum()))


# How often a step asks for the derivative of the state, where it is not once: Runge-Kutta steps.
DERIVATIVES = {"acrobot": 4}
ROBOTS = [name for name, family in FAMILIES.items() if issubclass(family, Robot)]


def first_lanes(name: str):
    """Sampling under the policies that runs begin with; the lanes are those of the paper."""
    short = {"options": {"horizon": 100}} if name in ROBOTS else {}
    return sampled(cartpole(family=name, kappa=0.5, algorithm="fedpg", **short))


def evaluations(name: str) -> int:
    """Evaluations of the state's derivative in a step of a robot: sub-steps × stages of each."""
    robot = FAMILIES[name]()
    model = robot.model(robot.sample(1, 0.0, np.random.default_rng(0)))
    stages = 4 if model.opt.integrator == mujoco.mjtIntegrator.mjINT_RK4 else 1
    return robot.body.frame_skip * stages


@pytest.mark.parametrize("name", FAMILIES)
def test_family(benchmark, name):
    """Sampling alone."""
    *_, sample = first_lanes(name)
    asked = evaluations(name) if name in ROBOTS else DERIVATIVES.get(name, 1)
    benchmark.extra_info["kind"] = dynamics(FAMILIES[name])
    benchmark.extra_info["evaluations"] = asked
    measure(benchmark, sample, int(sample().length.sum()), rounds=10)


@pytest.mark.parametrize("name", ROBOTS)
def test_raw(benchmark, name):
    """`mj_step` and nothing else: the very episodes of `test_family`, replayed open loop."""
    sampler, _, stream, sample = first_lanes(name)
    played = sample()
    simulator = sampler.family.simulator(sampler.task, 1)
    uniform = np.empty((len(simulator.models), simulator.start_draws))
    uniform_lanes(uniform, *stream, 1, START)
    state = simulator.start(uniform)
    data, jobs = [mujoco.MjData(simulator.models[0])], []
    for lane, model in enumerate(simulator.models):
        start = np.zeros((1, 1 + simulator.start_draws))  # time, qpos, qvel
        start[0, 1:] = state[lane, : simulator.start_draws]
        length = int(played.length[lane, 0])
        action = played.action[lane, 0, :length].astype(np.float64) + simulator.action_bias[lane]
        jobs.append((model, data, start, np.repeat(action, simulator.frame_skip, axis=0)[None]))
    with Rollout(nthread=0) as rollout:
        measure(
            benchmark,
            lambda: [rollout.rollout(*job) for job in jobs],
            int(played.length.sum()),
        )


def test_raw_gymnasium(benchmark):
    """A bare loop around the environment of the family `gymnasium`: its very actions again."""
    sampler, *_, sample = first_lanes("gymnasium")
    family, played = sampler.family, sample()
    environment = gymnasium.make(family.id, **dict(family.keywords)).unwrapped
    episodes = [
        list(map(int, action[0, : length[0], 0]))
        for action, length in zip(played.action, played.length, strict=True)
    ]

    def loop():
        for episode in episodes:
            environment.reset(seed=0)
            for action in episode:
                if environment.step(action)[2]:
                    environment.reset()

    measure(benchmark, loop, int(played.length.sum()))


@pytest.mark.parametrize("name", ["plain", "weighted", "curvature"])
def test_estimator(benchmark, name):
    sampler, theta, _, sample = sampled(cartpole())
    played = sample()
    value = torch.zeros(played.reward.shape, dtype=theta.dtype)
    batch = Trajectories(*map(torch.from_numpy, played), theta, value)
    gradients = CompiledGradients(sampler.policy, 0.99)
    function = vmap(getattr(gradients, name))
    arguments = (batch, theta) if name == "curvature" else (theta, batch)
    measure(benchmark, lambda: function(*arguments), int(played.length.sum()))


@pytest.mark.parametrize("algorithm", ["fedpg", "fedsvrpg-m", "fedhapg-m"])
def test_training(benchmark, algorithm):
    """Whole rounds, evaluation at the first and last round included."""
    runs = cartpole(algorithm)
    steps = sum(int(result.columns["steps_total"][-1]) for result in train(runs))
    measure(benchmark, lambda: train(runs), steps, rounds=5)


def test_local_step(benchmark):
    program, state, roster = start(cartpole())
    sent = broadcast(program, roster, state.server)
    state, own = take_snapshot(program, state, roster, 0)
    local = begin(program, state, roster, sent, own)

    def one_step():
        return local_step(program, roster, local, 0, state.baseline)[1]

    measure(benchmark, one_step, int(one_step().played[0].length.sum()))


def test_round(benchmark):
    measure_rounds(benchmark, cartpole(step_size=1e-5), rounds=10)


@pytest.mark.parametrize("episodes", [1, 10])
def test_full_episodes(benchmark, episodes):
    """Rounds of FedSVRPG-M whose episodes last the horizon: nothing is gained by short ones."""
    changes = {"episodes": episodes, "options": {"horizon": 20}, "step_size": 1e-5}
    measure_rounds(benchmark, cartpole(**changes), rounds=10)


@pytest.mark.parametrize("lanes", [100, 1_000, 10_000, 100_000])
def test_sweep(benchmark, lanes):
    """One round of a grid of step sizes as one tensor program: lanes = trials × seeds × agents."""
    if benchmark.disabled and lanes > 1_000:
        pytest.skip("untimed, more lanes show nothing that a thousand do not")
    trials = lanes // (RUNS * AGENTS)
    short = {"local_steps": 1} if lanes > 10_000 else {}  # a round of ten would take half a minute
    runs = [
        run
        for trial in range(trials)
        for run in cartpole(step_size=1e-5 * (1 + trial / trials), **short)
    ]
    measure_rounds(benchmark, runs, rounds=2 if short else 5)


def measure_rounds(benchmark, runs: list[Run], rounds: int) -> None:
    """The first round again and again: its episodes are always the same."""
    batch = start(runs)
    after = round_(*batch)
    measure(benchmark, lambda: round_(*batch), int(after.ledger.steps.sum()), rounds)


# HalfCheetah: tanh 64×64, 5 seeds × 5 agents × 10 episodes. The horizon changes no ratio.


def halfcheetah() -> list[Run]:
    config = Config(
        family="halfcheetah", algorithm="fedsvrpg-m", agents=5, local_steps=2, episodes=10,
        options={"horizon": 100}, kappa=1.0, hidden=(64, 64), step_size=1e-6,
    )  # fmt: skip
    return [Run(config, Seed("test", seed)) for seed in range(5)]


def test_halfcheetah_ceiling(benchmark):
    """`mj_step` and nothing else: the very episodes of the rows below, replayed open loop."""
    sampler, theta, stream, _ = sampled(halfcheetah())
    played = sampler.sample(theta.numpy(), stream, 10)
    simulator = sampler.family.simulator(sampler.task, 10)
    uniform = np.empty((len(simulator.models), simulator.start_draws))
    uniform_lanes(uniform, *stream, 10, START)
    state = simulator.start(uniform)
    initial = np.zeros((len(state), 1 + simulator.start_draws))  # time, qpos, qvel
    initial[:, 1:] = state[:, : simulator.start_draws]
    actions = played.action.reshape(len(state), 100, -1) + simulator.action_bias[:, None]
    control = np.repeat(actions.astype(np.float64), simulator.frame_skip, axis=1)
    data = [mujoco.MjData(simulator.models[0])]
    with Rollout(nthread=0) as rollout:
        measure(
            benchmark,
            lambda: rollout.rollout(simulator.models, data, initial, control),
            played.reward.size,
            rounds=5,
        )
        after, _ = rollout.rollout(simulator.models, data, initial, control)
    speed = np.diff(after[:, simulator.frame_skip - 1 :: simulator.frame_skip, 1], axis=1)
    speed = speed / simulator.seconds
    cost = 0.1 * np.square(played.action.astype(np.float64)).sum(-1).reshape(len(state), 100)
    reward = played.reward.reshape(len(state), 100)
    assert np.allclose(speed[:, :20] - cost[:, 1:21], reward[:, 1:21], atol=1e-3)


def test_halfcheetah_rollout(benchmark):
    """Closed loop: the policy is asked before every step."""
    sampler, theta, stream, _ = sampled(halfcheetah())
    steps = sampler.sample(theta.numpy(), stream, 10).reward.size
    measure(benchmark, lambda: sampler.sample(theta.numpy(), stream, 10), steps, rounds=5)


def test_halfcheetah_training(benchmark):
    """Whole rounds of FedSVRPG-M."""
    batch = start(halfcheetah())
    measure(benchmark, lambda: round_(*batch), 5 * 5 * 10 * 100 * 2, rounds=5)


def ppo() -> list[Run]:
    config = Config(
        family="halfcheetah", algorithm="fedppo", agents=5, local_steps=1, segment=2048, kappa=1.0,
        hyperparameters={"minibatches": 32}, hidden=(64, 64), initial_log_std=0.0, step_size=3e-4,
        normalise="pooled",
    )  # fmt: skip
    return [Run(config, Seed("test", seed)) for seed in range(5)]


def test_halfcheetah_ppo_ceiling(benchmark):
    """`mj_step` and nothing else: a segment of the agents of the row below, open loop."""
    sampler, theta, stream, _ = sampled(ppo())
    simulator = sampler.simulator(1)
    uniform = np.random.default_rng(0).random((25, simulator.start_draws))
    begin = np.concatenate([simulator.start(uniform), np.zeros((25, 1))], axis=1)  # 0 steps taken
    played, _ = segment(
        simulator, sampler.policy, theta.numpy(), stream, begin, 2048, horizon=10**6
    )
    initial = np.zeros((25, 1 + simulator.start_draws))  # time, qpos, qvel
    initial[:, 1:] = begin[:, : simulator.start_draws]
    actions = played.steps.action.astype(np.float64) + simulator.action_bias[:, None]
    control = np.repeat(actions, simulator.frame_skip, axis=1)
    data = [mujoco.MjData(simulator.models[0])]
    with Rollout(nthread=0) as rollout:
        again = lambda: rollout.rollout(simulator.models, data, initial, control)  # noqa: E731
        measure(benchmark, again, 25 * 2048, rounds=3)
        after, _ = again()
    speed = np.diff(after[:, simulator.frame_skip - 1 :: simulator.frame_skip, 1], axis=1)
    speed /= simulator.seconds
    cost = 0.1 * np.square(played.steps.action.astype(np.float64)).sum(-1)
    assert np.allclose(speed[:, :20] - cost[:, 1:21], played.steps.reward[:, 1:21], atol=1e-3)


def test_halfcheetah_ppo(benchmark):
    """Whole rounds of FedPPO: 10 epochs of 32 minibatches with tanh 64×64, segments of 2 048."""
    batch = start(ppo())
    measure(benchmark, lambda: round_(*batch), 25 * 2048, rounds=3)


def test_exact_tabular_gradient(benchmark):
    """J and ∇J of 10 seeds × 100 agents on a 25-state MDP; a step is one agent's evaluation."""
    family = FAMILIES["gridworld"]()
    task = family.sample(1000, 0.5, np.random.default_rng(0))
    policy = np.full(task.reward.shape, 0.25)
    measure(benchmark, lambda: family.exact(task, policy), 1000)


@pytest.mark.benchmark(timer=time.perf_counter)
def test_start_up(benchmark):
    """`fedrl --help`, in wall time; a step is one start."""
    command = [sys.executable, "-m", "fedrl", "--help"]
    measure(benchmark, lambda: subprocess.run(command, check=True, capture_output=True), 1, 3)
