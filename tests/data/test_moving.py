"""Channels declared time-varying on data that cannot show it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.config import Study
from mmm.data.checks import moving, run_checks
from mmm.data.observations import observe
from mmm.data.table import table_from_frame
from mmm.errors import Finding, Severity


def declared(study: Study, *names: str) -> Study:
    channels = tuple(
        channel.model_copy(update={"time_varying": channel.name in names})
        for channel in study.channels
    )
    return study.model_copy(update={"channels": channels})


def findings_of(study: Study, frame: pd.DataFrame) -> list[Finding]:
    """What the checks of movement find; each is a warning with a remedy, and all are run."""
    observations = observe(study, table_from_frame(frame, "data frame"))
    found = [finding for check in moving.CHECKS for finding in check(observations)]
    assert all(f.severity is Severity.WARNING and f.remedy for f in found)
    assert set(found) <= set(run_checks(observations))
    return found


def test_two_years_of_varied_spend_pass(national, by_geo):
    for study, frame in (national, by_geo):
        assert findings_of(declared(study, "tv"), frame) == []


@pytest.mark.parametrize("periods", [51, 52])
def test_about_a_year_is_needed(national, periods):
    study, frame = national
    found = findings_of(declared(study, "search"), frame.iloc[:periods])
    assert [f.check for f in found] == ["moving_short"] * (periods < 52)
    for finding in found:
        assert finding.where == "study 'shop': channels[1].time_varying"
        assert "51 weeks" in finding.message
        assert "search" in finding.message


@pytest.mark.parametrize(
    ("frequency", "periods", "expected"),
    [
        ("MS", 30, []),
        ("D", 364, []),
        ("D", 100, ["moving_short"]),
        ("YS", 60, ["moving_yearly"]),
        # too few periods for any model is an error of its own
        ("W-MON", 19, []),
    ],
)
def test_time_is_counted_in_weeks_whatever_the_period(national, frequency, periods, expected):
    study, frame = national
    frame = pd.concat([frame] * 4, ignore_index=True).iloc[:periods]
    frame["week"] = pd.date_range("1950-01-01", periods=periods, freq=frequency)
    assert [f.check for f in findings_of(declared(study, "tv"), frame)] == expected


@pytest.mark.parametrize(("last", "quarters"), [(38, 3), (39, 4)])
def test_four_active_quarters_are_needed(national, last, quarters):
    study, frame = national
    frame.loc[last + 1 :, "search_spend"] = 0.0
    assert frame.loc[last, "week"].quarter == (quarters - 1) % 4 + 1
    found = findings_of(declared(study, "search"), frame)
    assert [f.check for f in found] == ["moving_rarely_active"] * (quarters < 4)
    for finding in found:
        assert finding.where.endswith("column 'search_spend'")
        assert f"active in {quarters} of 8 quarters" in finding.message


@pytest.mark.parametrize(("spread", "steady"), [(0.05, True), (0.2, False)])
def test_steady_spend_cannot_show_movement(by_geo, spread, steady):
    study, frame = by_geo
    level = frame["region"].map({"north": 1.0, "south": 1000.0, "west": 0.0})
    wave = 1.0 + spread * np.where(np.arange(len(frame)) % 2, 1.0, -1.0)
    frame["search_spend"] = level * wave
    found = findings_of(declared(study, "search"), frame)
    # levels that differ between geos are no variation over time
    assert [f.check for f in found] == ["moving_steady"] * steady
    for finding in found:
        assert "hardly varies itself (5% around its mean)" in finding.message
    assert findings_of(declared(study, "tv"), frame) == []


def test_all_channels_moving_is_one_warning(national):
    study, frame = national
    (finding,) = findings_of(declared(study, "tv", "search"), frame)
    assert finding.check == "all_moving"
    assert "all 2 channels" in finding.message
    alone = study.model_copy(update={"channels": declared(study, "tv").channels[:1]})
    assert findings_of(alone, frame) == []


def test_a_constant_or_unreadable_channel_has_its_finding_elsewhere(national):
    study, frame = national
    study = declared(study, "search")
    assert findings_of(study, frame.assign(search_spend=5.0)) == []
    assert findings_of(study, frame.assign(search_spend="much")) == []
    assert findings_of(study, frame.drop(columns="search_spend")) == []
    assert findings_of(study, frame.drop(columns="week")) == []
