"""Robustness of every channel: the regression it rests on, the table, and one real omission."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mmm.config import Study
from mmm.data.load import panel_from_frame
from mmm.efficiency.confounding import (
    COLUMNS,
    TIMES,
    Robustness,
    confounding_findings,
    confounding_table,
    robustness,
    turning_the_case,
)
from mmm.efficiency.roi import efficiency_table
from mmm.inference.fit import fit
from mmm.results.conditional import (
    Conditional,
    benchmarks,
    conditional_regression,
    inner_products,
    left_of,
)
from mmm.results.omitted import relative_bias
from mmm.results.respond import Response, response


def dense(regression: Conditional, without: frozenset[str] = frozenset()) -> np.ndarray:
    """Every row of the regression as least squares has it, priors as rows of their own: each
    geo's own terms, shared terms, channels, outcome."""
    base, (geos, _, periods) = regression.baseline, regression.shared.shape
    own = [k for k, name in enumerate(base.own) if name not in without]
    shared = [p for p, name in enumerate(base.shared) if name not in without]
    count = geos * len(own)
    width = count + len(shared) + len(regression.channels) + 1
    rows = []
    for g in range(geos):
        block = np.zeros((periods, width))
        block[:, g * len(own) : (g + 1) * len(own)] = regression.own[g, own].T
        block[:, count : count + len(shared)] = regression.shared[g, shared].T
        block[:, count + len(shared) : -1] = regression.effects[g].T
        block[:, -1] = regression.outcome[g]
        rows.append(block)
    spread = np.concatenate([np.tile(base.own_sd[own], geos), base.shared_sd[shared]])
    rows.append(np.diag(1.0 / spread) @ np.eye(len(spread), width))
    return np.concatenate(rows)


def squares_left(rows: np.ndarray, target: int, others: list[int]) -> float:
    given = rows[:, others]
    return float(
        ((rows[:, target] - given @ np.linalg.lstsq(given, rows[:, target])[0]) ** 2).sum()
    )


@pytest.mark.parametrize("geos", [1, 3])
@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_what_is_left_is_that_of_one_large_least_squares(make, geos: int, likelihood: str) -> None:
    read = make.response(geos=geos, likelihood=likelihood, baseline={"holidays": "GB"})
    regression = conditional_regression(read)
    channels = len(regression.channels)
    for terms in (frozenset(), *benchmarks(regression.baseline).values()):
        gram, rows = inner_products(regression, terms), dense(regression, terms)
        last, end = len(gram) - 1, rows.shape[1] - 1
        for c in range(channels):
            place, column = last - channels + c, end - channels + c
            others = [i for i in range(end) if i != column]
            left = left_of(gram, place, [i for i in range(last) if i != place])
            assert left == pytest.approx(squares_left(rows, column, others), rel=1e-6)
        assert left_of(gram, last, range(last)) == pytest.approx(
            squares_left(rows, end, list(range(end))), rel=1e-6
        )


def test_benchmarks_are_season_trend_holidays_and_each_control(make) -> None:
    regression = conditional_regression(make.response(geos=3, baseline={"holidays": "GB"}))
    groups = benchmarks(regression.baseline)
    assert set(groups) == {"trend", "seasonality", "holidays", "price"}
    assert len(groups["holidays"]) > 1
    named = {*regression.baseline.own, *regression.baseline.shared}
    assert named - set().union(*groups.values()) == {"baseline"}


def test_effects_have_the_size_of_all_draws(make) -> None:
    read = make.response(geos=3, draws=80)
    regression = conditional_regression(read)
    noise = 1.0 / regression.own[:, 0, 0]  # the first own term is the constant
    effect = regression.effects * noise[:, None, None] * read.level[:, None, None]
    np.testing.assert_allclose(effect.sum(axis=(0, 2)), read.totals.mean(axis=(0, 1)), rtol=1e-9)


def table_of(read: Response) -> pd.DataFrame:
    return confounding_table(read, efficiency_table(read))


def test_rows_are_a_channel_then_its_benchmarks(any_read: Response) -> None:
    table = table_of(any_read)
    assert tuple(table.columns) == COLUMNS
    heads, rest = table[table["benchmark"] == ""], table[table["benchmark"] != ""]
    assert list(heads["channel"]) == ["tv", "search", "posters", "total"]
    assert (
        heads[["weight", "partial_r2", "rv_half", "rv_zero"]]
        .apply(lambda column: column.between(0, 1))
        .all(axis=None)
    )
    assert (heads["rv_half"] <= heads["rv_zero"]).all()
    assert (table["part"] == "all").all()
    per = rest.groupby(["channel", "benchmark"])["times"].apply(tuple)
    assert set(per) == {TIMES}
    assert {name for _, name in per.index} == {"trend", "seasonality", "price"}
    possible = rest.dropna(subset="left")
    pd.testing.assert_series_equal(
        possible["roi_left"], possible["roi_mean"] * possible["left"], check_names=False
    )
    assert (possible.groupby(["channel", "benchmark"])["left"].diff().dropna() <= 1e-12).all()
    halved = possible[(possible["times"] == 1) & (possible["left"] > 0.5)]
    assert len(halved) and (halved["times_to_halve"] > 1).all()


def test_only_the_direct_part_of_effects_through_paths_is_here(
    mediated: Callable[..., Response],
) -> None:
    read = mediated("funnel")
    table = table_of(read)
    silent = set(read.fit.study.routes().silent)
    assert silent and not silent & set(table["channel"])
    assert "bookings" in set(table["channel"])
    assert (table["part"] == "direct").all() and table["roi_left"].isna().all()


def test_a_prior_that_holds_an_answer_shields_it() -> None:
    free = Robustness("tv", 0.3, 1.0, {"season": (0.1, 0.1)})
    held = Robustness("tv", 0.3, 0.25, {"season": (0.1, 0.1)})
    lost = [1.0 - one.left("season", 1.0)[2] for one in (free, held)]
    assert lost[1] == pytest.approx(0.25 * lost[0])
    assert held.times_to_halve("season") > free.times_to_halve("season")
    assert Robustness("tv", 0.3, 0.0, {}).held == np.inf


def test_the_case_turns_where_its_fall_is_reached(any_read: Response) -> None:
    table = table_of(any_read)
    turned = turning_the_case(table, 0.5).set_index(["channel", "benchmark"])
    row = turned.loc[("total", "")]
    assert row["case_fall"] == 0.5
    assert row["rv_case"] == pytest.approx(row["rv_half"])
    whole = turning_the_case(table, 1.0).set_index(["channel", "benchmark"]).loc[("total", "")]
    assert whole["rv_case"] == pytest.approx(whole["rv_zero"])
    for fall in (-0.2, float("nan")):
        assert turning_the_case(table, fall)["rv_case"].isna().all()


def rows_of(**times: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"channel": channel, "benchmark": "seasonality", "times": 1.0, "times_to_halve": value}
            for channel, value in times.items()
        ]
    )


def test_channels_that_a_known_strength_would_halve_are_named() -> None:
    (finding,) = confounding_findings(rows_of(tv=0.4, radio=1.2, total=0.3))
    assert "'tv' (0.4 times as strong as seasonality)" in finding.message
    assert "radio" not in finding.message and "total" not in finding.message
    assert finding.severity == "info"
    trend = rows_of(tv=0.4).assign(benchmark="trend")
    assert confounding_findings(trend) == ()


def test_leaving_a_known_driver_out_moves_the_return_as_the_bounds_say() -> None:
    """Search follows demand, which one fit knows and the other does not."""
    rng = np.random.default_rng(4)
    periods = 150
    demand = np.convolve(rng.standard_normal(periods + 3), [0.6, 0.5, 0.4, 0.3], "valid")
    demand = (demand - demand.mean()) / demand.std()
    search = 100.0 * np.exp(0.5 * demand + 0.5 * rng.standard_normal(periods))
    tv = rng.gamma(2.0, 100.0, periods)
    sales = 5000 + 4.0 * search + 1.5 * tv + 250.0 * demand
    frame = pd.DataFrame(
        {
            "week": pd.date_range("2021-01-04", periods=periods, freq="W-MON"),
            "sales": sales + 80.0 * rng.standard_normal(periods),
            "search": search,
            "tv": tv,
            "demand": demand,
        }
    )  # fmt: skip
    plain = {"role": "tactical", "adstock": "none", "saturation": "none"}
    content = {
        "study": "followed",
        "data": {"date": "week"},
        "outcome": {"column": "sales", "kind": "revenue"},
        "channels": [{"name": name, "spend": name, **plain} for name in ("search", "tv")],
        "baseline": {"trend": False, "seasonality": 0},
        "inference": {"chains": 2, "draws": 400, "tune": 200},
    }

    def read(**more: object) -> Response:
        study = Study.model_validate(content | more)
        return response(fit(study, panel_from_frame(study, frame)[0]))

    without, told = read(), read(controls=["demand"])
    known = conditional_regression(told)
    place = known.baseline.shared.index("control: demand")
    # the strength of demand in the regression that lacks it
    short = conditional_regression(without)
    row = known.shared[:, place] * (short.outcome.std() / known.outcome.std())
    base = np.concatenate([short.shared[0], short.effects[0, 1:]]).T
    channel, outcome, driver = short.effects[0, 0], short.outcome[0], row[0]

    def left(target: np.ndarray, *given: np.ndarray) -> float:
        x = np.column_stack([base, *given])
        return float(((target - x @ np.linalg.lstsq(x, target)[0]) ** 2).sum())

    r2_channel = 1.0 - left(channel, driver) / left(channel)
    r2_outcome = 1.0 - left(outcome, channel, driver) / left(outcome, channel)
    one = next(one for one in robustness(short) if one.channel == "search")
    lost = float(relative_bias(r2_outcome, r2_channel, one.held))
    shares = [each.totals[..., 0].mean() for each in (without, told)]
    assert lost > 0.25
    assert shares[1] / shares[0] == pytest.approx(1.0 - lost, abs=0.03)
