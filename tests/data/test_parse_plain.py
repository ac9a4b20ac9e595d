"""Columns of plain numbers and dates, which are read in one go, beside those read cell by cell."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.data.parse import parse_dates, parse_numbers

NUMBERS = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["+1.5", ".5", "5.", "1e400", "-2E-3", "007"]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_plain_numbers_are_read_as_among_cells_that_are_not(cells):
    whole = parse_numbers(pd.Series(cells), from_text=True)
    mixed = parse_numbers(pd.Series([*cells, " "]), from_text=True)
    np.testing.assert_array_equal(whole.values, mixed.values[:-1])
    np.testing.assert_array_equal(whole.infinite, mixed.infinite[:-1])
    assert not whole.text.any()
    assert not whole.missing.any()


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1850, 1, 1), date(2150, 1, 1)))
def test_a_plain_date_is_read_as_with_its_time_of_day(day):
    plain, clock = (parse_dates(pd.Series([f"{day}{end}"])) for end in ("", "T00:00"))
    assert plain.values[0] == clock.values[0] == pd.Timestamp(day)
    assert not plain.problems


def test_dates_that_are_none_are_named():
    found = parse_dates(pd.Series(["2024-02-30", "2024-13-01", "2024-02-29"]))
    assert found.problems == {
        0: "'2024-02-30' is not a date",
        1: "'2024-13-01' is not a date",
    }
