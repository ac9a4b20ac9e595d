"""Assumptions: who set them, and how uncertain ones are drawn."""

import numpy as np
import pytest
from scipy.stats import norm

from mmm.cash.uncertain import draw_assumptions
from mmm.config.finance import Finance
from mmm.invest.assumptions import Source, finance_assumptions

CUSTOMERS = {"retention": (0.9, 0.97), "orders_per_period": 0.2, "order_value": 50.0}


def test_assumptions_say_who_set_them():
    finance = Finance(margin=0.4, hurdle=0.0).settled(52.1775)
    rows = {row.name: row for row in finance_assumptions(finance)}
    assert list(rows) == [
        "currency",
        "margin",
        "discount_rate",
        "tax_rate",
        "payment_delay",
        "horizon",
        "hurdle",
        "risk_level",
        "repeat_value",
    ]
    assert rows["margin"].source is rows["hurdle"].source is Source.FINANCE
    assert rows["horizon"].source is Source.DEFAULT
    assert (rows["horizon"].value, rows["horizon"].unit) == (156, "periods")
    assert rows["currency"].value == "not stated"


def test_every_stated_setting_becomes_a_row():
    finance = Finance(
        margin=(0.3, 0.5),
        discount_curve=((0.25, 0.04), (5.0, 0.06)),
        collection=(0.6, 0.4),
        customers=CUSTOMERS,
        costs=[{"name": "film", "amount": 9e4, "kind": "production", "periods": 26}],
        company={"revenue": 5e6, "new_customers": 800},
        ranges={"tax_rate": (0.2, 0.3)},
        tax_rate=0.25,
    )
    rows = {row.name: row for row in finance_assumptions(finance.settled(52.18))}
    assert "discount_rate" not in rows
    assert rows["discount_curve"].value == "0.04 at 0.25, 0.06 at 5"
    assert (rows["margin"].low, rows["margin"].high) == (0.3, 0.5)
    assert (rows["tax_rate"].low, rows["tax_rate"].high) == (0.2, 0.3)
    assert (rows["retention"].low, rows["retention"].high) == (0.9, 0.97)
    assert rows["acquisition_share"].source is Source.DEFAULT
    assert rows["cost: film"].value == 9e4 and "over 26 periods" in rows["cost: film"].unit
    assert rows["company: revenue"].value == 5e6
    assert len(rows) == len(finance_assumptions(finance.settled(52.18)))


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.5), (0.02, 0.9)])
def test_an_interval_is_the_central_90_percent_of_the_draws(low, high):
    drawn = draw_assumptions(Finance(margin=(low, high)), 20_000, seed=3).margin
    assert np.quantile(drawn, [0.05, 0.95]) == pytest.approx([low, high], rel=1e-3)
    assert (drawn > 0).all() and (drawn < 1).all()


def test_a_margin_that_may_be_negative_is_normal():
    finance = Finance(allow_negative_margin=True, margin=(-0.1, 0.3))
    drawn = draw_assumptions(finance, 5_000, seed=3).margin
    wanted = norm(0.1, 0.2 / norm.ppf(0.95)).ppf((np.arange(5_000) + 0.5) / 5_000)
    assert np.sort(drawn) == pytest.approx(wanted)


def test_draws_follow_the_seed_and_are_independent_of_each_other():
    finance = Finance(margin=(0.3, 0.5), customers=CUSTOMERS)
    first, again, other = (draw_assumptions(finance, 4_000, seed) for seed in (1, 1, 2))
    assert (first.margin == again.margin).all() and (first.margin != other.margin).any()
    assert np.sort(first.margin) == pytest.approx(np.sort(other.margin))
    assert abs(np.corrcoef(first.margin, first.retention)[0, 1]) < 0.06
    assert np.quantile(first.retention, [0.05, 0.95]) == pytest.approx([0.9, 0.97], rel=1e-3)


def test_numbers_are_constant():
    drawn = draw_assumptions(Finance(margin=0.4), 7, seed=0)
    assert (drawn.margin == 0.4).all() and (drawn.retention == 0).all()
