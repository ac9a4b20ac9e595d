"""The sampled posterior is the posterior of the full PyMC model.

Hamiltonian Monte Carlo on the full graph, where every coefficient is a variable, leaves that
graph's posterior as it is. So draws from the compiled density, with coefficients drawn from
their conditional, must keep their distribution when each is moved by it, and wrong draws must
not (Geweke, 2004, turned to the posterior).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.graph.replace import vectorize_graph

from mmm.config import Inference
from mmm.inference.fit import fit
from mmm.model import curves
from mmm.model.build import build_model
from mmm.model.density import unconstrained_values
from mmm.results.respond import response

PARTICLES = 1000
LIMIT = 4.2
"""Of a z-score, some 50 of which are taken."""


def batched_logp(tools, model, values):
    """Log-density (particles,) and gradient (particles, n) of rows of values laid end to end,
    shaped as the arrays `values`."""
    shapes = [values[value.name].shape for value in model.value_vars]
    scalars = [int(np.prod(shape[1:])) for shape in shapes]
    rows = pt.matrix("rows", shape=(PARTICLES, sum(scalars)))
    parts = pt.split(rows, scalars, n_splits=len(scalars), axis=1)
    replaced = {
        value: part.reshape(shape)
        for value, shape, part in zip(model.value_vars, shapes, parts, strict=True)
    }
    logp = vectorize_graph(model.logp(), replaced)
    return tools.compile_graph([rows], [logp, pt.grad(logp.sum(), rows)])


def move(logp, rows, rng, *, steps, size):
    """One Hamiltonian step of every row, and the part accepted.

    A trajectory that leaves 15 standard deviations around the middle is rejected whole, which
    its reverse would be too.
    """
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    root = np.linalg.cholesky(np.cov(rows.T))  # of the inverse mass
    momentum = rng.standard_normal(rows.shape)
    value, slope = logp(rows)
    before = value - 0.5 * (momentum**2).sum(axis=1)
    at, astray = rows, np.zeros(len(rows), dtype=bool)
    momentum = momentum + 0.5 * size * slope @ root
    for step in range(steps):
        at = at + size * momentum @ root.T
        astray |= np.any(np.abs(at - centre) > 15 * scale, axis=1)
        at = np.where(astray[:, None], rows, at)
        value, slope = logp(at)
        momentum = momentum + (0.5 if step == steps - 1 else 1.0) * size * slope @ root
    gain = value - 0.5 * (momentum**2).sum(axis=1) - before
    accepted = ~astray & (np.log(rng.random(len(rows))) < gain)
    return np.where(accepted[:, None], at, rows), accepted.mean()


def moved(logp, rows, seed=0):
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(2):
        rows, rate = move(logp, rows, rng, steps=11, size=0.11)
        rates.append(rate)
    return rows, np.mean(rates)


def drift(before, after):
    """z-scores of the change in mean and in spread of every column, (2, n)."""
    centre, scale = before.mean(axis=0), before.std(axis=0)
    scores = []
    for power in (1, 2):
        change = ((after - centre) / scale) ** power - ((before - centre) / scale) ** power
        scores.append(change.mean(axis=0) / change.std(axis=0) * np.sqrt(len(change)))
    return np.array(scores)


@pytest.fixture(scope="module", params=["normal", "lognormal", "student_t"])
def world(request, tools):
    """A small case of each likelihood; with normal noise one channel's effectiveness moves."""
    moving = {"time_varying": True} if request.param == "normal" else {}
    case = tools.make_case(
        [{"name": "a", "role": "both"} | moving, {"name": "b", "role": "tactical"}],
        geos=2, periods=30, controls=1, baseline={"seasonality": 0, "trend": False},
        likelihood=request.param,
    )  # fmt: skip
    inference = Inference(chains=4, draws=500, tune=500, seed=3, likelihood=request.param)
    return replace(case, study=case.study.model_copy(update={"inference": inference}))


@pytest.fixture(scope="module")
def draws(tools, world):
    """Particles in the order of the full model's value variables, and its batched density."""
    sampled = fit(world.study, world.panel)
    each = 4 * 500 // PARTICLES
    sampled = replace(sampled, posterior=sampled.posterior.isel(draw=slice(None, None, each)))
    read = response(sampled)
    density = read.density
    unconstrained = unconstrained_values(density, sampled.values())[:, : density.layout.size]
    baseline, moving = density.design.baseline, list(density.spec.drifting)
    scales = np.stack([read.trend_scale, read.geo_trend_scale, np.ones(PARTICLES)], axis=1)
    own = read.own / (baseline.own_sd * scales[:, baseline.own_group])[:, None]
    geo = (read.deviation - 1) / read.table[:, None, :, curves.SPREAD]
    shared = read.shared / (baseline.shared_sd * scales[:, baseline.shared_group])
    walk = read.drift[:, moving] / read.table[:, moving, curves.DRIFT, None]
    values = tools.value_arrays(density, unconstrained) | {
        "own_standard": np.concatenate([own, geo], axis=2),
        "shared_standard": np.concatenate([shared, walk.reshape(PARTICLES, -1)], axis=1),
    }
    model = build_model(density.spec, density.design, form="explicit")
    rows = np.concatenate(
        [values[value.name].reshape(PARTICLES, -1) for value in model.value_vars], axis=1
    )
    return rows, batched_logp(tools, model, values)


def test_full_model_leaves_the_sampled_posterior_as_it_is(draws):
    rows, logp = draws
    after, accepted = moved(logp, rows)
    assert accepted > 0.6
    likeness = [np.corrcoef(x, y)[0, 1] for x, y in zip(rows.T, after.T, strict=True)]
    assert np.median(likeness) < 0.5
    assert np.abs(drift(rows, after)).max() < LIMIT


def test_a_wrong_posterior_is_seen(draws):
    """One coefficient shifted, everything else too narrow: each is seen on its own."""
    rows, logp = draws
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    rows = centre + 0.8 * (rows - centre)
    rows[:, -1] += 0.3 * scale[-1]
    after, _ = moved(logp, rows)
    mean, spread = np.abs(drift(rows, after))
    assert mean[-1] > LIMIT
    assert spread[:-1].max() > LIMIT
