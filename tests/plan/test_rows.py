"""Files about the periods ahead: what cannot be used is refused, what is left out is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.errors import InputError
from mmm.plan.decision import decide
from mmm.plan.scenario import as_is
from mmm.plan.scenarios import read_scenario, scenario_from_frame, with_controls


@pytest.fixture(scope="module")
def fit(make):
    return make.fit(active=1.0, draws=10)


def rows_of(fit, periods=3, **columns):
    dates, geos = fit.panel.future_dates(periods), fit.panel.geos
    index = pd.MultiIndex.from_product([dates, geos, ["tv", "search"]])
    frame = index.to_frame(index=False, name=["date", "geo", "channel"])
    return frame.assign(spend=40.0, **columns)


@pytest.mark.parametrize("value", [np.inf, -np.inf, "inf"])
def test_spend_without_end_is_refused_with_its_row(fit, value):
    rows = rows_of(fit).astype({"spend": object})
    rows.loc[2, "spend"] = value
    with pytest.raises(InputError, match="Give a number of 0 or more") as refusal:
        scenario_from_frame(fit, rows, "plan.csv")
    assert refusal.value.findings[0].where == "plan.csv: row 4"


def test_another_currency_is_refused(make):
    fit = make.fit(finance={"margin": 0.5, "horizon": 60, "currency": "GBP"})
    with pytest.raises(InputError, match="currency is 'USD' and the study"):
        scenario_from_frame(fit, rows_of(fit, currency="USD"), "plan.csv")
    assert scenario_from_frame(fit, rows_of(fit, 6, currency="gbp"), "plan.csv").findings == ()


def test_a_geo_that_is_left_out_is_named_with_what_it_had(fit):
    rows = rows_of(fit, periods=6)
    plan = scenario_from_frame(fit, rows[rows["geo"] == "geo 0"], "plan.csv")
    (finding,) = plan.findings
    lost = as_is(fit, 6).spend[:, 1, :2].sum()
    assert finding.where == "plan.csv: geo 1"
    assert "no row of tv, search" in finding.message
    assert f"against {lost:,.0f} as today" in finding.message
    assert scenario_from_frame(fit, rows, "plan.csv").findings == ()


def test_a_horizon_wanted_holds_for_a_file(fit):
    short = scenario_from_frame(fit, rows_of(fit, 8), "plan.csv", 10)
    assert short.periods == 10
    assert "end after 8 of 10 periods" in short.findings[0].message
    long = scenario_from_frame(fit, rows_of(fit, 8), "plan.csv", 4)
    assert long.periods == 8
    assert "past the horizon of 4" in long.findings[0].message


def test_columns_that_are_not_read_are_named(fit):
    plan = scenario_from_frame(fit, rows_of(fit, 6, agency="us", media=3.0), "plan.csv")
    assert [one.message for one in plan.findings] == ["agency: columns that are not read."]


def test_a_file_that_is_not_there_is_named_with_the_option(fit, tmp_path):
    with pytest.raises(InputError, match="path given with --scenario"):
        read_scenario(fit, tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"'plan\.scenario' in the study file"):
        read_scenario(fit, tmp_path / "none.csv", key="plan.scenario")


@pytest.mark.parametrize(
    ("date", "says"),
    [
        ("1999-01-01", "'1999-01-01' is no period"),
        ("foo", "'foo' is no period"),
        ("2023-03-06", "date and geo were given before"),
    ],
)
def test_rows_of_controls_that_make_no_sense_are_refused(fit, date, says):
    base = as_is(fit)
    rows = pd.DataFrame({"date": base.dates.strftime("%Y-%m-%d"), "price": 3.0})
    rows.loc[6] = [date, 3.0]
    with pytest.raises(InputError, match=says) as refusal:
        with_controls(fit, base, rows, "controls.csv")
    assert [one.where for one in refusal.value.findings] == ["controls.csv: row 8"]


def test_controls_of_other_periods_are_allowed_and_not_read(fit):
    base = as_is(fit)
    dates = fit.panel.dates[-4:].append(fit.panel.future_dates(20))
    rows = pd.DataFrame({"date": dates, "price": np.arange(24.0)})
    plan = with_controls(fit, base, rows, "controls.csv")
    np.testing.assert_array_equal(plan.controls[:, 0, 0], np.arange(4.0, 10.0))
    with pytest.raises(InputError, match="there is no geo 'geo 7'"):
        with_controls(fit, base, rows.assign(geo="geo 7"), "controls.csv")
    with pytest.raises(InputError, match=r"no number for .* in 'price'"):
        with_controls(fit, base, rows.assign(price=np.inf), "controls.csv")


def test_limits_without_anything_to_find_are_named(make):
    read = make.response(draws=10)
    settings = make.settings(pacing=0.2, bounds={"tv": (0.5, 1.0)})
    (finding,) = decide(read, settings).findings
    assert finding.where == "plan.bounds, plan.pacing"
    assert "neither 'objective' nor 'budget'" in finding.message
    assert decide(read, make.settings()).findings == ()


def test_pacing_does_not_hold_what_is_fixed(make):
    read = make.response(draws=10)
    settings = make.settings(objective="expected_profit", pacing=0.1, fixed=("tv",))
    found = [one for one in decide(read, settings).findings if one.where == "plan.pacing"]
    assert len(found) == 1
    assert "tv by up to" in found[0].message


def test_a_target_without_an_objective_is_answered(make):
    read = make.response(draws=400)
    table = decide(read, make.settings(target=1.0)).comparison
    assert (table["probability_of_target"] == 1.0).all()
    middle = decide(read, make.settings(target=float(table["outcome_p50"][0]))).comparison
    assert middle["probability_of_target"][0] == pytest.approx(0.5, abs=0.01)
    assert "probability_of_target" not in decide(read, make.settings()).comparison
