"""b-RS-FedPG: a policy that chooses an action bit by bit, and a regulariser for its bits."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable
from fedrl.algorithms.estimators.bits import bitwise
from fedrl.algorithms.estimators.lifting import flat, lifted, where
from fedrl.algorithms.estimators.policy import Array


@dataclass(frozen=True)
class BRSFedPG(Algorithm):
    """π(a|s) = Π_p σ(±θ[s,c]) over the bits of a; θ[s,c] says how likely a bit is 1.

    Readings taken. θ[s,c] is the difference of the two logits of a bit, of which the source updates
    both: so u is twice the gradient. An action's number is its code, and a bit that is 0 in every
    action with these bits before it is no choice. J itself, without τ, is what is scored. Neither
    this nor S-FedPG projects θ: the published code does not.
    """

    reference: ClassVar[str] = (
        "Labbi, Mangold, Tiapkin, Moulines 2025 (arXiv 2505.23459v1), b-RS-FedPG, after its "
        "published code; the text is not verified"
    )
    kind: ClassVar[str] = "regularised policy gradient"
    entrywise: ClassVar[bool] = True
    finite: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    table: ClassVar = "bits"

    temperature: float = tunable(
        0.01, low=1e-4, high=0.1, domain=(0, 1e6), meaning="τ, weight of the regulariser"
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = 2 g_i(θ) with the reward R - τ Σ_p γ^{p/(k-1)} log π(bit p | s, bits before it)."""
        batch, actions = batches[0], gradients.policy.shape[-1]

        def told(out: Array, reward: Array, theta: Array, state: Array, action: Array) -> None:
            bitwise(theta, actions, state, action, gradients.discount, out)

        pairs = (batch.observation[..., 0], batch.action[..., 0])
        state, action = (flat(where(batch.alive, part, 0)) for part in pairs)
        bits = lifted(told, flat(batch.reward), agent.theta, state, action)
        charge = (self.temperature * bits).reshape(batch.reward.shape)
        return 2 * gradients.plain(agent.theta, batch._replace(reward=batch.reward - charge))
