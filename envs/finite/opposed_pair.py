"""OpposedPair: what is best for one half of the agents is worst for the other half."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedrl.envs.family import heterogeneity_level
from fedrl.envs.finite.mdp import TabularTask, tabular_task
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.validation import require

FORK, GOOD, BAD, SAFE = range(4)  # then the ends of the three ways, 4, 5, 6


@dataclass(frozen=True)
class OpposedPair(Tabular):
    """Seven states, four actions, two MDPs whose best first actions are opposite.

    At the fork, two actions gamble: one leads to the good way with probability (1 + κ)/2 and to the
    bad way otherwise, the other the other way round; for every second agent the two change places.
    A third action takes the safe way, the fourth waits. The next step, whatever the action, leads
    to the end of the way and pays `prize`, -`prize` or `safe`; the one after that leads back to the
    fork. The mean gradient of an even number of agents has no preference between the gambles, each
    agent's own has: averages of local policies gamble. Which action does what at the fork is
    shuffled once per run, for all agents alike.
    """

    summary: ClassVar[str] = "Two MDPs with opposite best first actions: averaging misleads"
    source: ClassVar[str] = "after Labbi, Mangold, Tiapkin, Moulines 2025 (arXiv 2505.23459)"
    heterogeneity: ClassVar[str] = "agreement of the gambles: (1 ± κ)/2, alternating, κ in [0, 1]"
    gymnasium_id: ClassVar[str] = "FedRL/OpposedPair-v0"
    states: ClassVar[int] = 7
    actions: ClassVar[int] = 4

    horizon: int = 20
    discount: float = 0.95
    prize: float = 1.0  # at the end of the good way; minus it at the end of the bad way
    safe: float = 0.25  # at the end of the safe way, in [0, prize)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.prize > 0, "prize", self.prize, "above 0")
        require(0 <= self.safe < self.prize, "safe", self.safe, f"in [0, {self.prize:g})")

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        kappa = heterogeneity_level(kappa, highest=1.0)
        gamble, other, safe, wait = generator.permutation(self.actions)
        chance = (1 + kappa * np.where(np.arange(agents) % 2 == 0, 1.0, -1.0)) / 2
        kernel = np.zeros((agents, self.states, self.actions, self.states))
        for action, good in ((gamble, chance), (other, 1 - chance)):
            kernel[:, FORK, action, GOOD] = good
            kernel[:, FORK, action, BAD] = 1 - good
        kernel[:, FORK, safe, SAFE] = 1.0
        kernel[:, FORK, wait, FORK] = 1.0
        for way in (GOOD, BAD, SAFE):
            kernel[:, way, :, way + 3] = 1.0
            kernel[:, way + 3, :, FORK] = 1.0
        reward = np.zeros((agents, self.states, self.actions))
        reward[:, [GOOD, BAD, SAFE]] = np.array([[self.prize], [-self.prize], [self.safe]])
        return tabular_task(kernel, reward, np.tile(np.eye(7)[FORK], (agents, 1)), 2)
