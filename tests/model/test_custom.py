"""Transforms of the user's own: the density that has them, and their curves for many draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytensor.tensor as pt
import pytest

from mmm.errors import ModelError
from mmm.model import curves, kernel, own
from mmm.model.build import build_model
from mmm.model.jax_form import log_density
from mmm.model.own import curve_draws, own_channels, value_and_gradient
from mmm.model.spec import ADSTOCK_CODES, SATURATION_CODES
from mmm.transforms.adstock import WEIBULL_PDF, AdstockFamily
from mmm.transforms.custom import register_adstock, register_saturation
from mmm.transforms.saturation import HILL, SaturationFamily

COPIES = {"weibull_pdf": "own_weibull", "hill": "own_hill"}


@pytest.fixture(scope="module", autouse=True)
def families():
    """Copies of two of the library's families, and two it does not have."""
    register_adstock(replace(WEIBULL_PDF, name=COPIES["weibull_pdf"]), replace=True)
    register_saturation(replace(HILL, name=COPIES["hill"]), replace=True)
    register_adstock(
        AdstockFamily(
            "hyperbolic",
            {"reach": (0.5, 4.0)},
            weights=lambda lag, reach: 1.0 / (1.0 + lag / reach) ** 2,
            times=("reach",),
        ),
        replace=True,
    )
    register_saturation(
        SaturationFamily("log_growth", {"scale": (0.3, 6.0)}, lambda a, scale: pt.log1p(a / scale)),
        replace=True,
    )


LIBRARY = [
    {"name": "a", "role": "both", "adstock": "weibull_pdf"},
    {"name": "b", "role": "tactical"},
    {"name": "c", "role": "brand", "adstock": "weibull_pdf", "saturation": "tanh"},
    {"name": "d", "role": "both", "time_varying": True},
]
OWN = [
    channel | {part: COPIES[channel[part]] for part in ("adstock",) if channel.get(part) in COPIES}
    | ({"saturation": "own_hill"} if channel["name"] in "ad" else {})
    for channel in LIBRARY
]  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "national": {},
    "geos": {"geos": 3, "controls": 1, "silent": [(0, 0)]},
    "geos, log-normal": {"geos": 2, "likelihood": "lognormal"},
    "geos, Student-t": {"geos": 2, "likelihood": "student_t"},
    "a silent channel, short": {"periods": 20, "silent": [(0, 0)]},
}


def near_centre(density, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.size)
    return density.centre() + 0.7 * density.width() * noise


def evaluate(density, q):
    channels = own_channels(density.spec, density.design)
    return value_and_gradient(channels, density.spec.likelihood, density.workspace(), q)


def places_in(density, other) -> np.ndarray:
    """For each scalar of `other`, the one of `density` that fills the same cell."""
    of_cell = dict(zip(density.layout.cell, density.layout.scalar, strict=True))
    cells = [other.layout.cell[other.layout.scalar == i][0] for i in range(other.layout.size)]
    coefficients = np.arange(density.layout.size, density.size)
    return np.concatenate([[of_cell[cell] for cell in cells], coefficients]).astype(int)


@pytest.mark.parametrize("name", CASES)
def test_a_copy_of_a_librarys_family_changes_nothing(tools, name):
    library = tools.make_case(LIBRARY, **CASES[name]).density
    density = tools.make_case(OWN, **CASES[name]).density
    assert len(own_channels(density.spec, density.design)) == 3
    places = places_in(library, density)
    for seed in range(3):
        q = near_centre(library, seed)
        expected, slopes = library.value_and_gradient(q)
        value, gradient = evaluate(density, q[places])
        assert value == pytest.approx(expected, rel=1e-10, abs=1e-9)
        np.testing.assert_allclose(
            gradient, slopes[places], rtol=1e-8, atol=1e-9 * np.abs(slopes).max()
        )


def test_a_family_the_library_does_not_have_is_the_one_of_the_graph(tools):
    channels = [
        {"name": "a", "role": "both", "adstock": "hyperbolic", "saturation": "log_growth"},
        {"name": "b", "role": "tactical", "saturation": "log_growth"},
    ]
    density = tools.make_case(channels, geos=2).density
    for form in ("collapsed", "fused"):
        model = build_model(density.spec, density.design, form=form)
        logp, order = tools.compile_logp(model), tools.scalar_order(density, model)
        for seed in range(3):
            q = near_centre(density, seed)
            value, gradient = evaluate(density, q)
            graph_value, graph_gradient = logp(tools.value_arrays(density, q))
            assert value == pytest.approx(graph_value, rel=1e-8)
            np.testing.assert_allclose(
                gradient, graph_gradient[order], rtol=1e-8, atol=1e-8 * np.abs(gradient).max()
            )


def test_other_data_compiles_nothing(tools):
    evaluate(density := tools.make_case(OWN).density, density.centre())
    before = own._weights.cache_info().misses, own._curve.cache_info().misses
    other = tools.make_case(OWN, geos=2, periods=33, seed=4).density
    assert np.isfinite(evaluate(other, other.centre())[0])
    assert before == (own._weights.cache_info().misses, own._curve.cache_info().misses)


def test_far_points_are_refused_or_finite(tools):
    density = tools.make_case(OWN).density
    for i in range(density.layout.size):
        for far in (-800.0, -60.0, 60.0, 800.0):
            q = density.centre()
            q[i] += far
            value, _ = evaluate(density, q)
            assert np.isnan(value) or value < evaluate(density, density.centre())[0]


def test_jax_does_not_know_it_and_says_so(tools):
    density = tools.make_case(OWN).density
    with pytest.raises(
        ModelError, match="channel 'a': adstock 'own_weibull' is not written in JAX"
    ):
        log_density(density.spec, density.design)


@pytest.mark.parametrize(
    ("adstock", "saturation"),
    [
        ("geometric", "hill"),
        ("none", "tanh"),
        ("none", "root"),
        ("delayed", "root"),
        ("weibull_pdf", "none"),
    ],
)
def test_curves_of_many_draws_are_the_kernels(adstock, saturation):
    rng = np.random.default_rng(2)
    draws, geos, periods, lags = 4, 3, 30, 13
    table = rng.uniform(0.4, 0.9, (draws, curves.COLUMNS))
    table[:, curves.SHARE], table[:, curves.SPLIT] = 1.0, 0.0
    media = rng.gamma(2.0, 0.5, (geos, periods)) * (rng.random((geos, periods)) < 0.6)
    early, direction = rng.gamma(2.0, 0.5, geos), rng.gamma(2.0, 0.5, (geos, periods))
    now, start, step = curve_draws(adstock, saturation, lags, table, media, early, direction)

    expected, unused = np.empty((2, draws, geos, periods))
    slope = np.empty((draws, geos))
    worth = rng.random((geos, periods))
    kernel.channel_draws(
        table, np.ones((draws, 2)), ADSTOCK_CODES[adstock], SATURATION_CODES[saturation], lags,
        media, early, direction, worth, np.ones((draws, geos)), np.zeros((draws, periods)),
        expected, unused, slope,
    )  # fmt: skip
    np.testing.assert_allclose(now, expected, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose((step * worth).sum(axis=2), slope, rtol=1e-9)
    for row, earned in zip(table, start, strict=True):
        level = (row[curves.CARRY] * early)[:, None]
        alone, *_ = curve_draws("none", saturation, lags, row[None], level, early, level)
        np.testing.assert_array_equal(earned, alone[0, :, 0])


def test_the_step_of_own_curves_is_a_finite_difference():
    rng = np.random.default_rng(3)
    table = rng.uniform(0.5, 2.0, (3, curves.COLUMNS))
    media, direction = rng.gamma(2.0, 0.5, (2, 2, 30))
    early = media[:, :4].mean(axis=1)

    def at(size):
        return curve_draws(
            "hyperbolic", "log_growth", 13, table, media + size * direction, early, direction
        )

    (up, _, _), (down, _, _), (_, _, step) = at(1e-6), at(-1e-6), at(0.0)
    np.testing.assert_allclose((up - down) / 2e-6, step, rtol=1e-6, atol=1e-8)
