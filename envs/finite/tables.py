"""Transition tables in Gymnasium's form, `P[s][a] = [(probability, s', reward, ended), ...]`.

Agents differ in how a move goes wrong: with probability `slip` one of the two moves to its sides
happens instead, to the right of it with probability `drift` and to the left otherwise, each as the
table says. With slip = 0 an agent's MDP is the table. Axes: N agents, Z states, A actions,
K outcomes.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from fedrl.envs.family import Array, Knob, heterogeneity_level, perturb
from fedrl.envs.finite.mdp import TabularTask, from_outcomes
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.validation import require

Table = Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]]
Outcome = tuple[int, float]  # s', reward


@dataclass(frozen=True)
class TableFamily(Tabular):
    """A table of Gymnasium's `toy_text` whose moves slip."""

    heterogeneity: ClassVar[str] = "slip probability and side to which a move slips, κ in [0, 1]"
    knobs: ClassVar[dict[str, Knob]] = {
        "slip": Knob(0.0, 0.0, 0.5, "probability", "a move goes to a side instead", -1e-12),
        "drift": Knob(0.5, 0.0, 1.0, "probability", "a slip goes right, not left", -1e-12),
    }
    sides: ClassVar[dict[int, tuple[int, int]]]  # moves to the right and to the left of each move

    @abstractmethod
    def table(self) -> Any:
        """Gymnasium's environment, whose `P` and `initial_state_distrib` are used."""

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        heterogeneity_level(kappa, highest=1.0)
        values = perturb(self.knobs, self.knobs, agents, kappa, generator)
        for name, value in values.items():
            largest = np.max(value, initial=0.0)
            require(largest <= 1, name, float(largest), "a probability, at most 1")
        slip, drift = (values[name][:, None, None, None] for name in ("slip", "drift"))
        first, successor, payoff, (ahead, right, left) = _outcomes_of(self)
        chance = (1 - slip) * ahead + slip * (drift * right + (1 - drift) * left)
        reward = np.sum(chance * payoff, axis=-1)
        return from_outcomes(
            np.tile(successor, (agents, 1, 1, 1)),
            chance,
            np.tile(payoff, (agents, 1, 1, 1)),
            reward,
            np.tile(first, (agents, 1)),
        )


@cache
def _outcomes_of(family: TableFamily) -> tuple[Array, Array, Array, Array]:
    """Start distribution (Z,) and `outcomes` of a family's table, which takes a while to build."""
    environment = family.table()
    return environment.initial_state_distrib, *outcomes(environment.P, family.sides)


def outcomes(table: Table, sides: Mapping[int, tuple[int, int]]) -> tuple[Array, Array, Array]:
    """s' and reward of all outcomes (Z, A, K), and their chances (3, Z, A, K): ahead, right, left.

    Rewards are (Z, A, 1) if they are the same for all outcomes of every row.
    A state in which an episode ends has no successor but itself, and is left for free.
    """
    ends = {s for row in table.values() for move in row.values() for _, s, _, end in move if end}
    rows: dict[tuple[int, int], list[dict[Outcome, float]]] = {}
    for s, moves in table.items():
        for a in moves:
            three = (a, *sides.get(a, (a, a)))
            rows[s, a] = [{(s, 0.0): 1.0} if s in ends else _merged(moves[b]) for b in three]
    known = {
        key: sorted({outcome for way in ways for outcome in way}) for key, ways in rows.items()
    }
    shape = (len(table), len(table[0]), max(map(len, known.values())))
    successor, payoff, chance = np.zeros(shape, np.int32), np.zeros(shape), np.zeros((3, *shape))
    for (s, a), ways in rows.items():
        for k, (following, reward) in enumerate(known[s, a]):
            successor[s, a, k], payoff[s, a, k] = following, reward
            chance[:, s, a, k] = [way.get((following, reward), 0.0) for way in ways]
    if all(len({reward for _, reward in row}) == 1 for row in known.values()):
        payoff = payoff[..., :1]  # less memory to fetch
    return successor, payoff, chance


def _merged(entries: Sequence[tuple[float, int, float, bool]]) -> dict[Outcome, float]:
    """One entry per s' and reward; the table may list it twice."""
    merged: dict[Outcome, float] = {}
    for probability, following, reward, _ in entries:
        key = int(following), float(reward)
        merged[key] = merged.get(key, 0.0) + float(probability)
    return merged
