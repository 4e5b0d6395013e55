"""Where algorithms end when gradients are exact: bias, its size to first order, and its absence.

At a fixed point θ of FedAvg with K local steps of size η, the agents' local iterates are
θ + ηk ∇J_i(θ) + O(η²), so that Σ_k Σ_i ∇J_i(θ_k^i) = 0 reads

∇J(θ) = -η (K-1)/2 · (1/N) Σ_i ∇²J_i(θ) ∇J_i(θ) + O(η²).

The objective has an entropy term: it keeps the stationary point away from deterministic policies,
where every gradient of a softmax policy vanishes and no bias could be seen.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import pytest
import torch

from fedrl.algorithms import ALGORITHMS, Algorithm
from fedrl.algorithms.estimators.exact import ExactGradients, Model
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train

N, K, ENTROPY = 4, 5, 0.2
SETTINGS = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 1.0,
    "agents": N,
    "rounds": 300,
    "evaluate_every": 300,
    "local_steps": K,
    "step_size": 1.0,
    "gradients": "exact",
    "entropy": ENTROPY,
}


def parameters(name: str, **changes) -> torch.Tensor:
    """θ (G, d) after training; exact gradients take no samples."""
    config = Config(**{**SETTINGS, "algorithm": name, **changes})
    (result,) = train([Run(config, Seed("test", 0))])
    assert (result.columns["steps_total"][-1] == 0) == (config.gradients == "exact")
    return torch.from_numpy(result.parameters)


class End(NamedTuple):
    """What is known at the parameters θ where a long training ended."""

    gradient: torch.Tensor  # (d,), (1/N) Σ_i ∇J_i(θ)
    drift: torch.Tensor  # (d,), (1/N) Σ_i ∇²J_i(θ) ∇J_i(θ)

    @property
    def bias(self) -> float:
        """‖∇J(θ)‖²."""
        return float(self.gradient.square().sum())


@cache
def fedavg(step_size: float) -> End:
    """That many laws compare with."""
    return end("fedpg", step_size=step_size, server_step_size=5.0)


def end(name: str, **changes) -> End:
    theta = parameters(name, **changes)[0]
    config = Config(**{**SETTINGS, "algorithm": name, **changes})
    family = config.build_family()
    task = family.sample(N, config.kappa, Seed("test", 0).generator("environment"))
    gradients = ExactGradients(config.build_policy(), family.discount, family.horizon, ENTROPY)
    parts = [torch.from_numpy(part) for part in (task.kernel, task.reward, task.start)]
    models = [Model(*(part[i] for part in parts), theta) for i in range(N)]
    each = [gradients.plain(theta, model) for model in models]
    turned = [gradients.curvature(model, g) for model, g in zip(models, each, strict=True)]
    return End(torch.stack(each).mean(0), torch.stack(turned).mean(0))


def distance(one: torch.Tensor, two: torch.Tensor) -> float:
    """‖one - two‖ / ‖two‖."""
    return float((one - two).norm() / two.norm())


def test_fedavg_drifts_to_a_biased_point_and_pooled_steps_do_not():
    drifted, pooled = end("fedpg").bias, end("pooled-pg").bias
    assert pooled < 1e-20
    assert drifted > 1e-8
    assert fedavg(0.2).bias < drifted / 10  # of order η²


@pytest.mark.parametrize("name", ["scaffold-pg", "fast-fedpg", "mime-pg", "fedsvrpg", "fedhapg"])
def test_drift_correction_ends_at_a_stationary_point_of_the_mean(name):
    assert end(name).bias < 1e-20  # where FedPG leaves more than 1e-8


SMALL = 0.05  # step size at which the first order describes the bias
FAST = {"step_size": SMALL, "server_step_size": 5.0}  # a fixed point does not depend on λ


def test_the_bias_of_fedavg_is_the_first_order_of_its_drift():
    found = fedavg(SMALL)
    assert distance(found.gradient, -SMALL * (K - 1) / 2 * found.drift) < 0.05
    single = end("fedpg", **FAST, local_steps=1)
    assert single.bias < 1e-20


@pytest.mark.parametrize("beta", [0.2, pytest.param(0.6, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["fedsvrpg-m", "fedhapg-m", "fedhapg-m2"])
def test_a_correction_by_the_agents_own_past_keeps_the_first_order_of_the_bias(name, beta):
    """At a fixed point u = β ∇J_i(θ) + [∇J_i(θ_k) - ∇J_i(θ)]: drift and pull both shrink by β.

    The heterogeneous part ∇J_i(θ) - ∇J(θ) stays in u with weight β, as it does in FedPG with
    weight 1. So exact convergence of these algorithms needs η(K-1) → 0, whatever β; that of a
    shared snapshot does not.
    """
    found = end(name, **FAST, hyperparameters={"beta": beta})
    plain = fedavg(SMALL)
    assert distance(found.gradient, plain.gradient) < 0.02


@pytest.mark.parametrize("beta", [0.2, pytest.param(0.6, marks=pytest.mark.long)])
def test_momentum_alone_shrinks_the_bias_by_beta(beta):
    """u = β ∇J_i(θ_k) + (1 - β) u_r: the drift is β times as long, its pull on ∇J is not."""
    found = end("fedpg-m", **FAST, hyperparameters={"beta": beta})
    plain = fedavg(SMALL)
    assert distance(found.gradient, beta * plain.gradient) < 0.02


# Identities of exact gradients


@pytest.mark.parametrize("name", ["is-mbpg", "mfpo"])
def test_the_first_round_of_a_local_correction_is_fedpg(name):
    """u_k = ∇J_i(θ_k) + (1 - β) [u_{k-1} - ∇J_i(θ_{k-1})], and the bracket starts at zero."""
    found, plain = parameters(name, rounds=1), parameters("fedpg", rounds=1)
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-13)
    assert not torch.equal(plain, torch.zeros_like(plain))


SINGLE = ["fedprox-pg", "is-mbpg", "pooled-pg"]  # no second local step, nothing to correct


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("gradients", ["exact", "sampled"])
def test_with_one_local_step_it_is_fedpg_bit_for_bit(name, gradients):
    settings = {"local_steps": 1, "rounds": 10, "step_size": 0.3, "gradients": gradients}
    found, plain = (parameters(other, **settings) for other in (name, "fedpg"))
    assert torch.equal(found, plain)


@pytest.mark.parametrize("name", ["scaffold-pg", "ha-mbpg"])
def test_with_one_local_step_it_is_fedpg_up_to_rounding(name):
    """Control variates cancel in the mean; θ(α) = θ where nothing has moved yet."""
    settings = {"local_steps": 1, "rounds": 10, "step_size": 0.3, "gradients": "sampled"}
    found, plain = (parameters(other, **settings) for other in (name, "fedpg"))
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["fast-fedpg", "fedsvrpg", "fedhapg"])
def test_with_one_local_step_an_exact_snapshot_is_the_gradient(name):
    found, plain = (parameters(other, local_steps=1, rounds=10) for other in (name, "fedpg"))
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-12)


# Identical agents

# Agents that draw their own α differ even if their MDPs do not.
WITHOUT_CHANCE = [
    name
    for name, kind in ALGORITHMS.items()
    if kind.behaviour_parameters is Algorithm.behaviour_parameters and not kind.episodic
]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.long if n == "fednpg" else ()) for n in WITHOUT_CHANCE],
)  # which solves a system at every step
def test_identical_agents_are_one_agent(name):
    """κ = 0 and nothing sampled: N agents do what one does, so they must end where it ends."""
    settings = {"kappa": 0.0, "rounds": 20, "step_size": 0.3, "entropy": 0.0}
    many = parameters(name, **settings)
    (one,) = parameters(name, **settings, agents=1)
    torch.testing.assert_close(many, one.expand_as(many), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", WITHOUT_CHANCE)
def test_different_agents_are_not_one_agent(name):
    """The law before can fail: with κ > 0 the others are heard, or have parameters of their own."""
    settings = {"rounds": 5, "step_size": 0.3, "entropy": 0.0}
    many = parameters(name, **settings)
    (one,) = parameters(name, **settings, agents=1)
    assert float((many - one).abs().max()) > 1e-4


def test_without_byzantine_agents_a_wide_filter_leaves_fedsvrpg():
    """All gradients are kept; the server's MDP is that of the agents where κ = 0."""
    settings = {"kappa": 0.0, "rounds": 20, "step_size": 0.3}
    found = parameters("fedpg-br", **settings, hyperparameters={"sigma": 1e6})
    plain = parameters("fedsvrpg", **settings)
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-12)
