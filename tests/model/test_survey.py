"""Brand trackers: the compiled likelihood against the dense one in PyTensor, and its meaning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mmm.model.build import build_model
from mmm.model.readings import NATIONAL_READING

CHANNELS = [
    {"name": "tv", "role": "both"},
    {"name": "film", "role": "brand", "adstock": "delayed", "saturation": "root"},
    {"name": "search", "role": "tactical"},
]
BRAND = {
    "survey": [
        {"column": "consideration", "standard_error": "consideration_se"},
        {"column": "awareness", "scope": "national"},
    ],
    "groups": [{"name": "cinema", "channels": ["film"], "half_life": (30, 80)}],
    "drift": True,
}
CASES = {
    "geos": {"geos": 3, "brand": BRAND},
    "national": {"brand": BRAND | {"drift": False}},
    "lognormal": {"geos": 2, "likelihood": "lognormal", "brand": BRAND},
    "student_t": {"likelihood": "student_t", "brand": BRAND},
}


def near_centre(density, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.size)
    return density.centre() + 0.5 * density.width() * noise


@pytest.mark.parametrize("form", ["collapsed", "fused"])
@pytest.mark.parametrize("name", ["geos", "national"])
def test_the_graph_is_the_compiled_density(tools, name, form):
    density = tools.make_case(CHANNELS, **CASES[name]).density
    model = build_model(density.spec, density.design, form=form)
    evaluate, order = tools.compile_logp(model), tools.scalar_order(density, model)
    for seed in range(3):
        q = near_centre(density, seed)
        expected, slopes = density.value_and_gradient(q)
        value, gradient = evaluate(tools.value_arrays(density, q))
        assert value == pytest.approx(expected, rel=1e-9)
        largest = np.abs(slopes).max()
        np.testing.assert_allclose(gradient[order], slopes, rtol=1e-8, atol=1e-9 * largest)


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_finite_differences(tools, name):
    density = tools.make_case(CHANNELS, **CASES[name]).density
    q = near_centre(density, 7)
    _, gradient = density.value_and_gradient(q)
    step = 1e-5
    for i in range(density.layout.size):
        ahead, behind = q.copy(), q.copy()
        ahead[i] += step
        behind[i] -= step
        rise = density.value_and_gradient(ahead)[0] - density.value_and_gradient(behind)[0]
        assert rise / (2 * step) == pytest.approx(gradient[i], rel=2e-5, abs=2e-4)


def read_apart(tools, seed, **options):
    """A case whose brand has a tracker, what the tracker adds to its log-density near the centre,
    natural values there by variable, and the memory of that evaluation."""
    case = tools.make_case(CHANNELS[1:2], brand={"survey": {"column": "awareness"}}, **options)
    bare = tools.make_case(CHANNELS[1:2], **options)
    density, q = case.density, near_centre(case.density, seed)
    names = [v.name for v in density.spec.variables for _ in v.labels]
    kept = np.array([not name.startswith("survey") for name in names])
    pool = density.workspace()
    read = density.value_and_gradient(q, pool)[0] - bare.density.value_and_gradient(q[kept])[0]
    return case, read, dict(zip(names, np.exp(q), strict=True)), pool


def log_priors_of_tracker(density, value):
    """Half-normal on the log scale, Jacobian included."""
    total = 0.0
    for name in ("survey_loading", "survey_noise"):
        scale = density.spec.variable(name).priors[0].scale
        total += stats.halfnorm.logpdf(value[name], scale=scale) + np.log(value[name])
    return total


def test_readings_are_normal_about_level_and_stock(tools):
    """With no error stated and no walk, against a covariance written out."""
    case, read, value, pool = read_apart(tools, 3)
    density = case.density
    stock = pool.work.stock[0, 0] / pool.work.stock[0, 0].mean()
    told = density.design.readings
    spread = case.panel.dataset["survey"].values[told.time, 0, 0]
    level_sd = 40.0 * spread.std()
    covariance = value["survey_noise"] ** 2 * np.eye(len(spread)) + level_sd**2
    expected = stats.multivariate_normal.logpdf(
        told.value, value["survey_loading"] * stock[told.time], covariance
    )
    expected += log_priors_of_tracker(density, value)
    assert read == pytest.approx(expected, rel=1e-9)


def test_geos_differ_in_effect_and_start(tools):
    """Readings of geos that pool, against a covariance written out."""
    case, read, value, pool = read_apart(tools, 4, geos=3)
    density = case.density
    weight = density.design.weight
    stock = pool.work.stock[:, 0] / (weight @ pool.work.stock[:, 0].sum(axis=1))
    told = density.design.readings
    seen = case.panel.dataset["survey"].values[:, :, 0]
    level_sd = 40.0 * np.nanstd(seen - np.nanmean(seen, axis=0))
    loading, there = value["survey_loading"], stock[told.geo, told.time]
    left = 0.25 * 0.5 ** ((told.time + 1) / value["brand_half_life"])
    alike = level_sd**2 + loading**2 * (
        value["geo_spread"] ** 2 * np.outer(there, there) + np.outer(left, left)
    )
    covariance = value["survey_noise"] ** 2 * np.eye(len(there))
    covariance += np.where(np.equal.outer(told.geo, told.geo), alike, 0.0)
    expected = stats.multivariate_normal.logpdf(told.value, loading * there, covariance)
    expected += log_priors_of_tracker(density, value)
    assert read == pytest.approx(expected, rel=1e-9)


def test_a_tracker_in_other_units_says_the_same(tools):
    density = tools.make_case(CHANNELS, **CASES["geos"]).density
    told, factor = density.design.readings, 37.0
    in_percent = replace(
        told,
        value=told.value * factor,
        variance=told.variance * factor**2,
        row_sd=np.where(told.walk_of < 0, told.row_sd * factor, told.row_sd),
    )
    data = density.data._replace(
        reading=in_percent.value, reading_variance=in_percent.variance,
        reading_sd=in_percent.row_sd,
    )  # fmt: skip
    names = [v.name for v in density.spec.variables for _ in v.labels]
    scaled = np.array([name.startswith("survey") for name in names])
    data = data._replace(scale=np.where(scaled, data.scale * factor, data.scale))
    other = replace(density, data=data)
    q = near_centre(density, 5)
    moved = q + np.where(scaled, np.log(factor), 0.0)
    np.testing.assert_allclose(
        density.value_and_gradient(q)[1], other.value_and_gradient(moved)[1], rtol=1e-8, atol=1e-8
    )


def test_gaps_and_scope_decide_how_many_readings_there_are(tools):
    case = tools.make_case(CHANNELS, **CASES["geos"])
    told, seen = case.density.design.readings, case.panel.dataset["survey"].values
    asked = ~np.isnan(seen[:, :, 0])
    assert (told.of == 0).sum() == asked.sum()
    assert (told.of == 1).sum() == asked.any(axis=1).sum()
    assert (told.geo[told.of == 1] == NATIONAL_READING).all()
    assert case.density.spec.variable("brand_half_life").labels == ("cinema", "brand")
