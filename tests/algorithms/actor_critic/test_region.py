"""Surrogate and divergence of a trust region: compiled, by definition, and to first order."""

from __future__ import annotations

import pytest
import torch
from test_proximal import batch_of, distribution, every_policy
from torch.distributions import kl_divergence
from torch.func import grad, vmap

from fedrl.algorithms import Agent, CompiledGradients, Gradients, Server
from fedrl.algorithms.algorithm import LocalStep
from fedrl.algorithms.estimators.actor_critic.region import gain_and_divergence
from fedrl.algorithms.estimators.natural import natural_gradient
from fedrl.algorithms.methods.averaging.fedtrpo import FedTRPO

OPTIONS = [{}, {"per_step_mean": True, "whiten": True}, {"entropy": 0.1}]
tight = {"rtol": 0, "atol": 1e-12}


def points(policy, seed):
    theta, batch = batch_of(policy, seed)
    theta = theta[: policy.size]
    batch = batch._replace(behaviour=theta, value=torch.cos(batch.reward))
    return theta, theta + 0.2 * torch.sin(torch.arange(policy.size)), batch


def definition(gradients, theta, candidate, batch):
    """Surrogate gain and mean divergence, of every step whether taken or not."""
    alive = batch.alive
    seen = torch.where(alive.unsqueeze(-1), batch.observation, 0)
    old, new = (gradients._log_prob(point, batch) for point in (theta, candidate))
    c = gradients._coefficient(batch, old) / gradients._count(batch)
    policies = (distribution(gradients.policy, point, seen) for point in (theta, candidate))
    apart = torch.where(alive, kl_divergence(*policies), 0.0)
    return (c * ((new - old).exp() - 1)).sum(), apart.sum() / alive.sum()


@every_policy
@pytest.mark.parametrize("options", OPTIONS, ids=lambda one: "-".join(one) or "plain")
def test_kernels_are_the_definition(policy, options):
    theta, candidate, batch = points(policy, 0)
    defined = definition(Gradients(policy, 0.9, **options), theta, candidate, batch)
    found = gain_and_divergence(CompiledGradients(policy, 0.9, **options), theta, candidate, batch)
    torch.testing.assert_close(torch.cat(found), torch.stack(defined), **tight)
    assert found[1] > 0


@every_policy
def test_the_surrogate_s_gradient_at_theta_is_the_policy_gradient(policy):
    theta, _, batch = points(policy, 0)
    gradients = Gradients(policy, 0.9)
    slope = grad(lambda x: definition(gradients, theta, x, batch)[0])(theta)
    torch.testing.assert_close(slope, gradients.plain(theta, batch), **tight)


@every_policy
def test_a_lane_is_a_function_of_its_own_data(policy):
    lanes = [points(policy, seed) for seed in range(3)]
    gradients = CompiledGradients(policy, 0.9)
    old, new = (torch.stack([lane[i] for lane in lanes]) for i in (0, 1))
    batch = type(lanes[0][2])(
        *(torch.stack(part) for part in zip(*(lane[2] for lane in lanes), strict=True))
    )
    many = vmap(lambda *values: gain_and_divergence(gradients, *values))(old, new, batch)
    for i, lane in enumerate(lanes):
        assert torch.equal(
            torch.stack(many)[:, i], torch.stack(gain_and_divergence(gradients, *lane))
        )


@every_policy
def test_the_first_candidate_that_gains_within_the_radius_is_taken(policy):
    nothing, taken = torch.zeros(policy.size), set()
    for seed in range(6):
        theta, _, batch = points(policy, seed)
        step = LocalStep(torch.tensor(0.5), torch.tensor(0.0))
        server, agent = Server(theta, theta, nothing, nothing), Agent(theta, nothing, (), step)
        for radius in (0.01, 3.0, 100.0):
            trpo = FedTRPO(radius=radius, damping=0.01, backtracks=3)
            found = trpo.direction(CompiledGradients(policy, 0.9), server, agent, batch) * 0.5
            gradients = CompiledGradients(policy, 0.9)  # ten steps are not exact: same rounding
            along, slope = natural_gradient(gradients, theta, batch, 0.01)
            move = (2 * radius / (along @ slope)).sqrt() * along
            for j in range(4):
                gain, apart = gain_and_divergence(gradients, theta, theta + move / 2**j, batch)
                if j == 3 or (gain > 0 and apart <= radius):
                    break
            taken.add(j)
            expected = move / 2**j if j < 3 else nothing.double()
            torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)
    assert 0 in taken
    assert len(taken) > 1
