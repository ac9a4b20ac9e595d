"""Plans of channels that act through paths are worth what the response engine says."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.errors import InputError
from mmm.plan.draws import on_draws
from mmm.plan.forecast import incremental_value
from mmm.plan.levers import levers
from mmm.plan.money import prices, spending
from mmm.plan.optimise import optimise
from mmm.plan.target import target_objective, valuation_of
from mmm.plan.worth import profit_measure

FINANCE = {"margin": 0.4, "discount_rate": 0.1, "horizon": 30}
LAG = {"median": 3, "max": 9}
GRAPHS = {
    "mediator": [{"name": "visits", "drivers": ["tv", "posters"]}],
    "moving": [{"name": "visits", "drivers": ["tv"], "time_varying": True}],
    "funnel": [
        {"name": "leads", "drivers": ["tv", "search"], "feeds": "pipeline", "lag": LAG},
        {"name": "pipeline", "lag": LAG},
    ],
    "both": [
        {"name": "searches", "drivers": ["tv"]},
        {"name": "leads", "drivers": ["tv", "search", "searches"], "lag": LAG},
    ],
}
CHANNELS = (
    {"name": "tv", "role": "both", "costs": {"agency_fee": 0.1}},
    {"name": "search", "role": "tactical", "saturation": "michaelis_menten"},
    {"name": "posters", "role": "brand", "adstock": "weibull_pdf"},
)


def read_of(make, graph, **options):
    return make.response(*CHANNELS, paths=GRAPHS[graph], finance=FINANCE, **options)


@pytest.mark.parametrize("graph", list(GRAPHS))
def test_worth_is_the_engine_s_and_the_gradient_its_slope(make, graph):
    read = read_of(make, graph, draws=6)
    made = levers(prices(read.fit), blocks=2)
    valuation = valuation_of(read, made, profit_measure(read, made))
    today = made.decisions(made.prices.today)
    z = today * np.random.default_rng(1).uniform(0.2, 2.0, len(today)) + 0.1 * today.mean()
    found, gradient = valuation.values(z)
    scenario = spending(made.prices, made.money(z), "plan")
    factor = 1.1 ** (-np.arange(30) / read.fit.panel.periods_per_year)
    value = incremental_value(read, scenario, 30) @ factor * 0.4
    cost = scenario.cost.sum(axis=1) @ factor[: scenario.periods]
    np.testing.assert_allclose(found, value - cost, rtol=1e-8)
    for i in range(made.size):
        step = np.zeros_like(z)
        step[i] = 1e-4 * z.mean()
        slope = (valuation.values(z + step)[0] - valuation.values(z - step)[0]) / (2 * step[i])
        np.testing.assert_allclose(gradient[:, i], slope, rtol=1e-5, atol=1e-7)


def test_some_draws_are_worth_what_they_were_among_all(make):
    read = read_of(make, "funnel", draws=6)
    made = levers(prices(read.fit))
    valuation = valuation_of(read, made, profit_measure(read, made))
    z = made.decisions(made.prices.today)
    kept = np.array([1, 4])
    np.testing.assert_allclose(
        on_draws(valuation, kept).values(z)[0], valuation.values(z)[0][kept], rtol=1e-12
    )


def test_a_plan_through_paths_is_no_worse_than_today_s(make):
    found = optimise(read_of(make, "both", draws=20))
    today = found.profit_today.mean()
    assert found.profit.mean() >= today - 1e-9 * abs(today)
    assert (found.money >= 0).all()


def test_a_target_counts_what_arrives_through_paths(make):
    read = read_of(make, "mediator", draws=8)
    made = levers(prices(read.fit))
    target = target_objective(read, made, 1000.0)
    without = make.response(*CHANNELS, finance=FINANCE, draws=8)
    plain = target_objective(without, levers(prices(without.fit)), 1000.0)
    assert target.start is not None and plain.start is not None
    assert np.isfinite(target.start).all()
    assert not np.allclose(target.start, plain.start)


def test_a_bought_path_is_refused_by_name(make):
    channels = (*CHANNELS, {"name": "paid search", "role": "tactical", "exposure": "visits_column"})
    paths = [{"name": "visits", "drivers": ["tv"]}]
    read = make.response(*channels, paths=paths, finance=FINANCE, draws=4)
    made = levers(prices(read.fit))
    with pytest.raises(InputError, match="tv, paid search") as refused:
        valuation_of(read, made, profit_measure(read, made))
    assert "posters" not in str(refused.value)


def test_paths_where_effects_multiply_are_refused_by_name(make):
    read = read_of(make, "mediator", draws=4, likelihood="lognormal")
    made = levers(prices(read.fit))
    with pytest.raises(InputError, match=r"tv, posters.*effects multiply"):
        valuation_of(read, made, profit_measure(read, made))
