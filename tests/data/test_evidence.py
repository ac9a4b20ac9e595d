"""Experiments: read, placed in the panel, converted to lifts, and refused with row and fix."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from mmm.config.channel import register_adstock_name
from mmm.data.evidence import load_experiments
from mmm.data.experiment import Experiment, experiments_from_json, experiments_to_json
from mmm.data.load import panel_from_frame
from mmm.data.tested import inflated_error, media_tested, period_of
from mmm.errors import InputError, Severity

HEAD = "channel,start,end,spend_change,lift,standard_error"


@pytest.fixture
def read(national, by_geo, tmp_path):
    """Reads experiments given as text, of the national study or the one by geo."""

    def load(text: str, geos: bool = False, **changes):
        study, frame = by_geo if geos else national
        (tmp_path / "tests.csv").write_text(text, encoding="utf-8")
        panel, _ = panel_from_frame(study, frame)
        study = type(study).model_validate(
            study.model_dump() | {"experiments": "tests.csv"} | changes
        )
        found, findings = load_experiments(study, panel, tmp_path)
        return found, findings, panel

    return load


def row(text: str) -> str:
    """One row under the required columns."""
    return f"{HEAD}\n{text}\n"


def test_a_study_without_experiments_has_none(national, tmp_path):
    study, frame = national
    panel, _ = panel_from_frame(study, frame)
    assert load_experiments(study, panel, tmp_path) == ((), ())
    assert panel.experiments == ()


def test_a_row_is_read(read):
    (one,), findings, _ = read(row("search,2022-06-06,2022-07-03,-100,-40,12.5"))
    assert one == Experiment(
        "search 2022-06-06", ("search",), (), date(2022, 6, 6), date(2022, 7, 3),
        date(2022, 7, 3), -100.0, -40.0, 12.5, (1.0,),
    )  # fmt: skip
    assert findings == ()


def test_what_else_a_row_may_say(read):
    text = (
        f"{HEAD},name,geos,measured_until,mismatch,in_data,hold_back\n"
        "tv; search,2022-06-06,2022-06-27,30,0,5,pooled,north; west,2022-08-01,1.5,true,no\n"
        "tv,2022-06-06,2022-06-27,30,-4,5,,north;south;west,,,,TRUE\n"
    )
    (pooled, held), _, panel = read(text, geos=True)
    assert (pooled.name, pooled.channels, pooled.geos) == (
        "pooled", ("tv", "search"), ("north", "west"),
    )  # fmt: skip
    assert (pooled.until, pooled.mismatch, pooled.in_data) == (date(2022, 8, 1), 1.5, True)
    assert held.geos == () and held.hold_back and not pooled.hold_back
    spend, media = (float(panel.dataset[n].sel(channel="tv").sum()) for n in ("spend", "media"))
    assert pooled.prices == (pytest.approx(spend / media), 1.0)
    assert experiments_from_json(experiments_to_json((pooled, held))) == (pooled, held)


def test_returns_and_costs_become_lifts(read):
    text = (
        f"{HEAD},unit\n"
        "tv,2022-06-06,2022-07-03,-60,2.0,0.5,roi\n"
        "search,2022-06-06,2022-07-03,60,5.0,0.5,cost_per_outcome\n"
    )
    (roi, cost), _, panel = read(text, geos=True)
    value = panel.dataset["value_per_unit"].values.mean()
    assert (roi.lift, roi.standard_error) == pytest.approx((-120 / value, 30 / value))
    assert (cost.lift, cost.standard_error) == pytest.approx((12.0, 1.2))


def test_media_moves_in_proportion_where_it_ran(read):
    (one,), _, panel = read(f"{HEAD},geos\ntv,2022-06-06,2022-06-27,-90,-4,5,north;west\n", True)
    seen, data = media_tested(one, panel), panel.dataset
    assert (seen.inside, seen.start, seen.stop, seen.until, seen.years) == (True, 22, 26, 26, 0.0)
    media = data["media"].sel(geo=["north", "west"], channel="tv").values[22:26]
    spend = data["spend"].sel(geo=["north", "west"], channel="tv").values[22:26]
    np.testing.assert_allclose(seen.change[:, :, 0], -90 / spend.sum() * media)
    np.testing.assert_allclose(seen.base[:, :, 0], media)
    turned = media_tested(replace(one, in_data=True), panel)
    np.testing.assert_allclose(turned.change, -seen.change)
    assert (seen.sign, turned.sign) == (1.0, -1.0)


def test_where_nothing_ran_money_is_spread_by_size(by_geo, read):
    study, frame = by_geo
    dark = frame["week"].between("2022-06-06", "2022-06-27") & (frame["region"] != "south")
    frame.loc[dark, ["tv_spend", "tv_grps"]] = 0.0
    panel, _ = panel_from_frame(study, frame)
    one = Experiment(
        "dark", ("tv",), ("north", "west"), date(2022, 6, 6), date(2022, 7, 3), date(2022, 7, 17),
        -800.0, -4.0, 5.0, (0.5,), in_data=True,
    )  # fmt: skip
    seen = media_tested(one, panel)
    # 1,000 and 3,000 people: a quarter and three quarters of 200 a week, at 0.5 each
    np.testing.assert_allclose(seen.change[:4, :, 0], [[100.0, 300.0]] * 4)
    assert not seen.change[4:].any() and len(seen.change) == 6
    with pytest.raises(ValueError, match="800 cannot be taken from the 0 that was spent"):
        media_tested(replace(one, in_data=False), panel)


def test_a_test_apart_is_read_in_a_steady_state_and_ages(read):
    (one,), (said,), panel = read(row("search,2020-12-28,2021-01-24,100,40,10"))
    seen = media_tested(one, panel)
    active = panel.dataset["media"].sel(channel="search").values.mean()
    np.testing.assert_allclose(seen.base[:, 0, 0], active)
    np.testing.assert_allclose(seen.change[:, 0, 0], 25.0)
    assert not seen.inside and len(seen.base) == 4
    weeks = (date(2022, 1, 3) - date(2021, 1, 18)).days / 7
    assert seen.years == pytest.approx(weeks / panel.periods_per_year)
    assert inflated_error(replace(one, mismatch=2.0), seen) == pytest.approx(
        20 * 1.25**seen.years
    )  # fmt: skip
    assert said.severity is Severity.INFO and "1.24, for 1.0 years" in said.message
    # a channel that ran at less, or not at all, is taken to have run at what was cut
    dark = replace(panel, dataset=panel.dataset.assign(
        spend=0.0 * panel.dataset["spend"], media=0.0 * panel.dataset["media"]))  # fmt: skip
    for known in (panel, dark):
        whole = media_tested(replace(one, spend_change=-4000.0), known)
        np.testing.assert_allclose(whole.base, 1000.0)
        np.testing.assert_allclose(whole.change, -1000.0)


@pytest.mark.parametrize(
    ("day", "period"),
    [("2022-01-03", 0), ("2022-01-09", 0), ("2022-01-02", -1), ("2021-12-27", -1),
     ("2021-01-04", -52), ("2023-12-31", 103), ("2024-01-01", 104), ("2024-12-30", 156)],
)  # fmt: skip
def test_days_lie_in_periods(national, day, period):
    panel, _ = panel_from_frame(*national)
    assert period_of(panel, date.fromisoformat(day)) == period


def test_a_window_keeps_what_was_known_by_its_end(read):
    text = (
        f"{HEAD}\ntv,2022-02-07,2022-03-06,9,1,1\ntv,2023-02-06,2023-03-05,9,1,1\n"
        "tv,2024-02-05,2024-03-03,9,1,1\n"
    )
    found, _, panel = read(text)
    whole = replace(panel, experiments=found)
    assert whole.window(0, 61).experiments == found[:2]
    assert whole.window(0, 60).experiments == found[:1]
    assert whole.window(60, 104).experiments == found


def test_a_data_frame_brings_its_experiments(national):
    study, frame = national
    rows = pd.DataFrame(
        {"channel": ["tv"], "start": pd.to_datetime(["2022-06-06"]), "end": ["2022-07-03"],
         "spend_change": [-50], "lift": [0], "standard_error": [3.0]}
    )  # fmt: skip
    panel, _ = panel_from_frame(study, frame, experiments=rows)
    assert [one.name for one in panel.experiments] == ["tv 2022-06-06"]
    with pytest.raises(InputError, match="Pass the experiments as a data frame too"):
        panel_from_frame(study.model_copy(update={"experiments": "tests.csv"}), frame)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("channel,start,end,lift,standard_error\ntv,2022-06-06,2022-07-03,1,1\n",
         "column 'spend_change'", "no such column"),
        (HEAD + ",geo\ntv,2022-06-06,2022-07-03,9,1,1,north\n", "column 'geo'",
         "Did you mean 'geos'?"),
        (HEAD + "\n", "tests.csv", "holds no rows"),
        (row("tvv,2022-06-06,2022-07-03,9,1,1"), "column 'channel', row 2", "Did you mean 'tv'?"),
        (row(",2022-06-06,2022-07-03,9,1,1"), "column 'channel'", "names no channel"),
        (row("tv;tv,2022-06-06,2022-07-03,9,1,1"), "column 'channel'", "named twice"),
        (row("tv,soon,2022-07-03,9,1,1"), "column 'start', row 2", "'soon' is not a date"),
        (row("tv,2022-06-06,,9,1,1"), "column 'end', row 2", "missing"),
        (row("tv,2022-07-06,2022-07-03,9,1,1"), "column 'end'", "ends before it starts"),
        (row("tv,2022-06-06,2022-07-03,x,1,1"), "column 'spend_change'", "not a number"),
        (row("tv,2022-06-06,2022-07-03,0,1,1"), "column 'spend_change'", "nothing was tested"),
        (row("tv,2022-06-06,2022-07-03,9,,1"), "column 'lift'", "not a number"),
        (row("tv,2022-06-06,2022-07-03,9,1,0"), "column 'standard_error'", "above 0"),
        (row("tv,2022-06-06,2022-07-03,-9e9,1,1"), "column 'spend_change'", "set 'in_data'"),
        (HEAD + ",geos\ntv,2022-06-06,2022-07-03,9,1,1,wales\n", "column 'geos'",
         "leave 'geos' empty"),
        (HEAD + ",unit\ntv,2022-06-06,2022-07-03,9,1,1,cpa\n", "column 'unit'", "no unit 'cpa'"),
        (HEAD + ",unit\ntv,2022-06-06,2022-07-03,9,-1,1,cost_per_outcome\n", "column 'lift'",
         "State what was found"),
        (HEAD + ",mismatch\ntv,2022-06-06,2022-07-03,9,1,1,0.5\n", "'mismatch'", "at least 1"),
        (HEAD + ",hold_back\ntv,2022-06-06,2022-07-03,9,1,1,maybe\n", "'hold_back'", "'maybe'"),
        (HEAD + ",measured_until\ntv,2022-06-06,2022-07-03,9,1,1,2022-06-30\n",
         "'measured_until'", "before the test's end"),
        (HEAD + ",in_data\ntv,2021-06-07,2021-07-04,9,1,1,true\n", "'in_data'", "not within"),
        (row("tv,2022-06-06,2022-07-03,9,1,1\ntv,2022-06-06,2022-07-03,9,1,1"),
         "column 'channel', row 3", "stated in row 2 already"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(read, text, where, says):
    with pytest.raises(InputError) as refused:
        read(text)
    (finding,) = refused.value.findings
    assert where in finding.where
    assert says in f"{finding.message} {finding.remedy}"


def test_channels_that_no_test_can_inform_are_refused_unless_held_back(read, national):
    study, _ = national
    channels = study.model_dump()["channels"]
    text = f"{HEAD},hold_back\ntv,2022-06-06,2022-07-03,9,1,1,%s\n"
    paths = [{"name": "brand search", "column": "price", "drivers": ["tv"]}]
    register_adstock_name("ours")
    own = [channels[0] | {"adstock": "ours", "lag": None}, channels[1]]
    for changes, says in (({"paths": paths, "controls": []}, "paths"), ({"channels": own}, "ours")):
        with pytest.raises(InputError, match=says):
            read(text % "", **changes)
        assert read(text % "true", **changes)[0][0].hold_back
    free = [channels[0] | {"spend": None}, channels[1]]
    with pytest.raises(InputError, match="has no cost"):
        read(text % "true", channels=free)
