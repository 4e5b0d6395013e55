"""Agent-level differential privacy: what agents do to what they send, and what it is worth."""

import math
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from fedrl.benchmark.config.communication import Privacy
from fedrl.envs.family import Array


def noised(privacy: Privacy, vectors: Array, normal: Array, participants: int) -> Array:
    """Vectors (L, d) clipped to norm C, with noise from normal (L, d) ~ N(0, I)."""
    length = np.sqrt(np.sum(np.square(vectors.astype(np.float64)), axis=1, keepdims=True))
    clipped = vectors * np.minimum(1, privacy.clip / np.where(length > 0, length, 1))
    scale = privacy.noise * privacy.clip
    if privacy.seen == "sum":
        scale = scale / np.sqrt(participants)
    return (clipped + scale * normal).astype(vectors.dtype)


def epsilon(privacy: Privacy, releases: Array, agents: int, participants: int) -> float:
    """ε at δ after every agent has sent `releases` (N,) vectors; that of the worst agent.

    An agent that is replaced moves what is seen by 2C at most. Raises ImportError without the
    library of accountants, where participation amplifies.
    """
    if not releases.any():
        return 0.0
    if privacy.noise == 0:
        return float("inf")
    if privacy.seen == "messages":
        return composed(privacy.noise, privacy.delta, int(releases.max()))
    sums = int(releases.sum()) // participants
    if participants == agents:
        return composed(privacy.noise, privacy.delta, sums)
    return amplified(privacy.noise, privacy.delta, sums, agents, participants)


@cache
def composed(noise: float, delta: float, count: int) -> float:
    """ε of `count` Gaussian mechanisms, exactly: they are one of μ = 2√count / noise.

    δ(ε) = Φ(μ/2 - ε/μ) - e^ε Φ(-μ/2 - ε/μ). Balle & Wang, ICML 2018; Dong, Roth & Su, JRSS-B 2022.
    """
    mu = 2 * np.sqrt(count) / noise

    def excess(eps: float) -> float:
        upper = ndtr(mu / 2 - eps / mu)
        return float(upper - math.exp(eps + log_ndtr(-mu / 2 - eps / mu)) - delta)

    if excess(0.0) <= 0:
        return 0.0
    most = 1.0
    while excess(most) > 0:
        most *= 2
    return float(brentq(excess, 0.0, most, xtol=1e-12, rtol=1e-12))


@cache
def amplified(noise: float, delta: float, count: int, agents: int, participants: int) -> float:
    """ε of `count` Gaussian mechanisms on `participants` of `agents`, by a Rényi accountant."""
    import dp_accounting
    from dp_accounting import rdp

    gaussian = dp_accounting.GaussianDpEvent(noise / 2)  # of a sensitivity of 2C
    event = dp_accounting.SampledWithoutReplacementDpEvent(agents, participants, gaussian)
    replace = dp_accounting.NeighboringRelation.REPLACE_ONE
    accountant: Any = rdp.RdpAccountant(neighboring_relation=replace)
    accountant.compose(event, count)
    return float(accountant.get_epsilon(delta))
