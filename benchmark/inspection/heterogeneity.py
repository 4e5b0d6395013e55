"""How different the MDPs of N agents are, measured exactly for finite MDPs.

Axes: N agents, Z states, A actions, d = Z·A logits.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numba import njit

from fedrl.envs.family import Array
from fedrl.envs.finite.mdp import TabularTask
from fedrl.envs.finite.tabular import Tabular, best_common_policy


class Distance(NamedTuple):
    """A distance between agents, over all pairs of them and all (s, a); 0 for a single agent."""

    largest: float
    mean: float


def kernel_distance(task: TabularTask) -> Distance:
    """½ Σ_x |P_i(x|s,a) - P_j(x|s,a)|, the total-variation distance: in [0, 1]."""
    follows, chance = task.successor, task.chance
    pairs = combinations(range(len(task.start)), 2)
    found = [_total_variation(follows[i], chance[i], follows[j], chance[j]) for i, j in pairs]
    if not found:
        return Distance(0.0, 0.0)
    largest = max(float(distance.max()) for distance in found)
    return Distance(largest, float(np.mean([distance.mean() for distance in found])))


def optimality_gap(family: Tabular, task: TabularTask) -> float:
    """(1/N) Σ_i max_π J_i(π) - max_π (1/N) Σ_i J_i(π): what sharing one policy costs.

    An upper bound: on the left the policy may depend on the time, on the right stands the best
    stationary policy that is known.
    """
    return float(np.mean(family.optimum(task))) - best_common_policy(family, task)[0]


def cross_evaluation(family: Tabular, task: TabularTask) -> Array:
    """J_j(π_i*): (N, N), the optimal policy of agent i (row) in the MDP of agent j (column).

    The diagonal is `family.optimum`. Of several optimal actions the first one counts.
    """
    best = family.optima(task).action
    agents = range(len(best))
    return np.stack([family.follow(task, np.repeat(best[[i]], len(best), axis=0)) for i in agents])


@njit(cache=True, nogil=True)
def _total_variation(ours, our_chance, theirs, their_chance):  # type: ignore[no-untyped-def]
    """½ Σ_x |P(x|s,a) - Q(x|s,a)|: (Z, A), touching only the states that follow."""
    states, actions, outcomes = our_chance.shape
    distance = np.zeros((states, actions))
    difference = np.zeros(states)  # P - Q of one row
    for s in range(states):
        for a in range(actions):
            for k in range(outcomes):
                difference[ours[s, a, k]] += our_chance[s, a, k]
                difference[theirs[s, a, k]] -= their_chance[s, a, k]
            for k in range(outcomes):
                for x in (ours[s, a, k], theirs[s, a, k]):
                    distance[s, a] += abs(difference[x]) / 2
                    difference[x] = 0.0
    return distance
