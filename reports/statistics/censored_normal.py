"""Normal linear model with right censoring, many samples at once: y = X β + σ z, z ~ N(0, 1).

ℓ(β, σ) = Σ_hit w [log φ(z) − log σ] + Σ_censored w log(1 − Φ(z)), z = (y − X β) / σ, where a
censored y is the value it is known to exceed. For y = log T it is the log-normal
accelerated-failure-time model; Tobin 1958 is its first use, Lawless 2003 section 6.3 the text.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fedrl.reports.statistics.estimates import Array

HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)


class Sample(NamedTuple):
    """One design, any number of samples over it (leading axes of `y`, `hit` and `weight`)."""

    design: Array  # (n, p) X, its first column need not be ones
    y: Array  # (…, n) observed, or the bound of a censored value
    hit: NDArray[np.bool_]  # (…, n) observed
    weight: Array  # (…, n) how often an observation counts


class Fit(NamedTuple):
    """The maximum."""

    beta: Array  # (…, p)
    sigma: Array  # (…,)
    log_likelihood: Array  # (…,)


class Point(NamedTuple):
    """What ℓ and its derivatives at one (δ, θ) share."""

    delta: Array  # (…, p) β / σ
    theta: Array  # (…,) 1 / σ
    z: Array  # (…, n)
    tail: Array  # (…, n) log(1 − Φ(z)); 0 for a hit, of which nothing asks it


def point(sample: Sample, delta: Array, theta: Array) -> Point:
    """What is known of the samples at (δ, θ)."""
    z = theta[..., None] * sample.y - delta @ sample.design.T
    censored = np.broadcast_to(~sample.hit, z.shape)
    tail = np.zeros(z.shape)
    tail[censored] = special.log_ndtr(-z[censored])
    return Point(delta, theta, z, tail)


def hazard(z: Array, tail: Array) -> Array:
    """λ(z) = φ(z) / (1 − Φ(z)) from z and log(1 − Φ(z)), without overflow far out."""
    return np.exp(-0.5 * z * z - HALF_LOG_TAU - tail)


def log_likelihood(sample: Sample, at: Point) -> Array:
    """ℓ in δ = β / σ and θ = 1 / σ, in which it is concave.  Olsen 1978."""
    hit = np.log(at.theta)[..., None] - 0.5 * at.z * at.z - HALF_LOG_TAU
    return np.sum(sample.weight * np.where(sample.hit, hit, at.tail), axis=-1)


def maximise(sample: Sample, start: Fit | None = None, steps: int = 60) -> Fit:
    """Newton's method with halved steps; from anywhere, because ℓ is concave in (δ, θ).

    The maximum exists when the rows of the hits have full rank and their residuals are not all 0.
    Where it does not, what is returned is the last iterate.
    """
    first = start or _least_squares(sample)
    sigma = np.maximum(first.sigma, 1e-300)
    delta, theta = first.beta / sigma[..., None], 1 / sigma
    at = point(sample, delta, theta)
    value = log_likelihood(sample, at)
    for _ in range(steps):
        gradient, curvature = _derivatives(sample, at)
        move = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        promised = np.sum(gradient * move, axis=-1)
        length = np.where(promised > 1e-13 * (1 + np.abs(value)), 1.0, 0.0)
        if not length.any():
            break
        for _ in range(40):
            new_theta = at.theta + length * move[..., -1]
            allowed = new_theta > 0
            new_delta = at.delta + length[..., None] * move[..., :-1]
            tried = point(sample, new_delta, np.where(allowed, new_theta, at.theta))
            new = log_likelihood(sample, tried)
            worse = (length > 0) & ~(allowed & (new >= value))
            if not worse.any():
                break
            length = np.where(worse, 0.5 * length, length)
        else:  # what cannot rise stays where it is
            length = np.where(worse, 0.0, length)
            new_delta = at.delta + length[..., None] * move[..., :-1]
            tried = point(sample, new_delta, at.theta + length * move[..., -1])
        at, value = tried, np.where(length > 0, new, value)
    return Fit(at.delta / at.theta[..., None], 1 / at.theta, value)


def _least_squares(sample: Sample) -> Fit:
    """Censored values taken for observed: a start, not an estimate."""
    x, w = sample.design, sample.weight
    gram = np.einsum("...n,np,nq->...pq", w, x, x) + 1e-9 * np.eye(x.shape[1])
    moment = np.einsum("...n,np->...p", w * sample.y, x)
    beta = np.linalg.solve(gram, moment[..., None])[..., 0]
    squares = np.sum(w * (sample.y - beta @ x.T) ** 2, axis=-1)
    return Fit(beta, np.sqrt(squares / w.sum(axis=-1)) + 1e-6, np.full(squares.shape, np.nan))


def _derivatives(sample: Sample, at: Point) -> tuple[Array, Array]:
    """Gradient and negative Hessian of ℓ in (δ, θ)."""
    x, y, hit, w = sample
    theta, z = at.theta, at.z
    rate = hazard(z, at.tail)
    pull = w * np.where(hit, z, rate)  # −∂ℓ/∂z
    bend = w * np.where(hit, 1.0, rate * (rate - z))  # −∂²ℓ/∂z²
    hits = np.sum(w * hit, axis=-1)
    gradient = np.concatenate(
        [pull @ x, (hits / theta - np.sum(pull * y, axis=-1))[..., None]], axis=-1
    )
    corner = np.sum(bend * y * y, axis=-1) + hits / theta**2
    cross = -((bend * y) @ x)
    block = (bend[..., None, :] * x.T) @ x
    top = np.concatenate([block, cross[..., None]], axis=-1)
    bottom = np.concatenate([cross, corner[..., None]], axis=-1)
    curvature = np.concatenate([top, bottom[..., None, :]], axis=-2)
    ridge = 1e-12 * np.trace(curvature, axis1=-2, axis2=-1)[..., None, None]
    return gradient, curvature + ridge * np.eye(curvature.shape[-1])


def variance(sample: Sample, fit: Fit) -> Array:
    """(…, p) of β̂ from the observed information, which takes observations for independent."""
    theta = 1 / fit.sigma
    _, curvature = _derivatives(sample, point(sample, fit.beta * theta[..., None], theta))
    covariance = np.linalg.inv(curvature)  # of (δ, θ)
    p = sample.design.shape[1]
    # β = δ / θ, so dβ = (dδ − β dθ) / θ
    jacobian = (
        np.concatenate(
            [np.broadcast_to(np.eye(p), (*fit.beta.shape[:-1], p, p)), -fit.beta[..., None]],
            axis=-1,
        )
        / theta[..., None, None]
    )
    return np.einsum("...pi,...ij,...pj->...p", jacobian, covariance, jacobian)


def profile(sample: Sample, column: int, value: Array, start: Fit) -> Fit:
    """Maximum over everything but β_column, which is held at `value`; `beta` keeps p entries."""
    shift = np.asarray(value)[..., None] * sample.design[:, column]
    rest = np.delete(sample.design, column, axis=1)
    held = Sample(rest, sample.y - shift, sample.hit, sample.weight)
    begin = Fit(np.delete(start.beta, column, axis=-1), start.sigma, start.log_likelihood)
    found = maximise(held, begin)
    return Fit(np.insert(found.beta, column, value, axis=-1), *found[1:])


def profile_interval(
    sample: Sample, fit: Fit, column: int, threshold: Array | float, rounds: int = 14
) -> tuple[Array, Array]:
    """{b : 2 (ℓ(β̂, σ̂) − max ℓ(b, ·)) ≤ threshold}, an interval because ℓ is concave in (δ, θ).

    χ²₁ quantiles as threshold are Wilks 1938. Each end is found by false position (Illinois) on
    the square root of the likelihood ratio, which is nearly linear in b.
    """
    goal = np.sqrt(np.broadcast_to(np.asarray(threshold, dtype=np.float64), fit.sigma.shape))
    width = goal * np.sqrt(variance(sample, fit)[..., column])
    return (
        _end(sample, fit, column, goal, -width, rounds),
        _end(sample, fit, column, goal, width, rounds),
    )


def _end(sample: Sample, fit: Fit, column: int, goal: Array, width: Array, rounds: int) -> Array:
    """One end: bracketed by doubling, then false position."""
    centre = fit.beta[..., column]

    def excess(offset: Array) -> Array:
        held = profile(sample, column, centre + offset, fit)
        ratio = 2 * (fit.log_likelihood - held.log_likelihood)
        return np.asarray(np.sqrt(np.maximum(ratio, 0)) - goal)

    inner, outer = np.zeros_like(width), width
    low, high = -goal, excess(outer)
    for _ in range(30):
        short = high < 0
        if not short.any():
            break
        inner, low = np.where(short, outer, inner), np.where(short, high, low)
        outer = np.where(short, 2 * outer, outer)
        high = excess(outer)
    side = np.zeros_like(width)
    for _ in range(rounds):
        gap = np.where(high > low, high - low, 1.0)
        middle = np.where(high > low, (inner * high - outer * low) / gap, outer)
        found = excess(middle)
        if np.all(np.abs(found) < 1e-9 * (1 + goal)):
            break
        inside = found < 0
        # Illinois: an end that stays for a second time counts half, or it would stay for ever
        low = np.where(inside, found, np.where(side > 0, 0.5 * low, low))
        high = np.where(inside, np.where(side < 0, 0.5 * high, high), found)
        inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
        side = np.where(inside, -1.0, 1.0)
    return np.asarray(centre + middle)
