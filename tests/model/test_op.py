"""The compiled likelihood as PyTensor operations: value, gradient, and the backends they run on."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from pytensor.gradient import NullTypeGradError

from mmm.model.build import build_model
from mmm.model.op import CollapsedLikelihood, FusedLikelihood

CHANNELS = [
    {"name": "a", "role": "both", "time_varying": True},
    {"name": "b", "role": "tactical", "adstock": "delayed", "saturation": "root"},
]
CASES: dict[str, dict[str, Any]] = {
    "geos, drift": {"channels": CHANNELS, "geos": 3, "controls": 1},
    "national": {"channels": CHANNELS[1:]},
    "log-normal": {"channels": CHANNELS, "geos": 2, "likelihood": "lognormal"},
    "nothing shared": {
        "channels": CHANNELS[1:], "geos": 2, "baseline": {"trend": False, "seasonality": 0},
    },
}  # fmt: skip
PLAIN = Mode(linker="py", optimizer=None)


def near_centre(density, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.size)
    return density.centre() + 0.7 * density.width() * noise


def evaluated(density, seed: int):
    """Flat cells at a random point, with the evaluation there."""
    pool = density.workspace()
    density.value_and_gradient(near_centre(density, seed), pool)
    return pool.work.cells.copy(), pool.work


def compiled(op, inputs, mode):
    """A function of the log-likelihood and its gradient by every input."""
    symbols = [pt.as_tensor_variable(np.asarray(x)).type() for x in inputs]
    value = op(*symbols)[0]
    return pytensor.function(symbols, [value, *pt.grad(value, symbols)], mode=mode)


@pytest.mark.parametrize("name", CASES)
def test_fused_model_is_the_compiled_density(tools, name):
    density = tools.make_case(**CASES[name]).density
    model = build_model(density.spec, density.design, form="fused")
    logp, order = tools.compile_logp(model), tools.scalar_order(density, model)
    for seed in range(3):
        q = near_centre(density, seed)
        value, gradient = density.value_and_gradient(q)
        graph_value, graph_gradient = logp(tools.value_arrays(density, q))
        assert graph_value == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(
            graph_gradient[order], gradient, rtol=1e-9, atol=1e-9 * np.abs(gradient).max()
        )


@pytest.mark.parametrize("name", CASES)
def test_collapsed_operation_is_the_second_half_of_the_fused_one(tools, name):
    density = tools.make_case(**CASES[name]).density
    spec, design = density.spec, density.design
    cells, work = evaluated(density, 0)
    channels, static = len(spec.channels), len(design.shared_row)
    inputs = [
        work.dynamic[:, :channels].copy(), work.spread.copy(),
        work.shared_sd[static :: max(1, len(design.drift))].copy(), work.sigma.copy(),
        work.own_sd.copy(), work.shared_sd[:static].copy(),
    ]  # fmt: skip
    value, *slopes = compiled(CollapsedLikelihood(spec, design), inputs, PLAIN)(*inputs)
    fused, _ = compiled(FusedLikelihood(spec, design), [cells], PLAIN)(cells)
    assert value == pytest.approx(float(fused), rel=1e-12)
    rng = np.random.default_rng(1)
    repeated = compiled(CollapsedLikelihood(spec, design), inputs, PLAIN)
    for place, (array, slope) in enumerate(zip(inputs, slopes, strict=True)):
        assert slope.shape == array.shape
        if not array.size:
            continue
        step = 1e-6 * rng.normal(size=array.shape) * max(1e-3, np.abs(array).mean())
        up, down = (
            repeated(*inputs[:place], array + sign * step, *inputs[place + 1 :])[0]
            for sign in (1, -1)
        )
        assert (slope * step).sum() == pytest.approx((up - down) / 2, rel=1e-5, abs=1e-8)


@pytest.fixture(scope="module")
def density(tools):
    return tools.make_case(**CASES["geos, drift"]).density


def test_numba_calls_the_same_kernels(density):
    cells, work = evaluated(density, 2)
    channels, static = len(density.spec.channels), len(density.design.shared_row)
    effects = [
        work.dynamic[:, :channels].copy(), work.spread.copy(), work.shared_sd[static:][:1].copy(),
        work.sigma.copy(), work.own_sd.copy(), work.shared_sd[:static].copy(),
    ]  # fmt: skip
    for op, inputs in ((FusedLikelihood, [cells]), (CollapsedLikelihood, effects)):
        symbols = [pt.as_tensor_variable(x).type() for x in inputs]
        outputs = op(density.spec, density.design)(*symbols)
        numba, plain = (pytensor.function(symbols, outputs, mode=m) for m in ("NUMBA", PLAIN))
        for one, other in zip(numba(*inputs), plain(*inputs), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_point_without_a_likelihood_is_not_a_number(density):
    cells, _ = evaluated(density, 0)
    cells[-4] = np.nan
    value, gradient = compiled(FusedLikelihood(density.spec, density.design), [cells], PLAIN)(cells)
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, 0.0)


def test_a_copy_works_in_memory_of_its_own(density):
    cells, _ = evaluated(density, 3)
    op = FusedLikelihood(density.spec, density.design)
    before = compiled(op, [cells], PLAIN)(cells)
    other = deepcopy(op)
    assert other.pool is not op.pool
    assert other != op
    after = compiled(other, [cells], PLAIN)(cells)
    np.testing.assert_array_equal(before[1], after[1])


def test_only_the_likelihood_may_be_differentiated(density):
    cells = pt.dvector("cells")
    _, gradient = FusedLikelihood(density.spec, density.design)(cells)
    with pytest.raises(NullTypeGradError):
        pt.grad(gradient.sum(), cells)
