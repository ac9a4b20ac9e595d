"""A lag from records, from the study file to the page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import mmm as library
from mmm.config.load import load_study
from mmm.data.load import load_panel
from mmm.report import render_report
from mmm.study.artefacts import report_inputs, write_artefacts
from mmm.study.job import check_study

ROOT = Path(__file__).resolve().parents[2]
MEDIAN_DAYS = 42.0


def opportunities(count: int = 600) -> pd.DataFrame:
    """Opportunities of 500 days, half of them won after a gamma lag of median 42 days."""
    rng = np.random.default_rng(1)
    opened = rng.uniform(0, 500, count)
    lag = rng.gamma(4.0, MEDIAN_DAYS / 3.672, count)
    won = rng.random(count) < 0.5
    closed = opened + np.where(won, lag, rng.gamma(2.0, 15.0, count))
    first = pd.Timestamp("2023-01-01")
    frame = pd.DataFrame(
        {
            "opened": first + pd.to_timedelta(np.floor(opened), "D"),
            "closed": first + pd.to_timedelta(np.floor(closed), "D"),
            "stage": np.where(won, "Won", "Lost"),
            "amount": np.where(won, rng.gamma(4.0, 500.0, count).round(2), 0.0),
            "region": np.where(rng.random(count) < 0.5, "north", "south"),
        }
    )
    still_open = closed >= 500
    frame.loc[still_open, "closed"] = pd.NaT
    frame.loc[still_open, "stage"] = "Proposal"
    return frame


@pytest.fixture(scope="module")
def study_file(tmp_path_factory) -> Path:
    rng = np.random.default_rng(2)
    directory = tmp_path_factory.mktemp("records")
    opportunities().to_csv(directory / "deals.csv", index=False)
    weeks = 110
    visits = rng.gamma(2.0, 20.0, weeks)
    later = np.convolve(visits, np.bincount(rng.gamma(4.0, 1.6, 4000).astype(int)) / 4000)[:weeks]
    data = {
        "week": pd.date_range("2022-01-03", periods=weeks, freq="W-MON"),
        "sales": (100 + 2 * later + rng.normal(0, 6, weeks)).round(3),
        "hours": visits.round(3),
    }
    pd.DataFrame(data).to_csv(directory / "data.csv", index=False)
    records = {
        "file": "deals.csv", "opened": "opened", "closed": "closed", "value": "amount",
        "group": "region", "won": {"column": "stage", "value": "Won"},
    }  # fmt: skip
    study = {
        "study": "visits",
        "data": {"file": "data.csv", "date": "week"},
        "outcome": {"column": "sales", "kind": "units"},
        "channels": [
            {"name": "visits", "exposure": "hours", "role": "tactical", "lag": {"records": records}}
        ],
        "baseline": {"trend": False, "seasonality": 0},
        "inference": {"chains": 2, "draws": 100, "tune": 150},
    }
    path = directory / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def estimated(study_file):
    study = load_study(study_file)
    panel, _ = load_panel(study, study_file.parent)
    return panel, library.estimate_lags(study, panel, study_file.parent)


@pytest.fixture(scope="module")
def analysis(estimated):
    panel, found = estimated
    return library.analyse(library.fit(found.study, panel), found.findings, lags=found.lags)


def test_the_study_is_given_numbers_in_periods(estimated):
    _, found = estimated
    (lag,) = found.lags
    stated = found.study.channels[0].lag
    assert stated == lag.lag
    assert stated.records is None
    assert stated.median_interval[0] < MEDIAN_DAYS / 7 < stated.median_interval[1]
    assert [name for name, _ in lag.groups] == ["north", "south"]
    low, high = lag.conversion
    assert low < 0.5 < high
    assert lag.value.low < 2000.0 < lag.value.high
    assert found.study.channels[0].adstock == "lag_gamma"


def test_an_unread_lag_is_not_fitted(study_file, estimated):
    panel, _ = estimated
    with pytest.raises(library.InputError, match="records of a lag have not been read"):
        library.fit(load_study(study_file), panel)


def test_the_check_reads_the_records_and_leaves_the_study_as_it_was(study_file):
    report = check_study(study_file)
    assert report.study.channels[0].lag.records.file == "deals.csv"
    deals = study_file.parent / "deals.csv"
    text = deals.read_text()
    deals.write_text(text.replace(",Won,", ",Lost,"))
    with pytest.raises(library.InputError, match="0 records are won"):
        check_study(study_file)
    deals.write_text(text)


def test_the_fit_starts_from_the_records_and_is_stored_with_them(analysis, tmp_path):
    fit = analysis.fit
    prior = fit.density().spec.variable("lag_gamma_median").priors[0]
    low, high = fit.study.channels[0].lag.median_interval
    assert prior.location == pytest.approx(np.log(low * high) / 2)
    stored = library.load_fit(library.save_fit(fit, tmp_path / "fit.nc"))
    assert stored.study == fit.study


def test_the_page_and_the_artefacts_tell_it(analysis, tmp_path):
    manifest = {"versions": {}, "timings": {}}
    html = render_report(report_inputs(analysis, manifest))
    section = re.search(r'<section id="lags".*?</section>', html, re.DOTALL)[0]
    assert "Of 600 opportunities recorded for visits" in section
    assert section.count("<svg") == 1
    assert "south" in section
    write_artefacts(analysis, manifest, tmp_path)
    written = pd.read_csv(tmp_path / "lags.csv")
    page = (ROOT / "docs/artefacts.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`]+)`", page.split("## lags.csv")[1].split("\n## ")[0]))
    assert {re.sub("_(p05|p95)$", "_", column) for column in written.columns} <= named
    assert written["owner"].tolist() == ["visits"] * 4
