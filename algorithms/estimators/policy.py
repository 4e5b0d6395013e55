"""Policies as pure functions of one flat parameter vector θ.

Each class is the definition: log π_θ(action | observation) in torch, differentiable in θ. The
compiled forms in `estimators.kernels` are tested against it to 1e-12. Axes: `...` any leading axes,
o observation, a action, d parameters.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.estimators.tables import (
    softmax_jacobian,
    softmax_jacobian_change,
    softmax_rows,
)

Array = np.ndarray[Any, np.dtype[Any]]


class Policy(ABC):
    """π_θ(a|s). `shape` is all a kernel needs to know of the architecture."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]: ...

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of parameters d."""

    @cached_property
    def widths(self) -> Array:
        """`shape` as compiled code takes it: what is compiled serves any number of layers."""
        return np.array(self.shape)

    @property
    def action_size(self) -> int:
        """Length a of a stored action: here of an index."""
        return 1

    @property
    def draws(self) -> int:
        """Uniform numbers one action consumes."""
        return 1

    @property
    def layers(self) -> dict[str, slice]:
        """Where each named part of θ stands; a table has none."""
        return {}

    @abstractmethod
    def initial(self, generator: np.random.Generator) -> Array:
        """Initial parameters (d,), float64."""

    @abstractmethod
    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        """log π_θ(action | observation): (d,), (..., o), (..., a) -> (...)."""

    def project(self, theta: Tensor) -> Tensor:
        """The parameters closest to theta (..., d) that are allowed: here all of them are."""
        return theta

    def uniform(self) -> Array:
        """Parameters (d,) of the random policy, the same in every state."""
        return np.zeros(self.size)


@dataclass(frozen=True)
class Table(Policy):
    """A policy of finitely many states and actions; θ is a row-major (states, actions) table."""

    no_jacobian: ClassVar[str]  # why, of a table that has none

    states: int
    actions: int

    @abstractmethod
    def probabilities(self, theta: Array) -> Array:
        """π(a|s) of every state and action: (..., d) -> (..., Z, A), float64."""

    def jacobian(self, probability: Array, vector: Array) -> Array:
        """∂π/∂θ · vector, symmetric within a state: (..., Z, A) each."""
        raise TypeError(self.no_jacobian)

    def jacobian_change(self, probability: Array, change: Array, vector: Array) -> Array:
        """The derivative of `jacobian` when π moves along `change`: (..., Z, A) each."""
        raise TypeError(self.no_jacobian)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.states, self.actions)

    @property
    def size(self) -> int:
        return self.states * self.actions

    def initial(self, generator: np.random.Generator) -> Array:
        """The random policy."""
        return self.uniform()


@dataclass(frozen=True)
class TabularSoftmax(Table):
    """π(a|s) = exp θ[s,a] / Σ_b exp θ[s,b]."""

    def probabilities(self, theta: Array) -> Array:
        rows = np.ascontiguousarray(theta, np.float64).reshape(-1, self.actions)
        return softmax_rows(rows).reshape(*np.shape(theta)[:-1], *self.shape)

    def jacobian(self, probability: Array, vector: Array) -> Array:
        return softmax_jacobian(probability, vector)

    def jacobian_change(self, probability: Array, change: Array, vector: Array) -> Array:
        return softmax_jacobian_change(probability, change, vector)

    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        table = theta.reshape(self.states, self.actions).log_softmax(-1)
        return table[observation[..., 0].long(), action[..., 0].long()]


@dataclass(frozen=True)
class CategoricalMLP(Policy):
    """Softmax over the outputs of a tanh network. θ holds W₁, b₁, W₂, b₂, …; W is (in, out)."""

    inputs: int
    hidden: tuple[int, ...]
    actions: int

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return (self.inputs, *self.hidden, self.actions)

    @cached_property
    def size(self) -> int:
        return network_size(self.shape)

    @property
    def layers(self) -> dict[str, slice]:
        return network_layers(self.shape)

    def initial(self, generator: np.random.Generator) -> Array:
        return initial_network(self.shape, generator)

    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        logits = network(self.shape, theta, observation).log_softmax(-1)
        return logits.gather(-1, action.long())[..., 0]


@dataclass(frozen=True)
class GaussianMLP(Policy):
    """a ~ N(μ_θ(s), diag exp 2ℓ); μ is a tanh network, ℓ = log σ the last a entries of θ."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    initial_log_std: float = -0.5

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return (self.inputs, *self.hidden, self.outputs)

    @cached_property
    def size(self) -> int:
        return network_size(self.shape) + self.outputs

    @property
    def layers(self) -> dict[str, slice]:
        spread = slice(network_size(self.shape), self.size)
        return network_layers(self.shape) | {"log-std": spread}

    @property
    def action_size(self) -> int:
        return self.outputs

    @property
    def draws(self) -> int:
        return self.outputs + self.outputs % 2  # Box-Muller turns pairs into pairs

    def initial(self, generator: np.random.Generator) -> Array:
        log_std = np.full(self.outputs, self.initial_log_std)
        return np.concatenate([initial_network(self.shape, generator), log_std])

    def uniform(self) -> Array:
        """The policy N(0, σ²) with the σ that training starts with: its return is no gain."""
        return np.concatenate(
            [np.zeros(self.size - self.outputs), np.full(self.outputs, self.initial_log_std)]
        )

    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        mean = network(self.shape, theta[: -self.outputs], observation)
        log_std = theta[-self.outputs :]
        z = (action - mean) * torch.exp(-log_std)
        return (-0.5 * z * z - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)


@cache
def network_size(shape: tuple[int, ...]) -> int:
    """Number of weights and biases of a network with these layer widths."""
    return sum((rows + 1) * columns for rows, columns in zip(shape, shape[1:], strict=False))


def network_layers(shape: tuple[int, ...]) -> dict[str, slice]:
    """hidden-1, hidden-2, …, head: weights and biases of every layer.

    >>> network_layers((4, 8, 2))
    {'hidden-1': slice(0, 40, None), 'head': slice(40, 58, None)}
    """
    ends = [network_size(shape[: layer + 1]) for layer in range(len(shape))]
    hidden = [f"hidden-{layer + 1}" for layer in range(len(shape) - 2)]
    parts = zip(ends, ends[1:], strict=False)
    return {name: slice(*part) for name, part in zip([*hidden, "head"], parts, strict=True)}


def network(shape: tuple[int, ...], theta: Tensor, inputs: Tensor) -> Tensor:
    """tanh network: (d,), (..., o) -> (..., out)."""
    at = 0
    for layer, (rows, columns) in enumerate(zip(shape, shape[1:], strict=False)):
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        at += rows * columns
        inputs = inputs @ weight + theta[at : at + columns]
        at += columns
        if layer < len(shape) - 2:
            inputs = torch.tanh(inputs)
    return inputs


def initial_network(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """W ~ N(0, 1/in), b = 0; the last layer is scaled by 0.01, so that π starts near uniform."""
    parts = []
    for layer, (rows, columns) in enumerate(zip(shape, shape[1:], strict=False)):
        scale = (0.01 if layer == len(shape) - 2 else 1.0) / math.sqrt(rows)
        parts += [scale * generator.standard_normal(rows * columns), np.zeros(columns)]
    return np.concatenate(parts)
