"""The log-density in JAX against the compiled one, its samplers, and its absence."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import jax
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from mmm.config import Inference
from mmm.errors import ModelError
from mmm.inference import jax_chains
from mmm.inference.jax_chains import sample_jax
from mmm.inference.sample import sample
from mmm.model.jax_form import log_density
from mmm.model.op import CollapsedLikelihood, FusedLikelihood

EVERY = [
    {"name": "a", "role": "both", "adstock": "delayed", "saturation": "logistic"},
    {"name": "b", "role": "brand", "adstock": "weibull_pdf", "saturation": "root"},
    {"name": "c", "role": "both", "time_varying": True},
    {"name": "d", "role": "tactical", "adstock": "weibull_cdf", "saturation": "michaelis_menten"},
    {"name": "e", "role": "tactical", "adstock": "none", "saturation": "none", "carry_in": 0.0},
    {"name": "f", "role": "tactical", "saturation": "tanh", "time_varying": True},
    {"name": "g", "role": "both", "lag": {"median": 5, "max": 18}},
    {"name": "h", "role": "tactical", "lag": {"median": 2, "max": 7}, "saturation": "none"},
    {"name": "i", "role": "tactical", "lag": {"median": 3, "max": 9, "family": "lognormal"}},
]
TRACKED = {
    "survey": [
        {"column": "consideration", "standard_error": "consideration_se"},
        {"column": "awareness", "scope": "national"},
    ],
    "groups": [{"name": "film", "channels": ["c"], "half_life": (30, 80)}],
    "drift": True,
}
FEW = EVERY[1:3] + EVERY[6:7]
CASES: dict[str, dict[str, Any]] = {
    "geos, trackers": {"channels": EVERY, "geos": 2, "brand": TRACKED},
    "national, Student-t, trackers": {
        "channels": FEW, "likelihood": "student_t", "brand": TRACKED,
    },
    "geos": {"channels": FEW, "geos": 3, "controls": 1, "silent": [(0, 2), (1, 2), (2, 2)]},
    "national, log-normal": {
        "channels": EVERY, "likelihood": "lognormal", "baseline": {"trend": False},
    },
    "geos, Student-t": {"channels": FEW, "geos": 2, "likelihood": "student_t", "late": [0, 1]},
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("light_jax")


def near_centre(density, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.size)
    return density.centre() + 0.7 * density.width() * noise


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_compiled_density(tools, name):
    density = tools.make_case(**CASES[name]).density
    evaluate = jax.jit(jax.value_and_grad(log_density(density.spec, density.design)))
    for seed in range(4):
        q = near_centre(density, seed)
        expected, slopes = density.value_and_gradient(q)
        value, gradient = evaluate(q)
        assert float(value) == pytest.approx(expected, rel=1e-10, abs=1e-9)
        np.testing.assert_allclose(
            gradient, slopes, rtol=1e-8, atol=1e-10 * max(1.0, np.abs(slopes).max())
        )


@pytest.fixture(scope="module")
def small(tools):
    channel = {"name": "a", "role": "tactical", "saturation": "none", "carry_in": 1.0}
    return tools.make_case(
        [channel | {"time_varying": True}], geos=2, periods=24,
        baseline={"trend": False, "seasonality": 0},
    ).density  # fmt: skip


def test_the_operations_run_under_jax(small):
    pool = small.workspace()
    small.value_and_gradient(near_centre(small, 0), pool)
    work, static = pool.work, len(small.design.shared_row)
    effects = [
        work.dynamic[:, :1].copy(), work.spread.copy(), work.shared_sd[static:][:1].copy(),
        work.sigma.copy(), work.own_sd.copy(), work.shared_sd[:static].copy(),
    ]  # fmt: skip
    for op, inputs in ((FusedLikelihood, [work.cells.copy()]), (CollapsedLikelihood, effects)):
        symbols = [pt.as_tensor_variable(x).type() for x in inputs]
        value = op(small.spec, small.design)(*symbols)[0]
        outputs = [value, *pt.grad(value, symbols)]
        ours, theirs = (
            pytensor.function(symbols, outputs, mode=m) for m in ("FAST_COMPILE", "JAX")
        )
        # cells of a channel that has no such parameter pull on nothing in JAX
        for one, other in zip(ours(*inputs), theirs(*inputs), strict=True):
            np.testing.assert_allclose(np.asarray(other), one, rtol=1e-8, atol=1e-8)


@pytest.fixture(scope="module")
def posterior(small):
    """Mean and standard deviation of every unconstrained scalar, by the default sampler."""
    compiled = sample(small, Inference(chains=4, draws=1000, tune=300, seed=6))
    return tuple(f(compiled.unconstrained, axis=(0, 1)) for f in (np.mean, np.std))


@pytest.mark.parametrize("sampler", ["numpyro", "blackjax"])
def test_samplers_find_the_posterior_of_the_compiled_one(small, posterior, sampler):
    settings = Inference(sampler=sampler, chains=4, draws=150, tune=150, seed=5)
    draws = sample_jax(small, settings)
    assert draws.unconstrained.shape == (4, 150, small.size)
    assert set(draws.statistics) == {"diverging", "energy", "n_steps", "step_size", "logp"}
    assert set(draws.statistics.coords) == {"chain", "draw"}
    assert draws.statistics["diverging"].mean() < 0.02
    value, _ = small.value_and_gradient(draws.unconstrained[2, -1])
    assert draws.statistics["logp"].values[2, -1] == pytest.approx(value, rel=1e-8)
    centre, scale = posterior
    apart = (draws.unconstrained.mean(axis=(0, 1)) - centre) / scale
    assert np.abs(apart).max() < 0.4
    assert (draws.unconstrained.std(axis=(0, 1)) / scale).min() > 0.7


def test_what_is_missing_is_named_with_the_extra_to_install(small, monkeypatch):
    def absent(name: str):
        if name == "mmm.model.jax_form":
            raise ModuleNotFoundError("No module named 'jax'", name="jax")
        return import_module(name)

    monkeypatch.setattr(jax_chains, "import_module", absent)
    with pytest.raises(ModelError, match=r"'jax', which is not installed. .*pip install 'mmm\[jax"):
        sample_jax(small, Inference(sampler="numpyro"))
