"""The decision rule: from the chance of clearing the hurdle to a verdict in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isnan

import numpy as np

from mmm.cash.value import Floats, refuse

FIT_VERDICTS = ("trusted", "caution", "rejected")


MOST_CERTAIN = 0.999
"""A chance above this is said to be above it."""


class Verdict(StrEnum):
    INVEST = "invest"
    TEST_FIRST = "test first"
    INVEST_LESS = "invest less"
    DO_NOT_INVEST = "do not invest"
    MARGIN_FIRST = "state a margin first"
    NO_INVESTMENT = "no investment"
    NOT_TO_BE_RELIED_ON = "not to be relied on"


@dataclass(frozen=True, slots=True)
class Decision:
    """`probability`: the chance that NPV per unit of cost is above the hurdle (NaN: no cost)."""

    verdict: Verdict
    probability: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What finance asks: NPV per unit of cost above `hurdle`, missed with a chance of
    `risk_level` at most; a test costs `test_cost`. Without `margin_stated` all outcome value counts
    as profit, which can speak against an investment and not for one."""

    hurdle: float = 0.0
    risk_level: float = 0.2
    test_cost: float = 0.0
    margin_stated: bool = True

    @property
    def sure(self) -> float:
        return 1.0 - self.risk_level


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a decision rests on.

    `probability` of clearing the hurdle, NaN without cost. `marginal` and `falls_short`: the
    expected NPV of the last unit of cost per unit, and the chance that it is below the hurdle
    (NaN: not known). `information`: what it would be worth to know the truth before deciding, in
    money. `prior_led`: whether most of the effect is believed rather than seen.
    """

    probability: float
    marginal: float = np.nan
    falls_short: float = np.nan
    information: float = 0.0
    prior_led: bool = False


def grounds(
    npv: Floats,
    present_cost: float,
    rule: Rule,
    *,
    marginal: Floats | None = None,
    weights: Floats | None = None,
    prior_led: bool = False,
) -> Grounds:
    """Grounds from draws of `npv` (D,) and of the `marginal` NPV per unit of cost (D,).

    `weights` (D,) add up to 1; equal where left out.
    """
    if present_cost <= 0:
        return Grounds(np.nan)
    gain = npv - rule.hurdle * present_cost
    last = np.full(len(npv), np.nan) if marginal is None else marginal
    short = np.nan if marginal is None else float(np.average(last < rule.hurdle, weights=weights))
    return Grounds(
        probability=float(np.average(gain > 0, weights=weights)),
        marginal=float(np.average(last, weights=weights)),
        falls_short=short,
        information=value_of_information(gain, weights),
        prior_led=prior_led,
    )


def value_of_information(gain: Floats, weights: Floats | None = None) -> float:
    """Expected value of perfect information on a yes or no, E[max(g, 0)] - max(E[g], 0), for the
    gain g (D,) of a yes (Raiffa and Schlaifer, 1961): no test can be worth more."""
    mean = float(np.average(gain, weights=weights))
    best = float(np.average(np.maximum(gain, 0.0), weights=weights))
    return max(0.0, best - max(mean, 0.0))


def decision_rule(rule: Rule) -> str:
    """The rule in words, thresholds included."""
    risk, sure = f"{rule.risk_level:.0%}", f"{rule.sure:.0%}"
    return (
        "With P the probability that NPV per unit of discounted cost is above the hurdle of "
        f"{rule.hurdle:g}, and a chance of {risk} of missing it accepted: "
        f"'{Verdict.INVEST}' when P is at least {sure}, so that NPV at that risk still clears the "
        f"hurdle; '{Verdict.INVEST_LESS}' when it is, but the last unit of cost falls short of "
        f"the hurdle with a chance of at least {sure}; '{Verdict.TEST_FIRST}' when P is between "
        f"{risk} and {sure}, and knowing more is worth more than a test costs "
        f"({rule.test_cost:,.0f}) or most of the effect rests on priors (where neither holds, "
        f"'{Verdict.INVEST_LESS}' if P is above 50% and the last unit falls short so); else "
        f"'{Verdict.DO_NOT_INVEST}'. Where no margin is stated, all outcome value counts as "
        f"profit: '{Verdict.MARGIN_FIRST}' in place of all of these but "
        f"'{Verdict.DO_NOT_INVEST}'. '{Verdict.NOT_TO_BE_RELIED_ON}' whatever P is when the fit "
        f"is rejected, and '{Verdict.NO_INVESTMENT}' when there is no cost."
    )


def decide(found: Grounds, rule: Rule, *, fit_verdict: str) -> Decision:
    """The verdict on `found` by `rule`, in a sentence with its probability.

    Raises `InputError` when `fit_verdict` is not trusted, caution or rejected.
    """
    if fit_verdict not in FIT_VERDICTS:
        raise refuse(
            "fit_verdict", f"is '{fit_verdict}'.", f"Give one of {', '.join(FIT_VERDICTS)}."
        )
    if fit_verdict == "rejected":
        verdict, words = Verdict.NOT_TO_BE_RELIED_ON, "the fit behind these figures was rejected"
    elif isnan(found.probability):
        verdict, words = Verdict.NO_INVESTMENT, "no cost falls within the horizon"
    else:
        verdict, why = _by_grounds(found, rule)
        words = (
            f"the chance that NPV per unit of cost is above the hurdle of {rule.hurdle:g} is "
            f"{_chance(found.probability)}{why}"
        )
        if not rule.margin_stated and verdict is Verdict.DO_NOT_INVEST:
            words = f"even if all outcome value were profit, as no margin is stated, {words}"
        elif not rule.margin_stated:
            verdict = Verdict.MARGIN_FIRST
            words = (
                "if all outcome value were profit, the chance that NPV per unit of cost is above "
                f"the hurdle of {rule.hurdle:g} would be {_chance(found.probability)}; what it is "
                "at your margin, 'finance.margin' has to say (1 where outcome value is profit)"
            )
    if fit_verdict == "caution":
        words += "; the fit calls for caution, so read its reasons first"
    return Decision(verdict, found.probability, f"{verdict.capitalize()}: {words}.")


def _by_grounds(found: Grounds, rule: Rule) -> tuple[Verdict, str]:
    """The verdict, and what is to be said beside the probability."""
    last = (
        f"the chance that the last unit of cost falls short of it is {_chance(found.falls_short)} "
        f"(expected NPV {found.marginal:+.2f})"
    )
    too_much = found.falls_short >= rule.sure
    if found.probability >= rule.sure:
        return (Verdict.INVEST_LESS, f", but {last}") if too_much else (Verdict.INVEST, "")
    if found.probability <= rule.risk_level:
        return Verdict.DO_NOT_INVEST, ""
    if found.prior_led:
        return Verdict.TEST_FIRST, ", and most of the effect rests on priors"
    if found.information > rule.test_cost:
        return (
            Verdict.TEST_FIRST,
            f", and knowing better before deciding is worth up to {found.information:,.0f}",
        )
    if too_much and found.probability > 0.5:
        return Verdict.INVEST_LESS, f", and {last}"
    return Verdict.DO_NOT_INVEST, ", less than asked for, and a test would cost more than it tells"


def _chance(share: float) -> str:
    """A share of draws as a chance: finitely many draws show neither nothing nor certainty."""
    if share > MOST_CERTAIN:
        return f"more than {MOST_CERTAIN:.1%}"
    if share < 1.0 - MOST_CERTAIN:
        return f"less than {1.0 - MOST_CERTAIN:.1%}"
    return f"{share:.1%}"
