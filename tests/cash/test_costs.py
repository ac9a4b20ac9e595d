"""Costs beyond the channels' own: when they are paid, written off, sunk or left out."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.cash.costs import dated_costs
from mmm.config.finance import CostLine

quiet = settings(max_examples=50, deadline=None)

DATES = pd.date_range("2026-01-05", periods=10, freq="W-MON")


def dated(delay=0, **line):
    return dated_costs([CostLine(name="x", amount=100.0, **line)], DATES, 52.18, delay)[0]


def test_production_is_paid_at_its_start_and_written_off_over_its_periods():
    cost = dated(kind="production", periods=4, start=date(2026, 1, 22))
    assert cost.paid.tolist() == [0, 0, 100, 0, 0, 0, 0, 0, 0, 0]
    assert cost.written_off.tolist() == [0, 0, 25, 25, 25, 25, 0, 0, 0, 0]


def test_people_are_paid_as_they_work():
    cost = dated(kind="people", periods=4)
    assert cost.paid.tolist() == cost.written_off.tolist() == [25] * 4 + [0] * 6


def test_stated_payment_beats_the_kind():
    assert dated(kind="people", periods=4, paid="at_start").paid[0] == 100
    assert dated(kind="production", periods=4, paid="evenly").paid[3] == 25


def test_money_paid_before_the_case_is_sunk():
    film = dated(kind="production", periods=20, start=date(2025, 12, 1))
    assert film.sunk == 100 and not film.paid.any() and not film.written_off.any()
    team = dated(kind="people", periods=10, start=date(2025, 12, 22))
    assert team.sunk == pytest.approx(20) and team.paid.tolist() == [10] * 8 + [0] * 2


def test_what_is_owed_at_the_end_is_paid_then():
    team = dated(kind="people", periods=4, delay=8)
    assert team.paid.tolist() == [0] * 8 + [25, 75] and team.due.tolist() == [25] * 4 + [0] * 6
    assert team.later == 0
    assert dated(kind="production", delay=400).paid[-1] == 100


def test_costs_that_begin_after_the_case_are_said():
    late = dated(kind="people", periods=4, start=date(2026, 3, 2))
    assert late.paid.sum() == pytest.approx(50) and late.later == pytest.approx(50)
    assert dated(start=date(2026, 6, 1)).later == 100


@quiet
@given(
    st.integers(-30, 30),
    st.integers(1, 40),
    st.sampled_from(["production", "people", "other"]),
    st.integers(0, 15),
)
def test_no_money_is_lost_or_made(weeks, periods, kind, delay):
    start = (DATES[0] + pd.Timedelta(weeks=weeks)).date()
    cost = dated(kind=kind, periods=periods, start=start, delay=delay)
    assert cost.paid.sum() + cost.sunk + cost.later == pytest.approx(100)
    assert (cost.paid >= 0).all() and cost.written_off.sum() <= 100 + 1e-9


def test_months_have_their_own_length():
    dates = pd.date_range("2026-01-01", periods=6, freq="MS")
    (cost,) = dated_costs(
        [CostLine(name="x", amount=60.0, kind="people", periods=3, start=date(2026, 3, 31))],
        dates,
        12.0,
    )
    assert np.flatnonzero(cost.paid).tolist() == [2, 3, 4]
