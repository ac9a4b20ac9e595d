"""The finance block: what turns outcome into cash, and cash into value."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mmm.config.block import Block
from mmm.dims import DAYS_PER_WEEK, DAYS_PER_YEAR

DEFAULT_HORIZON_WEEKS = 156.0


class Finance(Block):
    """Assumptions finance owns. Rates are yearly, delays and horizon are in periods.

    `margin`: contribution margin on outcome value. `discount_rate`: cost of capital a
    year. `tax_rate`: on profit. `payment_delay`: periods from outcome to cash.
    `horizon`: periods of cash counted from the start of spending, three years when left
    out. `hurdle`: the NPV per unit of cost the investment must clear. `repeat_value`: later
    value per unit of outcome value, before margin (0.2 is 20 % more from repeat purchase).
    """

    currency: str | None = None
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0
    discount_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    tax_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    payment_delay: Annotated[int, Field(ge=0, le=520)] = 0
    horizon: Annotated[int, Field(ge=1, le=2000)] | None = None
    hurdle: float = 0.0
    repeat_value: Annotated[float, Field(ge=0, le=100)] = 0.0

    def settled(self, periods_per_year: float, currency: str = "") -> Finance:
        """The same with horizon and currency settled; a default stays a default."""
        weeks = DAYS_PER_YEAR / DAYS_PER_WEEK / periods_per_year
        horizon = self.horizon or max(1, round(DEFAULT_HORIZON_WEEKS / weeks))
        values = dict(self) | {"horizon": horizon, "currency": self.currency or currency or None}
        return Finance.model_construct(self.model_fields_set, **values)
