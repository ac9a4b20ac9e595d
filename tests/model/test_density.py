"""The compiled density: its gradient, its C callback, and what it does at the edges."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from scipy import stats

from mmm.model import curves, kernel
from mmm.model.density import natural_values

CHANNELS = [
    {"name": "a", "role": "both"},
    {"name": "b", "role": "brand", "adstock": "weibull_cdf", "saturation": "michaelis_menten"},
    {"name": "c", "role": "tactical", "adstock": "delayed", "saturation": "root"},
]
FULL_CASE = {"channels": CHANNELS, "geos": 2, "controls": 1}


@pytest.fixture(scope="module")
def density(tools):
    return tools.make_case(**FULL_CASE).density


def near_centre(density, seed: int, spread: float = 0.5) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.layout.size)
    return density.centre() + spread * density.width() * noise


@pytest.mark.parametrize("case", [FULL_CASE, FULL_CASE | {"geos": 1}], ids=["geos", "national"])
@pytest.mark.parametrize("seed", range(3))
def test_gradient_equals_finite_differences(tools, case, seed):
    density = tools.make_case(**case).density
    q = near_centre(density, seed)
    _, gradient = density.value_and_gradient(q)
    step = 1e-5
    for i in range(len(q)):
        apart = step * (np.arange(len(q)) == i)
        up, down = (density.value_and_gradient(q + sign * apart)[0] for sign in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-5)


def test_c_callback_gives_the_same_numbers(density):
    logp, _ = kernel.callbacks()
    size, header = density.layout.size, density.header()
    doubles = ctypes.POINTER(ctypes.c_double)
    call = ctypes.CFUNCTYPE(
        ctypes.c_int64, ctypes.c_uint64, doubles, doubles, doubles, ctypes.c_void_p
    )(logp.address)
    for seed in range(5):
        q, gradient, value = near_centre(density, seed), np.empty(size), np.empty(1)
        pointers = [array.ctypes.data_as(doubles) for array in (q, gradient, value)]
        assert call(size, *pointers, header.ctypes.data) == 0
        expected, slopes = density.value_and_gradient(q)
        assert value[0] == expected
        np.testing.assert_array_equal(gradient, slopes)
    q = np.full(size, np.nan)
    pointers = [array.ctypes.data_as(doubles) for array in (q, gradient, value)]
    assert call(size, *pointers, header.ctypes.data) > 0


@pytest.mark.parametrize("far", [-800.0, -60.0, -20.0, 20.0, 60.0, 800.0])
def test_far_points_are_refused_or_finite_and_never_fatal(density, far):
    at_centre, _ = density.value_and_gradient(density.centre())
    for i in range(density.layout.size):
        q = density.centre()
        q[i] += far
        value, _ = density.value_and_gradient(q)
        assert np.isnan(value) or value < at_centre


def test_natural_values_undo_the_logarithm_and_the_logit(density):
    q = near_centre(density, 0)
    natural = natural_values(density, q)
    split = density.layout.kind == kernel.LOGIT
    assert split.any() and not split.all()
    np.testing.assert_allclose(np.log(natural[~split]), q[~split], rtol=1e-12)
    np.testing.assert_allclose(stats.logistic.ppf(natural[split]), q[split], rtol=1e-9, atol=1e-9)
    assert natural_values(density, np.stack([q, q])).shape == (2, len(q))


def test_shares_are_shares_of_outcome(density):
    cells = density.cells(natural_values(density, near_centre(density, 1)))
    table, *_ = density.split(cells)
    work = density.workspace()
    density.moments(cells, work)
    level = density.design.scaling.level
    part = (work.effect * level[:, None, None]).sum(axis=(0, 2)) / (40 * level.sum())
    np.testing.assert_allclose(part, table[:, curves.SHARE], rtol=1e-12)


def test_a_channel_that_never_spent_has_no_effect_and_keeps_its_prior(tools):
    stated = {"name": "silent", "role": "both", "prior": {"share": (0.01, 0.1)}}
    silent = [(0, 0), (1, 0)]
    density = tools.make_case([stated, *CHANNELS], geos=2, silent=silent).density
    q = near_centre(density, 2)
    work = density.workspace()
    density.moments(density.cells(natural_values(density, q)), work)
    assert not work.effect[:, 0].any()
    value, gradient = density.value_and_gradient(q)
    assert np.isfinite(value)
    share = density.layout.scalar[density.layout.cell == curves.SHARE].item()
    prior = density.spec.variable("share").priors[0]
    assert gradient[share] == pytest.approx(-(q[share] - prior.location) / prior.scale**2)


def test_no_spread_is_no_deviation(tools):
    density = tools.make_case(**FULL_CASE).density
    natural = natural_values(density, near_centre(density, 3))
    cells = density.cells(natural)
    cells[: len(CHANNELS) * curves.COLUMNS].reshape(-1, curves.COLUMNS)[:, curves.SPREAD] = 0.0
    work = density.workspace()
    assert np.isfinite(density.moments(cells, work))
    deviation = work.own_mean[:, density.design.own :]
    assert not deviation.any()
