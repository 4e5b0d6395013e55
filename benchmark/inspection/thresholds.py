"""Scores that put the results of a family into proportion, computed from its definition.

A score is what the family is measured by: the objective J, discounted, or the undiscounted return;
always the mean over the agents.
"""

from typing import NamedTuple

import numpy as np

from fedrl.benchmark.inspection.federation import Federation
from fedrl.envs.finite.tabular import Tabular, best_common_policy


class Score(NamedTuple):
    """A mean over agents, and how well it is known."""

    value: float
    error: float  # standard error over the sampled episodes
    episodes: int  # per agent; 0 where the score is exact


class Standing(NamedTuple):
    """The marks on a family's scale, from bad to out of reach; None where nothing is known."""

    family: str
    metric: str  # "objective" or "return"
    kappa: float
    agents: int
    seed: int
    random: Score  # of `Policy.uniform`
    reference: float | None  # what reports measure against
    meaning: str  # of the reference
    common: float | None  # best known policy that all agents share
    own: float | None  # every agent with an optimum of its own, which may depend on the time


def standing(agents: Federation, episodes: int) -> Standing:
    """All marks of one family; where there is no closed form, `episodes` (2 or more) are played."""
    family, task = agents.family, agents.task
    known = family.reference(task)
    optimum = getattr(family, "optimum", None)
    return Standing(
        agents.name,
        family.metric,
        agents.kappa,
        agents.agents,
        agents.seed.index,
        random_score(agents, episodes),
        None if known is None else known.value,
        "" if known is None else known.meaning,
        best_common_policy(family, task)[0] if isinstance(family, Tabular) else None,
        None if optimum is None else float(np.mean(optimum(task))),
    )


def random_score(agents: Federation, episodes: int) -> Score:
    """(1/N) Σ_i of the score of the random policy, `Policy.uniform`, in the MDP of agent i."""
    family, count = agents.family, agents.agents
    theta = agents.policy.uniform()[np.newaxis].repeat(count, axis=0)
    exact = family.closed_form(agents.task, agents.policy.shape, theta)
    if exact is not None:
        scores = exact.objective if family.metric == "objective" else exact.undiscounted
        return Score(float(scores.mean()), 0.0, 0)
    discount = family.discount if family.metric == "objective" else 1.0
    returns = agents.episodes(episodes).returns(discount)
    variance = returns.var(axis=1, ddof=1) / episodes
    return Score(float(returns.mean()), float(np.sqrt(variance.sum()) / count), episodes)
