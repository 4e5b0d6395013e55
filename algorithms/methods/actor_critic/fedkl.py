"""FedKL: PPO of agents whose policies are held close to the global one."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.actor_critic import Proximal
from fedrl.algorithms.algorithm import Agent, Gradients, Server, Trajectories, tunable
from fedrl.algorithms.estimators.actor_critic.proximal import Rates


@dataclass(frozen=True)
class FedKL(Proximal):
    """FedPPO with a penalty on the divergence from the policy that was broadcast.

    The penalty is the counterpart in policies of FedProx's in parameters. The reading taken: the
    weight is a constant, where the paper adapts it, and the trust region of a local step is PPO's
    clip. Where agents keep K = 1, it acts between the minibatches of one local step only.
    """

    reference: ClassVar[str] = "Xie and Song, IEEE JSAC 2023 (arXiv 2204.08125), with PPO's clip"
    entrywise: ClassVar[bool] = True
    contains: ClassVar = {"fedppo": {"divergence_weight": 0.0}}

    divergence_weight: float = tunable(
        0.5, low=0.0, high=5.0, domain=(0, 1e6), meaning="c_d, of the divergence; 0 is FedPPO"
    )

    def rates(self, agent: Agent) -> Rates:
        return super().rates(agent)._replace(divergence_weight=self.divergence_weight)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (θ' - θ) / η, θ' after the optimiser's updates along ∇L on the batch sampled at θ.

        L(θ) is FedPPO's less c_d mean KL(π_{θ_r}(·|s) ‖ π_θ(·|s)).
        """
        return self.local_step(gradients, server, agent, *batches)[0]
