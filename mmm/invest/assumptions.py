"""What a case rests on: each assumption with its value, its unit and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mmm.config.finance import Finance

UNITS = {
    "currency": "",
    "margin": "share of outcome value",
    "discount_rate": "per year",
    "tax_rate": "share of profit",
    "payment_delay": "periods",
    "horizon": "periods",
    "hurdle": "NPV per unit of cost",
    "repeat_value": "share of outcome value",
}


class Source(StrEnum):
    """Who or what an assumption comes from."""

    DATA = "data"
    EXPERIMENT = "experiment"
    PRIOR = "prior"
    FINANCE = "finance"
    GUESS = "guess"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption. `value` is a number, or text such as a currency code."""

    name: str
    value: float | int | str
    unit: str
    source: Source


def finance_assumptions(finance: Finance) -> tuple[Assumption, ...]:
    """One assumption a finance setting, in the block's order.

    The source is `finance` where the study states the setting, `default` where it was left.
    """
    stated = finance.model_fields_set
    return tuple(
        Assumption(
            name,
            value if value is not None else "not stated",
            UNITS[name],
            Source.FINANCE if name in stated else Source.DEFAULT,
        )
        for name, value in finance
    )
