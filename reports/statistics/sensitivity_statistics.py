"""How much an algorithm owes to tuning per environment.  Adkins, Bowling & White 2024.

Arrays of one algorithm are (E, H, n): environments, settings, seeds; every environment has the
same settings. `shape` says how the H settings form a grid, one axis per hyperparameter.
Everything that is chosen can be chosen on some seeds and scored on others.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedrl.reports.statistics.estimates import Array, Estimate

T = TypeVar("T")
Measure = Callable[[Array, Array], float]  # (Γ to choose on, Γ to score on), both (E, H)
BAGGED = 8  # splits that a replicate averages over
Parts = tuple[NDArray[np.intp], NDArray[np.intp]]  # the seeds of each side


def normalised(performance: Sequence[ArrayLike]) -> tuple[list[Array], list[int]]:
    """Γ = (p − p₅(e)) / (p₉₅(e) − p₅(e)), (E', H, n) of each algorithm, and which e those are.

    Percentiles per environment over the means over seeds of all algorithms and settings, so that
    the noise of single runs does not widen the scale. Where the two are equal, no setting can be
    told from another, and the environment is left out.
    """
    arrays = [np.asarray(values, dtype=np.float64) for values in performance]
    pooled = np.concatenate([values.mean(axis=2) for values in arrays], axis=1)
    low, high = np.percentile(pooled, [5, 95], axis=1)
    kept = np.flatnonzero(high > low).tolist()
    low, high = low[kept, None, None], high[kept, None, None]
    return [(values[kept] - low) / (high - low) for values in arrays], kept


def sensitivity(choose: Array, score: Array) -> float:
    """Φ = mean_e Γ(e, h*(e)) − mean_e Γ(e, h*), h* the best setting per environment and overall.

    With `choose` = `score` it is the plug-in mean_e max_h Γ − max_h mean_e Γ, which noise biases
    upwards by about (σ/√n) E[max of H normals] (1 − 1/√|E|).
    """
    return at_best(choose, score, every=True) - at_best(choose, score)


def at_best(choose: Array, score: Array, *, every: bool = False) -> float:
    """mean_e Γ with the best setting for all environments, or with `every` environment's own."""
    return tuned(choose, score, 0, (choose.shape[1],), every=every)


def tuned(
    choose: Array, score: Array, free: int, shape: tuple[int, ...], *, every: bool = False
) -> float:
    """V(k): mean_e Γ with the best k = `free` hyperparameters tuned per environment.

    The others stay at the overall best setting. Which k are best is chosen too. `every`: all.
    """
    _grid(choose, shape)
    shared = np.unravel_index(int(np.argmax(choose.mean(axis=0))), shape)
    place = np.stack(np.unravel_index(np.arange(choose.shape[1]), shape))  # (hyperparameters, H)
    same = place == np.array(shared)[:, None]
    best = (-np.inf, 0.0)
    rows = np.arange(len(choose))
    for kept in combinations(range(len(shape)), 0 if every else len(shape) - free):
        allowed = same[list(kept)].all(axis=0)
        picked = np.argmax(np.where(allowed, choose, -np.inf), axis=1)
        value = float(choose[rows, picked].mean()), float(score[rows, picked].mean())
        best = max(best, value, key=lambda pair: pair[0])
    return best[1]


def _grid(values: Array, shape: tuple[int, ...]) -> None:
    if int(np.prod(shape)) != values.shape[1]:
        raise ValueError(
            f"{values.shape[1]} settings are no full grid of {' × '.join(map(str, shape))}; "
            "effective dimensionality needs one (in a Sobol set no two settings share a value)"
        )


def dimensionality(shape: tuple[int, ...], share: float = 0.95) -> Measure:
    """d = min {k : V(k) ≥ share · V(all)}, as a measure of settings on a full grid.

    NaN where V(all) ≤ 0, of which no share is meant.
    """

    def measure(choose: Array, score: Array) -> float:
        whole = tuned(choose, score, len(shape), shape)
        if whole <= 0:
            return float("nan")
        return float(
            next(
                k
                for k in range(len(shape) + 1)
                if tuned(choose, score, k, shape) >= share * whole - 1e-12
            )
        )

    return measure


def plug_in(gamma: Array, measure: Callable[[Array, Array], T]) -> T:
    """Chosen and scored on all seeds: too good where there is noise."""
    means = gamma.mean(axis=2)
    return measure(means, means)


def halves(seeds: int, most: int, generator: np.random.Generator) -> list[Parts]:
    """Ways to part the seeds into ⌊n/2⌋ and the rest: all where they are few, else `most` draws."""
    if seeds < 2:
        raise ValueError(f"{seeds} seed cannot be split; choose on one and score on another: ≥ 2")
    if comb(seeds, seeds // 2) <= most:
        first = [np.array(one) for one in combinations(range(seeds), seeds // 2)]
    else:
        first = [generator.permutation(seeds)[: seeds // 2] for _ in range(most)]
    return [(one, np.setdiff1d(np.arange(seeds), one)) for one in first]


def split(
    gamma: Array,
    measure: Callable[[Array, Array], Any],
    parts: Sequence[Parts],
    copies: NDArray[np.int64] | None = None,
) -> Any:
    """Chosen on one part of the seeds, scored on the other, swapped, averaged over `parts`.

    No noise is rewarded. With settings that truly differ it leans low: half of the seeds choose
    less well than all of them. A seed counts once, or as often as `copies` (E, n) says.
    """
    found = []
    for sides in parts:
        left, right = (
            gamma[:, :, one].mean(axis=2) if copies is None else _weighted(gamma, copies, one)
            for one in sides
        )
        found += [measure(left, right), measure(right, left)]
    return np.mean(found, axis=0)


def estimated(
    gamma: Array,
    measure: Measure,
    *,
    seed: int,
    resamples: int = 500,
    level: float = 0.95,
    splits: int = 20,
) -> Estimate:
    """The split estimate with its bootstrap interval over seeds.

    See `resampled`. NaN bounds below four seeds, where a part has one seed and nothing to redraw;
    one seed cannot be split, and leaves the plug-in.
    """

    def one(choose: Array, score: Array) -> Array:
        return np.array([measure(choose, score)])

    values, replicates = resampled(gamma, one, seed=seed, resamples=resamples, splits=splits)
    return interval(float(values[0]), replicates[:, 0], level)


def resampled(
    gamma: Array,
    measure: Callable[[Array, Array], Array],
    *,
    seed: int,
    resamples: int = 500,
    splits: int = 20,
) -> tuple[Array, Array]:
    """The split estimates of m numbers (m,), and their replicates (resamples, m); none below four.

    A single seed cannot be split: its estimates are the plug-in.
    A replicate redraws n - 1 of the n seeds of every environment on its own, with replacement: its
    mean varies as the mean of n does. Settings go together, they share their seeds. Then it is
    split as the estimate is: copies of a seed stay on one side, for a seed on both would reward
    noise, and it averages over BAGGED of the splits: one split per replicate would add the variance
    that the average takes away. tests/thorough/test_coverage.py simulates coverage and width.

    Two Γ of the same (E, n) meet the same redraws, so differences of their replicates are paired.
    """
    environments, _, seeds = gamma.shape
    if seeds < 2:
        values = plug_in(gamma, measure)
        return values, np.empty((0, len(values)))
    generator = np.random.default_rng(seed)
    parts = halves(seeds, splits, generator)
    values = split(gamma, measure, parts)
    replicates = []
    for _ in range(resamples if seeds >= 4 else 0):
        copies = generator.multinomial(seeds - 1, np.full(seeds, 1 / seeds), size=environments)
        chosen = generator.choice(len(parts), min(BAGGED, len(parts)), replace=False)
        replicates.append(split(gamma, measure, [parts[int(one)] for one in chosen], copies))
    return values, np.array(replicates).reshape(-1, len(values))


def interval(value: float, replicates: Array, level: float) -> Estimate:
    """value ± z deviations of the replicates; NaN bounds where there are none.

    Not their percentiles: seeds that were drawn twice choose less well, so replicates lean low.
    """
    sound = replicates[np.isfinite(replicates)]
    if not len(sound):
        return Estimate(value, float("nan"), float("nan"))
    width = NormalDist().inv_cdf((1 + level) / 2) * float(np.std(sound))
    return Estimate(value, value - width, value + width)


def _weighted(gamma: Array, copies: NDArray[np.int64], part: NDArray[np.intp]) -> Array:
    """(E, H) means over the seeds of `part`, each counted as often as `copies` (E, n) says.

    Where none of them was drawn, over all of them.
    """
    counted = copies[:, part].astype(np.float64)
    counted[counted.sum(axis=1) == 0] = 1.0
    counted /= counted.sum(axis=1, keepdims=True)
    return np.einsum("ehn,en->eh", gamma[:, :, part], counted)
