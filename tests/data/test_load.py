"""Files and frames become the panel they say, whatever the order of their rows."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmm.data.load import load_panel, panel_from_frame
from mmm.errors import InputError

# the fixtures give a new frame a test, and no example changes it in place
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refusal(study, frame, **options) -> str:
    with pytest.raises(InputError) as refused:
        panel_from_frame(study, frame, **options)
    return str(refused.value)


def test_a_valid_national_frame_has_no_findings(national):
    study, frame = national
    panel, findings = panel_from_frame(study, frame)
    assert findings == ()
    assert panel.frequency == "W-MON"
    assert panel.geos == ("national",)
    data = panel.dataset
    np.testing.assert_array_equal(data["outcome"].values[:, 0], frame["revenue"])
    np.testing.assert_array_equal(data["spend"].sel(channel="tv").values[:, 0], frame["tv_spend"])
    # the response is a function of exposure where there is one, else of spend
    np.testing.assert_array_equal(data["media"].sel(channel="tv").values[:, 0], frame["tv_grps"])
    np.testing.assert_array_equal(
        data["media"].sel(channel="search").values[:, 0], frame["search_spend"]
    )
    np.testing.assert_array_equal(
        data["controls"].sel(control="price").values[:, 0], frame["price"]
    )
    assert (data["value_per_unit"] == 1.0).all()
    assert "population" not in data


def test_a_geo_frame_keeps_each_number_in_its_cell(by_geo):
    study, frame = by_geo
    panel, _ = panel_from_frame(study, frame)
    assert panel.geos == ("north", "south", "west")
    data = panel.dataset
    for row in frame.sample(40, random_state=1).itertuples():
        cell = data.sel(date=row.week, geo=row.region)
        assert float(cell["outcome"]) == row.orders
        assert float(cell["value_per_unit"]) == row.basket
        assert float(cell["media"].sel(channel="tv")) == row.tv_grps
        assert float(cell["population"]) == row.people


def test_frame_csv_and_parquet_give_the_same_panel(by_geo, tmp_path):
    study, frame = by_geo
    expected, _ = panel_from_frame(study, frame)
    frame.to_csv(tmp_path / "data.csv", index=False, encoding="utf-8-sig")
    frame.to_parquet(tmp_path / "data.parquet")
    for file in ("data.csv", "data.parquet"):
        source = study.data.model_copy(update={"file": file})
        panel, _ = load_panel(study.model_copy(update={"data": source}), tmp_path)
        xr.testing.assert_identical(panel.dataset, expected.dataset)
        assert panel.frequency == expected.frequency


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32 - 1))
def test_shuffled_rows_change_nothing(by_geo, seed):
    study, frame = by_geo
    expected, findings = panel_from_frame(study, frame)
    shuffled = frame.sample(frac=1.0, random_state=seed)
    panel, same = panel_from_frame(study, shuffled[list(reversed(frame.columns))])
    xr.testing.assert_identical(panel.dataset, expected.dataset)
    assert (panel.frequency, len(same)) == (expected.frequency, len(findings))


def test_empty_cells_are_zero_only_where_declared(national):
    study, frame = national
    frame.loc[[3, 8], "search_spend"] = np.nan
    message = refusal(study, frame)
    assert "column 'search_spend', row 3 (2022-01-24): the cell is empty" in message
    assert "row 8 (2022-02-28)" in message
    assert "'off_when_missing: true' on channels[1]" in message
    tv, search = study.channels
    off = search.model_copy(update={"off_when_missing": True})
    panel, findings = panel_from_frame(study.model_copy(update={"channels": (tv, off)}), frame)
    assert findings == ()
    spend = panel.dataset["spend"].sel(channel="search")[:, 0]
    assert float(spend[3]) == 0.0
    assert float(spend.sum()) == pytest.approx(frame["search_spend"].sum())


def test_a_word_for_an_empty_cell_is_named(national):
    study, frame = national
    frame = frame.astype({"search_spend": object})
    frame.loc[3, "search_spend"] = "n/a"
    assert "'n/a' stands for an empty cell." in refusal(study, frame)


def test_a_row_that_is_no_period_is_to_be_dropped(national):
    study, frame = national
    frame["week"] = frame["week"].dt.strftime("%Y-%m-%d")
    frame.loc[103, "week"] = "Total"
    message = refusal(study, frame)
    assert "row 103: 'Total' is not a date." in message
    assert "Drop rows that are no period" in message


@pytest.mark.parametrize("name", ["data.csv", "data.xlsx", "data.xls"])
def test_a_workbook_is_said_to_be_one(national, tmp_path, name):
    study, _ = national
    (tmp_path / name).write_bytes(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xff\xfe")
    source = study.data.model_copy(update={"file": name})
    with pytest.raises(InputError, match=r"workbook.*Save the sheet as 'CSV UTF-8'"):
        load_panel(study.model_copy(update={"data": source}), tmp_path)


def test_off_when_missing_does_not_excuse_text(national):
    study, frame = national
    channels = tuple(each.model_copy(update={"off_when_missing": True}) for each in study.channels)
    frame = frame.astype({"search_spend": object})
    frame.loc[5, "search_spend"] = "off"
    assert "'off' is not a number" in refusal(
        study.model_copy(update={"channels": channels}), frame
    )


@pytest.mark.parametrize(
    "cell", ["12", "1,234.5", "1_000", "0x10", "€5", True, dt.date(2024, 1, 1)]
)
def test_nothing_in_a_frame_is_coerced_to_a_number(national, cell):
    study, frame = national
    frame = frame.astype({"price": object})
    frame.loc[5, "price"] = cell
    assert f"'{cell}' is not a number" in refusal(study, frame)


def test_decimals_and_nullable_numbers_are_numbers(national):
    study, frame = national
    expected, _ = panel_from_frame(study, frame)
    frame["price"] = [Decimal(str(value)) for value in frame["price"]]
    frame["tv_spend"] = frame["tv_spend"].astype("Float64")
    panel, _ = panel_from_frame(study, frame)
    xr.testing.assert_allclose(panel.dataset, expected.dataset, rtol=1e-15)


@pytest.mark.parametrize("text", ["1,234.5", "1_000", "12 €", "0x10", "١٢", "true", "1e", "--1"])
def test_text_in_a_csv_number_is_named_with_its_line(national, tmp_path, text):
    study, frame = national
    frame = frame.astype({"revenue": object})
    frame.loc[9, "revenue"] = text
    frame.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(InputError) as refused:
        load_panel(study, tmp_path)
    # ten rows down, and the header is line 1
    assert f"column 'revenue', row 11 (2022-03-07): '{text}' is not" in str(refused.value)


def test_lines_are_counted_as_an_editor_does(national, tmp_path):
    study, frame = national
    text = frame.assign(note="x", price=frame["price"].astype(object)).to_csv(index=False)
    lines = text.splitlines()
    lines[2] = lines[2].removesuffix("x") + '"two\nlines"'
    lines[4:4] = [""]
    lines[6] = lines[6].replace(",x", "").rpartition(",")[0] + ",abc,x"
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    written = (tmp_path / "data.csv").read_text(encoding="utf-8").splitlines()
    bad = next(number for number, line in enumerate(written, 1) if "abc" in line)
    with pytest.raises(InputError) as refused:
        load_panel(study, tmp_path)
    assert f"column 'price', row {bad} (" in str(refused.value)


DATES = {
    "iso": lambda date: f"{date:%Y-%m-%d}",
    "timestamp": lambda date: f"{date:%Y-%m-%d} 00:00:00",
    "t": lambda date: f"{date:%Y-%m-%d}T00:00",
    "basic": lambda date: f"{date:%Y%m%d}",
    "date": lambda date: date.date(),
}


@pytest.mark.parametrize("form", DATES)
def test_unambiguous_dates_are_read(national, form):
    study, frame = national
    expected, _ = panel_from_frame(study, frame)
    frame["week"] = pd.Series([DATES[form](date) for date in frame["week"]], dtype=object)
    panel, _ = panel_from_frame(study, frame)
    xr.testing.assert_identical(panel.dataset, expected.dataset)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("03/01/2022", "'03/01/2022' is not a date"),
        ("2022-02-30", "is not a date"),
        ("2022-01-31 13:00", "'2022-01-31 13:00' has a time of day"),
        ("04 Jan 2022", "'04 Jan 2022' is not a date"),
        ("", "the date is missing"),
        (None, "the date is missing"),
        (44000, "44000 is not a date"),
        (1.5, "1.5 is not a date"),
        ("0202-01-31", "is outside the years 1800 to 2200"),
        (pd.Timestamp("2022-01-31", tz="UTC"), "has a time zone"),
        (dt.datetime(2022, 1, 31, 5), "has a time of day"),
    ],
)
def test_other_dates_are_named_and_never_guessed(national, cell, says):
    study, frame = national
    frame = frame.astype({"week": object})
    frame.loc[4, "week"] = cell
    message = refusal(study, frame)
    assert message.startswith("data frame: column 'week', row 4: ")
    assert says in message
    assert "YYYY-MM-DD" in message
    # one wrong date says nothing of gaps, duplicates or too few periods
    assert "\n" not in message


def test_the_index_is_offered_where_the_date_is_in_it(national):
    study, frame = national
    assert "reset_index()" in refusal(study, frame.set_index("week"))


CELLS = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.decimals(allow_nan=False),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["1e999", "-0", "NaN", "9999-12-31", "2022-W05", "1800", pd.NaT, pd.NA]),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    edits=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 103), CELLS), min_size=1, max_size=8)
)
def test_whatever_is_in_the_cells_is_read_or_refused(national, tmp_path_factory, edits):
    study, frame = national
    frame = frame.astype(object)
    for column, row, cell in edits:
        frame.loc[row, frame.columns[column]] = cell
    path = tmp_path_factory.mktemp("cells")
    frame.to_csv(path / "data.csv", index=False)
    for read in (lambda: panel_from_frame(study, frame), lambda: load_panel(study, path)):
        with suppress(InputError):
            panel, _ = read()
            assert all(np.isfinite(values).all() for values in panel.dataset.values())


def test_the_panel_is_frozen(national):
    panel, _ = panel_from_frame(*national)
    with pytest.raises(ValueError, match="read-only"):
        panel.dataset["outcome"].values[0, 0] = 1.0


def test_a_study_without_a_file_says_so(national, tmp_path):
    study, _ = national
    source = study.data.model_copy(update={"file": None})
    with pytest.raises(InputError, match=r"file: data\.csv"):
        load_panel(study.model_copy(update={"data": source}), tmp_path)
