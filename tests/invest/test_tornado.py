"""The tornado, the bridge and value by horizon against rebuilding the case."""

import numpy as np
import pandas as pd
import pytest

from mmm.config.finance import RANGES, Finance
from mmm.invest.assumptions import Source
from mmm.invest.bridge import bridge
from mmm.invest.measures import by_horizon
from mmm.invest.tornado import Quantity, ends_of, tornado
from mmm.invest.valuation import PlanWorth, Spending, present_value

PERIODS, DRAWS = 120, 400
FINANCE = Finance(
    margin=(0.3, 0.5),
    discount_rate=0.09,
    tax_rate=0.25,
    payment_delay=2,
    horizon=60,
    bad_debt=0.03,
    cost_delay=1,
    customers={
        "acquisition_share": 0.5,
        "retention": (0.9, 0.95),
        "orders_per_period": 0.05,
        "order_value": 30.0,
    },
    costs=[{"name": "film", "amount": 150.0, "kind": "production", "periods": 20}],
    ranges={"discount_rate": (0.05, 0.15)},
)


@pytest.fixture(scope="module")
def size():
    return np.random.default_rng(1).normal(1.0, 0.3, DRAWS)


@pytest.fixture(scope="module")
def worth(size):
    cost = np.full(13, 100.0)
    timing = np.convolve(cost, 0.9 ** np.arange(PERIODS) * 0.1)[:PERIODS]
    value = 3.0 * size[:, None] * timing
    dates = pd.date_range("2026-01-05", periods=PERIODS, freq="W-MON")
    last = Spending(0.5 * value, cost)
    return PlanWorth(Spending(value, cost), last, dates, 52.18, seed=1)


@pytest.fixture(scope="module")
def swings(worth, size):
    quantity = Quantity("effect of tv", size, "times", Source.DATA)
    constant = Quantity("constant", np.ones(DRAWS), "", Source.PRIOR)
    found = tornado(worth, FINANCE.settled(52.18), (quantity, constant), fit_verdict="trusted")
    return {swing.name: swing for swing in found}


def test_every_assumption_in_use_swings_and_the_widest_comes_first(swings):
    expected = {*RANGES, "cost", "effect of tv"} - {"repeat_value", "value_per_period"}
    assert set(swings) == expected
    spans = [swing.span for swing in swings.values()]
    assert spans == sorted(spans, reverse=True)


@pytest.mark.parametrize("name", sorted({*RANGES} - {"repeat_value", "value_per_period"}))
def test_a_swing_is_the_case_rebuilt(swings, worth, name):
    swing = swings[name]
    for end, npv in ((swing.low, swing.npv_low), (swing.high, swing.npv_high)):
        moved = FINANCE.replaced(name, end).settled(52.18)
        assert npv == pytest.approx(present_value(worth.cash(moved)).mean())
    stated = {"margin": (0.3, 0.5), "retention": (0.9, 0.95), "discount_rate": (0.05, 0.15)}
    assert swing.basis == ("stated" if name in stated else "default")
    if name in stated:
        assert (swing.low, swing.high) == stated[name]


def test_a_range_beside_a_curve_is_of_one_rate_in_its_place(worth):
    curve = Finance(margin=0.4, discount_curve=((0.5, 0.04), (3.0, 0.1)))
    ranged = curve.model_copy(update={"ranges": {"discount_rate": (0.05, 0.15)}})
    found = tornado(worth, ranged.settled(52.18), (), fit_verdict="trusted")
    (swing,) = (one for one in found if one.name == "discount_rate")
    assert (swing.source, swing.basis) == (Source.FINANCE, "stated")
    flat = Finance(margin=0.4, discount_rate=0.15).settled(52.18)
    assert swing.npv_high == pytest.approx(present_value(worth.cash(flat)).mean())
    plain = tornado(worth, curve.settled(52.18), (), fit_verdict="trusted")
    assert "discount_rate" not in {one.name for one in plain}


def test_costs_swing_as_if_all_were_ten_percent_more(swings, worth):
    dearer = FINANCE.model_copy(
        update={"costs": [FINANCE.costs[0].model_copy(update={"amount": 165.0})]}
    )
    more = PlanWorth(
        Spending(worth.whole.value, 1.1 * worth.whole.cost),
        None,
        worth.dates,
        worth.periods_per_year,
        worth.seed,
    )
    expected = present_value(more.cash(dearer.settled(52.18))).mean()
    assert swings["cost"].npv_high == pytest.approx(expected)


def test_a_posterior_quantity_swings_between_its_outer_tenths(swings, worth, size):
    npv = present_value(worth.cash(FINANCE.settled(52.18)))
    order = np.argsort(size)
    swing = swings["effect of tv"]
    assert swing.basis == "posterior"
    assert swing.low == pytest.approx(size[order[:40]].mean())
    assert swing.npv_low == pytest.approx(npv[order[:40]].mean())
    assert swing.npv_high == pytest.approx(npv[order[-40:]].mean())
    assert swing.probability_low == pytest.approx(np.mean(npv[order[:40]] > 0))


def test_verdicts_follow_the_ends(swings):
    swing = swings["effect of tv"]
    assert swing.verdict_low == "do not invest" and swing.verdict_high.startswith("invest")


@pytest.mark.parametrize(
    ("finance", "name", "ends"),
    [
        (Finance(margin=0.95), "margin", (0.855, 1.0)),
        (Finance(margin=-0.1, allow_negative_margin=True), "margin", (-0.11, -0.09)),
        (Finance(discount_rate=0.01), "discount_rate", (0.0, 0.04)),
        (Finance(discount_curve=((1, 0.05),)), "discount_rate", None),
        (Finance(), "payment_delay", (0.0, 4.0)),
        (Finance(), "cost_delay", None),
        (Finance(), "tax_rate", None),
        (Finance(), "retention", None),
        (Finance(ranges={"tax_rate": (0.1, 0.2)}), "tax_rate", (0.1, 0.2)),
        (Finance(horizon=100), "horizon", (50.0, 120.0)),
        (Finance(horizon=16), "horizon", (13.0, 24.0)),
        (Finance(horizon=80, ranges={"horizon": (5, 500)}), "horizon", (13.0, 120.0)),
    ],
)
def test_default_swings(finance, name, ends):
    found = ends_of(finance, name, 52.18, (13, 120))
    assert found is None if ends is None else found[1] == pytest.approx(ends)


def test_the_bridge_adds_up_to_npv(worth):
    cash = worth.cash(FINANCE.settled(52.18))
    npv = present_value(cash)
    steps = bridge(cash, npv)
    assert [step.name for step in steps] == [
        "Outcome value",
        "Later purchases",
        "Cost of what is sold",
        "Media and fees",
        "Production",
        "Tax",
        "Waiting for the money",
        "Net present value",
    ]
    assert sum(step.amount.mean for step in steps[:-1]) == pytest.approx(npv.mean())
    assert steps[4].amount.mean == pytest.approx(-150)


def test_a_plain_bridge_has_three_steps(worth):
    cash = worth.cash(Finance(horizon=60).settled(52.18))
    names = [step.name for step in bridge(cash, present_value(cash))]
    assert names == ["Outcome value", "Media and fees", "Net present value"]


def test_later_horizons_are_the_case_with_a_longer_one(worth):
    finance = Finance(margin=0.4, discount_rate=0.1, horizon=60).settled(52.18)
    rows = by_horizon(worth.cash(finance), worth.later_cash(finance))
    assert [row.periods for row in rows] == [13, 26, 52, 60, 104]
    assert [row.within_horizon for row in rows] == [True] * 4 + [False]
    for row in rows:
        cut = finance.model_copy(update={"horizon": row.periods})
        assert row.npv.mean == pytest.approx(present_value(worth.cash(cut)).mean())
