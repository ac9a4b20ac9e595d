"""Warnings, and that one problem gives one finding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.config import Channel, Study
from mmm.data.checks import CHECKS, run_checks
from mmm.data.checks.outcome import robust_scores
from mmm.data.checks.study import parameter_count
from mmm.data.load import panel_from_frame
from mmm.data.observations import observe
from mmm.data.table import table_from_frame
from mmm.errors import Finding, InputError, Severity


def findings_of(study: Study, frame: pd.DataFrame) -> tuple[Finding, ...]:
    return run_checks(observe(study, table_from_frame(frame, "data frame")))


def only(study: Study, frame: pd.DataFrame, severity: Severity = Severity.WARNING) -> Finding:
    (finding,) = findings_of(study, frame)
    assert finding.severity is severity
    assert finding.remedy
    return finding


def moving(study: Study, *names: str) -> Study:
    channels = tuple(
        channel.model_copy(update={"time_varying": channel.name in names})
        for channel in study.channels
    )
    return study.model_copy(update={"channels": channels})


def with_likelihood(case, likelihood: str) -> tuple[Study, pd.DataFrame]:
    study, frame = case
    inference = study.inference.model_copy(update={"likelihood": likelihood})
    return study.model_copy(update={"inference": inference}), frame


def test_spend_without_exposure_and_the_reverse(national):
    study, frame = national
    frame.loc[[4, 9], "tv_grps"] = 0.0
    frame.loc[30, "tv_spend"] = 0.0
    forth, back = findings_of(study, frame.iloc[::-1])
    assert forth.check == "spend_without_exposure"
    assert "in 2 of 104 rows" in forth.message
    # first by date, whatever the order of the rows
    assert "column 'tv_spend', row 4 (2022-01-31)" in forth.where
    assert back.check == "exposure_without_spend"
    assert "column 'tv_grps', row 30 (2022-08-01)" in back.where


@pytest.mark.parametrize(("other", "kind"), [("search_spend", "channel"), ("price", "control")])
def test_near_collinear_pairs_are_named_with_their_correlation(by_geo, other, kind):
    study, frame = by_geo
    noise = np.random.default_rng(3).normal(0, 8, len(frame))
    # differing levels by geo are not variation an effect is learned from
    level = frame["region"].map({"north": 0.0, "south": 5000.0, "west": 900.0})
    frame[other] = 2 * frame["tv_grps"] + noise + level
    correlation = np.corrcoef(
        frame["tv_grps"] - frame.groupby("region")["tv_grps"].transform("mean"),
        frame[other] - frame.groupby("region")[other].transform("mean"),
    )[0, 1]
    finding = only(study, frame)
    assert finding.check == "collinear"
    name = "search" if kind == "channel" else "price"
    assert f"'tv' moves with {kind} '{name}' (correlation {correlation:.2f})" in finding.message


def test_levels_by_geo_alone_are_not_collinear(by_geo):
    study, frame = by_geo
    level = frame["region"].map({"north": 0.0, "south": 1e6, "west": 2e6})
    frame["search_spend"] += level
    frame["price"] += level
    assert "collinear" not in {finding.check for finding in findings_of(study, frame)}


def test_a_channel_rarely_active_is_named(national):
    study, frame = national
    frame["search_spend"] = 0.0
    frame.loc[[11, 40, 41], "search_spend"] = 50.0
    finding = only(study, frame)
    assert finding.check == "rarely_active"
    assert finding.where.endswith("column 'search_spend', 2022-03-21")
    assert "active in 3 of 104 periods" in finding.message


def test_outliers_are_named_with_date_and_geo(by_geo):
    study, frame = by_geo
    frame.loc[70, "orders"] *= 3
    finding = only(study, frame)
    assert finding.check == "outlier"
    assert finding.where.endswith("column 'orders', row 70 (2022-03-14, south)")


def test_an_outcome_that_counts_a_few_is_a_warning(by_geo):
    study, frame = by_geo
    rng = np.random.default_rng(3)
    frame["tv_spend"] /= 1e4
    frame["search_spend"] /= 1e4
    frame["orders"] = rng.poisson(4.0, len(frame)).astype(float)
    found = [one for one in findings_of(study, frame) if one.check == "small_counts"]
    assert len(found) == 1
    middle = np.median(frame.groupby("region")["orders"].mean())
    assert f"counts {middle:.2g} a row" in found[0].message
    for many in (rng.poisson(40.0, len(frame)).astype(float), frame["orders"] + 0.5):
        frame["orders"] = many
        assert "small_counts" not in {one.check for one in findings_of(study, frame)}


def test_a_smooth_series_and_plain_noise_have_no_outliers():
    time = np.arange(200)
    wave = 100 + 50 * np.sin(time / 8) + time + np.random.default_rng(4).normal(size=200)
    noise = np.random.default_rng(5).normal(size=(200, 200))
    assert (abs(robust_scores(wave)) < 5).all()
    assert (abs(np.apply_along_axis(robust_scores, 1, noise)) > 5).mean() < 1e-4
    for spike in (0, 1, 77, 199):
        spiked = noise[0] + 20.0 * (time == spike)
        assert np.flatnonzero(abs(robust_scores(spiked)) > 5).tolist() == [spike]
    assert not robust_scores(np.ones(50)).any()


def test_spend_above_the_value_of_the_outcome(national):
    study, frame = national
    frame["revenue"] /= 1000
    assert only(study, frame).check == "spend_above_outcome"


def test_units_without_a_stated_value_are_not_compared_with_money(national):
    study, frame = national
    frame["revenue"] /= 1000
    outcome = study.outcome.model_copy(update={"kind": "units"})
    assert not findings_of(study.model_copy(update={"outcome": outcome}), frame)


def test_exposure_that_does_not_follow_spend(national):
    study, frame = national
    frame["tv_grps"] = np.random.default_rng(2).uniform(1, 2, len(frame))
    finding = only(study, frame)
    assert finding.check == "exposure_unrelated"
    assert "'tv'" in finding.message


def test_a_negative_outcome_is_a_warning(national):
    study, frame = national
    frame["revenue"] = np.random.default_rng(2).normal(300, 180, len(frame)).round()
    frame["revenue"] = frame["revenue"].abs()
    frame["tv_spend"] /= 100
    frame["search_spend"] /= 100
    frame.loc[6, "revenue"] = -4.0
    finding = only(study, frame)
    assert finding.check == "negative_outcome"
    assert "row 6 (2022-02-14)" in finding.where
    assert "1 of 104 rows (-4 here)" in finding.message


@pytest.mark.parametrize("likelihood", ["normal", "student_t", "lognormal"])
def test_an_outcome_without_logarithm_is_refused_by_lognormal_alone(by_geo, likelihood):
    study, frame = with_likelihood(by_geo, likelihood)
    frame.loc[[130, 74, 15], "orders"] = 0.0
    errors = [f for f in findings_of(study, frame) if f.severity is Severity.ERROR]
    assert [f.check for f in errors] == ["outcome_not_positive"] * (likelihood == "lognormal")
    for finding in errors:
        # first by date: rows 15, 74 and 130 are weeks 15, 14 and 10 of their geos
        assert finding.where.endswith("column 'orders', row 130 (2022-03-14, west)")
        assert "0 or less in 3 of 180 rows" in finding.message
        assert "normal or student_t, or aggregate" in finding.remedy


def test_a_negative_outcome_is_one_finding_under_lognormal(by_geo):
    study, frame = with_likelihood(by_geo, "lognormal")
    frame.loc[74, "orders"] = -1.0
    checks = {finding.check for finding in findings_of(study, frame)}
    assert "outcome_not_positive" in checks
    assert "negative_outcome" not in checks


def test_a_geo_without_any_outcome_is_one_finding_under_lognormal(by_geo):
    study, frame = with_likelihood(by_geo, "lognormal")
    frame.loc[frame["region"] == "south", "orders"] = 0.0
    assert only(study, frame, Severity.ERROR).check == "outcome_mean"


def test_a_positive_outcome_passes_under_lognormal(by_geo):
    assert not findings_of(*with_likelihood(by_geo, "lognormal"))


def test_few_observations_for_the_parameters(national):
    study, frame = national
    finding = only(study, frame.iloc[:40])
    assert finding.check == "few_periods"
    assert "40 observations" in finding.message


def test_parameters_are_counted(national):
    study, _ = national
    # tv: two shares, two of memory, two of the curve; search: one share less; brand memory;
    # geo, trend, price and two pairs of seasonality
    assert parameter_count(study, geos=1, yearly=False) == 6 + 5 + 1 + 1 + 1 + 1 + 4
    assert parameter_count(study, geos=3, yearly=True) == 6 + 5 + 1 + 3 + 1 + 1
    robust = study.inference.model_copy(update={"likelihood": "student_t"})
    study = moving(study, "tv").model_copy(update={"inference": robust})
    assert parameter_count(study, geos=3, yearly=True) == 6 + 5 + 1 + 3 + 1 + 1 + 2


def test_yearly_data_is_found_and_not_asked_for_a_season(national):
    study, frame = national
    frame["week"] = pd.date_range("1900-01-01", periods=104, freq="YS")
    panel, findings = panel_from_frame(study, frame)
    assert findings == ()
    assert panel.frequency == "YS-JAN"


def test_a_missing_column_silences_other_checks_on_it(national):
    study, frame = national
    finding = only(study, frame.rename(columns={"tv_spend": "tv_spnd"}), Severity.ERROR)
    assert finding.check == "missing_column"
    assert "channels[0].spend" in finding.message
    assert finding.remedy == "Did you mean 'tv_spnd'?"


def test_a_column_that_the_study_uses_already_is_not_offered(national):
    study, frame = national
    finding = only(study, frame.rename(columns={"tv_spend": "note"}), Severity.ERROR)
    assert finding.remedy == (
        "Add the column, or correct its name in channels[0].spend; columns that it does not name: "
        "note."
    )


def test_a_header_of_other_names_is_one_finding(national):
    study, frame = national
    finding = only(study, frame.add_prefix("x "), Severity.ERROR)
    assert finding.check == "missing_column"
    assert "none of the 6 columns" in finding.message
    assert "'x week', 'x revenue'" in finding.message


@pytest.mark.parametrize("other", ["South", "s outh", "SOUTH"])
def test_geos_that_differ_by_case_or_spaces_are_said_to(by_geo, other):
    study, frame = by_geo
    frame.loc[frame["region"].eq("south") & (frame["week"] >= "2022-10-03"), "region"] = other
    finding = only(study, frame, Severity.ERROR)
    assert finding.check == "geo_spelling"
    assert f"'{other}'" in finding.message
    assert "'south'" in finding.message
    # geos that are both there on every date are two
    frame["region"] = frame["region"].replace({other: "south", "west": other})
    assert "geo_spelling" not in {one.check for one in findings_of(study, frame)}


def test_missing_dates_leave_the_values_to_be_checked(by_geo):
    study, frame = by_geo
    frame.loc[2, "tv_spend"] = -1.0
    found = {finding.check for finding in findings_of(study, frame.drop(columns=["week"]))}
    assert found == {"missing_column", "negative"}


def test_errors_come_with_the_warnings_and_first(national):
    study, frame = national
    frame.loc[[4, 9], "tv_grps"] = 0.0
    frame.loc[7, "price"] = np.nan
    with pytest.raises(InputError) as refused:
        panel_from_frame(study, frame)
    severities = [finding.severity for finding in refused.value.findings]
    assert severities == [Severity.ERROR, Severity.WARNING]


def test_two_channels_may_not_claim_the_same_money(national):
    study, frame = national
    twin = Channel(name="twin", role="tactical", spend="search_spend", exposure="twin_views")
    frame["twin_views"] = np.random.default_rng(1).uniform(1, 2, len(frame)) * frame["search_spend"]
    finding = only(
        study.model_copy(update={"channels": (*study.channels, twin)}), frame, Severity.ERROR
    )
    assert finding.check == "shared_spend"
    assert "search, twin" in finding.message


@pytest.mark.parametrize("code", ["DE", "GB", "US-CA", "UK"])
def test_known_holidays_pass(national, code):
    study, frame = national
    baseline = study.baseline.model_copy(update={"holidays": code})
    assert not findings_of(study.model_copy(update={"baseline": baseline}), frame)


@pytest.mark.parametrize(("code", "says"), [("de", "'DE'"), ("XQ", "ISO"), ("US-XX", "'XX'")])
def test_unknown_holidays_are_named(national, code, says):
    study, frame = national
    baseline = study.baseline.model_copy(update={"holidays": code})
    finding = only(study.model_copy(update={"baseline": baseline}), frame, Severity.ERROR)
    assert says in str(finding)


def test_checks_are_silent_on_good_data_one_by_one(by_geo):
    study, frame = by_geo
    observations = observe(study, table_from_frame(frame, "data frame"))
    assert {check.__name__: list(check(observations)) for check in CHECKS} == {
        check.__name__: [] for check in CHECKS
    }


def believing(study: Study, **returns: tuple[float, float]) -> Study:
    channels = tuple(
        channel.model_copy(
            update={"prior": channel.prior.model_copy(update={"roi": returns.get(channel.name)})}
        )
        for channel in study.channels
    )
    return study.model_copy(update={"channels": channels})


def test_a_return_that_would_be_more_than_there_was_is_refused(national):
    study, frame = national
    name = study.channels[0].name
    rate = 1.0 + study.channels[0].costs.agency_fee
    cost = frame[study.channels[0].spend].sum() * rate
    cost += study.channels[0].costs.fixed_per_period * len(frame)
    limit = frame[study.outcome.column].sum() / cost
    assert findings_of(believing(study, **{name: (0.99 * limit, 2 * limit)}), frame) == ()
    found = only(believing(study, **{name: (1.01 * limit, 2 * limit)}), frame, Severity.ERROR)
    assert found.check == "prior_above_outcome"
    assert found.where == f"channel '{name}': prior.roi"
    assert "1.01 times" in found.message


def test_returns_that_are_too_much_together_are_refused_together(national):
    study, frame = national
    whole = frame[study.outcome.column].sum()
    stated = {}
    for channel in study.channels:
        cost = frame[channel.spend].sum() * (1.0 + channel.costs.agency_fee)
        cost += channel.costs.fixed_per_period * len(frame)
        low = 1.2 / len(study.channels) * whole / cost
        stated[channel.name] = (low, 2 * low)
    found = only(believing(study, **stated), frame, Severity.ERROR)
    assert "add up to 1.2 times" in found.message
