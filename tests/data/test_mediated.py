"""Series that channels move though the study holds them for given, on constructed histories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.config import Study
from mmm.data.identify import parts_of
from mmm.data.load import panel_from_frame
from mmm.data.mediated import held_series, mediated_findings, moves_after, moves_with
from mmm.errors import Finding, Severity
from mmm.simulate import simulate_world
from mmm.simulate.broken_worlds import simulate_broken

WEEKS = 150


def study_of(**changes: object) -> Study:
    content = {
        "study": "shop",
        "data": {"date": "week"},
        "outcome": {"column": "sales", "kind": "revenue"},
        "channels": [
            {"name": "tv", "spend": "tv", "role": "tactical"},
            {"name": "radio", "spend": "radio", "role": "tactical"},
        ],
        "controls": ["visits"],
    }
    return Study.model_validate(content | changes)


def carried(media: np.ndarray) -> np.ndarray:
    stock = np.zeros(WEEKS)
    for t in range(WEEKS):
        stock[t] = 0.6 * stock[t - 1] + 0.4 * media[t]
    return stock


def history(seed: int, *, moved: float = 0.0, planned: float = 0.0) -> pd.DataFrame:
    """Visits that tv moves by `moved`, or that are known beforehand and tv planned on by
    `planned`; radio is beside the point."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(WEEKS)
    tv = rng.gamma(2.0, 100.0, WEEKS) * (rng.random(WEEKS) < 0.5)
    if planned:
        tv = 100 * np.exp(planned * noise + 0.5 * rng.standard_normal(WEEKS))
    radio = rng.gamma(1.0, 300.0, WEEKS)
    visits = 500 + moved * carried(tv) + 20 * noise
    sales = 5000 + 2 * tv + radio + 3 * visits + 150 * rng.standard_normal(WEEKS)
    week = pd.date_range("2021-01-04", periods=WEEKS, freq="W-MON")
    return pd.DataFrame(
        {"week": week, "sales": sales, "tv": tv, "radio": radio, "visits": visits}
    )  # fmt: skip


def found(study: Study, frame: pd.DataFrame) -> list[Finding]:
    return list(mediated_findings(study, panel_from_frame(study, frame)[0]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_control_that_a_channel_moves_is_named_with_the_channel(seed: int) -> None:
    (one,) = found(study_of(), history(seed, moved=0.6))
    assert one.check == "mediated" and one.severity is Severity.WARNING
    assert "control 'visits'" in one.where and "'paths'" in one.remedy
    assert "'tv' (partial correlation +0." in one.message and "'radio'" not in one.message


def test_no_longer_once_it_is_a_path_or_a_demand_proxy() -> None:
    frame = history(1, moved=0.6)
    path = {"name": "visits", "column": "visits", "drivers": ["tv"], "feeds": "outcome"}
    assert found(study_of(controls=[], paths=[path]), frame) == []
    assert found(study_of(demand_proxies=["visits"]), frame) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_budget_is_planned_on_is_information_only(seed: int) -> None:
    (one,) = found(study_of(), history(seed, planned=0.7))
    assert one.severity is Severity.INFO and "'tv'" in one.message
    assert "cannot be seen" in one.message


def test_a_control_of_its_own_is_not_named() -> None:
    assert [found(study_of(), history(seed)) for seed in range(20)] == [[]] * 20


def test_clicks_that_a_channel_sets_off_are_named() -> None:
    frame = history(2, moved=0.6).rename(columns={"visits": "clicks"})
    frame["search"] = 0.7 * frame["clicks"]
    search = {"name": "search", "spend": "search", "exposure": "clicks", "role": "tactical"}
    channels = [*study_of().model_dump(mode="json")["channels"], search]
    (one,) = found(study_of(channels=channels, controls=[]), frame)
    assert "channel 'search'" in one.where and one.severity is Severity.WARNING
    assert "credited to 'search'" in one.message


def test_searches_left_out_are_named_where_clean_worlds_are_silent() -> None:
    ignored = [simulate_broken("mediation_ignored", seed=seed) for seed in range(6)]
    named = [found(world.study, world.frame) for world in ignored]
    assert sum(bool(one) for one in named) >= 3
    assert {one.where.split("'")[3] for some in named for one in some} == {"brand_search"}
    clean = [simulate_world("national", seed=seed) for seed in range(6)]
    assert all(found(world.study, world.frame) == [] for world in clean)


def test_chance_is_as_stated_where_nothing_moves() -> None:
    study, tails = study_of(), []
    for seed in range(150):
        panel, _ = panel_from_frame(study, history(seed + 100))
        parts = parts_of(study, panel)
        (held,) = held_series(study, panel, parts)
        tails += [test(held, parts, "tv").probability for test in (moves_with, moves_after)]
    assert np.mean(np.array(tails) < 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(np.array(tails) < 0.5) == pytest.approx(0.5, abs=0.09)


def test_geos_that_move_as_one_count_once() -> None:
    frame, study = history(5, moved=0.1), study_of(data={"date": "week", "geo": "region"})
    copies = pd.concat([frame.assign(region=f"r{g}") for g in range(30)])
    links = []
    for one, data in ((study_of(), frame), (study, copies)):
        panel, _ = panel_from_frame(one, data)
        parts = parts_of(one, panel)
        links.append(moves_with(next(held_series(one, panel, parts)), parts, "tv"))
    alone, many = links
    assert many.correlation == pytest.approx(alone.correlation, abs=1e-6)
    assert many.probability > 0.2 * alone.probability


def test_short_data_says_nothing() -> None:
    study = study_of()
    panel, _ = panel_from_frame(study, history(1, moved=0.6))
    assert mediated_findings(study, panel.window(0, 30)) == ()
