"""Experiments: the compiled likelihood against the dense one in PyTensor and in JAX, and its
meaning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from mmm.data.experiment import Experiment
from mmm.data.tested import media_tested
from mmm.model import kernel
from mmm.model.build import build_model
from mmm.model.curves import CARRY, DRIFT, SPREAD
from mmm.model.density import build_density
from mmm.model.design import build_design
from mmm.model.jax_form import log_density
from mmm.model.spec import model_spec

CHANNELS = [
    {"name": "tv", "role": "both", "time_varying": True},
    {"name": "film", "role": "brand", "adstock": "delayed", "saturation": "root"},
    {"name": "search", "role": "tactical", "saturation": "michaelis_menten"},
    {"name": "direct", "role": "both", "adstock": "none", "saturation": "tanh"},
    {"name": "visits", "role": "tactical", "lag": {"median": 3, "max": 9}, "saturation": "none"},
]
CASES: dict[str, dict[str, Any]] = {
    "geos": {"geos": 3},
    "national": {},
    "lognormal": {"geos": 2, "likelihood": "lognormal"},
    "student_t": {"likelihood": "student_t"},
}

pytestmark = pytest.mark.usefixtures("light_jax")


def day(text: str) -> date:
    return date.fromisoformat(text)


def experiment(*channels: str, start: str, end: str, change: float, **rest: Any) -> Experiment:
    return Experiment(
        **{
            "name": f"{channels} {start}",
            "channels": channels,
            "geos": (),
            "start": day(start),
            "end": day(end),
            "until": day(rest.pop("until", end)),
            "spend_change": change,
            "lift": 40.0,
            "standard_error": 60.0,
            "prices": (0.9,) * len(channels),
        }
        | rest
    )


def trials(case) -> tuple[Experiment, ...]:
    """In the window with and without its carry-over, pooled, and before and after the data."""
    some = case.panel.geos[:2]
    spent = float(case.panel.dataset["spend"].values[8:12, :, 0].sum())
    return (
        experiment("tv", start="2021-03-01", end="2021-03-28", change=-0.9 * spent),
        experiment(
            "film", start="2021-04-05", end="2021-05-02", change=300.0, geos=some, mismatch=1.5,
            until="2021-06-27",
        ),
        experiment(
            "search", "direct", start="2021-05-03", end="2021-05-23", change=150.0, geos=some,
            in_data=True,
        ),
        experiment("visits", start="2021-06-07", end="2021-06-27", change=90.0, until="2021-08-15"),
        experiment("tv", start="2020-10-05", end="2020-11-01", change=200.0, until="2020-11-29"),
        experiment("film", "direct", start="2022-03-07", end="2022-03-13", change=-60.0, geos=some),
        experiment("search", start="2021-05-03", end="2021-05-23", change=9.0, hold_back=True),
    )  # fmt: skip


def with_trials(tools, name: str, experiments=trials):
    """A case and its density with experiments in the panel."""
    case = tools.make_case(CHANNELS, **CASES[name])
    panel = replace(case.panel, experiments=experiments(case))
    spec = model_spec(case.study, panel)
    return replace(case, panel=panel, density=build_density(spec, build_design(spec, panel)))


def near_centre(density, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.size)
    return density.centre() + 0.5 * density.width() * noise


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_finite_differences(tools, name):
    density = with_trials(tools, name).density
    q = near_centre(density, 7)
    bare = replace(density, data=density.data._replace(**without(density.data)))
    value, gradient = density.value_and_gradient(q)
    plain, slopes = bare.value_and_gradient(q)
    assert abs(value - plain) > 1.0
    step = 1e-5
    for i in range(density.layout.size):
        ahead, behind = q.copy(), q.copy()
        ahead[i] += step
        behind[i] -= step
        rise = [
            one.value_and_gradient(ahead)[0] - one.value_and_gradient(behind)[0]
            for one in (density, bare)
        ]
        found = (rise[0] - rise[1]) / (2 * step)
        assert found == pytest.approx(gradient[i] - slopes[i], rel=2e-5, abs=2e-5)


def without(data) -> dict[str, np.ndarray]:
    """The arrays of a density that has no experiments."""
    kept = {"trial_multiplies": data.trial_multiplies, "trial_first": np.zeros(1, dtype=np.int64)}
    names = [name for name in data._fields if name.startswith("trial_")]
    return {name: getattr(data, name)[:0] for name in names} | kept


@pytest.mark.parametrize(
    ("name", "form", "some"),
    [
        ("geos", "collapsed", slice(2)),
        ("lognormal", "collapsed", slice(2, 5)),
        ("geos", "fused", slice(None)),
    ],
)
def test_the_graph_is_the_compiled_density(tools, name, form, some):
    density = with_trials(tools, name, lambda case: trials(case)[some]).density
    model = build_model(density.spec, density.design, form=form)
    evaluate, order = tools.compile_logp(model), tools.scalar_order(density, model)
    for seed in range(2):
        q = near_centre(density, seed)
        expected, slopes = density.value_and_gradient(q)
        value, gradient = evaluate(tools.value_arrays(density, q))
        assert value == pytest.approx(expected, rel=1e-9)
        largest = np.abs(slopes).max()
        np.testing.assert_allclose(gradient[order], slopes, rtol=1e-8, atol=1e-9 * largest)


def test_the_form_in_jax_is_the_compiled_density(tools):
    density = with_trials(tools, "lognormal", lambda case: trials(case)[1:5:3]).density
    evaluate = jax.jit(jax.value_and_grad(log_density(density.spec, density.design)))
    for seed in range(2):
        q = near_centre(density, seed)
        expected, slopes = density.value_and_gradient(q)
        value, gradient = evaluate(q)
        assert float(value) == pytest.approx(expected, rel=1e-10, abs=1e-9)
        np.testing.assert_allclose(
            gradient, slopes, rtol=1e-8, atol=1e-10 * max(1.0, np.abs(slopes).max())
        )


def effect_of(density, work, channel: int, media: np.ndarray, early: np.ndarray) -> np.ndarray:
    """Effect of a channel under scaled media (G, T), by the loop all results are read from."""
    spec, (geos, periods) = density.spec, media.shape
    now, stock, slope = (
        np.empty((1, geos, periods)),
        np.empty((1, geos, periods)),
        np.empty((1, geos)),
    )
    kernel.channel_draws(
        work.table[None, channel].copy(), work.means[None, channel].copy(), spec.adstock[channel],
        spec.saturation[channel], spec.reach[channel], np.ascontiguousarray(media), early,
        np.zeros(media.shape), np.ones(media.shape), np.ones((1, geos)), np.zeros((1, periods)),
        now, stock, slope,
    )  # fmt: skip
    return (now + stock)[0]


@pytest.mark.parametrize("name", ["geos", "lognormal"])
def test_lifts_are_the_counterfactual_of_the_response_engine(tools, name):
    """Mean and variance of every test by whole series under changed media."""
    case = with_trials(tools, name)
    density, panel = case.density, case.panel
    design, pool, length = density.design, density.workspace(), 400
    density.value_and_gradient(near_centre(density, 5), pool)
    work, scaling = pool.work, density.design.scaling
    for n, test in enumerate(one for one in panel.experiments if not one.hold_back):
        seen = media_tested(test, panel)
        span, total, variance = slice(seen.start, seen.until), 0.0, design.trials.variance[n]
        for place, channel in enumerate(seen.channels):
            size = scaling.size[seen.geos] * scaling.media[channel]
            change = (seen.change[:, :, place] / size).T
            before = design.media[seen.geos, channel]
            early = work.table[channel, CARRY] * design.early[seen.geos, channel]
            if not seen.inside:
                before = np.repeat((seen.base[0, :, place] / size)[:, None], length, axis=1)
                span, early = slice(length - len(change[0]), length), before[:, 0].copy()
            early = early / work.table[channel, CARRY] if work.table[channel, CARRY] else early
            after = before.copy()
            after[:, span] += change
            moved = effect_of(density, work, channel, after, early)
            moved = (moved - effect_of(density, work, channel, before, early))[:, span]
            weight = seen.sign * scaling.level[seen.geos]
            if name == "lognormal":
                moved = np.expm1(moved)
                if seen.inside:
                    outcome = panel.dataset["outcome"].values[span][:, seen.geos]
                    weight = seen.sign * outcome.mean(axis=0)
            caused = weight[:, None] * moved
            total += caused.sum()
            variance += ((work.table[channel, SPREAD] * caused.sum(axis=1)) ** 2).sum()
            if channel in density.spec.drifting:
                when = np.clip(np.arange(seen.start, seen.until), 0, len(panel.dates) - 1)
                when = when if seen.inside else np.minimum(
                    max(seen.start, 0) + np.arange(len(change[0])), len(panel.dates) - 1
                )  # fmt: skip
                steps = design.drift[:, when] @ caused.sum(axis=0)
                variance += ((work.table[channel, DRIFT] * steps) ** 2).sum()
        assert work.trial_seen[n] == pytest.approx(total, rel=1e-7)
        assert work.trial_spread[n] == pytest.approx(variance, rel=1e-7)


def test_a_test_is_normal_about_its_counterfactual(tools):
    """Value: one experiment adds one normal density, with its stated error inflated."""
    first = trials(with_trials(tools, "national"))[1]
    case = with_trials(tools, "national", lambda _: (first,))
    bare = with_trials(tools, "national", lambda _: ())
    q, pool = near_centre(case.density, 3), case.density.workspace()
    value, _ = case.density.value_and_gradient(q, pool)
    mean = pool.work.trial_seen[0]
    added = stats.norm.logpdf(first.lift, mean, 1.5 * first.standard_error)
    assert value - bare.density.value_and_gradient(q)[0] == pytest.approx(added, rel=1e-9)
    assert mean > 0


@pytest.mark.parametrize("name", ["geos", "lognormal"])
def test_money_and_outcome_in_other_units_say_the_same(tools, name):
    case = with_trials(tools, name)
    data, factor, rate = case.panel.dataset, 37.0, 0.2
    changed = data.assign(
        outcome=factor * data["outcome"], spend=rate * data["spend"], media=rate * data["media"]
    )
    tests = tuple(
        replace(
            one, spend_change=rate * one.spend_change, lift=factor * one.lift,
            standard_error=factor * one.standard_error,
        )
        for one in case.panel.experiments
    )  # fmt: skip
    panel = replace(case.panel, dataset=changed, experiments=tests)
    spec = model_spec(case.study, panel)
    other = build_density(spec, build_design(spec, panel))
    q = near_centre(case.density, 5)
    np.testing.assert_allclose(
        case.density.value_and_gradient(q)[1], other.value_and_gradient(q)[1], rtol=1e-8, atol=1e-8
    )
