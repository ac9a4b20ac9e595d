"""Units that change, lone giants, running totals, copies and zeros that were not recorded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm.config import Study
from mmm.data.checks import copies, levels, outcome, run_checks
from mmm.data.checks.copies import longest_repeat
from mmm.data.checks.levels import is_running_total, unit_change
from mmm.data.checks.outcome import odd_zeros
from mmm.data.observations import observe
from mmm.data.table import table_from_frame
from mmm.errors import Finding, Severity
from mmm.simulate import simulate_world, world_names

CHECKS = (*levels.CHECKS, *copies.CHECKS, outcome.outcome_recorded)


def findings_of(study: Study, frame: pd.DataFrame) -> list[Finding]:
    return list(run_checks(observe(study, table_from_frame(frame, "data frame"))))


def only(study: Study, frame: pd.DataFrame) -> Finding:
    (finding,) = findings_of(study, frame)
    assert finding.severity is Severity.WARNING
    assert finding.remedy
    return finding


@pytest.mark.parametrize("world", world_names())
def test_worlds_as_they_are_have_no_such_finding(world):
    simulated = simulate_world(world, seed=5)
    seen = observe(simulated.study, table_from_frame(simulated.frame, world))
    assert [one for check in CHECKS for one in check(seen)] == []


seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(8, 92), st.sampled_from([1e-3, 1e-2, 0.05, 20.0, 100.0, 1000.0]))
def test_a_change_of_unit_is_found_where_it_is(seed, at, factor):
    series = np.random.default_rng(seed).lognormal(5.0, 0.2, 100)
    series[at:] *= factor
    found = unit_change(series, 8.0)
    assert found is not None
    assert found[0] == at
    assert found[1] == pytest.approx(factor, rel=0.5)


@given(seeds, st.floats(0.05, 0.6), st.floats(-0.03, 0.03))
def test_noise_growth_and_single_spikes_are_no_change_of_unit(seed, noise, growth):
    rng = np.random.default_rng(seed)
    series = np.exp(rng.normal(0, noise, 150) + growth * np.arange(150))
    series[rng.integers(0, 150, 2)] *= 1000
    assert unit_change(series, 8.0) is None


@pytest.mark.parametrize(
    ("column", "factor", "says"),
    [
        ("tv_grps", 1000, "'tv' has about 1,"),
        ("tv_spend", 0.001, "'tv' has about "),
        ("search_spend", 0.001, "'search' is about one "),
        ("revenue", 100, "the outcome is about "),
    ],
)
def test_a_unit_that_changes_is_one_finding(national, column, factor, says):
    study, frame = national
    frame["revenue"] *= 100
    frame.loc[60:, column] *= factor
    (finding,) = [one for one in findings_of(study, frame) if one.check != "collinear"]
    assert finding.check == "unit_changes"
    place = "tv_grps" if column == "tv_spend" else column
    assert f"column '{place}', row 60 (2023-02-27)" in finding.where
    assert says in finding.message


def test_a_change_of_unit_in_one_geo_is_found(by_geo):
    study, frame = by_geo
    south = (frame["region"] == "south") & (frame["week"] >= "2022-10-03")
    frame.loc[south, "orders"] *= 1000
    finding = only(study, frame)
    assert finding.check == "unit_changes"
    assert "(2022-10-03, south)" in finding.where
    assert "(in 1 of 3 geos)" in finding.message


def test_more_money_that_buys_as_much_more_is_no_other_unit(national):
    study, frame = national
    frame["revenue"] *= 100
    frame.loc[60:, ["tv_grps", "tv_spend"]] *= 60
    assert findings_of(study, frame) == []


@pytest.mark.parametrize("both", [False, True])
def test_a_lone_giant_is_named_once_with_its_date(national, both):
    study, frame = national
    frame["revenue"] *= 100
    frame.loc[33, ["tv_spend", "tv_grps"] if both else ["search_spend"]] *= 50
    (finding,) = [one for one in findings_of(study, frame) if one.check == "lone_giant"]
    assert f"column '{'tv' if both else 'search'}_spend', row 33 (2022-08-22)" in finding.where


def test_a_channel_of_a_few_bursts_has_no_giant(national):
    study, frame = national
    frame["search_spend"] = 0.0
    frame.loc[[3, 30, 31, 60, 61, 90, 91], "search_spend"] = [900.0, 40, 50, 60, 30, 40, 50]
    assert "lone_giant" not in {one.check for one in findings_of(study, frame)}


@given(seeds, st.sampled_from([0, 12, 26, 52]))
def test_a_sum_so_far_is_a_running_total_and_its_steps_are_not(seed, year):
    steps = np.random.default_rng(seed).gamma(4.0, 25.0, 104)
    parts = np.split(steps, range(year, 104, year)) if year else [steps]
    assert is_running_total(np.concatenate([np.cumsum(part) for part in parts]))
    assert not is_running_total(steps)
    # a stock that was there before, and a budget raised by plan
    assert not is_running_total(np.cumsum(steps) + 5000)
    assert not is_running_total(np.arange(1.0, 105.0))
    assert not is_running_total(np.repeat([0.0, 100, 220, 300], 26))


@pytest.mark.parametrize(
    ("column", "words"), [("revenue", "the outcome"), ("search_spend", "'search'")]
)
def test_a_running_total_is_a_warning(national, column, words):
    study, frame = national
    frame["revenue"] *= 100
    frame[column] = frame[column].cumsum()
    found = [one for one in findings_of(study, frame) if one.check == "running_total"]
    assert [words in one.message and column in one.where for one in found] == [True]


def test_a_control_that_is_the_outcome_is_refused(national):
    study, frame = national
    frame["price"] = 3.0 + frame["revenue"] / 7
    (finding,) = findings_of(study, frame)
    assert (finding.check, finding.severity) == ("control_is_outcome", Severity.ERROR)
    noise = np.random.default_rng(1).normal(size=len(frame)) * frame["price"].std()
    near = frame.assign(price=frame["price"] + 0.1 * noise)
    assert only(study, near).check == "control_is_outcome"
    assert findings_of(study, frame.assign(price=frame["price"] + 0.2 * noise)) == []


def test_spend_that_is_a_part_of_the_outcome_is_a_warning(by_geo):
    study, frame = by_geo
    frame["search_spend"] = (0.01 * frame["orders"]).round(2)
    finding = only(study, frame)
    assert finding.check == "spend_is_outcome"
    assert "'search'" in finding.message


def test_rows_pasted_twice_are_named_with_their_dates(by_geo):
    study, frame = by_geo
    for region in ("north", "south", "west"):
        rows = frame.index[frame["region"] == region]
        frame.loc[rows[40:55], "orders"] = frame.loc[rows[10:25], "orders"].to_numpy()
    finding = only(study, frame)
    assert finding.check == "rows_repeated"
    assert "(2022-10-10, north)" in finding.where
    assert "15 periods from 2022-10-10 to 2023-01-16" in finding.message
    assert "of 2022-03-14 to 2022-06-20 again" in finding.message


@given(st.lists(st.integers(0, 3), min_size=0, max_size=40))
def test_the_longest_repeat_is_that_of_every_pair_of_stretches(start):
    codes = np.array([*start, *range(10, 24), *start, *range(10, 24)])
    found = longest_repeat(codes)
    assert found is not None
    first, again, length = found
    assert np.array_equal(codes[first : first + length], codes[again : again + length])
    assert length >= len(start) + 14
    assert longest_repeat(np.arange(60)) is None
    # few numbers that come again by chance are no rows pasted twice
    assert longest_repeat(np.array(start * 3)) is None


@pytest.mark.parametrize("zeros", [[50, 51, 52], [102, 103], [10, 70]])
def test_zeros_of_an_outcome_of_one_size_are_one_finding(national, zeros):
    study, frame = national
    frame.loc[zeros, "revenue"] = 0.0
    finding = only(study, frame)
    assert finding.check == "zero_outcome"
    assert f"row {zeros[0]} (" in finding.where
    assert f"exactly 0 in {len(zeros)} of 104 rows" in finding.message
    assert (f"to row {zeros[-1]} (" in finding.message) == (zeros[-1] - zeros[0] < 5)
    assert ("cut the data" in finding.remedy) == (zeros[-1] == 103)


def test_zeros_of_small_counts_and_of_scattered_sales_are_how_they_come():
    rng = np.random.default_rng(2)
    assert not odd_zeros(rng.poisson(3.0, 200)).any()
    assert not odd_zeros(rng.lognormal(3.0, 1.5, 200) * (rng.random(200) > 0.1)).any()
    assert not odd_zeros(rng.normal(100, 9, 200) * (rng.random(200) > 0.5)).any()
    assert odd_zeros(np.r_[rng.normal(100, 9, 199), 0.0]).sum() == 1


@pytest.mark.parametrize(
    ("cells", "warned"),
    [
        ([f"{20 + i}.{100 + 7 * i}" for i in range(50)], True),
        (["512", "0", *(f"{20 + i}.{100 + 7 * i}" for i in range(48))], True),
        ([f"{20 + i}.{10 + i}" for i in range(50)], False),
        (["0.512", *(f"{20 + i}.{100 + 7 * i}" for i in range(49))], False),
        ([str(200 + i) for i in range(50)], False),
    ],
)
def test_points_that_part_thousands_are_a_warning(national, tmp_path, cells, warned):
    from mmm.data.table import read_table

    study, frame = national
    frame = frame.head(50).assign(search_spend=cells)
    frame.to_csv(tmp_path / "data.csv", index=False)
    seen = observe(study, read_table(tmp_path / "data.csv"))
    found = [one for one in run_checks(seen) if one.check == "points_as_thousands"]
    assert len(found) == warned
    for one in found:
        assert "column 'search_spend', row " in one.where
