"""A plan's worth before finance, and what a finance block makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.cash.cashflow import CashFlow, cash_flow
from mmm.cash.value import Floats
from mmm.config.finance import Finance
from mmm.invest.verdict import Rule


@dataclass(frozen=True, slots=True)
class Spending:
    """What spending causes and costs against not spending, by draw and period.

    `value` (D, P): money of outcome; `units` (D, P): customers, where the outcome counts them;
    `cost` (P0,), P0 <= P: loaded cost of the channels.
    """

    value: Floats
    cost: Floats
    units: Floats | None = None


@dataclass(frozen=True, slots=True)
class PlanWorth:
    """All that a plan causes over `dates` (P,), `whole`, and a small change of it, `last`.

    Finance blocks turn it into cash without a look at the model. `seed` decides the draws of
    uncertain assumptions.
    """

    whole: Spending
    last: Spending | None
    dates: pd.DatetimeIndex
    periods_per_year: float
    seed: int

    def cash(self, finance: Finance) -> CashFlow:
        """Cash flow of the plan under `finance`."""
        return self._flow(self.whole, finance)

    def last_cash(self, finance: Finance) -> CashFlow | None:
        """Cash flow of the small change, to which costs beyond the channels' own add nothing."""
        if self.last is None:
            return None
        return self._flow(self.last, finance.model_copy(update={"costs": ()}))

    def later_cash(self, finance: Finance) -> CashFlow:
        """Cash flow of the plan over all dates, past the horizon of `finance`."""
        longest = finance.model_copy(update={"horizon": len(self.dates)})
        return self._flow(self.whole, longest)

    def _flow(self, spending: Spending, finance: Finance) -> CashFlow:
        return cash_flow(
            spending.value,
            spending.cost,
            self.dates,
            finance,
            self.periods_per_year,
            units=spending.units,
            seed=self.seed,
        )


def present_value(cash: CashFlow) -> Floats:
    """NPV by draw (D,)."""
    return np.asarray(cash.net @ cash.discount_factor)


def rule_of(finance: Finance) -> Rule:
    """The decision rule that a finance block states."""
    stated = "margin" in finance.model_fields_set
    return Rule(finance.hurdle, finance.risk_level, finance.test_cost, stated)


def marginal_return(marginal: CashFlow | None) -> Floats | None:
    """NPV per unit of discounted cost of a small change of spending (D,); None without cost."""
    if marginal is None or marginal.present_cost <= 0:
        return None
    return present_value(marginal) / marginal.present_cost
