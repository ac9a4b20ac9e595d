"""Media bought ahead at prices that are stated, or drawn from their own history."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from mmm.errors import InputError
from mmm.plan.decision import decide
from mmm.plan.forecast import forecast, incremental_value
from mmm.plan.levers import levers
from mmm.plan.lift import lift_tests
from mmm.plan.money import prices, spending
from mmm.plan.scenario import as_is, plan_table, with_prices
from mmm.plan.scenarios import scenario_from_frame
from mmm.plan.search import problem
from mmm.plan.target import valuation_of
from mmm.plan.worth import profit_measure
from mmm.results.blocks import take_draws, thinned
from mmm.results.prices import log_prices, price_history
from mmm.results.respond import channel_effect, response

CHANNELS = (
    {"name": "tv", "role": "both", "exposure": "contacts"},
    {"name": "search", "role": "tactical", "saturation": "michaelis_menten"},
    {"name": "posters", "role": "brand", "adstock": "weibull_pdf", "saturation": "root",
     "exposure": "contacts_posters"},
    {"name": "visits", "role": "tactical", "spend": None, "exposure": "hours",
     "costs": {"unit_cost": 4.0}},
)  # fmt: skip
TV, POSTERS = 0, 2


def moving(fit, size=0.15):
    """The fit with a price of tv and posters that moves in the window."""
    data = fit.panel.dataset
    rng = np.random.default_rng(5)
    media = data["media"].values.copy()
    for channel in (TV, POSTERS):
        level, found = 0.0, np.zeros(len(media))
        for t in range(len(media)):
            level = 0.8 * level + rng.normal(0.0, size)
            found[t] = level
        media[:, :, channel] *= np.exp(-found)[:, None]
    panel = replace(fit.panel, dataset=data.assign(media=(data["media"].dims, media)))
    return replace(fit, panel=panel)


@pytest.fixture(scope="module", params=["normal", "lognormal"])
def read(make, request):
    fit = make.fit(CHANNELS, periods=80, draws=30, likelihood=request.param, active=1.0)
    return response(moving(fit))


def test_media_is_bought_draw_by_draw_at_the_price_drawn(read):
    plan = as_is(read.fit)
    assert set(plan.drawn) == {"tv", "posters"}
    window = read.fit.panel.dataset["media"].values
    spans = len(window) + np.arange(plan.periods)
    silent = np.concatenate([window, np.zeros_like(plan.media)])
    change = np.zeros((read.draws, 2, plan.periods))
    for place in range(4):
        name = read.fit.panel.channels[place]
        for draw in range(read.draws):
            one = take_draws(read, np.array([draw]))
            media = silent[:, :, place].copy()
            media[spans] = plan.media[:, :, place]
            if name in plan.drawn:
                known = price_history(read.fit.panel, place)
                paid = np.exp(log_prices(known, plan.periods, 1, one.numbers)[0])
                media[spans] *= (plan.drawn[name] / paid)[:, None]
            for sign, spent in ((1.0, media), (-1.0, silent[:, :, place])):
                effect = channel_effect(one, place, spent).total[0, :, spans].T
                change[draw] += sign * effect
    assert read.fit.study.inference.seed == 1
    if read.multiplicative:
        with_it = incremental_value(read, plan, plan.periods)
        without = incremental_value(read, replace(plan, drawn={}), plan.periods)
        assert np.abs(with_it / without - 1.0).max() > 0.01
        return
    value = np.einsum("dgt,tg->dt", change, plan.value_per_unit)
    np.testing.assert_allclose(incremental_value(read, plan, plan.periods), value, rtol=1e-9)


def test_money_buys_the_same_however_long_the_plan_is(read):
    short, long = (as_is(read.fit, periods) for periods in (4, 30))
    assert short.drawn == long.drawn
    at_short, at_long = prices(read.fit, short), prices(read.fit, long)
    np.testing.assert_array_equal(at_short.buys, at_long.buys)
    money = np.zeros_like(at_long.today)
    money[:4] = 30.0
    plans = spending(at_short, money[:4], "short"), spending(at_long, money, "long")
    values = [incremental_value(read, plan, 60).sum(axis=1) for plan in plans]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9)


@pytest.mark.parametrize("free", [False, True])
def test_the_gradient_is_that_of_finite_differences(read, free):
    made = levers(prices(read.fit), free_geos=free, blocks=3)
    valuation = valuation_of(read, made, profit_measure(read, made))
    z = made.decisions(made.prices.today) * 1.1
    _, gradient = valuation.values(z)
    for place in range(0, made.size, 2):
        step = np.zeros(made.size)
        step[place] = 1e-3 * max(1.0, z[place])
        up, down = (valuation.values(z + sign * step)[0] for sign in (1.0, -1.0))
        numeric = (up - down) / (2.0 * step[place])
        np.testing.assert_allclose(gradient[:, place], numeric, rtol=2e-4, atol=1e-7)


def test_a_valuation_is_the_engine_s_with_levers_fixed_and_free(read):
    for fixed in (frozenset(), frozenset({TV, 1})):
        made = levers(prices(read.fit), fixed)
        valuation = valuation_of(read, made, profit_measure(read, made))
        some = thinned(read, 7)
        kept = np.linspace(0, read.draws - 1, 7).round().astype(int)
        z = 1.2 * made.decisions(made.prices.today)
        rough = valuation_of(some, made, profit_measure(read, made).take(kept))
        np.testing.assert_allclose(rough.values(z)[0], valuation.values(z)[0][kept], rtol=1e-9)


def test_stated_prices_are_taken_as_stated(read, make):
    plan = as_is(read.fit, prices={"tv": 0.5})
    assert plan.drawn.keys() == {"posters"}
    np.testing.assert_allclose(plan.media[:, :, TV], plan.spend[:, :, TV] / 0.5)
    assert "Ahead, a unit of contacts of tv costs 0.5, as the plan states." in plan.statements
    half = as_is(read.fit, prices={"tv": 0.25})
    np.testing.assert_allclose(half.media[:, :, TV], 2.0 * plan.media[:, :, TV])
    at = prices(read.fit, plan)
    np.testing.assert_allclose(at.buys[:, TV], 2.0)
    again = with_prices(read.fit, plan, {})
    usual = as_is(read.fit)
    np.testing.assert_allclose(again.media, usual.media)
    assert again.statements == usual.statements
    assert again.drawn == usual.drawn
    table = plan_table(read.fit, plan)
    np.testing.assert_allclose(table["media"], table["media_today"])
    cheap = decide(read, make.settings(prices={"tv": 0.05, "posters": 0.05}))
    dear = decide(read, make.settings(prices={"tv": 5.0, "posters": 5.0}))
    profits = [one.comparison["profit_mean"].iloc[0] for one in (cheap, dear)]
    assert profits[0] > profits[1]


def test_intervals_widen_by_what_prices_may_do(read):
    plan = as_is(read.fit, 12)
    known = replace(plan, drawn={})
    wide, narrow = (incremental_value(read, one, 12).std(axis=0) for one in (plan, known))
    assert (wide != narrow).all()
    table = forecast(read, plan)
    assert np.isfinite(table["mean"]).all()


def test_a_plan_that_is_optimised_keeps_its_prices(read, make):
    found = decide(read, make.settings(objective="expected_profit"))
    assert found.scenario.drawn == as_is(read.fit).drawn
    words = [one for one in found.scenario.statements if "80 % of draws" in one]
    assert len(words) == 2
    assert "its own 80 weeks" in words[0]
    task = problem(read, make.settings(prices={"tv": 1.0, "posters": 2.0}), None)
    assert not task.levers.prices.base.drawn


def test_tests_and_files_buy_at_the_same_prices(read):
    made = levers(prices(read.fit))
    tests = lift_tests(valuation_of(read, made, profit_measure(read, made)), TV)
    assert all(np.isfinite(one.cost) for one in tests)
    base = as_is(read.fit)
    frame = plan_table(read.fit, base)[["date", "geo", "channel", "spend"]]
    frame = frame[frame["channel"] != "visits"]
    given = scenario_from_frame(read.fit, frame, "spend.csv")
    assert given.drawn == base.drawn
    np.testing.assert_allclose(given.media, base.media)


def test_effort_and_spend_are_not_drawn(make):
    fit = make.fit(periods=80, draws=5)
    plan = as_is(fit)
    assert plan.drawn == {}
    bought = spending(prices(fit), prices(fit).today, "today")
    np.testing.assert_allclose(bought.media, plan.media)
    for name in ("tv", "visits"):
        with pytest.raises((ValidationError, InputError), match=f"plan.prices.{name}"):
            make.fit(periods=80, draws=5, plan={"horizon": 6, "prices": {name: 2.0}})
    with pytest.raises(ValidationError, match="did you mean 'posters'"):
        make.fit(periods=80, draws=5, plan={"horizon": 6, "prices": {"poster": 2.0}})
