"""From what marketing causes to what it is worth: one step a cause, adding up to NPV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mmm.cash.cashflow import CashFlow
from mmm.cash.value import Floats, Summary, summarise
from mmm.config.finance import CostKind

NAMES = {
    CostKind.PRODUCTION: "Production",
    CostKind.PEOPLE: "People",
    CostKind.OTHER: "Other costs",
}


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """One step, in money over the horizon. The means of all but the total add up to it."""

    name: str
    kind: Literal["value", "cost", "tax", "time", "total"]
    amount: Summary


def bridge(cash: CashFlow, npv: Floats) -> tuple[BridgeStep, ...]:
    """Steps from outcome value received within the horizon to `npv` (D,)."""
    ones = np.ones(len(npv))
    received = cash.first_received + cash.later_received
    steps: list[tuple[str, Literal["value", "cost", "tax", "time", "total"], Floats]] = [
        ("Outcome value", "value", cash.first_received)
    ]
    if cash.later_received.any():
        steps.append(("Later purchases", "value", cash.later_received))
    sold = cash.inflow.sum(axis=1) - received
    if sold.any():
        steps.append(("Cost of what is sold", "cost", sold))
    steps.append(("Media and fees", "cost", -cash.channel_cost.sum() * ones))
    for kind, name in NAMES.items():
        paid = sum(line.paid.sum() for line in cash.lines if line.kind is kind)
        if paid:
            steps.append((name, "cost", -paid * ones))
    if cash.tax.any():
        steps.append(("Tax", "tax", -cash.tax.sum(axis=1)))
    waiting = npv - cash.net.sum(axis=1)
    if cash.discount_factor[-1] != 1.0:
        steps.append(("Waiting for the money", "time", waiting))
    steps.append(("Net present value", "total", npv))
    return tuple(BridgeStep(name, kind, summarise(draws)) for name, kind, draws in steps)
