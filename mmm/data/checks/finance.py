"""Whether the finance block can value the spending that the study plans."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mmm.data.checks.finding import error
from mmm.data.observations import Observations
from mmm.dims import DAYS_PER_WEEK
from mmm.errors import Finding

QUARTER_WEEKS = 13.0


def horizon_holds_the_plan(observations: Observations) -> Iterator[Finding]:
    """`finance.horizon` reaches to the end of the spending, a quarter where no plan says more."""
    study = observations.study
    counted, planned = study.finance.horizon, study.plan.horizon
    dates = observations.known_dates
    if counted is None or planned is not None or dates is None:
        return
    days = pd.DatetimeIndex(pd.unique(dates)).sort_values()
    if len(days) < 2:
        return
    weeks = (days[-1] - days[0]).days / DAYS_PER_WEEK / (len(days) - 1)
    spending = max(1, round(QUARTER_WEEKS / weeks))
    if counted < spending:
        yield error(
            "finance_horizon",
            f"study '{study.study}': finance.horizon",
            f"{counted} periods end before the spending does, which is a quarter of a year "
            f"({spending} periods) where 'plan.horizon' is left out.",
            f"Give at least {spending} periods, or a shorter 'plan.horizon'.",
        )


CHECKS = (horizon_holds_the_plan,)
