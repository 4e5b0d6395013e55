"""Constants of a batch of runs while it trains: its settings, its MDPs, its random keys.

A batch holds S runs whose configs share a program; its numbers κ, η, λ and the hyperparameters
differ per run. All arrays have a leading axis of G federations and n agents in each: G = S, n = N,
except for algorithms that do not communicate, whose N agents are N federations of one agent.
Nothing a run computes depends on what else is in the batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms import Algorithm
from fedrl.algorithms.estimators.gradients import Probe
from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.training.experience import estimators
from fedrl.envs.family import Array, Family


@dataclass(frozen=True, eq=False)
class Program:
    """All that S runs share, and what is drawn once for each of them."""

    runs: tuple[Run, ...]
    config: Config  # of the first run; of the others wherever the program decides
    family: Family
    policy: Policy
    algorithm: Algorithm  # its hyperparameters are those of the first run
    gradients: Any  # the estimators
    probe: Probe  # sees their importance weights
    threads: int
    tasks: tuple[Any, ...]  # every run's MDPs, before any drift
    drift_targets: tuple[Any, ...]  # where every run's MDPs drift to; empty where they stand still
    hyperparameters: dict[str, Tensor]  # of every federation, (S·F,) each
    step_size: Tensor  # (S·F,), η
    server_step: Tensor  # (S·F,), λ
    _keys: dict[str, Array] = field(default_factory=dict, repr=False)

    @property
    def federations_per_run(self) -> int:
        """F: 1, or N where agents do not communicate."""
        return 1 if self.algorithm.federated else self.config.agents

    @property
    def agents_per_federation(self) -> int:
        """n."""
        return self.config.agents // self.federations_per_run

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """The type of θ's entries."""
        return np.dtype(self.config.dtype).type

    def keys(self, purpose: str) -> Array:
        """Every run's key for a purpose: (S,) uint64."""
        if purpose not in self._keys:
            self._keys[purpose] = np.array([r.seed.key(purpose) for r in self.runs], np.uint64)
        return self._keys[purpose]


def program_of(runs: Sequence[Run], threads: int = 1) -> Program:
    """The program of runs, which must share `config.program`."""
    config = runs[0].config
    if any(run.config.program != config.program for run in runs):
        raise ValueError("runs of one batch must share config.program")
    family, policy = config.build_family(), config.build_policy()
    algorithm = config.build_algorithm()
    gradients, probe = estimators(config, family, policy)

    def draw(purpose: str) -> tuple[Any, ...]:
        return tuple(
            family.sample(config.agents, run.config.kappa, run.seed.generator(purpose))
            for run in runs
        )

    def per_federation(value: Callable[[Config], float]) -> Tensor:
        values = torch.tensor([value(run.config) for run in runs], dtype=torch.float64)
        copies = 1 if algorithm.federated else config.agents
        return values.to(getattr(torch, config.dtype)).repeat_interleave(copies, dim=0)

    return Program(
        runs=tuple(runs),
        config=config,
        family=family,
        policy=policy,
        algorithm=algorithm,
        gradients=gradients,
        probe=probe,
        threads=threads,
        tasks=draw("environment"),
        drift_targets=() if config.drift is None else draw("drift"),
        hyperparameters={
            name: per_federation(lambda c, name=name: float(c.hyperparameters[name]))  # type: ignore[misc]
            for name in algorithm.tunables()
        },
        step_size=per_federation(lambda c: c.step_size),
        server_step=per_federation(lambda c: c.server_step),
    )
