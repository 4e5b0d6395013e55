"""Laws of sensitivity: known Φ and d, and what choosing on the scored seeds does to them."""

import numpy as np
import pytest

from fedrl.reports.statistics import sensitivity_statistics as se


def grid(*axes):
    """Γ (E, H): a sum over hyperparameters of (E, levels) effects, and the shape of the grid."""
    total = np.zeros((len(axes[0]), 1))
    for effect in axes:
        total = (total[:, :, None] + np.asarray(effect)[:, None, :]).reshape(len(total), -1)
    return total, tuple(np.shape(effect)[1] for effect in axes)


SHARED = [[0.0, 0.5], [0.0, 0.5]]  # the same value is best everywhere
OPPOSED = [[0.0, 0.5], [0.5, 0.0]]  # each environment has its own
MUTE = [[0.0, 0.0], [0.0, 0.0]]


def both(gamma, measure):
    """Without noise plug-in and split are the same number."""
    runs = np.repeat(gamma[:, :, None], 4, axis=2)
    parts = se.halves(4, 20, np.random.default_rng(0))
    assert se.plug_in(runs, measure) == se.split(runs, measure, parts)
    return se.plug_in(runs, measure)


def test_normalised_sends_the_percentiles_to_0_and_1():
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(3, 60, 4)), 5 + draw.normal(size=(3, 41, 4))
    gamma, kept = se.normalised([first, second])
    assert kept == [0, 1, 2]
    pooled = np.concatenate([g.mean(axis=2) for g in gamma], axis=1)
    np.testing.assert_allclose(
        np.percentile(pooled, [5, 95], axis=1), [[0] * 3, [1] * 3], atol=1e-12
    )
    moved, _ = se.normalised([first * 7 - 3, second * 7 - 3])
    np.testing.assert_allclose(moved[1], gamma[1])


def test_an_environment_without_differences_is_left_out():
    differs = np.arange(8.0).reshape(4, 2)
    (gamma,), kept = se.normalised([np.stack([differs, np.ones((4, 2)), differs])])
    assert kept == [0, 2]
    np.testing.assert_array_equal(gamma[0], gamma[1])
    ((nothing,), none) = se.normalised([np.ones((1, 4, 2))])
    assert (nothing.shape, none) == ((0, 4, 2), [])


def test_sensitivity_closed_forms():
    assert both(grid(SHARED)[0], se.sensitivity) == 0
    assert both(grid(OPPOSED)[0], se.sensitivity) == 0.25
    assert both(grid(SHARED, OPPOSED, MUTE)[0], se.sensitivity) == 0.25


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ((SHARED, MUTE, SHARED), 0),
        ((SHARED, OPPOSED, MUTE), 1),
        ((OPPOSED, OPPOSED, MUTE), 2),
        ((OPPOSED, OPPOSED, OPPOSED), 3),
    ],
)
def test_dimensionality_counts_what_has_to_be_tuned(axes, expected):
    gamma, shape = grid(*axes)
    assert both(gamma, se.dimensionality(shape)) == expected


def test_dimensionality_stops_at_the_share():
    small = [[0.0, 0.04], [0.04, 0.0]]
    gamma, shape = grid(OPPOSED, small)
    assert both(gamma, se.dimensionality(shape)) == 1  # V = 0.27, 0.52, 0.54
    assert both(gamma, se.dimensionality(shape, share=0.99)) == 2
    assert both(gamma, se.dimensionality(shape, share=0.5)) == 0
    assert np.isnan(se.dimensionality(shape)(gamma - 1, gamma - 1))


def test_more_freedom_is_never_worse():
    draw = np.random.default_rng(3)
    for _ in range(20):
        gamma = draw.normal(size=(4, 24))
        values = [se.tuned(gamma, gamma, k, (2, 3, 4)) for k in range(4)]
        assert values == sorted(values)
        assert values[0] == gamma.mean(axis=0).max()
        assert values[-1] == pytest.approx(gamma.max(axis=1).mean())


def test_dimensionality_needs_a_grid():
    with pytest.raises(ValueError, match="5 settings are no full grid of 2 × 3"):
        se.tuned(np.zeros((2, 5)), np.zeros((2, 5)), 1, (2, 3))


def test_equal_settings_have_no_sensitivity_unless_seeds_choose_for_themselves():
    """H = 625, |E| = 5, n = 3, σ = 0.3: the plug-in says 0.30 where the truth is 0."""
    draw, trials = np.random.default_rng(8), 200
    parts = se.halves(3, 20, draw)
    found = np.array(
        [
            (se.plug_in(gamma, se.sensitivity), se.split(gamma, se.sensitivity, parts))
            for gamma in (0.3 * draw.normal(size=(5, 625, 3)) for _ in range(trials))
        ]
    )
    error = found[:, 1].std() / np.sqrt(trials)
    assert found[:, 0].mean() == pytest.approx(0.30, abs=0.02)
    assert abs(found[:, 1].mean()) < 4 * error < 0.05


def test_halves_part_the_seeds():
    draw = np.random.default_rng(1)
    for seeds in (2, 3, 5, 12):
        parts = se.halves(seeds, 20, draw)
        assert len(parts) <= 20
        for one, other in parts:
            assert sorted([*one, *other]) == list(range(seeds))
            assert len(one) == seeds // 2
    with pytest.raises(ValueError, match="cannot be split"):
        se.halves(1, 20, draw)


def test_interval_over_seeds():
    gamma, _ = grid(OPPOSED, SHARED)
    still = np.repeat(gamma[:, :, None], 6, axis=2)
    assert se.estimated(still, se.sensitivity, seed=1) == (0.25, 0.25, 0.25)
    assert np.isnan(se.estimated(still[:, :, :3], se.sensitivity, seed=1)[1:]).all()
    noisy = still + 0.05 * np.random.default_rng(2).normal(size=still.shape)
    one = se.estimated(noisy, se.sensitivity, seed=1)
    assert one.low < 0.25 < one.high
    assert one == se.estimated(noisy, se.sensitivity, seed=1)
