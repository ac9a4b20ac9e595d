"""Spending that follows demand, and demand proxies, on constructed histories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.config import Study
from mmm.data.demand import demand_findings, follows
from mmm.data.identify import parts_of
from mmm.data.load import panel_from_frame
from mmm.errors import Finding, Severity
from mmm.simulate import simulate_world

WEEKS = 156


def study_of(**changes: object) -> Study:
    channels = [{"name": name, "spend": name, "role": "tactical"} for name in ("search", "tv")]
    content = {
        "study": "shop",
        "data": {"date": "week"},
        "outcome": {"column": "sales", "kind": "revenue"},
        "channels": channels,
    }
    return Study.model_validate(content | changes)


def history(seed: int, *, answer: float, moved: float = 0.0) -> pd.DataFrame:
    """Demand that lasts and lifts sales; search spending that answers last week's with elasticity
    `answer`; searches for the category that read demand, and that tv moves by `moved`."""
    rng = np.random.default_rng(seed)
    demand = np.zeros(WEEKS + 1)
    for t in range(1, WEEKS + 1):
        demand[t] = 0.6 * demand[t - 1] + 0.8 * rng.standard_normal()
    search = 100 * np.exp(answer * demand[:-1] + 0.4 * rng.standard_normal(WEEKS))
    tv = rng.gamma(2.0, 100.0, WEEKS) * (rng.random(WEEKS) < 0.5)
    noise = 0.03 * rng.standard_normal(WEEKS)
    return pd.DataFrame(
        {
            "week": pd.date_range("2021-01-04", periods=WEEKS, freq="W-MON"),
            "sales": 5000 * (1 + 0.06 * demand[1:] + noise) + 2 * search + 1.5 * tv,
            "search": search,
            "tv": tv,
            "searches": 50 + 10 * demand[1:] + moved * np.roll(tv, 1) + rng.standard_normal(WEEKS),
        }
    )


def found(study: Study, frame: pd.DataFrame, **more: pd.DataFrame) -> list[Finding]:
    panel, _ = panel_from_frame(study, frame, **more)
    return list(demand_findings(study, panel))


PROXY = {"controls": ["searches"], "demand_proxies": ["searches"]}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spending_that_answers_demand_is_named_until_a_proxy_tells_of_it(seed: int) -> None:
    (one,) = found(study_of(), history(seed, answer=0.5))
    assert one.check == "spend_follows_outcome" and one.severity is Severity.WARNING
    assert "'search'" in one.where and "demand_proxies" in one.remedy
    assert found(study_of(**PROXY), history(seed, answer=0.5)) == []


def test_a_proxy_that_knows_nothing_leaves_it_as_information() -> None:
    frame = history(0, answer=0.5)
    frame["searches"] = np.random.default_rng(9).standard_normal(WEEKS)
    (one,) = found(study_of(**PROXY), frame)
    assert one.check == "spend_follows_outcome" and one.severity is Severity.INFO


def test_a_proxy_that_advertising_moves_is_named() -> None:
    findings = found(study_of(**PROXY), history(1, answer=0.0, moved=0.05))
    assert [one.check for one in findings] == ["proxy_follows_media"]
    assert "'tv'" in findings[0].message and "'paths'" in findings[0].remedy


def test_a_channel_that_was_tested_is_left_alone() -> None:
    test = pd.DataFrame(
        {"channel": ["search"], "start": ["2022-01-03"], "end": ["2022-01-31"],
         "spend_change": [-100.0], "lift": [-200.0], "standard_error": [50.0]}
    )  # fmt: skip
    frame, study = history(0, answer=0.5), study_of()
    assert found(study, frame, experiments=test) == []
    held = test.assign(hold_back="true")
    assert [one.check for one in found(study, frame, experiments=held)] == ["spend_follows_outcome"]


def test_few_worlds_without_confounding_raise_the_alarm() -> None:
    alarms = 0
    for seed in range(15):
        world = simulate_world("national", seed=seed)
        alarms += bool(found(world.study, world.frame))
    assert alarms <= 2  # 5 in 1000 a study: three or more have a chance below 1 in 10,000


def test_chance_is_as_stated_where_nothing_follows() -> None:
    study = study_of(baseline={"trend": False, "seasonality": 0})
    panel, _ = panel_from_frame(study, history(0, answer=0.0))
    parts, rng = parts_of(study, panel), np.random.default_rng(3)
    tails = [
        follows(
            rng.standard_normal((1, WEEKS)), rng.standard_normal(WEEKS), parts, (1,)
        ).probability
        for _ in range(400)
    ]
    assert np.mean(np.array(tails) < 0.05) == pytest.approx(0.05, abs=0.033)
    assert np.mean(np.array(tails) < 0.5) == pytest.approx(0.5, abs=0.075)


def test_geos_that_move_as_one_count_once() -> None:
    """Forty copies of a chance correlation are no stronger evidence than one."""
    study = study_of(data={"date": "week", "geo": "region"})
    frame = history(2, answer=0.0)
    one = study_of()
    alone, _ = panel_from_frame(one, frame)
    copies = [frame.assign(region=f"r{g}", sales=frame["sales"] * (1 + g)) for g in range(40)]
    many, _ = panel_from_frame(study, pd.concat(copies))
    series, lead = (np.random.default_rng(seed).standard_normal(WEEKS) for seed in (5, 6))
    single = follows(series[None], lead, parts_of(one, alone), (1,))
    parts = parts_of(study, many)
    spread = follows(np.tile(series, (40, 1)), np.tile(lead, 40), parts, (1,))
    assert spread.correlation == pytest.approx(single.correlation, abs=1e-6)
    assert spread.probability == pytest.approx(single.probability, rel=0.05)


def test_short_data_says_nothing() -> None:
    study = study_of()
    panel, _ = panel_from_frame(study, history(0, answer=0.5))
    assert demand_findings(study, panel.window(0, 20)) == ()


def test_proxies_are_controls() -> None:
    with pytest.raises(ValueError, match="no controls: searches"):
        study_of(demand_proxies=["searches"])
