"""What charts draw: sums that add up, bins that do not straddle zero, shapes of any size."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmm.report import words
from mmm.report.charts import case as case_charts
from mmm.report.charts import curves as curve_charts
from mmm.report.charts import time as time_charts
from mmm.report.charts.case import cash_chart, npv_chart
from mmm.report.charts.curves import curves_chart
from mmm.report.charts.roi import brand_chart, roi_chart
from mmm.report.charts.style import date_axis, values
from mmm.report.charts.time import decomposition_chart, fit_chart, forecast_chart
from mmm.report.charts.waterfall import waterfall_chart
from mmm.report.words import Spread


def texts(svg: str) -> list[str]:
    """Every line of text in a drawing."""
    root = ET.fromstring(svg)
    return [element.text for element in root.iter() if element.text and element.text.strip()]


def test_the_waterfall_ends_at_everything_recorded(inputs):
    figure = waterfall_chart(
        inputs.contribution_totals, inputs.channels, inputs.outcome_name, inputs.outcome_unit
    )
    assert words.short(float(inputs.fitted["observed"].sum())) in texts(figure.svgs[0])


def test_the_waterfall_shows_each_channels_interval_from_efficiency(make):
    inputs = make["weekly"](periods=30)
    figure = waterfall_chart(inputs.contribution_totals, inputs.channels, "revenue", "GBP")
    drawn = texts(figure.svgs[0])
    for _, row in inputs.channels.iterrows():
        one = words.spread(row, "contribution_")
        shown = f"{words.short(one.mean)} ({words.short_between(one)})"
        assert shown in [" ".join(line.split()) for line in drawn]


def test_many_channels_share_one_step_of_the_waterfall(make):
    inputs = make["synthetic"](channels=[f"c{n}" for n in range(20)], periods=20)
    figure = waterfall_chart(inputs.contribution_totals, inputs.channels, "revenue", "")
    drawn = texts(figure.svgs[0])
    assert "7 smaller channels" in drawn
    assert words.short(float(inputs.fitted["observed"].sum())) in drawn


def test_a_channel_named_like_the_baseline_keeps_its_own_bar(make):
    inputs = make["synthetic"](channels=["Baseline", "tv"], periods=20)
    figure = waterfall_chart(inputs.contribution_totals, inputs.channels, "revenue", "")
    assert {"Baseline", "Baseline (2)", "tv"} <= set(texts(figure.svgs[0]))
    layers, colours = time_charts._layers_over_time(inputs.contributions)
    assert list(layers.columns) == list(colours)
    assert len(colours) == 4


def test_a_driver_that_evens_out_is_named_but_not_drawn(make):
    inputs = make["weekly"](periods=20)
    totals = inputs.contribution_totals
    level = totals.assign(
        **{
            name: totals[name].where(totals["kind"] != "control", 1e-9)
            for name in ("mean", "p05", "p95")
        }
    )
    figure = waterfall_chart(level, inputs.channels, "revenue", "GBP")
    assert "price" not in texts(figure.svgs[0])
    assert "over the dates: price." in figure.caption
    large = totals.assign(mean=totals["mean"].where(totals["kind"] != "control", -9e4))
    drawn = waterfall_chart(large, inputs.channels, "revenue", "GBP")
    assert "price" in texts(drawn.svgs[0])


def test_layers_over_time_add_up_and_stack_without_gaps(inputs):
    layers, colours = time_charts._layers_over_time(inputs.contributions)
    kept = inputs.contributions[inputs.contributions["kind"] != "residual"]
    expected = kept.groupby("date")["mean"].sum()
    np.testing.assert_allclose(layers.sum(axis=1), expected, rtol=1e-9)
    for part in (layers.clip(lower=0.0), layers.clip(upper=0.0)):
        stack = time_charts._stack(part, colours)
        if stack.empty:
            assert (part == 0).all(axis=None)
            continue
        for date, rows in stack.groupby("date"):
            bounds = rows.sort_values("order")
            np.testing.assert_allclose(bounds["start"].iloc[1:], bounds["end"].iloc[:-1])
            assert bounds["end"].iloc[-1] == pytest.approx(part.loc[date].sum())


def test_negative_contributions_hang_below_zero(make):
    inputs = make["weekly"](periods=20)
    held_back = inputs.contributions.assign(
        mean=inputs.contributions["mean"].where(inputs.contributions["component"] != "tv", -5e3)
    )
    layers, colours = time_charts._layers_over_time(held_back)
    below = time_charts._stack(layers.clip(upper=0.0), colours)
    assert below["end"].min() <= -5e3
    figure = decomposition_chart(held_back, inputs.fitted, "revenue")
    assert any(text.startswith(words.MINUS) for text in texts(figure.svgs[0]))


@settings(max_examples=60, deadline=None)
@example([-698683692691.5653, -698683692691.5653])
@given(
    st.lists(st.floats(min_value=-1e12, max_value=1e12), min_size=2, max_size=60),
)
def test_no_bin_holds_both_gain_and_loss(draws):
    bins = case_charts._histogram(np.array(draws))
    lost = bins["colour"] == case_charts.VERMILION
    width = bins["stop"].iloc[0] - bins["start"].iloc[0]
    assert (bins.loc[lost, "stop"] <= width / 2).all()
    assert (bins.loc[~lost, "start"] >= -width / 2).all()
    assert 0 < bins["share"].sum() <= 1 + 1e-9
    assert len(bins) <= case_charts.BINS + 2


def test_one_value_or_none_can_still_be_drawn():
    one = Spread(5.0, 5.0, 5.0, 5.0)
    assert npv_chart(np.full(50, 5.0), one, "GBP") is not None
    assert npv_chart(np.zeros(50), Spread(0.0, 0.0, 0.0, 0.0), "") is not None
    assert npv_chart(np.array([np.nan, np.inf, 1.0]), one, "GBP") is None


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_runs_of_a_curve_cover_it_and_meet(supported):
    runs = curve_charts._runs(np.array(supported))
    covered = sorted({index for run, _ in runs for index in range(len(supported))[run]})
    assert covered == list(range(len(supported)))
    for run, inside in runs:
        if inside:
            assert all(supported[run])
        elif True in supported:
            assert any(supported[run])


def test_spend_of_the_window_is_marked_and_exposure_replaces_missing_money(make):
    inputs = make["weekly"](periods=20)
    figure = curves_chart(inputs.curves, "revenue", "GBP", "GBP")
    assert len(figure.svgs) == 5
    assert figure.panels
    assert "spend, GBP" in texts(figure.svgs[0])
    assert "% of activity over the dates studied" in texts(figure.svgs[-1])


def test_a_channel_without_cost_has_no_return_drawn(make):
    inputs = make["weekly"](periods=20)
    drawn = texts(roi_chart(inputs.channels, inputs.total, {"value equals cost": 1.0}).svgs[0])
    assert "organic" not in drawn
    assert {"tv", "radio", "All marketing"} <= set(drawn)


def test_one_vast_interval_does_not_flatten_the_others(make):
    inputs = make["weekly"](periods=20)
    plain = roi_chart(inputs.channels, inputs.total, {"value equals cost": 1.0})
    assert "arrow" not in plain.caption
    wide = inputs.channels.assign(
        roi_p95=inputs.channels["roi_p95"].where(inputs.channels["channel"] != "tv", 9_000.0)
    )
    figure = roi_chart(wide, inputs.total, {"value equals cost": 1.0})
    assert "arrow" in figure.caption
    ticks = [float(text) for text in texts(figure.svgs[0]) if text.replace(".", "").isdigit()]
    assert max(ticks) < 100
    assert any("9.00k" in text for text in texts(figure.svgs[0]))


@pytest.mark.parametrize("size", [9_000.0, -9_000.0])
def test_a_return_beyond_the_chart_is_an_arrow_and_no_mark(make, size):
    inputs = make["weekly"](periods=20)
    figure = roi_chart(inputs.channels, inputs.total, {})
    rows = inputs.channels["channel"] != "tv"
    far = {
        f"roi_{end}": inputs.channels[f"roi_{end}"].where(rows, size * factor)
        for end, factor in (("mean", 1.0), ("p05", 0.9), ("p95", 1.1))
    }
    beyond = roi_chart(inputs.channels.assign(**far), inputs.total, {})
    assert "arrow" in beyond.caption and "arrow" not in figure.caption

    def shapes(drawn) -> int:
        paths = ET.fromstring(drawn.svgs[0]).iter("{http://www.w3.org/2000/svg}path")
        return sum(path.get("d", "").count("A") > 0 for path in paths)

    assert shapes(beyond) == shapes(figure) - 1


def test_shares_of_brand_are_drawn_for_positive_effects_only(make):
    inputs = make["weekly"](periods=20)
    drawn = texts(brand_chart(inputs.channels).svgs[0])
    row = inputs.channels.iloc[0]
    share = row["brand_mean"] / (row["brand_mean"] + row["tactical_mean"])
    assert f"{share:.0%}" in drawn
    nothing = inputs.channels.assign(tactical_mean=-1.0, brand_mean=0.0, mediated_mean=np.nan)
    assert brand_chart(nothing) is None


def test_one_geo_has_a_band_and_many_have_panels(make):
    national = make["weekly"](periods=20)
    (only,) = fit_chart(national.fitted, "revenue")
    assert any(entry.mark == "band" for entry in only.key)
    regional = make["regional"](periods=20)
    whole, panels = fit_chart(regional.fitted, "revenue")
    assert not any(entry.mark == "band" for entry in whole.key)
    assert len(panels.svgs) == time_charts.MOST_GEOS
    largest = regional.fitted.groupby("geo")["observed"].sum().idxmax()
    assert largest in texts(panels.svgs[0])
    total = regional.forecast[regional.forecast["kind"] == "total"]
    assert len(forecast_chart(total, regional.fitted, "revenue")) == 2


def test_data_reach_the_drawing_as_days_and_plain_numbers():
    frame = pd.DataFrame(
        {
            "date": pd.DatetimeIndex(["1907-01-01", "1908-01-01"]),
            "mean": [1.0, np.inf],
            "name": ["<b>", "x"],
        }
    )
    rows = json.loads(values(frame).to_dict()["values"])
    assert rows == [
        {"date": "1907-01-01", "mean": 1.0, "name": "<b>"},
        {"date": "1908-01-01", "mean": None, "name": "x"},
    ]


@pytest.mark.parametrize(
    ("start", "frequency", "periods", "layout", "interval", "step"),
    [
        ("1907-01-01", "YS", 54, "%Y", "year", 10),
        ("1961-01-01", "YS", 3, "%Y", "year", 1),
        ("2016-01-04", "W-MON", 300, "%b %Y", "month", 12),
        ("2022-01-03", "W-MON", 104, "%b %Y", "month", 3),
        ("2022-01-03", "D", 60, "%-d %b %Y", "day", 14),
    ],
)
def test_time_axes_are_labelled_as_dates_are_spaced(
    start, frequency, periods, layout, interval, step
):
    axis = date_axis(pd.date_range(start, periods=periods, freq=frequency)).to_dict()["axis"]
    assert axis["format"] == layout
    assert axis["tickCount"] == {"interval": interval, "step": step}


def test_years_on_a_short_axis_are_named_once(make):
    cashflow = make["annual"](periods=12).cashflow.head(3)
    labels = texts(cash_chart(cashflow, "USD").svgs[0])
    years = [text for text in labels if text.isdigit() and text.startswith("19")]
    assert years == [str(date.year) for date in cashflow["date"]]


def test_a_forecast_of_one_period_shows_its_interval(make):
    inputs = make["annual"](periods=12)
    total = inputs.forecast[inputs.forecast["kind"] == "total"].head(1)
    (figure,) = forecast_chart(total, inputs.fitted, "sales")
    root = ET.fromstring(figure.svgs[0])
    assert [line for line in root.iter() if line.get("stroke-width") == "9"]


def test_one_channel_is_its_own_total(make):
    inputs = make["annual"](periods=12)
    drawn = texts(roi_chart(inputs.channels, inputs.total, {"value equals cost": 1.0}).svgs[0])
    assert "advertising" in drawn
    assert "All marketing" not in drawn
