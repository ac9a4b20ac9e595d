"""Frequencies found, and what does not lie on them."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.data.calendar import ALIASES, find_calendar, valid_frequency

REGULAR = [alias for alias in ALIASES if alias != "B"]
REGULAR += ["2W-THU", "4W-SUN", "QS-FEB", "YS-APR", "YE-JUN", "QE-JAN"]


@settings(deadline=None)
@given(
    alias=st.sampled_from(REGULAR),
    start=st.dates(pd.Timestamp("1950-01-01").date(), pd.Timestamp("2050-01-01").date()),
    periods=st.integers(20, 60),
)
def test_a_regular_calendar_is_found(alias, start, periods):
    dates = pd.date_range(start, periods=periods, freq=alias).as_unit("ns")
    calendar = find_calendar(dates)
    assert calendar.complete, calendar
    following = pd.date_range(dates[-1], periods=3, freq=calendar.frequency)
    assert list(following) == list(pd.date_range(dates[-1], periods=3, freq=alias))


@settings(deadline=None)
@given(alias=st.sampled_from(REGULAR), dropped=st.sets(st.integers(1, 38), min_size=1, max_size=3))
def test_a_gap_is_the_dates_that_were_dropped(alias, dropped):
    dates = pd.date_range("2019-02-11", periods=40, freq=alias).as_unit("ns")
    for stated in (None, alias):
        calendar = find_calendar(dates.delete(sorted(dropped)), stated)
        if not calendar.problem:
            assert list(calendar.missing) == [dates[i] for i in sorted(dropped)]
            assert not len(calendar.off_grid)
    # as stated it is always a gap, whatever the steps suggest
    assert not find_calendar(dates.delete(sorted(dropped)), alias).problem


def test_a_shifted_date_is_off_the_grid():
    dates = pd.date_range("2022-01-03", periods=40, freq="W-MON").as_unit("ns")
    moved = dates.delete(10).insert(10, dates[10] + pd.Timedelta(days=1))
    assert list(find_calendar(moved).off_grid) == [dates[10] + pd.Timedelta(days=1)]


def test_mixed_steps_are_named():
    weekly = pd.date_range("2022-01-03", periods=20, freq="W-MON")
    daily = pd.date_range(weekly[-1], periods=20, freq="D")[1:]
    calendar = find_calendar(weekly.append(daily).as_unit("ns"))
    assert calendar.frequency is None
    assert "a week" in calendar.problem
    assert "a day" in calendar.problem
    assert "2022-05-16" in calendar.problem


def test_another_regular_frequency_than_stated_is_not_a_gap():
    dates = pd.date_range("2022-01-03", periods=40, freq="W-MON").as_unit("ns")
    for stated in ("D", "W-SUN", "MS"):
        calendar = find_calendar(dates, stated)
        assert f"'{stated}'" in calendar.problem
        assert "'W-MON'" in calendar.problem


@pytest.mark.parametrize("alias", ["M", "weekly", "h", "", "0D", "-1D", "36h", "W-FOO"])
def test_an_unknown_frequency_is_refused(alias):
    assert valid_frequency(alias) is None
    dates = pd.date_range("2022-01-03", periods=40, freq="W-MON").as_unit("ns")
    assert find_calendar(dates, alias).frequency is None
