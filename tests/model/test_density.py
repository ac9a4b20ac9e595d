"""The compiled density: its gradient, its C callback, and what it does at the edges."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from mmm.model import curves, kernel
from mmm.model.density import natural_values
from mmm.model.redraw import noise_length, whole_draws

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
    noise = np.random.default_rng(seed).normal(size=density.size)
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


@pytest.mark.parametrize("likelihood", ["normal", "student_t"])
def test_c_callback_refuses_what_is_not_a_number(tools, likelihood):
    density = tools.make_case(**FULL_CASE, likelihood=likelihood).density
    q, gradient, value = np.full(density.size, np.nan), np.empty(density.size), np.empty(1)
    doubles = ctypes.POINTER(ctypes.c_double)
    pointers = [array.ctypes.data_as(doubles) for array in (q, gradient, value)]
    pool = density.workspace()
    call = kernel.logp().ctypes
    assert call(density.size, *pointers, pool.header.ctypes.data) > 0
    assert not pool.flags.any()
    q[:] = density.centre()
    assert call(density.size, *pointers, pool.header.ctypes.data) == 0


def test_threads_share_a_pool_without_sharing_a_slot(density):
    points = [near_centre(density, seed) for seed in range(40)]
    alone = [density.value_and_gradient(q)[0] for q in points]
    pool = density.workspace(slots=2)
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda q: density.value_and_gradient(q, pool)[0], points * 20))
    assert together == alone * 20
    assert not pool.flags.any()


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
    pool = density.workspace()
    density.value_and_gradient(near_centre(density, 1), pool)
    level, effect = density.design.scaling.level, pool.work.dynamic[:, : len(CHANNELS)]
    part = (effect * level[:, None, None]).sum(axis=(0, 2)) / (40 * level.sum())
    np.testing.assert_allclose(part, pool.work.table[:, curves.SHARE], rtol=1e-12)


def test_a_channel_that_never_spent_has_no_effect_and_keeps_its_prior(tools):
    stated = {"name": "silent", "role": "both", "prior": {"share": (0.01, 0.1)}}
    silent = [(0, 0), (1, 0)]
    density = tools.make_case([stated, *CHANNELS], geos=2, silent=silent).density
    q = near_centre(density, 2)
    pool = density.workspace()
    value, gradient = density.value_and_gradient(q, pool)
    assert not pool.work.dynamic[:, 0].any()
    assert np.isfinite(value)
    share = density.layout.scalar[density.layout.cell == curves.SHARE].item()
    prior = density.spec.variable("share").priors[0]
    assert gradient[share] == pytest.approx(-(q[share] - prior.location) / prior.scale**2)


def test_no_spread_is_no_deviation(tools):
    density = tools.make_case(**FULL_CASE).density
    natural = natural_values(density, near_centre(density, 3))
    cells = density.layout.cell % curves.COLUMNS == curves.SPREAD
    inside = density.layout.cell < len(CHANNELS) * curves.COLUMNS
    natural[density.layout.scalar[cells & inside]] = 1e-300
    noise = np.random.default_rng(0).standard_normal((1, noise_length(density)))
    one = np.array([True])
    drawn, _ = whole_draws(density, natural[None], one, noise, density.workspace())
    np.testing.assert_array_equal(drawn.deviation, 1.0)


@pytest.mark.parametrize("likelihood", ["normal", "student_t", "lognormal"])
@pytest.mark.parametrize("geos", [1, 3, 11])
def test_gradient_of_every_family_with_moving_effectiveness(tools, likelihood, geos):
    channels = [CHANNELS[0] | {"time_varying": True}, CHANNELS[1], {**CHANNELS[2], "name": "d"},
                CHANNELS[2] | {"time_varying": True}]  # fmt: skip
    density = tools.make_case(channels, geos=geos, controls=1, likelihood=likelihood).density
    rng = np.random.default_rng(geos)
    q = density.centre() + 0.3 * density.width() * rng.normal(size=density.size)
    pool = density.workspace()
    _, gradient = density.value_and_gradient(q, pool)
    step = 1e-5
    for i in rng.permutation(density.size)[:60]:
        apart = step * (np.arange(len(q)) == i)
        up, down = (density.value_and_gradient(q + sign * apart, pool)[0] for sign in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / (2 * step), rel=2e-5, abs=2e-5)
