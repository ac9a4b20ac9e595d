"""From the predictor to the outcome, for either link."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mmm.results import blocks
from mmm.results.contributions import (
    BASELINE,
    CONTROL,
    UNMEASURED,
    decompose,
    outcome_components,
    with_noise,
)
from mmm.results.outcome import (
    baseline_predictor,
    expected_outcome,
    media_predictor,
    shrink,
)
from mmm.results.respond import channel_effect

NOT_MEDIA = {BASELINE, CONTROL, UNMEASURED}


@given(st.floats(1e-3, 1e6), st.floats(-30, 30))
def test_shrink_gives_the_logarithmic_mean(larger, change):
    smaller = larger * np.exp(-change)
    mean = larger * shrink(np.array(change))
    assert mean * change == pytest.approx(larger - smaller, rel=1e-9, abs=1e-12 * larger)
    assert min(larger, smaller) * (1 - 1e-9) <= mean <= max(larger, smaller) * (1 + 1e-9)


def parts_of(read):
    data = read.fit.panel.dataset
    rows = read.density.design.baseline
    parts = list(outcome_components(read, rows, data["media"].values))
    silent = baseline_predictor(read, rows)
    full = silent + media_predictor(read, data["media"].values, len(read.fit.panel.dates))
    return parts, expected_outcome(read, silent), expected_outcome(read, full)


def test_parts_add_up_to_the_expected_outcome_in_every_draw(any_read):
    parts, without, full = parts_of(any_read)
    np.testing.assert_allclose(sum(part.draws for part in parts), full, rtol=1e-10)
    others = sum(part.draws for part in parts if part.kind in NOT_MEDIA)
    np.testing.assert_allclose(others, without, rtol=1e-10)


def test_without_any_effect_channels_are_nothing_and_the_rest_is_the_baseline(make):
    read = make.response(likelihood="lognormal")
    read.table[:, :, 0] = 0.0
    parts, without, full = parts_of(read)
    np.testing.assert_array_equal(without, full)
    assert all((part.draws == 0).all() for part in parts if part.kind not in NOT_MEDIA)


def test_small_effects_that_multiply_are_effects_that_add(make):
    """To first order an effect of x log points is x of the outcome there is."""
    read = make.response(likelihood="lognormal")
    read.table[:, :, 0] *= 1e-6
    parts, without, _ = parts_of(read)
    media = read.fit.panel.dataset["media"].values
    for part in parts:
        if part.kind not in NOT_MEDIA:
            channel = read.fit.panel.channels.index(part.name)
            effect = channel_effect(read, channel, media[:, :, channel])
            added = effect.brand if part.kind == "brand" else effect.tactical
            np.testing.assert_allclose(part.draws, without * added, rtol=1e-5)


def test_a_channel_alone_gets_what_removing_it_takes_away(make):
    read = make.response({"name": "tv", "role": "both"}, likelihood="lognormal")
    parts, without, full = parts_of(read)
    media = sum(part.draws for part in parts if part.kind not in NOT_MEDIA)
    np.testing.assert_allclose(media, full - without, rtol=1e-10)


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_blocks_of_geos_change_nothing(make, monkeypatch, likelihood):
    read = make.response(geos=5, likelihood=likelihood)
    whole = decompose(read)
    monkeypatch.setattr(blocks, "BLOCK_CELLS", 1)
    single = decompose(read)
    for name in ("table", "totals", "fitted"):
        first, second = getattr(whole, name), getattr(single, name)
        numbers = ["mean", "p05", "p50", "p95"]
        assert first.drop(columns=numbers).equals(second.drop(columns=numbers))
        np.testing.assert_allclose(first[numbers], second[numbers], rtol=1e-9, atol=1e-9)


def test_noise_leaves_the_mean_and_has_the_likelihoods_shape(any_read):
    read = blocks.take_geos(any_read, slice(1, 2))
    expected = np.full((read.draws, 20_000), 100.0)
    noisy = with_noise(read, 0, expected, np.random.default_rng(0))
    if read.multiplicative:
        np.testing.assert_allclose(noisy.mean(axis=1), 100.0, rtol=0.01)
        standard = np.log(noisy / 100.0) / read.sigma[:, :1] + read.sigma[:, :1] / 2
    else:
        standard = (noisy - 100.0) / (read.sigma[:, :1] * read.level[0])
    known = stats.t(read.nu) if read.density.spec.likelihood == "student_t" else stats.norm()
    for part in (0.05, 0.5, 0.95):
        reached = np.quantile(standard, part, axis=1)
        np.testing.assert_allclose(reached, known.ppf(part), atol=0.06)


def test_the_mean_of_a_log_normal_outcome_counts_its_noise(make):
    read = make.response(likelihood="lognormal", geos=1)
    predictor = np.zeros((read.draws, 1, 1))
    rng = np.random.default_rng(1)
    drawn = np.exp(read.sigma[:, 0, None] * rng.standard_normal((read.draws, 100_000)))
    expected = expected_outcome(read, predictor)[:, 0, 0] / read.level[0]
    np.testing.assert_allclose(expected, drawn.mean(axis=1), rtol=0.01)
