"""Where a plan leaves what the data has seen."""

from __future__ import annotations

import numpy as np

from mmm.efficiency.curves import supported_range
from mmm.errors import Finding, Severity
from mmm.inference.fit import Fit
from mmm.plan.constraints import seen_money
from mmm.plan.levers import Levers


def seen_range(fit: Fit, channel: int) -> tuple[float, float]:
    """Money of a period, all geos, that the data has seen while the channel was active: the 5 %
    and 95 % quantiles, as `curves.csv` has them."""
    money = seen_money(fit)[:, :, channel]
    by_period = money.sum(axis=1)
    active = by_period[by_period > 0]
    if not len(active):
        return 0.0, 0.0
    low, high = supported_range(money)
    return low * float(active.mean()), high * float(active.mean())


def outside(fit: Fit, money: np.ndarray) -> np.ndarray:
    """Where (H, C) a plan (H, G, C) spends more in a period than the data has seen, or less and
    not nothing."""
    found = np.zeros((money.shape[0], money.shape[2]), dtype=bool)
    for channel in range(money.shape[2]):
        low, high = seen_range(fit, channel)
        by_period = money[:, :, channel].sum(axis=1)
        found[:, channel] = (by_period > 1.001 * high) | (
            (by_period > 0.01 * low) & (by_period < 0.999 * low)
        )
    return found


def support_findings(fit: Fit, levers: Levers, z: np.ndarray) -> tuple[Finding, ...]:
    """A warning for each channel whose plan leaves the range of the data."""
    money = levers.money(z)
    left = outside(fit, money)
    findings = []
    for channel in levers.chosen.tolist():
        if not left[:, channel].any():
            continue
        name = fit.panel.channels[channel]
        low, high = seen_range(fit, channel)
        by_period = money[:, :, channel].sum(axis=1)[left[:, channel]]
        ends = dict.fromkeys(f"{end:,.0f}" for end in (by_period.min(), by_period.max()))
        findings.append(
            Finding(
                "plan_support",
                Severity.WARNING,
                f"plan: {name}",
                f"{int(left[:, channel].sum())} of {len(left)} planned periods spend "
                f"{' to '.join(ends)}, outside the "
                f"{low:,.0f} to {high:,.0f} that the data has seen: there the curve is a guess.",
                f"Narrow 'plan.bounds.{name}', or move there in steps and test.",
            )
        )
    silent = [
        fit.panel.channels[c] for c in levers.chosen.tolist() if not levers.prices.totals[c] > 0
    ]
    if silent:
        findings.append(
            Finding(
                "plan_without_today",
                Severity.INFO,
                f"plan: {', '.join(silent)}",
                "nothing was spent in the periods that stand for today, and a multiple of nothing "
                "is nothing, so the plan has none either.",
                "Give a 'plan.scenario' in which the channel has money.",
            )
        )
    return tuple(findings)
