"""The finance block: what turns outcome into cash, and cash into value."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mmm.config.block import Block


class Finance(Block):
    """Assumptions finance owns. Rates are yearly, delays and horizon are in periods.

    `margin`: contribution margin on outcome value. `discount_rate`: cost of capital a
    year. `tax_rate`: on profit. `payment_delay`: periods from outcome to cash.
    `horizon`: periods of cash counted after spending starts. `hurdle`: the NPV per unit of
    cost the investment must clear. `repeat_value`: later value per unit of outcome value,
    before margin (0.2 is 20 % more from repeat purchase).
    """

    currency: str | None = None
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0
    discount_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    tax_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    payment_delay: Annotated[int, Field(ge=0, le=520)] = 0
    horizon: Annotated[int, Field(ge=1, le=2000)] = 156
    hurdle: float = 0.0
    repeat_value: Annotated[float, Field(ge=0, le=100)] = 0.0
