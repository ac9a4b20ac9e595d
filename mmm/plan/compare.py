"""Scenarios beside each other, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.plan.forecast import incremental_value, outcome_ahead
from mmm.plan.money import prices
from mmm.plan.objective import reaching
from mmm.plan.profit import profit_of, profit_span
from mmm.plan.scenario import Scenario
from mmm.results.respond import Response
from mmm.results.summary import summary_columns


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a scenario brings, by draw (D,): `outcome`, all of it within its own periods, baseline
    included, as expected, `predicted`, the same with noise, as `forecast` has it, and `noise`, its
    standard deviation; `profit`,
    what marketing adds, later periods included, as `profit_measure` counts; `value`, the value of
    all outcome it causes, neither discounted nor multiplied by margin."""

    scenario: Scenario
    outcome: np.ndarray
    predicted: np.ndarray
    noise: np.ndarray
    value: np.ndarray
    profit: np.ndarray


def outlook(response: Response, scenario: Scenario) -> Outlook:
    """What `scenario` brings."""
    span = profit_span(response.fit, scenario.periods)
    value = incremental_value(response, scenario, span)
    return Outlook(
        scenario,
        *outcome_ahead(response, scenario),
        value.sum(axis=1),
        profit_of(response, scenario, value),
    )


def comparison(response: Response, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """One row a scenario: money, loaded cost, then outcome within the horizon (predicted, noise
    included; its mean is the expected one), value caused and profit with mean, p05, p50, p95, and
    the same of the difference in profit to the first scenario, with the probability that it is
    above zero.

    Scenarios must span the same periods. The differences are draw by draw, so what is uncertain
    about both alike is not in them.
    """
    return comparison_of(response, [outlook(response, one) for one in scenarios])


def compared(
    response: Response, scenarios: Sequence[Scenario], target: float | None
) -> pd.DataFrame:
    """`comparison` of scenarios, with `probability_of_target` where there is one: the chance that
    outcome within the horizon, as predicted, reaches `target`."""
    seen = [outlook(response, one) for one in scenarios]
    table = comparison_of(response, seen)
    if target is None:
        return table
    return table.assign(
        probability_of_target=[reaching(one.outcome, target, one.noise)[0] for one in seen]
    )


def comparison_of(response: Response, seen: Sequence[Outlook]) -> pd.DataFrame:
    """`comparison` of scenarios whose outlook is known."""
    rows = []
    for one in seen:
        change = one.profit - seen[0].profit
        money = prices(response.fit, one.scenario).today.sum()
        rows.append({
            "scenario": one.scenario.name,
            "money": float(money),
            "loaded_cost": float(one.scenario.cost.sum()),
            **summary_columns("outcome", one.predicted),
            "outcome_mean": float(one.outcome.mean()),
            **summary_columns("value", one.value),
            **summary_columns("profit", one.profit),
            **summary_columns("difference", change),
            "probability_better": float((change > 0).mean()),
        })  # fmt: skip
    return pd.DataFrame(rows)
