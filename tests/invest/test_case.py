"""The investment case: invariances, agreement with the cash flow, and the decision rule."""

import json

import numpy as np
import pandas as pd
import pytest

from mmm.cash.cashflow import cash_flow, cashflow_frame
from mmm.config.finance import CostLine, Finance
from mmm.errors import InputError
from mmm.invest.assumptions import Assumption, Source
from mmm.invest.case import build_case
from mmm.invest.export import case_to_dict

PERIODS = 60
FINANCE = Finance(
    currency="GBP", margin=0.4, discount_rate=0.09, tax_rate=0.25, payment_delay=2, hurdle=0.05
)


def flow(finance=FINANCE, roi=3.5, spread=0.3, scale=1.0, draws=400, seed=0):
    generator = np.random.default_rng(seed)
    cost = np.r_[np.full(26, 100.0), np.zeros(4)]
    timing = np.convolve(cost, 0.8 ** np.arange(31) * 0.2)
    value = generator.normal(roi, spread, (draws, 1)) * timing
    dates = pd.date_range("2026-01-05", periods=PERIODS, freq="W-MON")
    return cash_flow(scale * value, scale * cost, dates, finance, 52.18)


def case(cash, fit_verdict="trusted", later=None):
    return build_case(cash, cash.finance, fit_verdict=fit_verdict, later=later)


def test_figures_follow_from_the_draws():
    cash = flow()
    built = case(cash)
    npv = (cash.net * cash.discount_factor).sum(axis=1)
    assert built.npv_draws == pytest.approx(npv)
    assert built.npv.mean == pytest.approx(npv.mean())
    assert built.npv_per_cost.p50 == pytest.approx(np.median(npv) / built.present_cost)
    assert built.probability_of_loss == np.mean(npv < 0)
    assert built.cvar_95 == pytest.approx(np.sort(npv)[:20].mean())
    assert built.worst_decile_npv == pytest.approx(np.sort(npv)[:40].mean())
    assert built.decision.probability == np.mean(npv / built.present_cost > 0.05)
    assert built.discounted_payback.probability == np.mean(npv >= 0)
    assert built.npv_by_horizon[-1].npv.mean == pytest.approx(built.npv.mean)
    assert [row.periods for row in built.npv_by_horizon] == [13, 26, 52, 60]


def test_the_internal_rate_sets_the_expected_npv_to_zero():
    cash = flow(roi=2.6)
    rate = case(cash).irr
    path = cash.net.mean(axis=0)
    weekly = rate.per_period.expected
    assert path @ (1 + weekly) ** -np.arange(PERIODS) == pytest.approx(0, abs=1e-6)
    assert rate.per_year.expected == pytest.approx((1 + weekly) ** 52.18 - 1)
    assert rate.share_unique == 1 and rate.reason == ""
    assert rate.per_year.p05 < rate.per_year.p50 < rate.per_year.p95


def test_break_even_is_where_npv_is_zero():
    cash = flow(spread=0.0)
    built = case(cash)
    roi = cash.first_received[0] / built.cost
    at_roi = flow(roi=3.5 * built.break_even_roi.expected / roi, spread=0.0)
    assert case(at_roi).npv.mean == pytest.approx(0, abs=1e-9)
    thin = FINANCE.model_copy(update={"margin": built.break_even_margin.expected})
    assert case(flow(thin, spread=0.0)).npv.mean == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("horizon", [7, 31, 60])
@pytest.mark.parametrize("start", ["2026-01-05", "2020-01-05", "2030-01-05"])
def test_break_even_return_has_a_closed_form_without_discount(horizon, start):
    # what is not counted, later cash and costs before or after the case, does not move it
    film = CostLine(name="film", amount=900.0, start=start, kind="production")
    finance = Finance(
        margin=0.4, tax_rate=0.3, horizon=horizon, payment_delay=3, costs=[film], repeat_value=0.2
    )
    plain, lossy = (
        case(flow(finance.model_copy(update={"bad_debt": lost}))).break_even_roi
        for lost in (0.0, 0.1)
    )
    assert plain.expected == pytest.approx(1 / (0.4 * 1.2))
    assert (plain.p05, plain.p95) == (pytest.approx(plain.expected), pytest.approx(plain.expected))
    assert lossy.expected == pytest.approx(plain.expected / 0.9)


@pytest.mark.parametrize("delay", [0, 3, 30, 500])
def test_every_horizon_counts_what_is_owed_at_its_end(delay):
    film = {"name": "film", "amount": 90.0, "kind": "production", "periods": 20}
    finance = FINANCE.model_copy(update={"cost_delay": delay, "costs": (CostLine(**film),)})
    whole = flow(finance)
    for row in case(flow(finance.model_copy(update={"horizon": 40})), later=whole).npv_by_horizon:
        alone = case(flow(finance.model_copy(update={"horizon": row.periods})))
        assert row.npv.mean == pytest.approx(alone.npv.mean)
        assert row.probability_of_loss == alone.probability_of_loss


def test_money_that_loses_loses_however_late_its_costs_are_paid():
    for delay in (0, 12, 13, 200):
        late = case(flow(Finance(margin=0.1, horizon=13, cost_delay=delay), spread=0.01))
        assert late.decision.verdict == "do not invest"
        assert late.npv.mean < 0 and np.isnan(late.payback.periods.expected)


def test_peak_funding_is_the_deepest_point_of_the_expected_cash():
    cash = flow(spread=1.5)
    built = case(cash)
    lowest = cashflow_frame(cash)["cumulative_mean"].min()
    assert built.peak_funding.expected == pytest.approx(-lowest)
    assert built.peak_funding.p05 < built.peak_funding.expected < built.peak_funding.p95


def test_the_unit_of_money_changes_nothing_but_money():
    euros, cents = case(flow()), case(flow(scale=100.0))
    assert cents.npv.p05 == pytest.approx(100 * euros.npv.p05)
    assert cents.peak_funding.p95 == pytest.approx(100 * euros.peak_funding.p95)
    for name in ("npv_per_cost", "irr", "break_even_roi", "break_even_margin"):
        ours, theirs = getattr(euros, name), getattr(cents, name)
        pairs = [(ours.per_period, theirs.per_period)] if name == "irr" else [(ours, theirs)]
        for one, other in pairs:
            for part in ("p05", "p50", "p95"):
                assert getattr(other, part) == pytest.approx(getattr(one, part), rel=1e-9)
    assert (cents.payback, cents.discounted_payback) == (euros.payback, euros.discounted_payback)
    assert cents.decision == euros.decision
    assert cents.probability_of_loss == euros.probability_of_loss


@pytest.mark.parametrize(("roi", "verdict"), [(8.0, "invest"), (0.5, "do not invest")])
def test_good_and_bad_spending_are_told_apart(roi, verdict):
    assert case(flow(roi=roi)).decision.verdict == verdict


def test_a_rejected_fit_is_never_a_case():
    built = case(flow(roi=8.0), "rejected")
    assert built.decision.verdict == "not to be relied on"
    assert any("rejected" in caveat for caveat in built.caveats)


def test_no_cost_is_no_investment():
    dates = pd.date_range("2026-01-05", periods=3, freq="W-MON")
    built = case(cash_flow([[1.0, 2.0, 3.0]], [0.0], dates, Finance(), 52.18))
    plain = case_to_dict(built)
    assert plain["verdict"] == "no investment"
    assert plain["verdict_probability"] is plain["npv_per_cost"]["mean"] is None
    assert plain["break_even_roi"]["expected"] is None
    assert "never out of pocket" in plain["irr"]["reason"]


def test_never_paying_back_is_null_not_a_number():
    built = case_to_dict(case(flow(roi=0.5)))
    assert built["payback"] == {
        "periods": {"expected": None, "p05": None, "p50": None, "p95": None},
        "probability": 0.0,
    }


def test_half_the_draws_never_paying_back_leaves_no_median():
    dates = pd.date_range("2026-01-05", periods=2, freq="W-MON")
    value = np.r_[np.full((4, 2), [0.0, 200.0]), np.full((6, 2), [0.0, 50.0])]
    built = case(cash_flow(value, [100.0], dates, Finance(), 52.18))
    assert built.payback.probability == 0.4
    assert built.payback.periods.p05 == 1
    assert np.isnan([built.payback.periods.p50, built.payback.periods.p95]).all()


def test_rates_are_withheld_where_too_few_draws_have_one():
    dates = pd.date_range("2026-01-05", periods=2, freq="W-MON")
    value = np.r_[np.full((7, 2), [0.0, 200.0]), np.full((3, 2), [0.0, -50.0])]
    rate = case(cash_flow(value, [100.0], dates, Finance(), 52.18)).irr
    assert (rate.share_unique, rate.share_none, rate.share_several) == (0.7, 0.3, 0.0)
    assert rate.status == "unique" and np.isnan(rate.per_year.p50)
    assert "70%" in rate.reason


def test_several_rates_are_all_told_and_none_is_the_return():
    dates = pd.date_range("2026-01-01", periods=3, freq="YS")
    value = [[0.0, 230.0, 0.0]]
    built = case(cash_flow(value, [100.0, 0.0, 132.0], dates, Finance(), 1.0))
    assert built.irr.rates == pytest.approx([0.1, 0.2])
    assert built.irr.status == "several" and np.isnan(built.irr.per_year.expected)
    assert built.irr.rates_per_period == built.irr.rates
    assert "several rates make NPV zero: 10.0 % and 20.0 % a period" in built.irr.reason


def test_several_weekly_rates_are_told_though_a_yearly_one_would_mean_nothing():
    dates = pd.date_range("2026-01-05", periods=3, freq="W-MON")
    value = [[0.0, 100.0 * (1.13 + 1.75), 0.0]]
    cash = cash_flow(value, [100.0, 0.0, 100.0 * 1.13 * 1.75], dates, Finance(), 52.0)
    built = case(cash)
    assert built.irr.status == built.xirr.status == "several"
    assert built.irr.rates_per_period == pytest.approx([0.13, 0.75])
    assert built.irr.rates == pytest.approx([1.13**52 - 1, 1.75**52 - 1])
    assert len(built.xirr.rates) == 2 and not built.irr.beyond
    assert "13.0 % and 75.0 % a period" in built.irr.reason


def test_what_an_advance_costs_is_no_return():
    dates = pd.date_range("2026-01-05", periods=2, freq="W-MON")
    built = case(cash_flow(np.full((10, 2), [100.0, 0.0]), [0.0, 110.0], dates, Finance(), 52.0))
    assert built.npv.mean == pytest.approx(-10)
    for rate in (built.irr, built.xirr):
        assert rate.status == "unique" and not rate.beyond
        assert np.isnan([rate.per_year.expected, rate.per_year.p05, rate.per_year.p95]).all()
        assert "comes in before it goes out" in rate.reason
    assert built.irr.rates_per_period == pytest.approx([0.1])


def test_caveats_name_what_was_left_open_or_out():
    built = case(flow(Finance(horizon=20)))
    words = " ".join(built.caveats)
    for part in ("margin", "discount rate", "inflow", "Cost of 600"):
        assert part in words
    assert case(flow()).caveats == ()


def test_dict_is_json_in_a_stable_order():
    ours, again = case_to_dict(case(flow())), case_to_dict(case(flow()))
    text = json.dumps(ours, allow_nan=False)
    assert text == json.dumps(again, allow_nan=False)
    assert list(ours)[:4] == ["verdict", "verdict_probability", "verdict_sentence", "currency"]
    assert "npv_draws" not in ours and ours["start"] == "2026-01-05"
    assert json.loads(text)["npv"]["mean"] == case(flow()).npv.mean


def test_extra_assumptions_and_currency_are_carried():
    guess = Assumption("word_of_mouth", 0.02, "share of outcome", Source.GUESS)
    cash = flow(Finance(margin=0.4))
    built = build_case(
        cash, cash.finance, fit_verdict="trusted", extra_assumptions=[guess], currency="EUR"
    )
    assert built.assumptions[-1] == guess and built.currency == "EUR"
    assert case_to_dict(built)["assumptions"][-1]["source"] == "guess"


def test_refusals():
    cash = flow()
    with pytest.raises(InputError, match="fit_verdict"):
        build_case(cash, FINANCE, fit_verdict="fine")
    with pytest.raises(InputError, match="finance"):
        build_case(cash, Finance(), fit_verdict="trusted")
    twice = Assumption("margin", 0.5, "", Source.GUESS)
    with pytest.raises(InputError, match="margin"):
        build_case(cash, FINANCE, fit_verdict="trusted", extra_assumptions=[twice])


@pytest.mark.parametrize(
    ("later", "beyond", "under"),
    [
        ([130.0, 130.0], ("expected", "p05", "p50", "p95"), ()),
        ([101.0, 130.0], ("expected", "p95"), ()),
        ([101.0, 102.0], (), ()),
        ([84.0, 84.0], (), ("expected", "p05", "p50", "p95")),
        ([84.0, 130.0], ("expected", "p95"), ("p05", "p50")),
    ],
)
def test_rates_of_money_that_is_back_at_once_are_told_in_words(later, beyond, under):
    # a week at 1.01 is 68 % a year, at 1.3 88 million percent, at 0.84 all but everything lost
    dates = pd.date_range("2026-01-05", periods=2, freq="W-MON")
    value = np.array([[0.0, amount] for amount in np.repeat(later, 10)])
    built = case(cash_flow(value, [100.0], dates, Finance(), 365.25 / 7))
    plain = case_to_dict(built)
    for rate, figures in ((built.irr, plain["irr"]), (built.xirr, plain["xirr"])):
        assert (rate.beyond, rate.under) == (beyond, under)
        assert {name for name, one in figures["per_year"].items() if one is None} == {
            *beyond,
            *under,
        }
        assert ("over 1,000 % a year" in rate.reason) == bool(beyond)
        assert ("under -90 % a year" in rate.reason) == bool(under and not beyond)
        hidden = "expected" in (*beyond, *under)
        assert rate.rates == (() if hidden else (rate.per_year.expected,))
        assert all(one is None or -0.9 <= one <= 10 for one in figures["per_year"].values())
