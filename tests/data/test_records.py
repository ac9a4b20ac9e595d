"""Records of opportunities: what they become, and what is refused with its row and fix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.config.lag import LagRecords
from mmm.data.records import State, load_records
from mmm.errors import InputError, Severity

SOURCE = {
    "file": "deals.csv", "opened": "start", "closed": "end",
    "won": {"column": "stage", "value": "Won"},
}  # fmt: skip
WON = [f"2024-01-{day:02d},2024-02-{day:02d},Won,100" for day in range(1, 21)]


@pytest.fixture
def read(tmp_path):
    """Twenty won deals of 31 days, then `rows` (opened, closed, stage, amount)."""

    def load(*rows: str, **changes):
        text = "\n".join(["start,end,stage,amount", *WON, *rows])
        (tmp_path / "deals.csv").write_text(text, encoding="utf-8")
        return load_records(LagRecords.model_validate(SOURCE | changes), tmp_path)

    return load


def test_open_won_and_lost_are_told_apart(read):
    records, findings = read("2024-03-01,2024-03-11,Lost,", "2024-03-02,,Proposal,", value="amount")
    assert findings == ()
    assert records.state.tolist() == [State.WON] * 20 + [State.LOST, State.OPEN]
    # the last date seen is the one on which the records were drawn
    assert records.days.tolist() == [31.0] * 20 + [10.0, 9.0]
    assert records.value[:20].tolist() == [100.0] * 20
    assert np.isnan(records.value[20:]).all()


def test_what_has_not_begun_is_left_out_and_named(read):
    records, (finding,) = read(",,Prospecting,", ",,Prospecting,")
    assert len(records.days) == 20
    assert finding.severity is Severity.INFO
    assert finding.message == "2 records are not opened yet and left out."


def test_the_day_they_were_drawn_may_be_stated(read):
    records, _ = read("2024-03-01,,Proposal,", as_of="2024-04-10")
    assert records.days[-1] == 40.0


def test_several_words_may_mean_won_and_groups_are_kept(read):
    won = {"column": "stage", "value": ["Won", "Signed"]}
    records, _ = read("2024-03-01,2024-03-11,Signed,", won=won, group="amount")
    assert records.state[-1] == State.WON
    assert set(records.group) == {"100", ""}
    assert len(records.of_group("100").days) == 20


def test_dates_may_be_written_otherwise(tmp_path):
    frame = pd.DataFrame({"start": ["31-01-24"] * 20, "end": ["01-03-24"] * 20, "stage": "Won"})
    frame.to_csv(tmp_path / "deals.csv", index=False)
    source = LagRecords.model_validate(SOURCE | {"date_format": "%d-%m-%y"})
    records, _ = load_records(source, tmp_path)
    assert set(records.days) == {30.0}


def test_parquet_holds_real_dates(tmp_path):
    starts = pd.date_range("2024-01-01", periods=20)
    frame = pd.DataFrame({"start": starts, "end": starts + pd.Timedelta(days=7), "stage": "Won"})
    frame.loc[20] = [pd.Timestamp("2024-02-01"), pd.NaT, "Open"]
    frame.to_parquet(tmp_path / "deals.parquet")
    source = LagRecords.model_validate(SOURCE | {"file": "deals.parquet"})
    records, _ = load_records(source, tmp_path)
    assert records.state[-1] == State.OPEN
    assert set(records.days) == {7.0, 0.0}


@pytest.mark.parametrize(
    ("row", "changes", "where", "says"),
    [
        ("2024-03-05,2024-03-01,Lost,", {}, "'end', row 22", "closed before it was opened"),
        (",2024-03-01,Lost,", {}, "'start', row 22", "closed and never opened"),
        ("2024-03-05,,Won,", {}, "'end', row 22", "won and has no date"),
        ("2024-03-05,,Lead,", {"as_of": "2024-03-01"}, "'start', row 22", "after the records were"),
        ("5/3/24,,Lead,", {}, "'start', row 22", "state 'date_format', as %d-%m-%y"),
        ("2024-03-05,,Lead,", {"date_format": "%d-%m-%y"}, "'start', row 2", "not a date written"),
        ("2024-03-01,2024-03-05,Won,", {"value": "amount"}, "'amount', row 22", "no value"),
        ("", {"opened": "begin"}, "column 'begin'", "lag.records.opened names it"),
        ("", {"group": "stag"}, "column 'stag'", "Did you mean 'stage'?"),
        ("", {"won": {"column": "stage", "value": "won"}}, "'stage'", "0 records are won"),
        ("", {"file": "none.csv"}, "none.csv", "Check 'lag.records.file'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(read, row, changes, where, says):
    with pytest.raises(InputError) as refused:
        read(row, **changes)
    finding = refused.value.findings[0]
    assert finding.severity is Severity.ERROR
    assert where in finding.where
    assert says in f"{finding.message} {finding.remedy}"
