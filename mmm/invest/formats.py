"""How a spreadsheet shows the cells of the case's tables: by their column and their unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite

MONEY, RATE, DATE, PLAIN = "#,##0.00", "0.00%", "yyyy-mm-dd", "General"
WHOLE = "#,##0"

_BY_COLUMN: Mapping[str, str] = {
    "expected": MONEY,
    "NPV": MONEY,
    "NPV at low": MONEY,
    "NPV at high": MONEY,
    "probability of loss": RATE,
    "P at low": RATE,
    "P at high": RATE,
    "effective draws": WHOLE,
    "Pareto k": "0.00",
    "sensitivity": "0.000",
    "power": "0.0",
}
_OF_UNIT = ("value", "low", "high", "p05", "p50", "p95")
_SHARES = ("share", "per year", "per period", "chance", "of market value")


def of_unit(value: object, unit: str) -> str:
    """Money, a rate, or a number with as many decimals as it needs."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return PLAIN
    if unit.startswith(_SHARES):
        return RATE
    if unit.startswith("money"):
        return MONEY
    if not isfinite(value) or value % 1 == 0 or abs(value) >= 1000:
        return WHOLE
    return "0.00" if abs(value) >= 0.1 else "0.0000"


def styles_of(header: Sequence[object], row: Sequence[object]) -> list[str]:
    """The style of each cell of `row` under `header`; quantiles without a unit are money."""
    names = [str(name) for name in header]
    unit = str(row[names.index("unit")]) if "unit" in names else "money"
    found = []
    for name, item in zip(names, row, strict=True):
        if isinstance(item, datetime):
            found.append(DATE)
        elif name in _OF_UNIT:
            found.append(of_unit(item, unit))
        else:
            found.append(_BY_COLUMN.get(name, PLAIN))
    return found
