"""What is sampled, with which priors, and on which scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mmm.errors import InputError
from mmm.model import curves


def labels(case, name: str) -> tuple[str, ...]:
    names = [variable.name for variable in case.density.spec.variables]
    return case.density.spec.variable(name).labels if name in names else ()


def test_roles_decide_what_a_channel_samples(tools):
    case = tools.make_case(
        [
            {"name": "now", "role": "tactical"},
            {"name": "later", "role": "brand"},
            {"name": "both", "role": "both"},
            {"name": "plain", "role": "tactical", "adstock": "none", "saturation": "none"},
        ]
    )
    assert labels(case, "share") == ("now", "later", "both", "plain")
    assert labels(case, "brand_split") == ("both",)
    assert labels(case, "brand_half_life") == ("brand",)
    assert labels(case, "hill_slope") == ("now", "later", "both")
    assert labels(case, "carry_in") == ("now", "later", "both")
    assert labels(case, "geo_spread") == ()
    table = np.array(case.density.spec.base)
    assert table[:, curves.SPLIT].tolist() == [0.0, 1.0, 0.0, 0.0]
    memory = case.density.spec.variable("brand_half_life")
    assert memory.rows == ((1, 2),)


def test_level_before_the_window_is_sampled_where_there_is_something_to_carry(tools):
    channels = [
        {"name": "a", "role": "tactical"},
        {"name": "stated", "role": "tactical", "carry_in": 0.4},
        {"name": "late", "role": "tactical"},
    ]
    case = tools.make_case(channels, late=[2])
    assert labels(case, "carry_in") == ("a",)
    assert np.array(case.density.spec.base)[:, curves.CARRY].tolist() == [0.0, 0.4, 0.0]


def test_an_roi_interval_becomes_the_share_it_means(tools):
    case = tools.make_case(
        [
            {
                "name": "a", "role": "tactical", "prior": {"roi": (0.5, 2.0)},
                "costs": {"agency_fee": 0.1},
            },
            {"name": "b", "role": "tactical", "prior": {"share": (0.02, 0.2)}},
        ]
    )  # fmt: skip
    data = case.panel.dataset
    worth = float((data["outcome"] * data["value_per_unit"]).sum())
    cost = 1.1 * float(data["spend"].values[:, :, 0].sum())
    roi, share = (
        stats.lognorm(s=prior.scale, scale=math.exp(prior.location)).ppf([0.05, 0.95])
        for prior in case.density.spec.variable("share").priors
    )
    np.testing.assert_allclose(roi * worth / cost, [0.5, 2.0])
    np.testing.assert_allclose(share, [0.02, 0.2])


def test_an_roi_of_what_costs_nothing_is_refused(tools):
    with pytest.raises(InputError, match=r"'a': prior\.roi.*needs a cost"):
        tools.make_case(
            [{"name": "a", "role": "tactical", "prior": {"roi": (0.5, 2.0)}}], silent=[(0, 0)]
        )


def test_memories_are_stated_in_weeks_and_sampled_in_periods(tools):
    channels = [{"name": "a", "role": "both"}]
    weekly, monthly = tools.make_case(channels), tools.make_case(channels, frequency="MS")
    for name in ("brand_half_life", "weibull_half_life"):
        short, long = (case.density.spec.variable(name).priors[0] for case in (monthly, weekly))
        weeks = monthly.panel.weeks_per_period
        assert long.location - short.location == pytest.approx(math.log(weeks))
        assert long.scale == pytest.approx(short.scale)
    assert weekly.density.spec.lags == 13
    assert monthly.density.spec.lags == 3


def test_a_lag_reaches_as_far_as_it_says_and_moves_no_other_channel(tools):
    plain = {"name": "a", "role": "tactical", "adstock": "delayed"}
    late = {"name": "b", "role": "both", "lag": {"median": 8, "max": 25.5}}
    spec = tools.make_case([plain, late], periods=60).density.spec
    assert (spec.reach, spec.lags) == ((13, 27), 27)
    alone = tools.make_case([plain], periods=60).density.spec
    assert spec.variable("delayed_peak") == alone.variable("delayed_peak")
    median, spread = (spec.variable(f"lag_gamma_{name}") for name in ("median", "spread"))
    assert (median.column, spread.column) == (curves.ADSTOCK_1, curves.ADSTOCK_2)
    assert median.labels == spread.labels == ("b",)
    assert math.exp(median.priors[0].location) == pytest.approx(8.0)


def test_scales_take_units_away(tools):
    channels = [{"name": "a", "role": "tactical"}, {"name": "b", "role": "tactical"}]
    design = tools.make_case(channels, geos=3, controls=2, population=True).density.design
    np.testing.assert_allclose(design.outcome.mean(axis=1), 1.0)
    for channel in range(2):
        media = design.media[:, channel]
        assert media[media > 0].mean() == pytest.approx(1.0)
    control = design.baseline.shared[:, -2:]
    np.testing.assert_allclose(control.mean(axis=(0, 2)), 0.0, atol=1e-12)
    np.testing.assert_allclose(control.std(axis=(0, 2)), 1.0)
    assert design.weight.sum() * design.outcome.shape[1] == pytest.approx(1.0)
    common = np.broadcast_to(design.common, (3, *design.common.shape))
    rows = np.concatenate([common, design.local], axis=1)
    np.testing.assert_allclose(design.gram, rows @ rows.mT)


def test_rows_alike_in_all_geos_are_held_once(tools):
    channels = [{"name": "a", "role": "tactical"}]
    design = tools.make_case(channels, geos=3, controls=2).density.design
    rows = [np.concatenate([design.common, local]) for local in design.local]
    for g, row in enumerate(rows):
        np.testing.assert_array_equal(row[design.own_row], design.baseline.own)
        np.testing.assert_array_equal(row[design.shared_row], design.baseline.shared[g])
        np.testing.assert_array_equal(row[-1], design.outcome[g] - design.centre)
    assert len(np.unique(design.common, axis=0)) == len(design.common)
    assert len(design.local[0]) == 3
