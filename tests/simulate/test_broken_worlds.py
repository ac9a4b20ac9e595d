"""Worlds that break assumptions: what each says it does shows in its numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm.errors import InputError
from mmm.simulate import ChannelSpec, Flighting, simulate
from mmm.simulate.broken import Trouble, simulate_troubled
from mmm.simulate.broken_worlds import (
    BROKEN,
    broken_names,
    clean_spec,
    simulate_broken,
)
from mmm.simulate.families import delayed_lags, weibull_density_lags, weibull_survival_lags
from mmm.simulate.oracle import SATURATIONS, lagged_adstock
from mmm.transforms.adstock import adstock_family
from mmm.transforms.saturation import saturation_family

LISTED = {
    "demand_drives_search", "collinear", "wrong_family", "structural_break", "trending_effect",
    "outliers", "constant_channel", "seasonal_media", "mediation_ignored", "spend_chases_sales",
    "heavy_noise", "short_history", "zero_effect", "sign_changing_control", "sparse_geos",
    "mismeasured_spend",
}  # fmt: skip
SMALL = replace(clean_spec(), name="small", periods=60, geos=2, history=30)


def column(world, name):
    """A column of the data, (T, G)."""
    return world.frame[name].to_numpy().reshape(world.truth["periods"], -1)


def part(world, name):
    return world.components[name].to_numpy().reshape(world.truth["periods"], -1)


def over(world, plain, name):
    """A column relative to that of another world, (T, G); NaN where that is nothing."""
    base = column(plain, name)
    return np.divide(column(world, name), base, out=np.full(base.shape, np.nan), where=base > 0)


def test_there_are_sixteen_and_a_clean_one():
    assert set(broken_names()) == {*LISTED, "clean"}
    assert len(LISTED) == 16


@pytest.mark.parametrize("name", broken_names())
def test_parts_add_up_and_the_truth_is_of_the_window(name):
    world = simulate_broken(name, seed=1)
    outcome = world.frame[world.study.outcome.column].to_numpy()
    np.testing.assert_allclose(world.components.sum(axis=1), outcome, rtol=1e-9, atol=1e-9)
    assert json.loads(json.dumps(world.truth, allow_nan=False)) == world.truth
    assert world.name == name == world.study.study
    for channel, truth in world.truth["channels"].items():
        parts = [c for c in world.components if c.startswith(f"{channel}:")]
        assert truth["contribution"] == pytest.approx(world.components[parts].sum().sum())
        assert "roi" not in truth
        assert "caused" not in truth
    again, other = simulate_broken(name, seed=1), simulate_broken(name, seed=2)
    assert world.frame.equals(again.frame)
    assert not world.frame.equals(other.frame)


def test_no_trouble_changes_nothing():
    plain, untroubled = simulate(SMALL, 4), simulate_troubled(SMALL, Trouble(), 4)
    assert plain.frame.equals(untroubled.frame)
    for name, truth in untroubled.truth["channels"].items():
        assert truth["contribution"] == plain.truth["channels"][name]["contribution"]


def test_demand_moves_sales_and_search_alike_and_is_in_no_column():
    trouble = Trouble(demand=0.06, follows={"paid_search": 5.0})
    world, plain = simulate_troubled(SMALL, trouble, 0), simulate(SMALL, 0)
    extra = part(world, "baseline") - part(plain, "baseline")
    moved = np.log(over(world, plain, "paid_search_spend"))[:, 0]
    on = np.isfinite(moved)
    assert on.sum() > 20
    assert np.corrcoef(extra[on, 0], moved[on])[0, 1] > 0.99
    assert set(world.frame) == set(plain.frame)
    assert (column(world, "tv_spend") == column(plain, "tv_spend")).all()


def test_budgets_that_chase_sales_follow_the_weeks_before():
    trouble = Trouble(demand=0.06, persistence=0.9, chases={"paid_search": 4.0})
    world, plain = simulate_troubled(SMALL, trouble, 0), simulate(SMALL, 0)
    sales = column(world, "revenue")
    ratio = over(world, plain, "paid_search_spend")
    on = np.argwhere(np.isfinite(ratio))
    assert len(on) > 40
    for t, geo in on[on[:, 0] > 0]:
        recent = sales[max(0, t - 4) : t, geo].mean() / sales[:t, geo].mean()
        assert ratio[t, geo] == pytest.approx(recent**4, rel=1e-3)


def test_channels_run_together_or_not_at_all():
    together = simulate_broken("collinear")
    pair = [np.log(column(together, f"{name}_spend") + 1) for name in ("tv", "online_video")]
    assert np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1] > 0.95
    steady = column(simulate_broken("constant_channel"), "paid_search_spend")
    assert (steady == steady[0]).all()


def test_effects_move_along_their_line_and_may_be_nothing():
    world, plain = simulate_broken("trending_effect"), simulate_broken("clean")
    ratio = part(world, "tv:tactical")[1:-1] / part(plain, "tv:tactical")[1:-1]
    np.testing.assert_allclose(ratio[:, 0], np.linspace(1.8, 0.2, 130)[1:-1], rtol=1e-9)
    nothing = simulate_broken("zero_effect").truth["channels"]
    assert nothing["online_video"]["contribution"] == 0.0
    assert nothing["tv"]["contribution"] > 0


def test_the_baseline_breaks_and_price_turns():
    plain = simulate_broken("clean")
    change = part(simulate_broken("structural_break"), "baseline") / part(plain, "baseline") - 1
    assert np.abs(change[:70]).max() == 0.0
    assert -0.3 < change[72:].mean() < -0.15
    turned = simulate_troubled(SMALL, Trouble(turns=0.5), 0)
    straight = simulate(SMALL, 0)
    change = (part(turned, "baseline") - part(straight, "baseline"))[:, 0]
    price = column(straight, "price")[:, 0]
    assert np.abs(change[:29]).max() == 0.0
    assert np.corrcoef(change[30:], price[30:])[0, 1] > 0.999


def test_odd_weeks_counts_and_false_books():
    odd = part(simulate_broken("outliers"), "noise") - part(simulate_broken("clean"), "noise")
    assert (np.abs(odd) > 1.0).all(axis=1).sum() == 6
    sparse = simulate_broken("sparse_geos")
    orders = column(sparse, "orders")
    assert (orders == np.round(orders)).all()
    assert (orders == 0).mean() > 0.02
    misread, plain = simulate_broken("mismeasured_spend"), simulate_broken("clean")
    assert 0.45 < np.nanstd(np.log(over(misread, plain, "paid_search_spend"))) < 0.55
    assert (misread.components == plain.components).all(axis=None)
    booked = column(misread, "paid_social_spend")
    assert (booked > 0).any(axis=1).mean() == pytest.approx(0.25, abs=0.02)


def test_media_are_bought_for_the_peak_that_sales_have_anyway():
    world = simulate_broken("seasonal_media")
    december = (world.frame["week"].dt.month == 12).to_numpy()
    for values in (world.frame["tv_spend"].to_numpy(), world.components["baseline"].to_numpy()):
        assert values[december].mean() > 1.15 * values[~december].mean()


def test_a_study_that_ignores_mediation_has_no_path_and_no_column_of_it():
    world = simulate_broken("mediation_ignored")
    assert not world.study.paths
    assert "organic_search" not in world.frame
    assert world.truth["channels"]["tv"]["mediated"] > 0


def test_trouble_names_channels_that_are_there():
    with pytest.raises(InputError, match="radio"):
        simulate_troubled(SMALL, Trouble(follows={"radio": 1.0}))
    exposed = replace(SMALL.channels[0], exposure="grps")
    with pytest.raises(InputError, match="spending alone"):
        simulate_troubled(replace(SMALL, channels=(exposed,)), Trouble())
    with pytest.raises(InputError, match="colinear"):
        simulate_broken("colinear")


def test_every_world_says_what_is_broken():
    about = [make().about for make in BROKEN.values()]
    assert len(set(about)) == len(BROKEN)


@pytest.mark.parametrize(
    ("family", "drawn"),
    [
        ("delayed", lambda a, b: delayed_lags(a, b)),
        ("weibull_pdf", lambda a, b: weibull_density_lags(a, b)),
        ("weibull_cdf", lambda a, b: weibull_survival_lags(a, b)),
    ],
)
def test_lag_weights_are_those_of_the_models_family(family, drawn):
    for first, second in ((1.8, 2.0), (2.5, 4.0), (0.8, 1.5)):
        ours = drawn(first, second)
        theirs = adstock_family(family).lag_weights(np.arange(13.0), first, second).eval()
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), [("tanh", "tanh"), ("tanh", "logistic")])
def test_the_tanh_curve_is_the_models(ours, theirs):
    at = np.array([0.1, 0.7, 1.0, 4.0])
    known = saturation_family(theirs).curve(at, 0.7)
    np.testing.assert_allclose(SATURATIONS[ours](at, 0.7, 1.0), known.eval(), rtol=1e-12)


@given(
    weights=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6),
    series=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=12),
)
def test_lagged_carry_over_is_a_sum_over_lags(weights, series):
    expected = np.convolve(series, weights)[: len(series)]
    found = lagged_adstock(np.array(series), np.array(weights))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_world_of_other_families_responds_by_them():
    channel = ChannelSpec(
        name="tv", flighting=Flighting.SPIKES, cost_share=0.03, tactical_share=0.1,
        lags=(0.0, 0.25, 0.75), saturation="root", slope=0.5,
    )  # fmt: skip
    spec = replace(SMALL, channels=(channel,), geos=1, noise=0.0, history=0)
    world = simulate(spec, 0)
    spend, found = column(world, "tv_spend")[:, 0], part(world, "tv:tactical")[:, 0]
    carried = np.convolve(spend, [0.0, 0.25, 0.75])[: len(spend)]
    expected = np.sqrt(carried)
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), rtol=1e-9)
    assert world.truth["channels"]["tv"]["caused"] >= found.sum() * (1 - 1e-9)


def test_families_of_one_channel_leave_the_others_alone():
    plain = simulate(SMALL, 0)
    changed = replace(SMALL.channels[0], saturation="tanh")
    other = simulate(replace(SMALL, channels=(changed, *SMALL.channels[1:])), 0)
    for name in ("online_video", "paid_search"):
        np.testing.assert_allclose(
            part(plain, f"{name}:tactical"), part(other, f"{name}:tactical"), rtol=1e-12
        )
    assert not np.allclose(part(plain, "tv:tactical"), part(other, "tv:tactical"), rtol=1e-3)


def test_impossible_families_are_refused():
    for changes, said in (({"lags": (0.5, 0.6)}, "add up"), ({"saturation": "cubic"}, "one of")):
        with pytest.raises(InputError, match=said):
            replace(SMALL.channels[0], **changes)
