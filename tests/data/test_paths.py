"""Path columns are read, checked and laid out like the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mmm
from mmm.config import Study
from mmm.errors import InputError

PERIODS = 60


def frame(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    dates = pd.date_range("2023-01-02", periods=PERIODS, freq="W-MON")
    base = {
        "week": dates,
        "revenue": rng.normal(1000, 50, PERIODS),
        "tv": rng.gamma(2.0, 50.0, PERIODS),
        "clicks": rng.normal(300, 20, PERIODS),
    }
    return pd.DataFrame(base | columns)


def study(**path: Any) -> Study:
    return Study.model_validate(
        {
            "study": "shop",
            "data": {"date": "week"},
            "outcome": {"column": "revenue", "kind": "revenue"},
            "channels": [{"name": "tv", "role": "tactical", "spend": "tv"}],
            "paths": [{"name": "search", "column": "clicks"} | path],
        }
    )


def test_paths_are_in_the_panel() -> None:
    data = frame()
    panel, _ = mmm.panel_from_frame(study(), data.sample(frac=1.0, random_state=1))
    assert panel.paths == ("search",)
    np.testing.assert_array_equal(panel.dataset["paths"].values[:, 0, 0], data["clicks"])
    assert not panel.dataset["paths"].values.flags.writeable
    assert panel.window(10, 40).paths == ("search",)


def test_without_paths_the_panel_is_as_before() -> None:
    plain = study().model_copy(update={"paths": ()})
    panel, _ = mmm.panel_from_frame(plain, frame())
    assert panel.paths == ()
    assert "paths" not in panel.dataset


PROBLEMS: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "no such column": ({"column": "click"}, {}, "missing_column", r"paths\[0\].column.*'clicks'"),
    "a gap": (
        {},
        {"clicks": [np.nan, *[300.0] * 58, 310.0]},
        "missing_value",
        r"path was off.*off_when_missing: true' on paths\[0\]",
    ),
    "text": ({}, {"clicks": ["many", *["300"] * 59]}, "text", "'many' is not a number"),
    "negative": ({}, {"clicks": [-5.0, *[300.0] * 59]}, "negative", "a path counts something"),
    "constant": ({}, {"clicks": [300.0] * 60}, "constant_path", "never changes"),
    "a lag beyond the window": (
        {"lag": {"median": 20, "max": 60}},
        {},
        "lag_beyond_window",
        "may take 60 periods.*holds 60",
    ),
}


@pytest.mark.parametrize("case", list(PROBLEMS))
def test_what_no_path_can_be_is_refused(case: str) -> None:
    path, columns, check, words = PROBLEMS[case]
    with pytest.raises(InputError, match=words) as refusal:
        mmm.panel_from_frame(study(**path), frame(**columns))
    assert check in {finding.check for finding in refusal.value.findings}


def test_a_gap_may_mean_nothing() -> None:
    clicks = [np.nan, *frame()["clicks"][1:]]
    panel, _ = mmm.panel_from_frame(study(off_when_missing=True), frame(clicks=clicks))
    assert panel.dataset["paths"].values[0, 0, 0] == 0.0


def test_a_path_that_is_its_driver_is_warned_of() -> None:
    data = frame()
    data["clicks"] = 3.0 * data["tv"] + np.random.default_rng(1).normal(0, 5, PERIODS)
    _, findings = mmm.panel_from_frame(study(), data)
    found = [finding for finding in findings if finding.check == "path_is_its_driver"]
    assert len(found) == 1
    assert "'tv'" in found[0].message
    _, findings = mmm.panel_from_frame(study(), frame())
    assert "path_is_its_driver" not in {finding.check for finding in findings}


def test_a_geo_without_the_path_is_named() -> None:
    first, second = frame(), frame(clicks=np.zeros(PERIODS))
    first["region"], second["region"] = "north", "south"
    both = study().model_dump() | {"data": {"date": "week", "geo": "region"}}
    with pytest.raises(InputError, match="0 on every date in south"):
        mmm.panel_from_frame(Study.model_validate(both), pd.concat([first, second]))
