"""Lift of a geo experiment: against regressions written otherwise, and against known truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmm import estimate_geo_lift
from mmm.config import Study
from mmm.data.geo_lift import geo_regression, time_regression
from mmm.data.load import panel_from_frame
from mmm.errors import InputError

GEOS, DAYS, START, LENGTH = 20, 70, 42, 21
TREATED = [f"g{g:02d}" for g in range(0, GEOS, 2)]
DATES = pd.date_range("2024-01-01", periods=DAYS)


def experiment(seed: int = 0, *, spent_before: float = 0.0, effect: float = 3.0) -> pd.DataFrame:
    """Geos of every size with noise of their own; treated ones spend a twentieth of their outcome
    more for three weeks, and earn `effect` for each unit of it."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(3.0, 1.0, GEOS)
    common = 1 + 0.2 * np.sin(np.arange(DAYS) / 5) + 0.002 * np.arange(DAYS)
    sales = size * common[:, None] + 0.3 * size**0.75 * rng.standard_normal((DAYS, GEOS))
    on = np.zeros((DAYS, GEOS))
    on[START : START + LENGTH, ::2] = 1.0
    change = 0.05 * size * on
    cost = spent_before * size * np.where(np.arange(DAYS) < START, 1.0, 1.4)[:, None] + change
    names = [f"g{g:02d}" for g in range(GEOS)]
    return pd.DataFrame(
        {
            "day": np.repeat(DATES, GEOS),
            "region": np.tile(names, DAYS),
            "sales": (sales + effect * change).ravel(),
            "cost": cost.ravel(),
        }
    )


CALL: Mapping[str, Any] = {
    "date": "day", "geo": "region", "outcome": "sales", "spend": "cost", "treated": TREATED,
    "start": "2024-02-12", "end": "2024-03-03",
}  # fmt: skip


def test_lift_of_the_geo_regression_is_that_of_weighted_least_squares() -> None:
    rng = np.random.default_rng(1)
    before, change = rng.lognormal(3, 1, 12), np.where(np.arange(12) < 6, 5.0, 0.0)
    after = 2 + 0.5 * before + 3 * change + rng.standard_normal(12)

    def lift(keep: np.ndarray, power: float) -> float:
        weight = np.diag(before[keep] ** -power)
        x = np.stack([np.ones(keep.sum()), before[keep], change[keep]], axis=1)
        return float(np.linalg.solve(x.T @ weight @ x, x.T @ weight @ after[keep])[2]) * 30.0

    for power in (1.0, 2.0):
        found = geo_regression(before, after, change, power)
        assert found.lift == pytest.approx(lift(np.ones(12, bool), power))
        each = np.array([lift(np.arange(12) != g, power) for g in range(12)])
        assert found.standard_error == pytest.approx(np.sqrt(11 * each.var()))


def test_time_regression_is_that_with_a_dummy_for_every_date_of_the_test() -> None:
    rng = np.random.default_rng(2)
    control = 100 + rng.standard_normal(30).cumsum()
    treated = 5 + 0.8 * control + rng.standard_normal(30)
    found = time_regression(treated, control, 20, 27)
    x = np.concatenate([np.stack([np.ones(27), control[:27]], axis=1), np.eye(27)[:, 20:]], axis=1)
    beta = np.linalg.solve(x.T @ x, x.T @ treated[:27])
    left = treated[:27] - x @ beta
    total = np.concatenate([[0, 0], np.ones(7)])
    variance = left @ left / 18 * (total @ np.linalg.inv(x.T @ x) @ total)
    assert found.lift == pytest.approx(total @ beta)
    assert found.standard_error == pytest.approx(np.sqrt(variance))
    assert found.freedom == 18


@pytest.mark.parametrize("method", ["geo_regression", "time_regression"])
def test_intervals_hold_the_truth_as_often_as_they_say(method: str) -> None:
    trials, held = 80, 0
    for seed in range(trials):
        found = estimate_geo_lift(experiment(seed), method=method, **CALL)
        low, high = found.interval(0.9)
        held += low <= 3.0 * found.spend_change <= high
    low, high = stats.binom(trials, 0.9).ppf([0.001, 0.999])
    assert low <= held <= high


def test_no_effect_is_found_where_there_is_none() -> None:
    z = []
    for seed in range(40):
        found = estimate_geo_lift(experiment(seed, effect=0.0), **CALL)
        z.append(found.lift / found.standard_error)
    assert abs(np.mean(z)) < 4 / np.sqrt(40)
    assert 0.7 < np.std(z) < 1.4


def test_spending_that_rose_everywhere_is_not_the_change() -> None:
    plain = estimate_geo_lift(experiment(), **CALL)
    grown = estimate_geo_lift(experiment(spent_before=0.1), **CALL)
    assert grown.spend_change == pytest.approx(plain.spend_change)
    stated = estimate_geo_lift(
        experiment(), **{**CALL, "spend": None, "spend_change": plain.spend_change}
    )
    assert stated.spend_change == pytest.approx(plain.spend_change)
    assert stated.lift == pytest.approx(plain.lift, abs=2 * plain.standard_error)


def test_rows_go_into_a_study() -> None:
    frame = experiment()
    found = estimate_geo_lift(frame, **CALL, measured_until="2024-03-10")
    row = found.experiment("social", name="winter", in_data=True)
    study = Study.model_validate(
        {
            "study": "shop",
            "data": {"date": "day", "geo": "region"},
            "outcome": {"column": "sales", "kind": "revenue"},
            "channels": [{"name": "social", "spend": "cost", "role": "tactical"}],
        }
    )
    panel, _ = panel_from_frame(study, frame, experiments=row)
    (one,) = panel.experiments
    assert one.name == "winter" and one.in_data and set(one.geos) == set(TREATED)
    assert (one.start, one.until) == (found.start, found.until)
    assert (one.lift, one.standard_error) == (found.lift, found.standard_error)


WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "column": ({"outcome": "sale"}, "did you mean 'sales'"),
    "geo": ({"treated": ["g99"]}, "there is no such geo"),
    "all treated": ({"treated": [f"g{g:02d}" for g in range(GEOS)]}, "some geos must be treated"),
    "few": ({"treated": ["g00"]}, "time_regression"),
    "order": ({"end": "2024-02-01"}, "do not follow each other"),
    "history": ({"since": "2024-02-10"}, "too few"),
    "outside": ({"measured_until": "2025-01-01"}, "the data is from"),
    "spending": ({"spend": None}, "state 'spend_change'"),
    "no change": ({"start": "2024-01-20", "end": "2024-01-25"}, "nothing was tested"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_what_is_wrong_is_said(name: str) -> None:
    changes, message = WRONG[name]
    with pytest.raises(InputError, match=message):
        estimate_geo_lift(experiment(), **{**CALL, **changes})


def test_a_panel_with_holes_is_refused_unless_nothing_happened_there() -> None:
    frame = experiment()
    with pytest.raises(InputError, match="no such row"):
        estimate_geo_lift(frame.drop(index=3), **CALL)
    filled = frame.copy()
    filled.loc[3, ["sales", "cost"]] = 0.0
    whole = estimate_geo_lift(filled, **CALL)
    assert estimate_geo_lift(frame.drop(index=3), missing_is_zero=True, **CALL) == whole
    with pytest.raises(InputError, match="there are two rows"):
        estimate_geo_lift(pd.concat([frame, frame.iloc[:1]]), **CALL)
    with pytest.raises(InputError, match="not a number"):
        estimate_geo_lift(
            frame.assign(sales=frame["sales"].astype(object).where(frame.index != 5, "x")), **CALL
        )
    silent = frame.assign(sales=frame["sales"].where(frame["region"] != "g03", 0.0))
    with pytest.raises(InputError, match="nothing in g03"):
        estimate_geo_lift(silent, **CALL)
    alone = frame.assign(cost=frame["cost"] + (frame["region"] == "g00"))
    with pytest.raises(InputError, match="State 'spend_change'"):
        estimate_geo_lift(alone, **CALL)
