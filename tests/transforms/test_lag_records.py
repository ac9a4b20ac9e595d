"""Lags estimated from records against known truth, closed forms and counting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mmm.config.lag import Lag
from mmm.data.records import Records, State
from mmm.errors import InputError
from mmm.transforms.lag_estimates import LEAST_FACTOR, RecordedLag, lag_curves, lags_table, stated
from mmm.transforms.lag_prior import lag_prior
from mmm.transforms.lag_records import (
    estimate_lag,
    log_density,
    observed_wins,
    quantile,
    survival,
)

AS_OF = np.datetime64("2024-12-31", "ns")


def records_of(days, state, value=None, group=None) -> Records:
    count = len(days)
    value = np.full(count, np.nan) if value is None else value
    group = np.full(count, "", dtype=object) if group is None else group
    return Records(
        "deals.csv", np.asarray(days, dtype=float), np.asarray(state), value, group, AS_OF
    )


def simulated(seed: int, count: int, law=None, won=0.5, lost=0.3, window=400.0) -> Records:
    """Opportunities opened evenly over `window` days; gamma lags of median 60 and spread 0.7."""
    rng = np.random.default_rng(seed)
    law = law or stats.gamma(1 / 0.49, scale=60 / stats.gamma.median(1 / 0.49))
    opened = rng.uniform(0, window, count)
    fate = rng.choice([State.WON, State.LOST, State.OPEN], count, p=[won, lost, 1 - won - lost])
    lag = np.where(fate == State.WON, law.rvs(count, random_state=rng), rng.gamma(1.5, 30, count))
    seen = (fate != State.OPEN) & (opened + lag < window)
    days = np.where(seen, np.floor(opened + lag) - np.floor(opened), np.floor(window - opened))
    return records_of(days, np.where(seen, fate, State.OPEN))


@pytest.mark.parametrize("family", ["gamma", "lognormal"])
def test_density_survival_and_quantiles_belong_together(family):
    days = np.linspace(0.01, 300, 200_000)
    density = np.exp(log_density(family, days, 40.0, 0.8))
    left = survival(family, days, 40.0, 0.8)
    gone = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(days))])
    np.testing.assert_allclose(gone, left[0] - left, atol=1e-5)
    for part in (0.05, 0.5, 0.99):
        at = quantile(family, part, 40.0, 0.8)
        assert survival(family, np.array([at]), 40.0, 0.8)[0] == pytest.approx(1 - part)
    assert quantile(family, 0.5, 40.0, 0.8) == pytest.approx(40.0, rel=1e-3)


def test_open_records_do_not_bias_rate_and_lag():
    found = estimate_lag(simulated(1, 20_000), "gamma")
    assert found.rate.value == pytest.approx(0.5, abs=0.015)
    assert found.never == pytest.approx(0.2, abs=0.015)
    assert found.median.value == pytest.approx(60.0, rel=0.03)
    assert found.spread.value == pytest.approx(0.7, rel=0.03)
    assert found.distance < 0.03
    # those won so far are too few, and won too soon
    records = simulated(1, 20_000)
    won = records.state == State.WON
    assert won.mean() < 0.45
    assert np.median(records.days[won]) < 55


def test_intervals_hold_the_truth_nine_times_in_ten():
    held = np.zeros(3)
    for seed in range(40):
        found = estimate_lag(simulated(seed, 400), "gamma")
        truths = (0.5, 60.0, 0.7)
        estimates = (found.rate, found.median, found.spread)
        held += [one.low < truth < one.high for one, truth in zip(estimates, truths, strict=True)]
    # of 40 at 90 %, 31 or fewer come by chance in one case of a hundred
    assert (held >= 32).all()


def test_records_without_losses_have_a_part_that_never_closes():
    found = estimate_lag(simulated(2, 8000, won=0.4, lost=0.0), "gamma")
    assert found.lost == 0
    assert found.rate.value + found.never == pytest.approx(1.0)
    assert found.rate.low < 0.4 < found.rate.high


def test_when_all_are_closed_it_is_the_maximum_likelihood_of_each_part():
    rng = np.random.default_rng(4)
    lag = np.round(rng.lognormal(np.log(40), 0.6, 3000)) + 1
    state = np.where(rng.random(3000) < 0.6, State.WON, State.LOST)
    found = estimate_lag(records_of(lag, state), "lognormal")
    won = np.log(lag[state == State.WON])
    assert found.rate.value == pytest.approx((state == State.WON).mean(), abs=2e-3)
    assert found.median.value == pytest.approx(np.exp(won.mean()), rel=1e-3)
    assert found.spread.value == pytest.approx(won.std(), rel=1e-3)
    half = 1.645 * won.std() / np.sqrt(len(won))
    assert np.log(found.median.high / found.median.value) == pytest.approx(half, rel=0.02)


def test_without_censoring_the_share_won_is_counted():
    rng = np.random.default_rng(5)
    days, state = rng.integers(0, 30, 200), rng.choice([State.WON, State.LOST], 200)
    found = observed_wins(records_of(days, state))
    counted = [((days <= day) & (state == State.WON)).mean() for day in found.days]
    np.testing.assert_allclose(found.won, counted, atol=1e-12)
    share = np.array(counted)
    half = 1.6448536 * np.sqrt(share * (1 - share) / 200)
    # a share of independent records: the binomial interval
    np.testing.assert_allclose((found.high - found.low)[5:] / 2, half[5:], rtol=0.03)


def test_with_censoring_each_day_moves_what_is_left():
    days = np.array([1, 2, 2, 3, 4, 4, 5, 6])
    state = np.array([1, 2, 0, 1, 0, 1, 2, 1])
    found = observed_wins(records_of(days, state))
    left, won, expected = 1.0, 0.0, []
    for day in found.days:
        at_risk = (days >= day).sum()
        here = (days == day) & (state != State.OPEN)
        won += left * (here & (state == State.WON)).sum() / at_risk
        left *= 1 - here.sum() / at_risk
        expected.append(won)
    np.testing.assert_allclose(found.won, expected, atol=1e-12)
    assert (found.low <= found.won).all() and (found.won <= found.high).all()


def test_when_no_competing_end_it_is_one_less_kaplan_meier():
    records = simulated(6, 500, won=0.7, lost=0.0)
    seen = records.state == State.WON
    curve = stats.ecdf(stats.CensoredData(records.days[seen], right=records.days[~seen]))
    found = observed_wins(records)
    np.testing.assert_allclose(found.won, curve.cdf.evaluate(found.days), atol=1e-12)
    ends = curve.cdf.confidence_interval(0.9, method="linear")
    np.testing.assert_allclose(found.high[:-1], ends.high.evaluate(found.days)[:-1], atol=1e-9)


def two_kinds(count: int) -> Records:
    """Half closes within days, half after three months."""
    rng = np.random.default_rng(7)
    days = np.where(rng.random(count) < 0.5, rng.gamma(9, 1, count), rng.gamma(90, 1, count))
    return records_of(np.round(days), np.full(count, State.WON))


def test_a_family_that_does_not_fit_leaves_the_lag_open():
    good, bad = estimate_lag(simulated(8, 5000), "gamma"), estimate_lag(two_kinds(2000), "gamma")
    assert good.distance < 0.1 < bad.distance
    for estimate, factor in ((good, LEAST_FACTOR), (bad, 1.5)):
        lag = stated(estimate, 7.0)
        low, high = lag.median_interval
        assert lag.median == pytest.approx(estimate.median.value / 7)
        assert low <= lag.median / factor * (1 + 1e-9)
        assert high >= lag.median * factor * (1 - 1e-9)
        assert low <= estimate.observed.median / 7 <= high
        assert lag.max * 7 == pytest.approx(estimate.longest)
        assert lag_prior(lag).adstock == "lag_gamma"


def test_records_that_say_nothing_of_the_lag_are_refused():
    # all closed on the day they were opened: any lag of minutes explains that
    with pytest.raises(InputError, match=r"no clear optimum\. Give more records"):
        estimate_lag(records_of(np.zeros(40), np.full(40, State.WON)), "gamma")


def test_a_lag_that_never_varies_is_all_but_certain():
    found = estimate_lag(records_of(np.full(40, 5.0), np.full(40, State.WON)), "lognormal")
    assert found.median.value == pytest.approx(5.0, rel=0.01)
    assert found.spread.value < 0.06


def test_a_lag_whose_records_were_not_read_is_refused():
    source = {"file": "x.csv", "opened": "a", "closed": "b", "won": {"column": "c", "value": "d"}}
    with pytest.raises(InputError, match=r"'mmm\.estimate_lags"):
        lag_prior(Lag.model_validate({"records": source}))


def test_tables_have_a_row_for_each_family_and_group():
    records = simulated(9, 800)
    one, other = estimate_lag(records, "gamma"), estimate_lag(records, "lognormal")
    lag = RecordedLag("visits", one, other, (("north", one),), None, stated(one, 7.0))
    table = lags_table((lag,))
    assert table["used"].tolist() == [True, False, False]
    assert table["family"].tolist() == ["gamma", "lognormal", "gamma"]
    assert table["group"].tolist() == ["", "", "north"]
    assert (table[["won", "lost", "open"]].sum(axis=1) == table["opened"]).all()
    curves = lag_curves((lag,))
    assert np.abs(curves["fitted"] - curves["observed"]).max() / one.rate.value == pytest.approx(
        one.distance
    )
    low, high = lag.conversion
    assert low <= one.rate.low
    assert one.rate.high <= high
