"""What the data can tell apart before anything is fitted, on constructed channels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.config import Study
from mmm.data.identify import identifiability, left_over, parts_of, share_errors
from mmm.data.load import panel_from_frame
from mmm.data.panel import Panel
from mmm.errors import Severity

WEEKS = 120


def study_of(*names: str, **changes) -> Study:
    channels = [{"name": name, "spend": name, "role": "tactical"} for name in names]
    content = {
        "study": "shop",
        "data": {"date": "week"},
        "outcome": {"column": "revenue", "kind": "revenue"},
        "channels": channels,
    }
    return Study.model_validate(content | changes)


def frame_of(**columns: np.ndarray) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    weeks = pd.date_range("2022-01-03", periods=WEEKS, freq="W-MON")
    revenue = 10_000 * (1 + 0.03 * rng.standard_normal(WEEKS))
    return pd.DataFrame({"week": weeks, "revenue": revenue, **columns})


def media(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1.0, 300.0, WEEKS)


def panel_of(study: Study, frame: pd.DataFrame) -> Panel:
    return panel_from_frame(study, frame)[0]


def found(study: Study, frame: pd.DataFrame) -> dict[str, list[str]]:
    findings = identifiability(study, panel_of(study, frame))
    by_check: dict[str, list[str]] = {}
    for one in findings:
        by_check.setdefault(one.check, []).append(f"{one.where} {one.message} {one.remedy}")
    return by_check


def test_channels_of_their_own_are_separable():
    study, frame = study_of("tv", "search"), frame_of(tv=media(2), search=media(3))
    assert not {"entangled", "narrow_range"} & set(found(study, frame))


def test_a_channel_that_three_others_add_up_to_is_entangled_though_no_pair_is():
    one, two, three = media(2), media(3), media(4)
    frame = frame_of(one=one, two=two, three=three, all=one + two + three)
    said = found(study_of("one", "two", "three", "all"), frame)
    assert "collinear" not in said
    assert any("'all'" in text for text in said["entangled"])


def test_a_channel_that_follows_the_season_is_entangled():
    angle = 2 * np.pi * np.arange(WEEKS) * 7 / 365.25
    wave = 1000 + 500 * np.sin(angle) + 10 * np.random.default_rng(0).standard_normal(WEEKS)
    said = found(study_of("tv", "search"), frame_of(tv=wave, search=media(3)))
    assert len(said["entangled"]) == 1
    assert "'tv'" in said["entangled"][0]
    without = study_of("tv", "search", baseline={"seasonality": 0, "trend": False})
    assert "entangled" not in found(without, frame_of(tv=wave, search=media(3)))


def test_a_narrow_range_shows_one_level_only():
    steady = 1000 + 40 * np.random.default_rng(0).standard_normal(WEEKS)
    said = found(study_of("tv", "search"), frame_of(tv=steady, search=media(3)))
    assert len(said["narrow_range"]) == 1
    assert "'tv'" in said["narrow_range"][0]


def test_what_is_left_is_orthogonal_to_every_other_part():
    study, frame = study_of("tv", "search"), frame_of(tv=media(2), search=media(3))
    parts = parts_of(study, panel_of(study, frame))
    left = left_over(parts, "tv")
    for other in (*parts.rest.T, parts.curves["search"]):
        assert abs(left @ other) < 1e-8 * np.linalg.norm(left) * np.linalg.norm(other)


def test_errors_are_those_of_least_squares_and_a_test_adds_its_periods():
    study, frame = study_of("tv", "search"), frame_of(tv=media(2), search=media(3))
    parts = parts_of(study, panel_of(study, frame))
    x = np.column_stack([np.ones(WEEKS), parts.rest, parts.curves["search"], parts.curves["tv"]])
    coefficient = np.linalg.lstsq(x, parts.outcome, rcond=None)[0]
    noise = ((parts.outcome - x @ coefficient) ** 2).sum() / (WEEKS - x.shape[1])
    error = np.sqrt(noise * np.linalg.inv(x.T @ x)[-1, -1])
    alone, tested = share_errors(parts, "tv", 4)
    assert alone == pytest.approx(error)
    assert 1 / tested**2 == pytest.approx(1 / error**2 + 4 / noise)


def test_cheap_channels_are_weakly_known_and_the_range_is_in_money():
    frame = frame_of(tv=media(2), search=media(3) / 50)
    said = found(study_of("tv", "search"), frame)["weakly_known"]
    assert len(said) == 1
    assert "'search'" in said[0]
    parts = parts_of(study_of("tv", "search"), panel_of(study_of("tv", "search"), frame))
    width = 1.6448536 * share_errors(parts, "search", 4)[0]
    width *= frame["revenue"].sum() / frame["search"].sum()
    assert f"'search' {float(f'{width:.2g}'):,.10g}" in said[0]


def test_short_data_says_nothing():
    study, frame = study_of("tv", "search"), frame_of(tv=media(2), search=media(3))
    assert identifiability(study, panel_of(study, frame).window(0, 10)) == ()


def test_geos_have_their_own_level_and_add_their_rows():
    study = study_of("tv", "search", data={"date": "week", "geo": "region"})
    parts = []
    for number, region in enumerate(("north", "south")):
        frame = frame_of(tv=media(number), search=media(number + 5)).assign(region=region)
        parts.append(frame.assign(revenue=frame["revenue"] * (number + 1)))
    panel = panel_of(study, pd.concat(parts))
    both = parts_of(study, panel)
    assert both.outcome.shape == (2 * WEEKS,)
    np.testing.assert_allclose(both.outcome[:WEEKS], both.outcome[WEEKS:])
    one = parts_of(study_of("tv", "search"), panel_of(study_of("tv", "search"), parts[0]))
    assert share_errors(both, "tv", 4)[0] < share_errors(one, "tv", 4)[0]


def test_a_stated_return_or_a_test_leaves_entanglement_as_information():
    one, two, three = media(2), media(3), media(4)
    frame = frame_of(one=one, two=two, three=three, all=one + two + three)
    plain = study_of("one", "two", "three", "all")
    channels = plain.model_dump(mode="json")["channels"]
    channels[-1]["prior"] = {"roi": [0.5, 2.0]}
    stated = Study.model_validate(plain.model_dump(mode="json") | {"channels": channels})
    test = pd.DataFrame(
        {"channel": ["all"], "start": ["2022-06-06"], "end": ["2022-07-04"],
         "spend_change": [-100.0], "lift": [-100.0], "standard_error": [50.0]}
    )  # fmt: skip

    def grave(study: Study, **more: pd.DataFrame) -> dict[str, Severity]:
        panel, _ = panel_from_frame(study, frame, **more)
        said = identifiability(study, panel)
        return {one.where.split("'")[-2]: one.severity for one in said if one.check == "entangled"}

    assert grave(plain)["all"] is Severity.WARNING
    assert grave(stated)["all"] is Severity.INFO
    assert grave(plain, experiments=test)["all"] is Severity.INFO
    assert grave(plain, experiments=test.assign(hold_back="true"))["all"] is Severity.WARNING
