"""Coordinates in which the posterior is near a standard normal, and that they change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mmm
from mmm.config import Inference
from mmm.inference import sample as sampling
from mmm.inference.whiten import whiten
from mmm.model import kernel
from mmm.model.coordinates import log_volume, slope_by_z
from mmm.model.density import build_density
from mmm.model.design import build_design
from mmm.model.spec import model_spec
from mmm.simulate import large_spec, simulate, simulate_world

SETTINGS = Inference(chains=2, draws=1500, tune=200, seed=3)


@pytest.fixture(scope="module")
def problem():
    world = simulate_world("national", seed=4)
    panel, _ = mmm.panel_from_frame(world.study, world.frame)
    spec = model_spec(world.study, panel)
    return build_density(spec, build_design(spec, panel))


@pytest.fixture(scope="module")
def found(problem):
    return whiten(problem, SETTINGS)


def test_the_mode_is_one(problem, found):
    at, pool = found.coordinates, problem.workspace(1, found.coordinates)
    value, gradient = problem.moved(np.zeros(problem.size), at, pool)
    around = np.random.default_rng(1).normal(scale=0.3, size=(100, problem.size))
    assert max(problem.moved(z, at, pool)[0] for z in around) < value
    # in whitened units the slope left by the search is nothing
    assert np.abs(gradient).max() < 0.05


def test_curvature_there_is_one_in_every_direction(problem, found):
    pool = problem.workspace(1, found.coordinates)
    rng = np.random.default_rng(2)
    step, gradients = 1e-3, np.empty((2, problem.size))
    for _ in range(5):
        way = rng.normal(size=problem.size)
        way /= np.linalg.norm(way)
        for row, sign in enumerate((1, -1)):
            kernel.call(pool.header, sign * step * way, gradients[row])
        bend = -(gradients[0] - gradients[1]) @ way / (2 * step)
        assert 0.9 < bend < 1.1


def test_value_and_gradient_are_those_of_the_point(problem, found):
    at, pool = found.coordinates, problem.workspace(1, found.coordinates)
    z = np.random.default_rng(5).normal(size=problem.size)
    value, gradient = problem.moved(z, at, pool)
    q = found.points(z)
    expected, slope = problem.value_and_gradient(q)
    assert value == pytest.approx(expected + log_volume(at.bends, q), rel=1e-12)
    np.testing.assert_allclose(gradient, slope_by_z(at, q, slope), rtol=1e-8, atol=1e-10)


def test_log_densities_of_draws_are_those_of_the_points(problem):
    draws = sampling.sample(problem, SETTINGS.model_copy(update={"draws": 20, "tune": 50}))
    stated = draws.statistics["logp"].values
    for chain, draw in ((0, 0), (1, 19)):
        value, _ = problem.value_and_gradient(draws.unconstrained[chain, draw])
        assert stated[chain, draw] == pytest.approx(value, rel=1e-10)


def test_draws_are_those_of_the_posterior_either_way(problem, monkeypatch):
    whitened = sampling.sample(problem, SETTINGS).unconstrained.reshape(-1, problem.size)
    monkeypatch.setattr(sampling, "whiten", lambda *_: None)
    plain = sampling.sample(problem, SETTINGS).unconstrained.reshape(-1, problem.size)
    spread = plain.std(axis=0)
    # some 1000 effective draws: a mean is known to a thirtieth of its spread
    assert np.abs((whitened.mean(axis=0) - plain.mean(axis=0)) / spread).max() < 0.25
    assert np.abs(np.log(whitened.std(axis=0) / spread)).max() < 0.2


def test_a_large_density_is_left_as_it_is(problem, monkeypatch):
    monkeypatch.setattr("mmm.inference.whiten.LARGEST", 5)
    assert whiten(problem, SETTINGS) is None


def test_warm_up_and_acceptance_are_what_the_model_needs_where_left_out(problem):
    plain = sampling.settled(Inference(), problem.spec, whitened=True)
    assert (plain.tune, plain.target_accept) == (100, 0.92)
    assert sampling.settled(Inference(), problem.spec, whitened=False).tune == 300
    heavy = replace(problem.spec, likelihood="student_t")
    assert sampling.settled(Inference(), heavy, whitened=True).tune == 300
    world = simulate_world("national_brand", seed=1)
    panel, _ = mmm.panel_from_frame(world.study, world.frame)
    brand = sampling.settled(Inference(), model_spec(world.study, panel), whitened=True)
    assert (brand.tune, brand.target_accept) == (200, 0.98)
    stated = Inference(tune=70, target_accept=0.8)
    assert sampling.settled(stated, heavy, whitened=False) == stated


def test_the_search_keeps_off_the_mode_of_no_noise():
    """Few degrees of freedom and coefficients through some observations: a density without
    bound, where chains once started and stayed."""
    world = simulate(large_spec(1, 104, 4), seed=0)
    inference = world.study.inference.model_copy(update={"likelihood": "student_t"})
    study = world.study.model_copy(update={"inference": inference})
    panel, _ = mmm.panel_from_frame(study, world.frame)
    spec = model_spec(study, panel)
    density = build_density(spec, build_design(spec, panel))
    found = whiten(density, inference)
    places = [one.place for one in spec.variables for _ in one.priors]
    noise, shape = places.index("sigma"), places.index("shape")
    reached = found.points(found.modes)
    assert (reached[:, shape] >= density.centre()[shape] - 1e-9).all()
    assert (reached[:, noise] > density.centre()[noise] - 4.0).all()
    assert np.linalg.norm(found.modes, axis=1).max() < 1.0
