"""What is left of the gradient where an algorithm ends when its gradients are exact.

Nothing is sampled: a study that needs no published records is computed here in seconds, and every
number is exact up to rounding. Intervals are the range over all drawn MDPs, so that a verdict
holds in each of them.
"""

from functools import cache
from typing import Any

import numpy as np
import torch

from fedrl.algorithms.estimators.exact import ExactGradients, Model
from fedrl.benchmark.claims.estimands.intervals import spanned
from fedrl.benchmark.claims.evidence import Evidence, NothingToMeasureError
from fedrl.benchmark.claims.verdict import Measured
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.training.federation import train
from fedrl.reports.statistics.estimates import Array

ASSUMES = (
    "exact gradients, so no noise; the interval is the range over the drawn MDPs",
    "an entropy term keeps stationary points away from deterministic policies",
)
ROUNDING = 1e-32  # ‖∇J‖² below which nothing is told from rounding


def residual(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """log₁₀ of ‖∇J(θ_end)‖² as a share of FedPG's at the same step size."""
    size = float(options["step_size"])
    ours, theirs = (
        squares(evidence.study, str(options[side]), size) for side in ("algorithm", "against")
    )
    return Measured(spanned(np.log10(ours / theirs)), len(ours), assumes=ASSUMES)


def bias_order(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """d log ‖∇J(θ_end)‖² / d log η between two step sizes: 2 for a bias of first order in η."""
    small, large = (float(size) for size in options["step_sizes"])
    name = str(options["algorithm"])
    ends = [squares(evidence.study, name, size) for size in (small, large)]
    order = np.log(ends[1] / ends[0]) / np.log(large / small)
    return Measured(spanned(order), len(order), assumes=ASSUMES)


@cache
def squares(study: str, algorithm: str, step_size: float) -> Array:
    """(seeds,) ‖(1/N) Σ_i ∇J_i(θ)‖² at the end of every run of a configuration."""
    runs = [
        run
        for run in load_study(study).runs()
        if run.config.algorithm == algorithm and run.config.step_size == step_size
    ]
    if not runs:
        raise NothingToMeasureError(f"study {study} has no {algorithm} at η = {step_size:g}")
    if any(run.config.gradients != "exact" for run in runs):
        raise NothingToMeasureError(f"study {study} has no exact gradients")
    ends = zip(runs, train(runs), strict=True)
    found = [_square(run, torch.from_numpy(result.parameters)[0]) for run, result in ends]
    return np.maximum(found, ROUNDING)


def _square(run: Run, theta: torch.Tensor) -> float:
    config: Config = run.config
    family: Any = config.build_family()
    task = family.sample(config.agents, config.kappa, run.seed.generator("environment"))
    policy: Any = config.build_policy()
    exact = ExactGradients(policy, family.discount, family.horizon, config.entropy)
    kernel, reward, start = map(torch.from_numpy, (task.kernel, task.reward, task.start))
    models = [Model(kernel[i], reward[i], start[i], theta) for i in range(config.agents)]
    each = [exact.plain(theta, model) for model in models]
    return float(torch.stack(each).mean(0).square().sum())
