"""How a policy that is good for one agent does in the MDP of another: J_j of the policy of agent i.

The other agent may be one that took no part: agents N, N + 1, … of the draw that the run's N agents
are the first of.

All values are those of the undisturbed MDPs, as they are before any drift and without a cliff.
Axes: N agents, M held out, d parameters, F policies of a run (N if agents have their own, else 1).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.inspection import heterogeneity
from fedrl.benchmark.training.evaluate import evaluate
from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.envs.family import Array
from fedrl.envs.finite.tabular import Tabular

OPTIMUM, TRAINED, TRANSFER = "optimum", "trained", "transfer"
COMMON = -1  # in the column `policy_of`: the policy belongs to no agent


class Matrix(NamedTuple):
    """J of some policies (rows) in the MDPs of some agents (columns)."""

    kind: str  # every agent's own optimum, what a run has trained, or that in MDPs held out
    objective: Array  # (F, N), or (F, M) of agents held out
    episodes: int  # per entry; 0 where the value is exact


class Crossed(NamedTuple):
    """Cross-evaluation of one run: optimal and trained policies in all agents' MDPs."""

    run: Run
    optimum: Matrix | None = None  # finite MDPs only
    distance: heterogeneity.Distance | None = None  # of the transitions; finite MDPs only
    gap: float | None = None  # what sharing one policy costs, an upper bound; finite MDPs only
    trained: Matrix | None = None  # None where no finite parameters are stored
    transfer: Matrix | None = None  # where agents are held out, and `trained` is known


def agents_of(run: Run) -> Crossed:
    """Without what depends on the algorithm: optima, distances and gap of a run's agents."""
    family, task = _agents(run, run.config.agents)
    if not isinstance(family, Tabular):
        return Crossed(run)
    matrix = Matrix(OPTIMUM, heterogeneity.cross_evaluation(family, task), 0)
    return Crossed(
        run, matrix, heterogeneity.kernel_distance(task), heterogeneity.optimality_gap(family, task)
    )


def trained(run: Run, theta: Array, episodes: int) -> Matrix:
    """J_j(θ_f) of the final parameters θ (F, d) of a run; all rows use common random numbers."""
    return _evaluated(TRAINED, run, theta, episodes, range(run.config.agents))


def transferred(run: Run, theta: Array, episodes: int, held_out: int) -> Matrix:
    """J_j(θ_f) in the MDPs of `held_out` agents that took no part, otherwise like `trained`."""
    first = run.config.agents
    return _evaluated(TRANSFER, run, theta, episodes, range(first, first + held_out))


def _evaluated(kind: str, run: Run, theta: Array, episodes: int, agents: range) -> Matrix:
    family, task = _agents(run, agents.stop)
    task = type(task)(*(part[agents.start :] for part in task))
    count = len(agents)
    keys = np.full(count, run.seed.key("cross-evaluation"), np.uint64)
    stream = Stream(keys, np.asarray(agents), 0)
    policy = run.config.build_policy()
    sampler = Sampler(family, policy, task)
    rows = [evaluate(family, sampler, one[np.newaxis], stream, episodes) for one in theta]
    exact = family.closed_form(task, policy.shape, np.repeat(theta[:1], count, axis=0)) is not None
    objective = np.concatenate([row.objective for row in rows])
    return Matrix(kind, objective, 0 if exact else episodes)


def agents_key(run: Run) -> tuple[Any, ...]:
    """Runs with the same key have the same agents."""
    config = run.config
    options = tuple(sorted((name, repr(value)) for name, value in config.options.items()))
    return config.family, options, config.kappa, config.agents, run.seed


def table(study: str, crossed: Sequence[Crossed]) -> pd.DataFrame:
    """One row per policy and agent; the agents' optima are repeated for every run on them."""
    rows = [
        {
            "study": study,
            "family": one.run.config.family,
            "kappa": one.run.config.kappa,
            "algorithm": one.run.config.algorithm,
            "agents": one.run.config.agents,
            "seed": one.run.seed.index,
            "cell": one.run.config.id,
            "policy": matrix.kind,
            "policy_of": COMMON if len(matrix.objective) < one.run.config.agents else i,
            "agent": j + one.run.config.agents * (matrix.kind == TRANSFER),
            "objective": value,
            "episodes": matrix.episodes,
        }
        for one in crossed
        for matrix in (one.optimum, one.trained, one.transfer)
        if matrix is not None
        for i, row in enumerate(matrix.objective.tolist())
        for j, value in enumerate(row)
    ]
    return pd.DataFrame(rows)


def _agents(run: Run, count: int) -> tuple[Any, Any]:
    family = run.config.build_family()
    return family, family.sample(count, run.config.kappa, run.seed.generator("environment"))
