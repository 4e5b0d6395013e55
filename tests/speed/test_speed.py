"""Speed of the engine's parts; `tox run -e speed` runs this and prints ratios.

Every benchmark notes in `extra_info["steps"]` how many real environment steps its calls handle,
and in "ratio" its speed as a multiple of a reference's, which is timed before every call: a shared
machine is slower by a third for minutes, and then so are both. One thread, one process. What is
measured is processor time: other programs disturb it little.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import NamedTuple

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

LEAST = 0.02  # s that are measured at once: after a reference, caches hold what is its
FASTEST = 10  # of the speeds that Hopper and Walker2d observe, which cut them there
RUNS, AGENTS = 10, 10  # the paper's regime: 10 seeds × 10 agents × 1 episode


@pytest.fixture(autouse=True)
def single_thread():
    with one_thread(), torch.no_grad():
        yield


def cartpole(algorithm: str = "fedsvrpg-m", **changes) -> list[Run]:
    settings = {"agents": AGENTS, "rounds": 5, "evaluate_every": 1000, "step_size": 3e-4}
    config = Config(**{"family": "cartpole", "algorithm": algorithm, **settings, **changes})
    return [Run(config, Seed("test", seed)) for seed in range(RUNS)]


class Reference(NamedTuple):
    """What a benchmark is a multiple of."""

    name: str
    call: Callable[[], object]
    steps: int  # of one call


def measure(
    benchmark, function, steps: int, rounds: int = 10, beside: Reference | None = None
) -> None:
    calls, several = repeated(benchmark, function)
    benchmark.extra_info |= {"calls": calls, "steps": calls * steps}
    if beside is None or benchmark.disabled:
        benchmark.pedantic(several, rounds=rounds, warmup_rounds=1)
        return
    others, reference = repeated(benchmark, beside.call)
    taken = []

    def first():
        begun = time.process_time()
        reference()
        taken.append(time.process_time() - begun)

    benchmark.pedantic(several, setup=first, rounds=rounds, warmup_rounds=1)
    own = benchmark.stats.stats.data
    gains = (other / mine for mine, other in zip(own, taken[-len(own) :], strict=True))
    ratio = median(gains) * calls * steps / (others * beside.steps)
    benchmark.extra_info |= {"beside": beside.name, "ratio": ratio}


def repeated(benchmark, function) -> tuple[int, Callable[[], None]]:
    """How often a function is called to take LEAST, and what calls it as often."""
    calls = 1
    if not benchmark.disabled:
        function()  # compile
        begun = time.perf_counter()
        function()
        calls = max(1, int(LEAST / (time.perf_counter() - begun)))

    def several() -> None:
        for _ in range(calls):
            function()

    return calls, several


def sampled(runs: list[Run]):
    program, state, roster = start(runs)
    lanes = roster.all_agents
    theta = state.server.theta[lanes.federation]
    stream = lanes.stream(program, "training-0", 0)
    return lanes.sampler, theta, stream, lambda: lanes.sampler.sample(theta.numpy(), stream, 1)


@cache
def gymnasium_loop() -> Reference:
    """What most public code does: one environment, and one torch call a step."""
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

    return Reference("the Gymnasium loop", loop, steps)


def test_rollout(benchmark):
    *_, sample = sampled(cartpole())
    measure(benchmark, sample, int(sample().length.sum()), beside=gymnasium_loop())


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
    sampler, _, stream, sample = first_lanes(name)
    played = sample()
    asked = evaluations(name) if name in ROBOTS else DERIVATIVES.get(name, 1)
    benchmark.extra_info["kind"] = dynamics(FAMILIES[name])
    benchmark.extra_info["evaluations"] = asked
    beside = raw_episodes(sampler, stream, played) if name in ROBOTS else None
    if name == "gymnasium":
        beside = raw_gymnasium(sampler.family, played)
    measure(benchmark, sample, int(played.length.sum()), beside=beside)


def raw_episodes(sampler, stream, played) -> Reference:
    """`raw_physics` of these very episodes."""
    lanes, episodes = played.length.shape
    simulator = sampler.family.simulator(sampler.task, episodes)
    uniform = np.empty((lanes * episodes, simulator.start_draws))
    uniform_lanes(uniform, *stream, episodes, START)
    rows = [part.reshape(len(uniform), -1, part.shape[-1]) for part in played[:2]]
    return raw_physics(simulator, simulator.start(uniform), *rows, played.length.ravel())


def raw_physics(simulator, state, observation, action, lengths) -> Reference:
    """`mj_step` and nothing else: what rows did, replayed open loop."""
    size, skip = simulator.start_draws, simulator.frame_skip
    data, rollout, jobs = [mujoco.MjData(simulator.models[0])], Rollout(nthread=0), []
    for row, length in enumerate(lengths):
        start = np.zeros((1, 1 + size))  # time, qpos, qvel
        start[0, 1:] = state[row, :size]
        taken = action[row, :length].astype(np.float64) + simulator.action_bias[row]
        jobs.append((simulator.models[row], data, start, np.repeat(taken, skip, axis=0)[None]))
    for job, seen in zip(jobs, observation, strict=True):
        after = rollout.rollout(*job)[0][0, skip - 1 :: skip]
        compared = min(20, len(after) - 1)  # chaos makes another path of another last digit
        replayed, seen = after[:compared, 2:], seen[1 : compared + 1]  # qpos but for x, qvel
        assert np.allclose(
            replayed.clip(-FASTEST, FASTEST), seen.clip(-FASTEST, FASTEST), atol=1e-3
        )
    return Reference("mj_step", lambda: [rollout.rollout(*job) for job in jobs], int(lengths.sum()))


def raw_gymnasium(family, played) -> Reference:
    """A bare loop around the environment of the family `gymnasium`: its very actions again."""
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

    return Reference("its bare loop", loop, int(played.length.sum()))


@pytest.mark.parametrize("name", ["plain", "weighted", "curvature"])
def test_estimator(benchmark, name):
    sampler, theta, _, sample = sampled(cartpole())
    played = sample()
    value = torch.zeros(played.reward.shape, dtype=theta.dtype)
    batch = Trajectories(*map(torch.from_numpy, played), theta, value)
    gradients = CompiledGradients(sampler.policy, 0.99)
    function = vmap(getattr(gradients, name))
    arguments = (batch, theta) if name == "curvature" else (theta, batch)
    steps = int(played.length.sum())
    measure(benchmark, lambda: function(*arguments), steps, beside=gymnasium_loop())


@pytest.mark.parametrize("algorithm", ["fedpg", "fedsvrpg-m", "fedhapg-m"])
def test_training(benchmark, algorithm):
    """Whole rounds, evaluation at the first and last round included."""
    runs = cartpole(algorithm)
    steps = sum(int(result.columns["steps_total"][-1]) for result in train(runs))
    measure(benchmark, lambda: train(runs), steps, rounds=5, beside=gymnasium_loop())


def test_local_step(benchmark):
    program, state, roster = start(cartpole())
    sent = broadcast(program, roster, state.server)
    state, own = take_snapshot(program, state, roster, 0)
    local = begin(program, state, roster, sent, own)

    def one_step():
        return local_step(program, roster, local, 0, state.baseline)[1]

    steps = int(one_step().played[0].length.sum())
    measure(benchmark, one_step, steps, beside=gymnasium_loop())


def test_round(benchmark):
    one = rounds_of(cartpole(step_size=1e-5))
    measure(benchmark, one.call, one.steps, beside=gymnasium_loop())


@pytest.mark.parametrize("episodes", [1, 10])
def test_full_episodes(benchmark, episodes):
    """Rounds of FedSVRPG-M whose episodes last the horizon: nothing is gained by short ones."""
    changes = {"episodes": episodes, "options": {"horizon": 20}, "step_size": 1e-5}
    one = rounds_of(cartpole(**changes))
    measure(benchmark, one.call, one.steps, beside=gymnasium_loop())


@pytest.mark.parametrize("lanes", [1_000, 10_000, 100_000])
def test_wide_sweep(benchmark, lanes):
    """One round of a grid of step sizes as one tensor program, beside one of 100 lanes.

    Lanes = trials × seeds × agents.
    """
    if benchmark.disabled and lanes > 1_000:
        pytest.skip("untimed, more lanes show nothing that a thousand do not")
    trials = lanes // (RUNS * AGENTS)
    short = {"local_steps": 1} if lanes > 10_000 else {}  # a round of ten would take half a minute
    runs = [
        run
        for trial in range(trials)
        for run in cartpole(step_size=1e-5 * (1 + trial / trials), **short)
    ]
    one, narrow = rounds_of(runs), rounds_of(cartpole(step_size=1e-5, **short))
    rounds = 3 if short else 5
    measure(benchmark, one.call, one.steps, rounds, narrow._replace(name="a round of 100 lanes"))


def rounds_of(runs: list[Run]) -> Reference:
    """The first round again and again: its episodes are always the same."""
    batch = start(runs)
    steps = int(round_(*batch).ledger.steps.sum())
    return Reference("a round", lambda: round_(*batch), steps)


# HalfCheetah: tanh 64×64, 5 seeds × 5 agents × 10 episodes. The horizon changes no ratio.


def halfcheetah() -> list[Run]:
    config = Config(
        family="halfcheetah", algorithm="fedsvrpg-m", agents=5, local_steps=2, episodes=10,
        options={"horizon": 100}, kappa=1.0, hidden=(64, 64), step_size=1e-6,
    )  # fmt: skip
    return [Run(config, Seed("test", seed)) for seed in range(5)]


@pytest.fixture(scope="module")
def halfcheetah_physics() -> Reference:
    sampler, theta, stream, _ = sampled(halfcheetah())
    return raw_episodes(sampler, stream, sampler.sample(theta.numpy(), stream, 10))


def test_halfcheetah_rollout(benchmark, halfcheetah_physics):
    """Closed loop: the policy is asked before every step."""
    sampler, theta, stream, _ = sampled(halfcheetah())
    again = lambda: sampler.sample(theta.numpy(), stream, 10)  # noqa: E731
    measure(benchmark, again, again().reward.size, 5, halfcheetah_physics)


def test_halfcheetah_training(benchmark, halfcheetah_physics):
    """Whole rounds of FedSVRPG-M."""
    one = rounds_of(halfcheetah())
    measure(benchmark, one.call, one.steps, 5, halfcheetah_physics)


def ppo() -> list[Run]:
    config = Config(
        family="halfcheetah", algorithm="fedppo", agents=5, local_steps=1, segment=2048, kappa=1.0,
        hyperparameters={"minibatches": 32}, hidden=(64, 64), initial_log_std=0.0, step_size=3e-4,
        normalise="pooled",
    )  # fmt: skip
    return [Run(config, Seed("test", seed)) for seed in range(5)]


def test_halfcheetah_ppo(benchmark):
    """Whole rounds of FedPPO: 10 epochs of 32 minibatches with tanh 64×64, segments of 2 048."""
    sampler, theta, stream, _ = sampled(ppo())
    simulator = sampler.simulator(1)
    uniform = np.random.default_rng(0).random((25, simulator.start_draws))
    begin = np.concatenate([simulator.start(uniform), np.zeros((25, 1))], axis=1)  # 0 steps taken
    played, _ = segment(
        simulator, sampler.policy, theta.numpy(), stream, begin, 2048, horizon=10**6
    )
    seen, taken = played.steps.observation, played.steps.action
    physics = raw_physics(simulator, begin, seen, taken, np.full(25, 2048))
    one = rounds_of(ppo())
    measure(benchmark, one.call, one.steps, 3, physics)


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
