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

from mmm.errors import ModelError
from mmm.model.build import build_model, pymc_model
from mmm.model.spec import ModelSpec
from mmm.transforms.parameter import halfnormal

ADSTOCKS = ("none", "geometric", "weibull", "delayed", "weibull_pdf", "weibull_cdf")
LAGS = (
    {"median": 5.0, "max": 20.0},
    {"median": 2.0, "max": 6.5, "family": "lognormal"},
    {"median": 0.8, "max": 9.0},
)
SATURATIONS = ("none", "hill", "michaelis_menten", "logistic", "tanh", "root")
FORMS = ("fused", "collapsed", "explicit")
ROLES = ("tactical", "brand", "both")


def channels(shift: int) -> list[dict[str, Any]]:
    """Seven channels, one an adstock; six shifts make every pair with a saturation."""
    carry = {name: {"adstock": name} for name in ADSTOCKS}
    carry |= {"gamma lag": {"lag": LAGS[0]}, "lognormal lag": {"lag": LAGS[1]}}
    return [
        {"name": name, "role": ROLES[(i + shift) % 3], "saturation": SATURATIONS[(i + shift) % 6]}
        | adstock
        for i, (name, adstock) in enumerate(carry.items())
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
    "geos, drift": {
        "channels": [*some("a", time_varying=True), *some("b"), *some("c", time_varying=True)],
        "geos": 3, "controls": 1,
    },
    "national, log-normal, drift": {
        "channels": [*some("a"), *some("b", time_varying=True)], "likelihood": "lognormal",
    },
}  # fmt: skip
FULL = (
    "national, no trend, controls",
    "geos, nothing shared",
    "stated carry-in, mixed priors, a silent channel",
    "geos, drift",
    "national, log-normal, drift",
)


@pytest.fixture(scope="module")
def compiled(tools):
    """Case, model and compiled log-density (with its gradient, unless the form is explicit) by
    name of the case and form of the model."""

    @cache
    def get(name: str, form: str):
        case = tools.make_case(**CASES[name])
        model = build_model(case.density.spec, case.density.design, form=form)
        compile_ = tools.compile_value if form == "explicit" else tools.compile_logp
        return case, model, compile_(model)

    return get


def random_point(density, seed: int, spread: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.size)
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


def assert_same(tools, density, model, logp, q) -> None:
    """The compiled density at `q` and the graph's, value and gradient, to 1e-8."""
    value, gradient = density.value_and_gradient(q)
    values = tools.value_arrays(density, q) | coefficients(density, q[density.layout.size :])
    graph_value, graph_gradient = logp(values)
    scalars = tools.scalar_order(density, model)
    graph_gradient = np.concatenate([graph_gradient[scalars], graph_gradient[len(scalars) :]])
    assert value == pytest.approx(graph_value, rel=1e-8, abs=1e-8)
    np.testing.assert_allclose(
        gradient, graph_gradient, rtol=1e-8, atol=1e-8 * max(1.0, np.abs(gradient).max())
    )


def coefficients(density, whitened: np.ndarray) -> dict[str, np.ndarray]:
    """Whitened coefficients, each geo's own in turn and then the shared, by name of the graph's
    variables."""
    own = len(density.spec.geos) * density.own_size
    return {
        "own_standard": whitened[:own].reshape(-1, max(1, density.own_size)),
        "shared_standard": whitened[own:],
    }


@pytest.mark.parametrize("name", CASES)
@quiet
@given(seed=seeds, spread=st.floats(0.0, 1.5))
def test_collapsed_graph_equals_compiled_density(tools, compiled, name, seed, spread):
    case, model, logp = compiled(name, "collapsed")
    assert_same(tools, case.density, model, logp, random_point(case.density, seed, spread))


channel = st.fixed_dictionaries(
    {
        "role": st.sampled_from(ROLES),
        "carry": st.one_of(
            st.sampled_from(ADSTOCKS).map(lambda name: {"adstock": name}),
            st.sampled_from(LAGS).map(lambda lag: {"lag": lag}),
        ),
        "saturation": st.sampled_from(SATURATIONS),
        "time_varying": st.booleans(),
        "carry_in": st.sampled_from(["estimated", 0.5]),
    }
).map(lambda parts: {key: parts[key] for key in parts if key != "carry"} | parts["carry"])
worlds = st.fixed_dictionaries(
    {
        "channels": st.lists(channel, min_size=1, max_size=3),
        "geos": st.integers(1, 3),
        "controls": st.integers(0, 1),
        "periods": st.integers(24, 40),
        "likelihood": st.sampled_from(["normal", "lognormal", "student_t"]),
        "baseline": st.sampled_from([{}, {"trend": False}, {"seasonality": 0}]),
        "population": st.booleans(),
        "seed": seeds,
    }
)


@settings(quiet, max_examples=8)
@given(world=worlds, seed=seeds)
def test_any_model_is_the_same_compiled_and_in_the_open(tools, world, seed):
    named = [{"name": f"channel {i}"} | channel for i, channel in enumerate(world["channels"])]
    density = tools.make_case(**world | {"channels": named}).density
    model = build_model(density.spec, density.design)
    logp = tools.compile_logp(model)
    assert_same(tools, density, model, logp, random_point(density, seed, 0.7))


@pytest.mark.parametrize("name", FULL)
@quiet
@given(seed=seeds)
def test_full_graph_less_its_conditional_is_the_collapsed_density(tools, compiled, name, seed):
    case, _, logp = compiled(name, "explicit")
    density = case.density
    q = random_point(density, seed, 0.7)
    dense = tools.dense_regression(density, q)
    mean, covariance = dense.conditional()
    whitened = np.random.default_rng(seed).multivariate_normal(mean, covariance)
    values = coefficients(density, whitened)
    full = logp(tools.value_arrays(density, q) | values)
    conditional = stats.multivariate_normal(mean, covariance).logpdf(whitened)
    collapsed, _ = density.value_and_gradient(q)
    # both sides are differences of terms as large as these
    scale = max(1.0, abs(full), abs(conditional))
    assert full - conditional == pytest.approx(collapsed, abs=1e-8 * scale)


def log_prior(density, q: np.ndarray) -> float:
    """Log-density of the sampled scalars' priors at unconstrained `q`, by SciPy."""
    total, place = 0.0, 0
    for variable in density.spec.variables:
        for prior in variable.priors:
            if prior.kind == "halfnormal":
                total += stats.halfnorm.logpdf(np.exp(q[place]), scale=prior.scale) + q[place]
            else:
                total += stats.norm.logpdf(q[place], prior.location, prior.scale)
            place += 1
    return total


@pytest.mark.parametrize("name", CASES)
def test_collapsed_likelihood_is_the_dense_marginal(tools, name):
    density = tools.make_case(**CASES[name]).density
    for seed in range(5):
        q = random_point(density, seed, 1.0)
        dense = tools.dense_regression(density, q)
        expected = stats.multivariate_normal(dense.mean, dense.covariance).logpdf(dense.outcome)
        value, _ = density.value_and_gradient(q)
        assert value - log_prior(density, q) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_variables_carry_the_names_and_labels_of_the_specification(tools):
    case = tools.make_case(**CASES["stated carry-in, mixed priors, a silent channel"])
    spec, design = case.density.spec, case.density.design
    models = {form: build_model(spec, design, form=form) for form in FORMS}
    for variable in spec.variables:
        for model in models.values():
            assert model.named_vars_to_dims[variable.name] == (variable.dim,)
            assert tuple(model.coords[variable.dim]) == variable.labels
    full = models["explicit"]
    assert {"own_coefficient", "shared_coefficient", "geo_deviation"} <= set(full.named_vars)
    assert full.eval_rv_shapes()["own_standard"] == (2, case.density.own_size)
    assert [rv.name for rv in full.observed_RVs] == ["outcome"]


def test_drift_is_named_by_its_channels(tools):
    density = tools.make_case(**CASES["geos, drift"]).density
    model = build_model(density.spec, density.design, form="explicit")
    assert model.named_vars_to_dims["drift"] == ("drifting_channel", "drift_row")
    assert list(model.coords["drifting_channel"]) == ["a", "c"]
    assert model.eval_rv_shapes()["shared_standard"] == (density.shared_size,)
    assert model.coords["shared_term"][-1] == f"c drift {len(density.design.drift) - 1}"


def test_student_noise_has_only_the_explicit_form(tools):
    density = tools.make_case(some("a"), geos=2, likelihood="student_t").density
    for form in FORMS:
        model = build_model(density.spec, density.design, form=form)
        assert [rv.name for rv in model.observed_RVs] == ["outcome"]
        assert {"nu", "own_standard", "shared_standard"} <= set(model.named_vars)


def test_a_form_that_is_none_is_refused(tools):
    case = tools.make_case(some("a"))
    with pytest.raises(ModelError, match="'colapsed': choose one of fused, collapsed, explicit"):
        pymc_model(case.study, case.panel, form="colapsed")
