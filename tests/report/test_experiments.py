"""The section on experiments: one row a test, in words a reader can use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmm.report.sections.experiments import experiments_section

ROWS = {
    "experiment": ["north_dark", "<b>tv</b>"],
    "channel": ["tv;radio", "tv"],
    "geos": ["region 1;region 2", ""],
    "start": pd.to_datetime(["2024-01-01", "2024-03-04"]),
    "end": pd.to_datetime(["2024-01-29", "2024-03-25"]),
    "use": ["fitted", "held_back"],
    "spend_change": [-120_000.0, 40_000.0],
    "lift": [-200_000.0, 10_000.0],
    "standard_error": [30_000.0, 20_000.0],
    "error": [30_000.0, 40_000.0],
    "model_mean": [-210_000.0, 95_000.0],
    "model_p05": [-250_000.0, 60_000.0],
    "model_p50": [-210_000.0, 95_000.0],
    "model_p95": [-170_000.0, 130_000.0],
    "predicted_p05": [-275_000.0, 25_000.0],
    "predicted_p95": [-145_000.0, 165_000.0],
    "z": [0.3, -2.1],
    "covered": [True, False],
    "weight": [0.62, np.nan],
}


@pytest.fixture
def tested(make):
    return replace(make["weekly"](), experiments=pd.DataFrame(ROWS))


def test_a_study_without_experiments_has_no_section(make):
    assert experiments_section(make["weekly"]()) is None


def test_fitted_and_held_back_are_told_apart(tested):
    text, table = experiments_section(tested).blocks
    assert "1 experiment went into the model" in text.text
    assert "1 experiment stayed out" in text.text and "0 came out within" in text.text
    page = str(table.html)
    assert "took away 62" in page and "held back: not as foretold" in page
    assert "tv and radio, region 1, region 2" in page and "all regions" in page
    assert "&lt;b&gt;tv" in page and "<b>tv" not in page


def test_a_measurement_that_history_denies_says_so(tested):
    frame = tested.experiments.assign(covered=False)
    _, table = experiments_section(replace(tested, experiments=frame)).blocks
    assert "and the history says otherwise" in str(table.html)
