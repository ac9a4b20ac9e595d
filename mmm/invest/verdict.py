"""The decision rule: from the chance of clearing the hurdle to a verdict in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mmm.invest.value import refuse

INVEST_FROM = 0.8
TEST_FROM = 0.4
LESS_FROM = 0.2

FIT_VERDICTS = ("trusted", "caution", "rejected")


class Verdict(StrEnum):
    INVEST = "invest"
    TEST_FIRST = "test first"
    INVEST_LESS = "invest less"
    DO_NOT_INVEST = "do not invest"
    NO_INVESTMENT = "no investment"
    NOT_TO_BE_RELIED_ON = "not to be relied on"


@dataclass(frozen=True, slots=True)
class Decision:
    """`probability`: the chance that NPV per unit of cost is above the hurdle (NaN: no cost)."""

    verdict: Verdict
    probability: float
    sentence: str


def decision_rule(hurdle: float) -> str:
    """The rule in words, thresholds included."""
    return (
        f"With P the probability that NPV per unit of discounted cost is above the hurdle of "
        f"{hurdle:g}: '{Verdict.INVEST}' when P is at least {INVEST_FROM:.0%}, "
        f"'{Verdict.TEST_FIRST}' when P is at least {TEST_FROM:.0%}, '{Verdict.INVEST_LESS}' when "
        f"P is at least {LESS_FROM:.0%}, else '{Verdict.DO_NOT_INVEST}'. "
        f"'{Verdict.NOT_TO_BE_RELIED_ON}' whatever P is when the fit is rejected, and "
        f"'{Verdict.NO_INVESTMENT}' when there is no cost."
    )


def decide(probability: float, *, hurdle: float, fit_verdict: str) -> Decision:
    """Verdict for the `probability` of clearing the hurdle, which is NaN without any cost.

    Raises `InputError` when `fit_verdict` is not trusted, caution or rejected.
    """
    if fit_verdict not in FIT_VERDICTS:
        raise refuse(
            "fit_verdict", f"is '{fit_verdict}'.", f"Give one of {', '.join(FIT_VERDICTS)}."
        )
    has_cost = probability == probability
    chance = (
        f"the chance that NPV per unit of cost is above the hurdle of {hurdle:g} is "
        f"{probability:.1%}"
    )
    if fit_verdict == "rejected":
        verdict, words = Verdict.NOT_TO_BE_RELIED_ON, "the fit behind these figures was rejected"
    elif not has_cost:
        verdict, words = Verdict.NO_INVESTMENT, "no cost falls within the horizon"
    else:
        verdict, words = _by_probability(probability), chance
    if fit_verdict == "caution":
        words += "; the fit calls for caution, so read its reasons first"
    return Decision(verdict, probability, f"{verdict.capitalize()}: {words}.")


def _by_probability(probability: float) -> Verdict:
    if probability >= INVEST_FROM:
        return Verdict.INVEST
    if probability >= TEST_FROM:
        return Verdict.TEST_FIRST
    return Verdict.INVEST_LESS if probability >= LESS_FROM else Verdict.DO_NOT_INVEST
