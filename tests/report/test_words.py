"""Numbers in plain words: right to three digits, and never undefined."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm.report import words
from mmm.report.words import Spread

SCALES = {"k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}


def parsed(text: str) -> float:
    """The number a short text stands for."""
    text = text.replace(words.MINUS, "-").replace(",", "")
    for letter in sorted(SCALES, key=len, reverse=True):
        if text.endswith(letter):
            return float(text.removesuffix(letter)) * SCALES[letter]
    return float(text)


@pytest.mark.parametrize(
    ("value", "short", "spoken"),
    [
        (0.0, "0", "0"),
        (7.0, "7", "7"),
        (18.96, "19.0", "19"),
        (-4e-11, "0", "0"),
        (38.26, "38.3", "38.3"),
        (0.5, "0.500", "0.5"),
        (999.6, "1.00k", "1,000"),
        (46_700.0, "46.7k", "46,700"),
        (999_999.0, "1.00m", "1 million"),
        (1_240_000.0, "1.24m", "1.24 million"),
        (-163_400.0, "\u2212163k", "\u2212163,000"),
        (2.5e9, "2.50bn", "2.5 billion"),
        (math.nan, "not known", "not known"),
        (math.inf, "unlimited", "unlimited"),
    ],
)
def test_a_number_is_short_in_tables_and_spoken_in_sentences(value, short, spoken):
    assert words.short(value) == short
    assert words.spoken(value) == spoken


@given(st.floats(min_value=1e-3, max_value=1e14), st.sampled_from([1, -1]))
def test_a_short_number_is_right_to_three_digits(size, sign):
    assert parsed(words.short(sign * size)) == pytest.approx(sign * size, rel=0.00501)


@given(st.floats(min_value=-1e9, max_value=1e9))
def test_a_ratio_is_right_to_two_decimals_or_three_digits(value):
    assert parsed(words.ratio(value)) == pytest.approx(value, rel=0.00501, abs=0.00501)


def test_a_currency_stands_after_the_sign():
    hard = words.HARD_SPACE
    assert words.short_amount(-163_400.0, "GBP") == f"\u2212GBP{hard}163k"
    assert words.amount(2.0, "") == "2"
    assert words.amount(math.nan, "GBP") == "not known"


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0.0, "less than 1"), (0.004, "less than 1"), (0.07, "7"), (1.0, "more than 99")],
)
def test_a_chance_is_never_quite_certain(probability, said):
    assert words.chance(probability) == f"{said}{words.HARD_SPACE}%"


def test_percentages_keep_what_matters():
    assert words.percent(0.071) == f"7.1{words.HARD_SPACE}%"
    assert words.percent(0.234) == f"23{words.HARD_SPACE}%"
    assert words.percent(-0.02) == f"\u22122{words.HARD_SPACE}%"
    assert words.percent(0.995) == f"99.5{words.HARD_SPACE}%"
    assert words.percent(0.9998) == f"99.98{words.HARD_SPACE}%"
    assert words.percent(1.0) == words.percent(1.004) == f"100{words.HARD_SPACE}%"
    assert words.percent(math.nan) == words.UNKNOWN


@pytest.mark.parametrize(
    ("frequency", "word"),
    [("D", "day"), ("W-MON", "week"), ("MS", "month"), ("QS", "quarter"), ("YS", "year")],
)
def test_a_period_is_called_what_it_is(frequency, word):
    dates = pd.date_range("2020-01-01", periods=12, freq=frequency)
    assert words.period_word([*dates, *dates]) == word


def test_one_date_has_no_period():
    assert words.period_word(pd.DatetimeIndex(["2020-01-01"])) == "period"


@pytest.mark.parametrize("never", [math.inf, math.nan])
def test_a_payback_that_never_comes_says_so(never):
    assert words.within(never, "week") == "not within horizon"
    assert words.within(0.0, "week") == "within the first week"
    assert words.within(1.0, "week") == "1 week"
    assert words.within(14.0, "week") == "14 weeks"


def test_a_spread_takes_null_for_what_is_not_known():
    got = words.spread({"expected": None, "p05": 1.0, "p50": 2, "p95": None})
    assert math.isnan(got.mean)
    assert (got.p05, got.p50) == (1.0, 2.0)
    assert not got.known
    assert not got.has_interval
    assert words.spread({"roi_mean": 2.0, "roi_p05": 1.0, "roi_p95": 3.0}, "roi_").mean == 2.0
    assert words.short_between(Spread(1.0, math.nan, 1.0, 2.0)) == ""


def test_long_lists_are_counted():
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(list("abcdefgh")) == "a, b, c, d, e and 3 others"


@given(st.text(alphabet="abc_-. ", max_size=78), st.integers(min_value=5, max_value=40))
def test_wrapping_keeps_every_letter_within_the_width(name, width):
    lines = words.wrapped(name, width, lines=100).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert all(len(line) <= width for line in lines)


def test_wrapping_stops_after_the_last_line():
    assert words.wrapped("x" * 100, 10, 2) == "x" * 10 + "\n" + "x" * 9 + "\u2026"


@given(st.lists(st.sampled_from(["a", "b", "a (2)"]), max_size=12))
def test_distinct_labels_are_distinct(labels):
    got = words.distinct(labels)
    assert len(set(got)) == len(labels)
    assert all(one.startswith(label) for one, label in zip(got, labels, strict=True))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.00388, 2.4, "0.00 to 2.40"),
        (-0.00899, 1.88, "\u22120.01 to 1.88"),
        (-0.004, 0.5, "0.00 to 0.50"),
        (0.00388, 0.0421, "0.00388 to 0.04"),
        (0.00388, 0.00421, "0.00388 to 0.00421"),
    ],
)
def test_the_ends_of_a_return_have_decimals_alike(low, high, said):
    assert words.ratio_between(Spread(0.0, low, 0.0, high)) == said


def test_a_return_has_no_more_decimals_than_its_interval():
    assert words.ratio_of(Spread(0.00388, -1.83, 0.0, 1.72)) == "0.00"
    assert words.ratio_of(Spread(0.00388, 0.002, 0.004, 0.006)) == "0.00388"
    assert words.ratio_of(Spread(2.5, math.nan, 2.5, math.nan)) == "2.50"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("95% of it, 90 % of that", "95\u00a0% of it, 90\u00a0% of that"),
        ("correlation -0.94 (-3 to 5)", "correlation \u22120.94 (\u22123 to 5)"),
        ("on 2024-01-05 in week-3, r^-2", "on 2024-01-05 in week-3, r^-2"),
        ("a %s and 5%off", "a %s and 5%off"),
    ],
)
def test_text_from_anywhere_is_put_in_the_pages_style(text, said):
    assert words.styled(text) == said


def test_numbers_are_said_by_their_unit():
    hard = words.HARD_SPACE
    assert words.measured(0.2, "chance of missing the hurdle") == f"20{hard}%"
    assert words.measured(41_600.0, "money", "EUR") == f"EUR{hard}41.6k"
    assert words.measured_between(12.87, 102.3, "half-life in periods") == "12.9 to 102"


def test_names_with_numbers_sort_as_readers_count():
    names = ["Geo10", "geo2", "North", "Geo1", "7"]
    assert sorted(names, key=words.in_order) == ["7", "Geo1", "geo2", "Geo10", "North"]
