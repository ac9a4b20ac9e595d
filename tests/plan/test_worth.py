"""What the optimiser counts is what the response engine says, and its gradient is exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm.errors import ModelError
from mmm.plan.compare import outlook
from mmm.plan.forecast import incremental_value
from mmm.plan.levers import levers
from mmm.plan.money import prices, spending
from mmm.plan.scenario import as_is
from mmm.plan.target import target_objective, valuation_of
from mmm.plan.worth import hold_against_engine, outcome_measure, profit_measure
from mmm.results.noise import noise_of_total
from mmm.results.respond import channel_effect

KINDS = {
    "normal": {},
    "lognormal": {"likelihood": "lognormal"},
    "moving": {"channels": ({"name": "tv", "role": "both", "time_varying": True},
                            {"name": "search", "role": "tactical", "saturation": "tanh"})},
    "lagged": {"channels": ({"name": "tv", "role": "both", "adstock": "delayed"},
                            {"name": "search", "role": "tactical", "adstock": "none"})},
    "moving lognormal": {"likelihood": "lognormal", "channels": (
        {"name": "tv", "role": "both", "time_varying": True}, {"name": "x", "role": "tactical"})},
}  # fmt: skip
FINANCE = {"margin": 0.4, "repeat_value": 0.2, "discount_rate": 0.1, "horizon": 30}


def read_of(make, kind, **options):
    chosen = dict(KINDS[kind])
    return make.response(*chosen.pop("channels", ()), finance=FINANCE, **chosen, **options)


def some_plan(made, seed=0):
    rng = np.random.default_rng(seed)
    today = made.decisions(made.prices.today)
    return today * rng.uniform(0.2, 2.0, len(today)) + 0.1 * today.mean()


def profit_by_engine(read, made, z):
    """Margin on the engine's value of the plan less its loaded cost, both discounted."""
    scenario = spending(made.prices, made.money(z), "plan")
    value = incremental_value(read, scenario, FINANCE["horizon"])
    weeks = read.fit.panel.periods_per_year
    factor = 1.1 ** (-np.arange(FINANCE["horizon"]) / weeks)
    cost = scenario.cost.sum(axis=1) @ factor[: scenario.periods]
    return value @ factor * 0.4 * 1.2 - cost


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
def test_worth_is_the_engine_s_and_the_gradient_its_slope(make, kind, free):
    read = read_of(make, kind, draws=6)
    made = levers(prices(read.fit), free_geos=free, blocks=3)
    valuation = valuation_of(read, made, profit_measure(read, made))
    z = some_plan(made)
    found, gradient = valuation.values(z)
    np.testing.assert_allclose(found, profit_by_engine(read, made, z), rtol=1e-8)
    for i in range(0, made.size, 2):
        step = np.zeros_like(z)
        step[i] = 1e-4 * z.mean()
        slope = (valuation.values(z + step)[0] - valuation.values(z - step)[0]) / (2 * step[i])
        np.testing.assert_allclose(gradient[:, i], slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_outcome_within_the_horizon_leaves_out_what_comes_later(make, likelihood):
    read = make.response(likelihood=likelihood, draws=5)
    made = levers(prices(read.fit))
    z = some_plan(made)
    scenario = spending(made.prices, made.money(z), "plan")
    units = replace(scenario, value_per_unit=np.ones_like(scenario.value_per_unit))
    for within, periods in ((True, 6), (False, 60)):
        valuation = valuation_of(read, made, outcome_measure(read.fit, made, within=within))
        engine = incremental_value(read, units, periods).sum(axis=1)
        np.testing.assert_allclose(valuation.values(z)[0], engine, rtol=1e-8)


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_fixed_cost_ends_with_the_spending_for_the_optimiser_as_well(make, likelihood):
    read = make.response(likelihood=likelihood, draws=10)
    made = levers(prices(read.fit))
    found = valuation_of(read, made, profit_measure(read, made))
    money = made.prices.today.copy()
    money[3:, :, 0] = 0.0
    for ended in (money, money * (np.arange(money.shape[2]) > 0)):
        plan = outlook(read, spending(made.prices, ended, "ended"))
        np.testing.assert_allclose(found.of_money(ended), plan.profit, rtol=1e-9, atol=1e-7)
        values = found.values(made.decisions(ended))[0]
        shared = made.money(made.decisions(ended))
        plan = outlook(read, spending(made.prices, shared, "ended"))
        np.testing.assert_allclose(values, plan.profit, rtol=1e-9, atol=1e-7)


def test_channels_that_stay_count_as_they_are(make):
    read = make.response(draws=5)
    every = levers(prices(read.fit))
    some = levers(prices(read.fit), frozenset({0, 2}))
    assert some.size == 2 * 6
    worths = []
    for made in (every, some):
        valuation = valuation_of(read, made, profit_measure(read, made))
        worths.append(valuation.of_money(made.prices.today))
    np.testing.assert_allclose(worths[0], worths[1], rtol=1e-8)


def test_money_goes_out_and_comes_back(make):
    read = make.response()
    for free in (False, True):
        made = levers(prices(read.fit), free_geos=free)
        z = some_plan(made)
        money = made.money(z)
        assert money.sum() == pytest.approx(z.sum())
        np.testing.assert_allclose(made.decisions(money), z, rtol=1e-12)


def test_spending_at_recent_prices_buys_today_s_exposure(make):
    read = make.response(active=1.0)
    at = prices(read.fit)
    today, base = spending(at, at.today, "today"), as_is(read.fit)
    np.testing.assert_allclose(today.media.sum(axis=0), base.media.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(today.spend, base.spend)
    np.testing.assert_allclose(today.cost, base.cost)
    assert any("posters_contacts" in line for line in today.statements)
    assert not at.effort[:3].any()
    assert at.effort[3]


def test_an_effect_the_optimiser_does_not_know_is_refused(make, monkeypatch):
    read = make.response(draws=5)
    made = levers(prices(read.fit))
    valuation = valuation_of(read, made, profit_measure(read, made))

    def more(*arguments, **options):
        effect = channel_effect(*arguments, **options)
        effect.tactical[:] *= 1.001
        return effect

    monkeypatch.setattr("mmm.plan.forecast.channel_effect", more)
    with pytest.raises(ModelError, match="does not know"):
        hold_against_engine(valuation, read)


def test_noise_of_a_total_is_that_of_simulated_noise(make):
    rng = np.random.default_rng(0)
    for likelihood in ("normal", "lognormal"):
        read = make.response(likelihood=likelihood, draws=3, geos=2)
        expected = rng.uniform(900, 1100, (3, 2, 6))
        noise = rng.standard_normal((40_000, 3, 2, 6)) * read.sigma[None, :, :, None]
        if likelihood == "lognormal":
            half = 0.5 * read.sigma[:, :, None] ** 2
            outcome = expected * np.exp(noise - half)
        else:
            outcome = expected + read.level[None, None, :, None] * noise
        total = outcome.sum(axis=(2, 3))
        np.testing.assert_allclose(noise_of_total(read, expected), total.std(axis=0), rtol=0.02)


def test_target_starts_from_what_comes_anyway(make):
    from mmm.plan.forecast import forecast

    read = make.response(draws=30)
    made = levers(prices(read.fit))
    nothing = spending(made.prices, np.zeros_like(made.prices.today), "nothing")
    table = forecast(read, nothing)
    total = table.loc[table["kind"] == "total", "mean"].sum()
    objective = target_objective(read, made, 1.0)
    assert objective.start.mean() == pytest.approx(total, rel=1e-9)
