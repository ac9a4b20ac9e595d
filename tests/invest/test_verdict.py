"""The decision rule and what it rests on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mmm.errors import InputError
from mmm.invest.verdict import Grounds, Rule, decide, decision_rule, grounds, value_of_information

quiet = settings(max_examples=50, deadline=None)

NAN = float("nan")
RULE = Rule(hurdle=0.1, risk_level=0.2, test_cost=100.0)


@pytest.mark.parametrize(
    ("found", "fit_verdict", "verdict"),
    [
        (Grounds(1.0), "trusted", "invest"),
        (Grounds(0.8), "caution", "invest"),
        (Grounds(0.8, -0.3, 0.79), "trusted", "invest"),
        (Grounds(0.8, -0.3, 0.8), "trusted", "invest less"),
        (Grounds(0.79, -0.3, 0.8, information=101.0), "trusted", "test first"),
        (Grounds(0.79, -0.3, 0.8, information=100.0), "trusted", "invest less"),
        (Grounds(0.45, -0.3, 0.8, information=100.0), "trusted", "do not invest"),
        (Grounds(0.79, information=100.0), "trusted", "do not invest"),
        (Grounds(0.79, information=0.0, prior_led=True), "trusted", "test first"),
        (Grounds(0.21, information=101.0), "trusted", "test first"),
        (Grounds(0.2, information=1e9, prior_led=True), "trusted", "do not invest"),
        (Grounds(0.0), "caution", "do not invest"),
        (Grounds(1.0), "rejected", "not to be relied on"),
        (Grounds(NAN), "trusted", "no investment"),
        (Grounds(NAN), "rejected", "not to be relied on"),
    ],
)
def test_decision_rule(found, fit_verdict, verdict):
    decision = decide(found, RULE, fit_verdict=fit_verdict)
    assert decision.verdict == verdict
    assert decision.sentence.startswith(verdict.capitalize())
    assert ("caution" in decision.sentence) == (fit_verdict == "caution")
    rule = decision_rule(RULE)
    assert f"'{verdict}'" in rule and "0.1" in rule and "80%" in rule and "20%" in rule


@pytest.mark.parametrize(
    ("found", "fit_verdict", "verdict"),
    [
        (Grounds(1.0), "caution", "state a margin first"),
        (Grounds(0.8, -0.3, 0.8), "trusted", "state a margin first"),
        (Grounds(0.5, information=101.0), "trusted", "state a margin first"),
        (Grounds(0.2), "trusted", "do not invest"),
        (Grounds(1.0), "rejected", "not to be relied on"),
        (Grounds(NAN), "trusted", "no investment"),
    ],
)
def test_a_margin_nobody_stated_is_no_ground_for_investing(found, fit_verdict, verdict):
    decision = decide(found, Rule(margin_stated=False), fit_verdict=fit_verdict)
    assert decision.verdict == verdict
    assert decision.probability == found.probability or np.isnan(found.probability)
    assert decision.sentence.startswith(verdict.capitalize())
    said = "if all outcome value were profit" in decision.sentence
    assert said == (verdict in ("state a margin first", "do not invest"))
    assert f"'{verdict}'" in decision_rule(RULE)


@quiet
@given(st.floats(0.01, 0.49), st.integers(0, 2**32 - 1))
def test_investing_is_the_npv_at_the_risk_level_clearing_the_hurdle(risk, seed):
    generator = np.random.default_rng(seed)
    npv = generator.normal(generator.uniform(-1, 3), 1.0, 1000)
    rule = Rule(risk_level=risk)
    decided = decide(grounds(npv, 10.0, rule), rule, fit_verdict="trusted").verdict
    at_risk = np.sort(npv)[: int(np.ceil(round(risk * 1000, 6)))]
    if abs(np.mean(npv > 0) - (1 - risk)) > 2e-3:
        assert (decided == "invest") == (at_risk[-1] > 0)


def test_grounds_by_hand():
    npv, last = np.array([-10.0, 20.0, 30.0, 0.0]), np.array([-0.5, 0.0, 0.3, -0.2])
    found = grounds(npv, 100.0, Rule(hurdle=0.1), marginal=last)
    assert found.probability == 0.5 and found.falls_short == 0.75
    assert found.marginal == pytest.approx(-0.1)
    # gains are -20, 10, 20, -10: knowing saves the bad half, deciding blind is worth nothing
    assert found.information == pytest.approx(7.5)
    weights = np.array([0.0, 0.5, 0.5, 0.0])
    assert grounds(npv, 100.0, Rule(), weights=weights, marginal=last) == Grounds(
        1.0, pytest.approx(0.15), 0.0, pytest.approx(0.0)
    )
    assert np.isnan(grounds(npv, 0.0, Rule()).probability)


@settings(max_examples=25, deadline=None)
@given(st.floats(-2, 2), st.floats(1, 3))
def test_value_of_information_of_a_normal_gain(mean, spread):
    gain = norm(mean, spread).ppf((np.arange(40_000) + 0.5) / 40_000)
    loss = spread * norm.pdf(mean / spread) - abs(mean) * norm.cdf(-abs(mean) / spread)
    assert value_of_information(gain) == pytest.approx(loss, rel=5e-3)


def test_an_unknown_fit_verdict_is_refused():
    with pytest.raises(InputError, match="fit_verdict"):
        decide(Grounds(0.5), RULE, fit_verdict="fine")


@pytest.mark.parametrize(
    ("share", "said"),
    [(1.0, "more than 99.9%"), (0.999, "99.9%"), (0.0, "less than 0.1%"), (0.466, "46.6%")],
)
def test_no_number_of_draws_shows_certainty(share, said):
    sentence = decide(Grounds(share), RULE, fit_verdict="trusted").sentence
    assert f"hurdle of 0.1 is {said}" in sentence
    assert "100.0%" not in sentence
