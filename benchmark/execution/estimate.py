"""The size of a study before it runs: environment steps, memory, time."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.envs.family import SimulatedFamily
from fedrl.envs.finite.tabular import Tabular

# Measured on one core of an AMD EPYC, per worker: processor time of sampling and of training with
#   pytest tests/speed --benchmark-only -k "rollout or estimator or round"
#   fedrl speed --family F --algorithm fedsvrpg-m --seeds 10 --agents 5 --episodes 1
#     --local-steps 10 --horizon 100 --rounds 20 --workers 1
# Physics and action only: what gradients cost is added below.
STEPS_PER_SECOND = {
    "gridworld": 2.5e6,
    "random-mdp": 2.5e6,
    "windy-cliff": 2.7e6,
    "opposed-pair": 2.7e6,
    "frozen-lake": 1.5e6,
    "cliff-walking": 2.6e6,
    "taxi": 1.7e6,
    "cartpole": 2.0e6,
    "linear-quadratic": 1.8e6,
    "acrobot": 1.5e6,
    "pendulum": 2.2e6,
    "mountain-car": 2.3e6,
    "halfcheetah": 3.5e4,
    "hopper": 1.4e4,
    "walker2d": 1.1e4,
    "gymnasium": 1.0e4,  # pure Python environments; physics in C++ is faster, traffic far slower
}
OTHER = 1.0e5  # a family that is not in the table
GRADIENT_SECONDS = 7e-7  # of one training step, for the smallest policy
GRADIENTS_PER_SECOND = 3.0e9  # steps × policy parameters, on top
# What a worker has for itself once it has imported everything; compiling takes 80 MB more. Pages of
# libraries are not counted: all workers share them, and how many there are is the system's choice.
WORKER_BYTES = 245e6
PARAMETER_COPIES = 10  # of a lane's parameters: what agents, server and estimators hold at a time
LANE_BYTES = 250e3  # a lane's own compiled physics, where the family is not tabular or compiled
ROUND_SECONDS = 1e-5  # a run's share of what a local step costs beside its episodes
HEADROOM = 1.2  # small arrays and the allocator
START_SECONDS = 5.0  # until a worker computes


class Work(NamedTuple):
    """The cost of one run; steps are upper bounds, reached when all episodes last the horizon."""

    training_steps: int
    evaluation_steps: int  # 0 for finite MDPs, which are scored exactly
    seconds: float  # on one worker


class Size(NamedTuple):
    """The cost of a study."""

    configs: int
    runs: int
    training_steps: int
    evaluation_steps: int
    worker_seconds: float
    worker_bytes: float

    def seconds(self, workers: int) -> float:
        return START_SECONDS + self.worker_seconds / workers if self.runs else 0.0


def size(batches: Sequence[Sequence[Run]]) -> Size:
    """Estimate the cost of batches; runs of a batch share a program, so they cost the same."""
    programs = {batch[0].config.program: batch[0].config for batch in batches}
    by_length = sorted(batches, key=len)
    largest = {batch[0].config.program: batch for batch in by_length}  # the last of each
    each = {program: work(config) for program, config in programs.items()}
    costs = [(len(batch), each[batch[0].config.program]) for batch in batches]
    return Size(
        configs=len({run.config.id for batch in batches for run in batch}),
        runs=sum(runs for runs, _ in costs),
        training_steps=sum(runs * cost.training_steps for runs, cost in costs),
        evaluation_steps=sum(runs * cost.evaluation_steps for runs, cost in costs),
        worker_seconds=sum(runs * cost.seconds for runs, cost in costs),
        worker_bytes=WORKER_BYTES + max(map(_batch_bytes, largest.values()), default=0.0),
    )


def work(config: Config) -> Work:
    """Cost of one run of this config."""
    family, algorithm = config.build_family(), config.build_algorithm()
    episodes = config.rounds * config.local_steps * config.episodes * algorithm.batches
    if algorithm.snapshot:
        rounds = config.rounds * (config.local_steps if algorithm.synchronous else 1)
        episodes += rounds * config.snapshot_episodes
    if config.gradients == "exact":
        episodes = 0
    if algorithm.uses_global_momentum and config.initial_momentum == "batch":
        episodes += config.initial_episodes
    stepping = 1 if algorithm.asynchronous else config.agents  # in a round
    training, rounds = stepping * episodes * family.horizon, config.rounds
    last = config.local_steps * algorithm.batches * config.batch_steps
    if algorithm.generative or (config.segment is not None and config.gradients != "exact"):
        training = config.agents * rounds * last
    if config.budget is not None:  # a run ends with the round that spends it
        training = min(training, config.agents * (config.budget + last))
        # Shorter episodes give more rounds and evaluations, which are shorter as well.
        rounds = rounds if config.gradients == "exact" else min(rounds, -(-config.budget // last))
    # The random policy, the start, then regularly.
    points = 2 + math.ceil(rounds / config.evaluate_every)
    exact = isinstance(family, Tabular)
    per_point = 0 if exact else config.agents * config.evaluation_episodes * family.horizon
    evaluation = points * per_point
    step = 1 / STEPS_PER_SECOND.get(config.family.partition("@")[0], OTHER)
    gradient = GRADIENT_SECONDS + config.build_policy().size / GRADIENTS_PER_SECOND
    passes = max(1, 2 * algorithm.shuffles)  # of policy and critic, over every batch
    passes += 0 if config.critic is None else config.critic.epochs
    seconds = (training + evaluation) * step + training * gradient * passes
    return Work(training, evaluation, seconds + rounds * config.local_steps * ROUND_SECONDS)


def _batch_bytes(runs: Sequence[Run]) -> float:
    """Episodes of all lanes as they are kept (training batches, or one evaluation), parameters."""
    config = runs[0].config
    family, policy = config.build_family(), config.build_policy()
    observed = (family.observation_space.shape or (1,))[0]
    number = np.dtype(config.dtype).itemsize
    entry = (observed + policy.action_size + 2) * number
    training = config.build_algorithm().batches * config.batch_steps
    evaluation = 0 if isinstance(family, Tabular) else config.evaluation_episodes
    lanes = len(runs) * config.agents
    kept = lanes * entry * max(training, family.horizon * evaluation)
    # Gradients are computed lane by lane: activations and their derivatives of one lane's episodes.
    one_lane = config.batch_steps * (entry + 4 * sum(policy.shape) * number)
    parameters = lanes * PARAMETER_COPIES * policy.size * number
    simulated = lanes * LANE_BYTES if isinstance(family, SimulatedFamily) else 0.0
    return HEADROOM * kept + one_lane + parameters + simulated
