"""Scenarios from files, multiples and patterns, and what they are compared by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm.errors import InputError
from mmm.plan.compare import comparison, outlook
from mmm.plan.decision import decide
from mmm.plan.flighting import PATTERNS, flighting
from mmm.plan.forecast import forecast, incremental_value, outcome_ahead
from mmm.plan.money import prices, spending
from mmm.plan.multiplied import silent_ahead
from mmm.plan.scenario import as_is, plan_table
from mmm.plan.scenarios import (
    flighted_as,
    given_controls,
    multiplied_by,
    planned_scenario,
    read_scenario,
    scenario_from_frame,
    stopped,
    with_controls,
)
from mmm.results.noise import noise_of_total


@given(st.sampled_from(PATTERNS), st.integers(1, 60), st.integers(1, 5), st.integers(0, 5))
def test_patterns_spend_all_the_money_and_no_less_than_none(pattern, periods, on, off):
    parts = flighting(pattern, periods, on=on, off=off)
    assert parts.shape == (periods,)
    assert parts.sum() == pytest.approx(1.0)
    assert (parts >= 0).all()


def test_patterns_have_their_shapes():
    np.testing.assert_allclose(flighting("bursts", 7, on=2, off=1), [0.2, 0.2, 0, 0.2, 0.2, 0, 0.2])
    assert np.unique(flighting("continuous", 5)).size == 1
    assert (np.diff(flighting("front_loaded", 6)) < 0).all()
    np.testing.assert_allclose(flighting("back_loaded", 6), flighting("front_loaded", 6)[::-1])
    with pytest.raises(InputError, match="did you mean 'bursts'"):
        flighting("burst", 6)


def test_a_plan_read_back_from_its_own_table_is_the_plan(make, tmp_path):
    read = make.response(active=1.0)
    plan = multiplied_by(read.fit, {"tv": 1.5, "search": 0.2})
    table = plan_table(read.fit, plan)
    table = table[table["channel"].isin(["tv", "search"])]
    table[["date", "geo", "channel", "spend"]].to_csv(tmp_path / "plan.csv", index=False)
    again = read_scenario(read.fit, tmp_path / "plan.csv")
    np.testing.assert_allclose(again.spend, plan.spend, rtol=1e-12)
    np.testing.assert_allclose(again.media, plan.media, rtol=1e-9)
    np.testing.assert_allclose(again.cost, plan.cost, rtol=1e-12)
    study = read.fit.study.model_copy(
        update={"plan": read.fit.study.plan.model_copy(update={"scenario": "plan.csv"})}
    )
    planned = planned_scenario(study, read.fit.panel, tmp_path)
    np.testing.assert_array_equal(planned.media, again.media)


def test_money_of_a_plan_s_table_adds_up_and_reads_back_effort(make, tmp_path):
    fit = make.fit(active=1.0)
    at = prices(fit)
    plan = spending(at, 1.3 * at.today, "more")
    table = plan_table(fit, plan)
    assert table["money"].sum() == pytest.approx(1.3 * at.today.sum(), rel=1e-12)
    assert table["money_today"].sum() == pytest.approx(at.today.sum(), rel=1e-12)
    assert table["spend"].sum() < table["money"].sum()
    table.to_csv(tmp_path / "plan.csv", index=False)
    again = read_scenario(fit, tmp_path / "plan.csv")
    np.testing.assert_allclose(again.media, plan.media, rtol=1e-9)
    np.testing.assert_allclose(again.cost, plan.cost, rtol=1e-9)
    assert again.findings == ()


def test_effort_and_exposure_are_bought_at_recent_prices(make):
    fit = make.fit(active=1.0)
    rows = pd.DataFrame({
        "date": [d for d in fit.panel.future_dates(2) for _ in range(4)],
        "geo": ["geo 0", "geo 0", "geo 1", "geo 1"] * 2,
        "channel": ["posters", "visits"] * 4,
        "spend": 100.0,
    })  # fmt: skip
    plan = scenario_from_frame(fit, rows, "plan.csv")
    assert plan.periods == 6
    np.testing.assert_allclose(plan.media[:2, :, 2], 300.0)
    np.testing.assert_allclose(plan.media[:2, :, 3], 25.0)
    assert (plan.spend[:2, :, 3] == 0).all()
    np.testing.assert_allclose(plan.cost[:2, 3], 200.0)
    assert (plan.media[2:, :, 2:] == 0).all()
    np.testing.assert_array_equal(plan.media[:, :, :2], as_is(fit).media[:, :, :2])


def rows_of(fit, **changes):
    rows = pd.DataFrame(
        {"date": fit.panel.future_dates(3), "geo": "geo 0", "channel": "tv", "spend": 5.0}
    ).astype(object)
    for key, value in changes.items():
        rows.loc[1, key] = value
    return rows


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"channel": "telly"}, "did you mean 'tv'|known names"),
        ({"geo": "geo 7"}, "there is no geo 'geo 7'"),
        ({"date": "2021-01-04"}, "no period after the last one"),
        ({"date": "soon"}, "no period after the last one"),
        ({"spend": -1}, "Give a number of 0 or more"),
        ({"spend": "lots"}, "Give a number of 0 or more"),
        ({"date": pd.Timestamp("2023-02-27")}, "given before"),
    ],
)
def test_rows_that_make_no_sense_are_refused_with_their_row(make, changes, says):
    fit = make.fit()
    assert fit.panel.future_dates(1)[0] == pd.Timestamp("2023-02-27")
    with pytest.raises(InputError, match=says) as refusal:
        scenario_from_frame(fit, rows_of(fit, **changes), "plan.csv")
    assert "row 3" in refusal.value.findings[0].where


def test_a_file_without_its_columns_is_refused(make):
    with pytest.raises(InputError, match="no column 'geo'"):
        scenario_from_frame(make.fit(), rows_of(make.fit()).drop(columns="geo"), "plan.csv")


def test_as_is_stop_and_half_compare_as_they_should(make):
    read = make.response(active=1.0)
    shown = [as_is(read.fit), stopped(read.fit), multiplied_by(read.fit, 0.5)]
    table = comparison(read, shown).set_index("scenario")
    assert table.loc["as is", "difference_mean"] == 0
    assert table.loc["stop everything", ["money", "loaded_cost"]].sum() == 0
    assert table.loc["stop everything", "value_mean"] == pytest.approx(0, abs=1e-9)
    halved = table.loc["all channels x 0.5"]
    assert halved["money"] == pytest.approx(0.5 * table.loc["as is", "money"])
    # fixed cost does not halve
    fixed = 50.0 * 6
    cost = table.loc["as is", "loaded_cost"]
    assert halved["loaded_cost"] == pytest.approx(0.5 * (cost - fixed) + fixed)
    change = table["profit_mean"] - table.loc["as is", "profit_mean"]
    np.testing.assert_allclose(table["difference_mean"], change, atol=1e-9)


@pytest.mark.parametrize("likelihood", ["normal", "student_t", "lognormal"])
def test_a_plan_and_its_forecast_say_the_same_of_one_period(make, likelihood):
    read = make.response(geos=1, likelihood=likelihood, draws=30)
    plan = as_is(read.fit, 1)
    table = forecast(read, plan)
    whole = table[(table["component"] == "outcome") & (table["kind"] == "total")].iloc[0]
    row = comparison(read, [plan]).iloc[0]
    for name in ("mean", "p05", "p50", "p95"):
        assert row[f"outcome_{name}"] == pytest.approx(whole[name], rel=1e-9)


@pytest.mark.parametrize("likelihood", ["normal", "student_t", "lognormal"])
def test_outcome_ahead_is_what_comes_without_the_plan_and_what_it_causes(make, likelihood):
    read = make.response(likelihood=likelihood, draws=2000, spread=0.1)
    plan = as_is(read.fit, 5)
    expected, predicted, noise = outcome_ahead(read, plan)
    silent = silent_ahead(read, plan, 5)
    units = replace(plan, value_per_unit=np.ones_like(plan.value_per_unit))
    caused = incremental_value(read, units, 5).sum(axis=1)
    np.testing.assert_allclose(expected, silent.sum(axis=(1, 2)) + caused, rtol=1e-9)
    # of 2,000 draws the spread is known to 1.6 %
    apart = (predicted - expected) / noise_of_total(read, silent)
    if likelihood == "normal":
        np.testing.assert_allclose(noise, noise_of_total(read, silent), rtol=1e-9)
        assert apart.std() == pytest.approx(1.0, abs=0.07)
    assert abs(apart.mean()) < 0.15


def test_differences_are_taken_draw_by_draw(make):
    read = make.response(draws=60)
    shown = [as_is(read.fit), multiplied_by(read.fit, 1.02)]
    table = comparison(read, shown)
    spread = table["profit_p95"] - table["profit_p05"]
    apart = table["difference_p95"] - table["difference_p05"]
    assert apart[1] < 0.1 * spread[1]


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_a_plan_that_ends_in_nothing_is_worth_what_it_was_without_the_nothing(make, likelihood):
    read = make.response(likelihood=likelihood, draws=10)
    at_short, at_long = (prices(read.fit, as_is(read.fit, n)) for n in (4, 17))
    money = np.zeros_like(at_long.today)
    money[:4] = 30.0
    short, long = spending(at_short, money[:4], "short"), spending(at_long, money, "long")
    values = [incremental_value(read, plan, 60).sum(axis=1) for plan in (short, long)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9)


def test_fixed_cost_ends_with_the_spending(make):
    read = make.response(draws=10)
    fit, dates = read.fit, read.fit.panel.future_dates(9)
    rows = [
        {"date": date, "geo": geo, "channel": channel, "spend": 0.0}
        for date in dates for geo in fit.panel.geos for channel in fit.panel.channels
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    nothing = outlook(read, scenario_from_frame(fit, frame, "zeros.csv"))
    stop = outlook(read, stopped(fit, as_is(fit, 9)))
    assert nothing.scenario.cost.sum() == stop.scenario.cost.sum() == 0.0
    np.testing.assert_allclose(nothing.profit, stop.profit, atol=1e-9)
    spent = frame.assign(spend=30.0)
    ended = pd.concat([spent[spent["date"] <= dates[3]], frame[frame["date"] > dates[3]]])
    short = spent[spent["date"] <= dates[3]]
    plans = [scenario_from_frame(fit, one, "plan.csv") for one in (short, ended)]
    assert [plan.periods for plan in plans] == [6, 9]
    found = [outlook(read, plan) for plan in plans]
    np.testing.assert_allclose(found[0].profit, found[1].profit, rtol=1e-9)
    # between two flights it goes on
    paused = frame.assign(spend=frame["date"].isin([dates[0], dates[5]]) * 30.0)
    cost = scenario_from_frame(fit, paused, "paused.csv").cost[:, 0]
    np.testing.assert_allclose(cost, [116.0, 50.0, 50.0, 50.0, 50.0, 116.0, 0.0, 0.0, 0.0])


def test_money_that_is_rounding_is_nothing(make):
    fit = make.fit(active=1.0)
    at = prices(fit)
    money = at.today.copy()
    money[1:, :, 0] = 4.6e-11
    plan = spending(at, money, "dust")
    assert (plan.spend[1:, :, 0] == 0).all()
    assert (plan.media[1:, :, 0] == 0).all()
    assert (plan.cost[1:, 0] == 0).all()
    np.testing.assert_array_equal(plan.spend[:, :, 1], at.today[:, :, 1])


def test_flighting_moves_money_in_time_only(make):
    read = make.response()
    base, plan = as_is(read.fit), flighted_as(read.fit, {"tv": "bursts"}, on=1, off=2)
    np.testing.assert_allclose(plan.spend.sum(axis=0), base.spend.sum(axis=0))
    assert (plan.spend[1:3, :, 0] == 0).all()
    np.testing.assert_array_equal(plan.spend[:, :, 1], base.spend[:, :, 1])


def test_controls_ahead_as_given_move_the_outcome_and_no_return(make):
    read = make.response()
    base = as_is(read.fit)
    frame = pd.DataFrame({"date": base.dates, "price": 9.0})
    plan = with_controls(read.fit, base, frame, "prices.csv")
    assert (plan.controls == 9.0).all()
    dear, usual = outlook(read, plan), outlook(read, base)
    assert abs(dear.outcome.mean() - usual.outcome.mean()) > 1e-3
    np.testing.assert_allclose(dear.profit, usual.profit)
    with pytest.raises(InputError, match="no number for"):
        with_controls(read.fit, base, frame.iloc[:-1], "prices.csv")
    with pytest.raises(InputError, match="'prize' is not a control"):
        with_controls(read.fit, base, frame.rename(columns={"price": "prize"}), "prices.csv")
    assert base.carried == ("price",)
    assert plan.carried == ()
    assert "standard deviation of a step" in base.statements[-1]
    assert plan.statements[-1] == "price ahead as given in prices.csv."


def test_controls_of_a_file_hold_for_every_plan_of_a_decision(make, tmp_path):
    read = make.response(draws=10)
    fit = read.fit
    base = as_is(fit, 6)
    prices_ahead = pd.DataFrame({"date": base.dates, "price": np.linspace(1.0, 2.0, 6)})
    prices_ahead.to_csv(tmp_path / "prices.csv", index=False)
    settings = make.settings(horizon=6, controls="prices.csv")
    study = fit.study.model_copy(update={"plan": settings})
    plan = planned_scenario(study, fit.panel, tmp_path)
    assert plan.name == "as is"
    assert plan.carried == ()
    given_ahead = prices_ahead["price"].to_numpy()
    np.testing.assert_allclose(plan.controls[:, :, 0], given_ahead[:, None].repeat(2, axis=1))
    found = decide(read, settings, plan)
    assert found.comparison["scenario"].to_list() == ["as is", "stop everything"]
    assert found.scenario.carried == ()
    best = decide(read, make.settings(horizon=6, objective="expected_profit"), plan)
    np.testing.assert_array_equal(best.scenario.controls, plan.controls)
    assert "price ahead as given in prices.csv." in best.optimum.today.statements
    assert given_controls(fit, make.settings(), None, None) is None
    with pytest.raises(InputError, match="a saved fit does not hold that file"):
        given_controls(fit, settings, None, None)
