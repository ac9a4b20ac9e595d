"""The PyMC graph, collapsed and full, against the compiled density and a dense oracle."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy import stats

from mmm.model.build import build_model
from mmm.model.density import natural_values
from mmm.model.spec import ModelSpec
from mmm.transforms.parameter import halfnormal

ADSTOCKS = ("none", "geometric", "delayed", "weibull_pdf", "weibull_cdf")
SATURATIONS = ("none", "hill", "michaelis_menten", "logistic", "tanh", "root")
ROLES = ("tactical", "brand", "both")


def channels(shift: int) -> list[dict[str, Any]]:
    """Five channels, one an adstock; six shifts make every pair with a saturation."""
    return [
        {
            "name": adstock,
            "role": ROLES[(i + shift) % 3],
            "adstock": adstock,
            "saturation": SATURATIONS[(i + shift) % 6],
        }
        for i, adstock in enumerate(ADSTOCKS)
    ]


def some(*names: str, **changes: Any) -> list[dict[str, Any]]:
    return [{"name": name, "role": "both", **changes} for name in names]


def mixed_kinds(spec: ModelSpec) -> ModelSpec:
    """The first and the last share half-normal, the others as they were."""
    share = spec.variable("share")
    folded = replace(share, priors=(halfnormal(0.2), *share.priors[1:-1], halfnormal(0.1)))
    return replace(spec, variables=tuple(folded if v is share else v for v in spec.variables))


CASES: dict[str, dict[str, Any]] = {
    "national, trend and season": {"channels": channels(0)},
    "national, no trend, controls": {
        "channels": channels(1), "controls": 2, "baseline": {"trend": False},
    },
    "national, holidays, late start": {
        "channels": channels(2), "baseline": {"holidays": "GB"}, "late": [1, 3],
    },
    "national, monthly": {"channels": channels(3), "frequency": "MS", "late": [2]},
    "geos, population, a silent geo": {
        "channels": channels(4), "geos": 3, "population": True, "silent": [(1, 0), (1, 2)],
    },
    "geos, controls": {"channels": channels(5), "geos": 2, "controls": 1},
    "geos, nothing shared": {
        "channels": some("a", "b"), "geos": 3,
        "baseline": {"trend": False, "seasonality": 0},
    },
    "stated carry-in, mixed priors, a silent channel": {
        "channels": [
            {"name": "a", "role": "both", "carry_in": 0.0, "prior": {"share": (0.01, 0.1)}},
            {"name": "b", "role": "tactical", "carry_in": 1.5},
            {"name": "c", "role": "brand", "prior": {"roi": (0.2, 3.0)}},
            {"name": "d", "role": "both"},
        ],
        "geos": 2, "silent": [(0, 3), (1, 3)], "revise": mixed_kinds,
    },
}  # fmt: skip
FULL = (
    "national, no trend, controls",
    "geos, nothing shared",
    "stated carry-in, mixed priors, a silent channel",
)


@pytest.fixture(scope="module")
def compiled(tools):
    """Case, model and compiled log-density by name of the case, collapsed or full."""

    @cache
    def get(name: str, collapsed: bool):
        case = tools.make_case(**CASES[name])
        model = build_model(case.density.spec, case.density.design, collapsed=collapsed)
        return case, model, tools.compile_logp(model)

    return get


def random_point(density, seed: int, spread: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.layout.size)
    return density.centre() + spread * density.width() * noise


quiet = settings(
    max_examples=5,
    phases=[Phase.generate],  # a shrunk seed says no more than another
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("name", CASES)
@quiet
@given(seed=seeds, spread=st.floats(0.0, 1.5))
def test_collapsed_graph_equals_compiled_density(tools, compiled, name, seed, spread):
    case, model, logp = compiled(name, True)
    density = case.density
    q = random_point(density, seed, spread)
    value, gradient = density.value_and_gradient(q)
    graph_value, graph_gradient = logp(tools.value_arrays(density, q))
    graph_gradient = graph_gradient[tools.scalar_order(density, model)]
    assert value == pytest.approx(graph_value, rel=1e-8, abs=1e-8)
    np.testing.assert_allclose(
        gradient, graph_gradient, rtol=1e-8, atol=1e-8 * max(1.0, np.abs(gradient).max())
    )


@pytest.mark.parametrize("name", FULL)
@quiet
@given(seed=seeds)
def test_full_graph_less_its_conditional_is_the_collapsed_density(tools, compiled, name, seed):
    case, _, logp = compiled(name, False)
    density = case.density
    q = random_point(density, seed, 0.7)
    dense = tools.dense_regression(density, q)
    mean, covariance = dense.conditional()
    whitened = np.random.default_rng(seed).multivariate_normal(mean, covariance)
    geos, own = len(density.spec.geos), density.design.own
    by_geo = whitened[: len(whitened) - density.design.baseline.shared.shape[1]].reshape(geos, -1)
    values = {
        "own_standard": by_geo[:, :own],
        "geo_standard": by_geo[:, own:],
        "shared_standard": whitened[by_geo.size :],
    }
    full, _ = logp(tools.value_arrays(density, q) | values)
    conditional = stats.multivariate_normal(mean, covariance).logpdf(whitened)
    collapsed, _ = density.value_and_gradient(q)
    # both sides are differences of terms as large as these
    scale = max(1.0, abs(full), abs(conditional))
    assert full - conditional == pytest.approx(collapsed, abs=1e-8 * scale)


@pytest.mark.parametrize("name", CASES)
def test_collapsed_likelihood_is_the_dense_marginal(tools, name):
    density = tools.make_case(**CASES[name]).density
    for seed in range(5):
        q = random_point(density, seed, 1.0)
        dense = tools.dense_regression(density, q)
        expected = stats.multivariate_normal(dense.mean, dense.covariance).logpdf(dense.outcome)
        cells = density.cells(natural_values(density, q))
        actual = density.moments(cells, density.workspace())
        assert actual == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_variables_carry_the_names_and_labels_of_the_specification(tools):
    case = tools.make_case(**CASES["stated carry-in, mixed priors, a silent channel"])
    spec, design = case.density.spec, case.density.design
    collapsed = build_model(spec, design)
    full = build_model(spec, design, collapsed=False)
    for variable in spec.variables:
        for model in (collapsed, full):
            assert model.named_vars_to_dims[variable.name] == (variable.dim,)
            assert tuple(model.coords[variable.dim]) == variable.labels
    assert {"own_coefficient", "shared_coefficient", "geo_deviation"} <= set(full.named_vars)
    assert full.eval_rv_shapes()["geo_standard"] == (2, 4)
    assert [rv.name for rv in full.observed_RVs] == ["outcome"]
