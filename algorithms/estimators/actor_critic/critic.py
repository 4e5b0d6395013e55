"""A value function V(s) with parameters of its own: the policy's architecture with one output.

Of a finite MDP it is a table of states, else a tanh network. In θ = [policy, V] its parameters
stand behind the policy's.
"""

import math

import numpy as np

from fedrl.algorithms.estimators.linear import orthonormal_rows
from fedrl.algorithms.estimators.policy import Array, Policy, Table, network_size


def critic_shape(policy: Policy) -> tuple[int, ...]:
    """Layer widths of V, or (states, 1)."""
    return (*policy.shape[:-1], 1)


def critic_size(policy: Policy) -> int:
    """Number of parameters of V."""
    shape = critic_shape(policy)
    return shape[0] if isinstance(policy, Table) else network_size(shape)


def initial_actor_critic(policy: Policy, generator: np.random.Generator, orthogonal: bool) -> Array:
    """θ_0 = [policy, V] (d,): the policy's own θ_0 and a network V; a table V is 0.

    With `orthogonal`, weights are orthogonal matrices (Saxe et al. 2014) times √2, of the last
    layer times 0.01 for the policy and 1 for V; biases are 0. Huang et al., ICLR Blog 2022.
    """
    actor = policy.initial(generator)
    if isinstance(policy, Table):
        return np.concatenate([actor, np.zeros(critic_size(policy))])
    if orthogonal:
        rest = actor[network_size(policy.shape) :]
        actor = np.concatenate([orthogonal_network(policy.shape, 0.01, generator), rest])
    return np.concatenate([actor, orthogonal_network(critic_shape(policy), 1.0, generator)])


def orthogonal_network(
    shape: tuple[int, ...], last: float, generator: np.random.Generator
) -> Array:
    """Weights √2 Q, of the last layer `last` Q, with Q of orthonormal rows or columns; b = 0."""
    parts = []
    for layer, (rows, columns) in enumerate(zip(shape, shape[1:], strict=False)):
        gain = last if layer == len(shape) - 2 else math.sqrt(2)
        matrix = generator.standard_normal((min(rows, columns), max(rows, columns)))
        orthonormal_rows(matrix)
        weight = matrix if rows <= columns else matrix.T
        parts += [gain * weight.reshape(-1), np.zeros(columns)]
    return np.concatenate(parts)
