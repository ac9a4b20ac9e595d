"""Channels whose effectiveness moves: the effect, what lies ahead, and return by quarter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm.efficiency.breakdown import quarter_values
from mmm.efficiency.caused import caused_by_channels
from mmm.model import curves
from mmm.model.design import drift_rows
from mmm.model.redraw import noise_length, whole_draws
from mmm.results.blocks import take_geos, thinned
from mmm.results.quarters import quarters
from mmm.results.respond import channel_effect, wander

MOVING = {"name": "tv", "role": "both", "saturation": "none", "time_varying": True}
STEADY = {"name": "radio", "role": "tactical"}
PERIODS = 104


@pytest.fixture(scope="module")
def read(make):
    return make.response(MOVING, STEADY, geos=2, periods=PERIODS, draws=40)


def still(read):
    """The same draws with an effectiveness that does not move."""
    table = read.table.copy()
    table[:, :, curves.DRIFT] = 0.0
    return replace(read, drift=np.zeros_like(read.drift), table=table)


def media_of(read, channel, later=0):
    seen = read.fit.panel.dataset["media"].values[:, :, channel]
    return np.concatenate([seen, np.zeros((later, seen.shape[1]))])


def test_time_adds_the_drifts_rows_to_the_geo_factor(read):
    media = media_of(read, 0)
    moved = channel_effect(read, 0, media).total
    plain = channel_effect(still(read), 0, media).total
    rows = drift_rows(read.density.spec, np.arange(PERIODS), PERIODS)
    adds = read.drift[:, 0] @ rows
    deviation = read.deviation[:, :, 0, None]
    np.testing.assert_allclose(
        moved * deviation, plain * (deviation + adds[:, None, :]), rtol=1e-9, atol=1e-9
    )
    assert np.abs(adds).max() > 0.05


def test_as_fitted_the_counterfactual_is_the_fitted_effect(read):
    density = read.density
    seed = read.fit.study.inference.seed
    effect = channel_effect(read, 0, media_of(read, 0)).total
    for number, value in enumerate(read.fit.values()):
        rng, pool = np.random.default_rng([seed, 1, number]), density.workspace()
        noise = rng.standard_normal((1, noise_length(density)))
        drawn, _ = whole_draws(density, value[None], np.array([True]), noise, pool)
        factor = drawn.deviation[0, :, 0, None] + drawn.drift[0, 0] @ density.design.drift
        expected = pool.work.dynamic[:, 0] * factor * read.level[:, None]
        np.testing.assert_allclose(effect[number], expected, rtol=1e-9)


def test_totals_for_diagnostics_are_the_effects_sums(read):
    for channel in range(2):
        total = channel_effect(read, channel, media_of(read, channel)).total.sum(axis=(1, 2))
        np.testing.assert_allclose(read.totals[0, :, channel], total, rtol=1e-9)


def test_a_channel_that_does_not_move_is_left_alone(read):
    assert not wander(read, 1, 150).any()
    assert not read.drift[:, 1].any()


def test_past_the_window_the_walk_goes_on_the_same_for_every_horizon_and_block(read):
    long = wander(read, 0, PERIODS + 80)
    np.testing.assert_allclose(wander(read, 0, PERIODS + 20), long[:, : PERIODS + 20], rtol=1e-12)
    np.testing.assert_allclose(wander(take_geos(read, slice(1, 2)), 0, PERIODS + 80), long, 1e-12)
    few = thinned(read, 7)
    np.testing.assert_array_equal(few.numbers, np.linspace(0, 39, 7).round())
    # BLAS may add in another order for fewer rows
    np.testing.assert_allclose(wander(few, 0, PERIODS + 80), long[few.numbers], rtol=1e-12)
    fitted = wander(read, 0, PERIODS)[:, -1:]
    steps = np.diff(long[:, PERIODS - 1 :: 13], axis=1) / read.table[:, :1, curves.DRIFT]
    assert np.abs(long[:, PERIODS:] - fitted).max() > 0.1
    assert steps.std() == pytest.approx(1.0, rel=0.25)


def test_the_value_of_a_quarter_follows_its_effectiveness(make):
    """Without saturation and carry-over, spending earns what the factors of its periods say."""
    plain = {"role": "tactical", "saturation": "none", "adstock": "none", "time_varying": True}
    read = make.response({"name": "tv", **plain}, geos=2, periods=PERIODS)
    named = quarters(read.fit.panel)
    value = quarter_values(read, named)[0]
    worth = read.fit.panel.dataset["value_per_unit"].values
    steady = channel_effect(still(read), 0, media_of(read, 0)).total / read.deviation[:, :, :1]
    factor = read.deviation[:, :, :1] + wander(read, 0, PERIODS)[:, None, :]
    for q, periods in enumerate(named.slices()):
        earned = (steady * factor * worth.T)[:, :, periods].sum(axis=(1, 2))
        np.testing.assert_allclose(value[q], earned, rtol=1e-9)


def test_quarters_of_a_linear_moving_channel_add_up(read):
    each, _ = caused_by_channels(read)
    value = quarter_values(read, quarters(read.fit.panel))
    np.testing.assert_allclose(value[0].sum(axis=0), each[0].value.sum(axis=1), rtol=1e-9)


def test_the_slope_follows_the_moving_effect(read):
    media = media_of(read, 0, later=60)
    direction = np.where(np.arange(len(media))[:, None] < PERIODS, media, 0.0)
    worth = np.random.default_rng(0).uniform(0.5, 2.0, media.shape)
    slope = channel_effect(read, 0, media, direction=direction, worth=worth).slope
    keep = 2.0 ** (-1.0 / read.table[:, 0, curves.MEMORY])

    def worth_of(times):
        effect = channel_effect(read, 0, media * times)
        tail = effect.brand[:, :, -1] * (keep / (1 - keep))[:, None] * worth[-1]
        return (effect.total * worth.T).sum(axis=2) + tail

    step = 1e-5
    np.testing.assert_allclose(
        slope, (worth_of(1 + step) - worth_of(1 - step)) / (2 * step), rtol=1e-6
    )
