"""What a unit of outcome sold, or of money spent, is worth at the start, period by period.

Cash is linear in what is sold and in what is spent, and its delays do not depend on when that is.
So the cash of one unit sold in the first period is that of any other period, later: the same
machinery as a case's values a plan with one product of vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import hankel

from mmm.cash.cashflow import CashFlow, cash_flow
from mmm.cash.uncertain import stated_as_intervals
from mmm.cash.value import Floats
from mmm.config.finance import Finance


@dataclass(frozen=True, slots=True)
class UnitWorth:
    """Expected present worth before tax over P periods: `sold` (P,) of outcome worth one unit of
    money sold in a period, `paid` (P,) of one unit of the channels' cost spent in it. by_draw
    (D, P): what a draw of uncertain assumptions makes of `sold`, over it; None where all are
    certain."""

    sold: Floats
    paid: Floats
    by_draw: Floats | None = None


def unit_worth(
    finance: Finance,
    dates: pd.DatetimeIndex,
    periods_per_year: float,
    *,
    price: float | None = None,
    draws: int = 1,
    seed: int = 0,
) -> UnitWorth:
    """The worth of units over the periods of `dates` (P,), the horizon of `finance` put aside.

    `price`: money of outcome a customer brings, where the outcome counts customers. Uncertain
    assumptions are those of a cash flow of `draws` draws. Raises `InputError` as `cash_flow` does.
    """
    periods = len(dates)
    uncertain = bool(stated_as_intervals(finance))
    one = np.zeros((draws if uncertain else 1, periods))
    one[:, 0] = 1.0
    flow = cash_flow(
        one,
        np.zeros(1),
        dates,
        channels_alone(finance, periods),
        periods_per_year,
        units=None if price is None else one / price,
        seed=seed,
    )
    factor = flow.discount_factor
    # what is sold t periods later arrives t periods later, or past the end
    sold = flow.inflow @ hankel(factor)
    mean = sold.mean(axis=0)
    paid = factor[np.minimum(np.arange(periods) + finance.cost_delay, periods - 1)]
    return UnitWorth(
        mean,
        paid,
        np.divide(sold, mean, out=np.ones_like(sold), where=mean != 0) if uncertain else None,
    )


def channels_alone(finance: Finance, horizon: int) -> Finance:
    """The finance block over `horizon` periods without costs beyond the channels' own."""
    return finance.model_copy(update={"horizon": horizon, "costs": ()})


def profit_before_tax(flow: CashFlow) -> Floats:
    """Present inflow less present cost by draw (D,)."""
    return flow.present_inflow - flow.present_cost
