"""Coordinates chains move in: undone exactly, with the volume they say, in every form alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmm
from mmm.model import curves
from mmm.model.coordinates import (
    Coordinates,
    coordinates_of,
    log_volume,
    points,
    slope_by_z,
    unmoved,
)
from mmm.model.density import bends_of, build_density, natural_values
from mmm.model.design import build_design
from mmm.model.spec import model_spec
from mmm.simulate import simulate_world

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def problem():
    world = simulate_world("national", seed=4)
    mixed = [
        world.study.channels[0],
        world.study.channels[1].model_copy(update={"saturation": "tanh"}),
        *world.study.channels[2:],
    ]
    study = world.study.model_copy(update={"channels": mixed})
    panel, _ = mmm.panel_from_frame(study, world.frame)
    spec = model_spec(study, panel)
    density = build_density(spec, build_design(spec, panel))
    density.value_and_gradient(density.centre())  # compiles once, where nothing is cached
    return density


def somewhere(problem, seed):
    """Coordinates at random and a point in them."""
    rng, size = np.random.default_rng(seed), problem.size
    root = np.diag(rng.uniform(0.2, 1.0, size)) + 0.05 * rng.normal(size=(size, size))
    mode = coordinates_of(unmoved(bends_of(problem), size), problem.centre())
    return Coordinates(mode, root, bends_of(problem)), 0.5 * rng.normal(size=size)


@given(SEEDS)
def test_the_way_there_and_back_is_the_same(problem, seed):
    at, z = somewhere(problem, seed)
    np.testing.assert_allclose(coordinates_of(at, points(at, z)), z, atol=1e-9)


def test_a_bent_half_saturation_is_the_logit_of_saturation_at_the_mean_exposure(problem):
    bends = bends_of(problem)
    q = problem.centre() + 0.3 * np.random.default_rng(2).normal(size=problem.size)
    u = coordinates_of(unmoved(bends, problem.size), q)
    natural = natural_values(problem, q)
    exposure = np.exp(bends.about)
    saturated = 1.0 / (1.0 + (natural[bends.half] / exposure) ** natural[bends.slope])
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(u[bends.half])), saturated, rtol=1e-12)


def test_channels_with_a_hill_curve_are_bent_and_no_others(problem):
    names = [
        (variable.name, label) for variable in problem.spec.variables for label in variable.labels
    ]
    hill = [
        channel
        for channel, code in zip(problem.spec.channels, problem.spec.saturation, strict=True)
        if code == curves.HILL
    ]
    bends = bends_of(problem)
    assert len(hill) == len(problem.spec.channels) - 1
    assert [names[at] for at in bends.half] == [("hill_half_saturation", name) for name in hill]
    assert [names[at] for at in bends.slope] == [("hill_slope", name) for name in hill]
    spent = problem.design.media[:, 0]
    assert bends.about[0] == pytest.approx(np.log(spent[spent > 0].mean()))


@given(SEEDS)
def test_the_volume_is_that_of_the_jacobian(problem, seed):
    at, z = somewhere(problem, seed)
    step = 1e-6
    columns = [(points(at, z + step * way) - points(at, z - step * way)) for way in np.eye(len(z))]
    _, whole = np.linalg.slogdet(np.array(columns) / (2 * step))
    _, straight = np.linalg.slogdet(at.root)
    assert log_volume(at.bends, points(at, z)) == pytest.approx(whole - straight, abs=1e-6)


@given(SEEDS)
def test_the_compiled_form_agrees(problem, seed):
    at, z = somewhere(problem, seed)
    value, gradient = problem.moved(z, at, problem.workspace(1, at))
    q = points(at, z)
    expected, slope = problem.value_and_gradient(q)
    # the value may pass zero; what it is made of, and how its point is rounded, does not
    reach = np.abs(slope) @ (1.0 + np.abs(q))
    agreed = pytest.approx(expected + log_volume(at.bends, q), rel=1e-11, abs=1e-11 * reach)
    assert value == agreed
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, slope_by_z(at, q, slope), rtol=1e-8, atol=1e-11 * scale)


def test_the_gradient_is_that_of_finite_differences(problem):
    at, z = somewhere(problem, 7)
    pool, step = problem.workspace(1, at), 1e-5
    _, gradient = problem.moved(z, at, pool)
    rises = [
        problem.moved(z + step * way, at, pool)[0] - problem.moved(z - step * way, at, pool)[0]
        for way in np.eye(len(z))
    ]
    np.testing.assert_allclose(np.array(rises) / (2 * step), gradient, rtol=1e-5, atol=1e-5)
