"""Brand trackers in the data: gaps, errors, scope, and what cannot be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mmm
from mmm.config import Study
from mmm.errors import InputError

WEEKS, GEOS = 60, ("north", "south")


def make_study(**survey) -> Study:
    return Study.model_validate(
        {
            "study": "tracked",
            "data": {"date": "week", "geo": "region"},
            "outcome": {"column": "revenue", "kind": "revenue"},
            "channels": [{"name": "tv", "spend": "tv", "role": "both"}],
            "brand": {"survey": {"column": "aware", **survey}},
        }
    )


def frame(**columns) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    index = pd.MultiIndex.from_product(
        [pd.date_range("2023-01-02", periods=WEEKS, freq="W-MON"), GEOS], names=["week", "region"]
    )
    table = pd.DataFrame(index=index).reset_index()
    table["revenue"] = rng.normal(1000, 50, len(table))
    table["tv"] = rng.uniform(10, 30, len(table))
    table["aware"] = np.where(
        np.arange(len(table)) % 8 < 2, rng.uniform(0.2, 0.4, len(table)), np.nan
    )
    return table.assign(**columns)


def refused(study: Study, table: pd.DataFrame) -> list[str]:
    with pytest.raises(InputError) as caught:
        mmm.panel_from_frame(study, table)
    assert all(finding.remedy and finding.where for finding in caught.value.findings)
    return [finding.check for finding in caught.value.findings]


def test_gaps_stay_gaps():
    panel, _ = mmm.panel_from_frame(make_study(), frame())
    survey = panel.dataset["survey"].values
    assert survey.shape == (WEEKS, 2, 1)
    assert np.isnan(survey).sum() == 2 * WEEKS - 2 * len(range(0, WEEKS, 4))
    assert np.isnan(panel.dataset["survey_error"].values).all()


def test_a_proportion_has_the_error_of_those_asked():
    panel, _ = mmm.panel_from_frame(make_study(sample_size=400), frame())
    survey, error = panel.dataset["survey"].values, panel.dataset["survey_error"].values
    there = ~np.isnan(survey)
    share = survey[there]
    np.testing.assert_allclose(error[there], np.sqrt(share * (1 - share) / 400), rtol=0.01)


def test_all_agreeing_is_not_certainty():
    table = frame()
    table.loc[0, "aware"] = 1.0
    panel, _ = mmm.panel_from_frame(make_study(sample_size=50), table)
    assert panel.dataset["survey_error"].values[0, 0, 0] > 0.01


@pytest.mark.parametrize(
    ("survey", "columns", "expected"),
    [
        ({}, {"aware": np.nan}, "survey_says_nothing"),
        ({}, {"aware": 0.3}, "survey_says_nothing"),
        ({}, {"aware": "a third"}, "text"),
        (
            {"sample_size": 300},
            {"aware": np.linspace(20, 40, 2 * WEEKS)},
            "survey_not_a_proportion",
        ),
        ({"standard_error": "se"}, {"se": np.nan}, "survey_error"),
        ({"standard_error": "se"}, {"se": -0.1}, "survey_error"),
        ({}, {"aware": np.repeat(np.linspace(0.2, 0.4, WEEKS), 2)}, "survey_scope"),
        ({"scope": "national"}, {"aware": np.linspace(0.2, 0.4, 2 * WEEKS)}, "survey_scope"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(survey, columns, expected):
    assert expected in refused(make_study(**survey), frame(**columns))


@pytest.mark.parametrize(
    ("brand", "words"),
    [
        ({"survey": {"column": "aware", "standard_error": 1, "sample_size": 9}}, "not both"),
        ({"groups": [{"name": "g", "channels": ["radio"], "half_life": [5, 50]}]}, "radio"),
        ({"survey": [{"column": "aware"}, {"column": "aware"}]}, "twice"),
    ],
)
def test_a_brand_block_that_contradicts_itself_is_refused(brand, words):
    with pytest.raises(ValueError, match=words):
        Study.model_validate(make_study().model_dump() | {"brand": brand})


def test_a_survey_needs_a_brand():
    raw = make_study().model_dump()
    raw["channels"][0]["role"] = "tactical"
    with pytest.raises(ValueError, match="reads the brand stock"):
        Study.model_validate(raw)
