"""The finance block: what turns outcome into cash, and cash into value."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mmm.config.block import Block

DEFAULT_HORIZON_YEARS = 3.0


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

    def with_horizon(self, periods_per_year: float) -> Finance:
        """The same with the horizon settled; a default does not become a stated setting."""
        if self.horizon is not None:
            return self
        periods = max(1, round(DEFAULT_HORIZON_YEARS * periods_per_year))
        values = {name: value for name, value in self if name != "horizon"}
        return Finance.model_construct(
            self.model_fields_set - {"horizon"}, **values, horizon=periods
        )
