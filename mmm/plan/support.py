"""Where a plan leaves what the data has seen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.efficiency.curves import supported_range
from mmm.errors import Finding, Severity
from mmm.inference.fit import Fit
from mmm.plan.constraints import seen_money
from mmm.plan.levers import Levers
from mmm.plan.money import prices
from mmm.plan.scenario import Scenario, as_is
from mmm.plan.unused import unused_settings

NOTHING = 0.01
"""Money of a period below this part of the least seen counts as nothing."""
FAR = 0.1
"""A control is outside the data from this part of its range past its ends."""


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


def seen_without(fit: Fit, channel: int) -> bool:
    """Whether the data has seen a period in which nothing was spent on the channel."""
    by_period = seen_money(fit)[:, :, channel].sum(axis=1)
    return bool((by_period <= NOTHING * seen_range(fit, channel)[0]).any())


def outside(fit: Fit, money: np.ndarray) -> np.ndarray:
    """Where (H, C) a plan (H, G, C) spends more in a period than the data has seen, or less;
    nothing is less where the data never was without the channel."""
    found = np.zeros((money.shape[0], money.shape[2]), dtype=bool)
    for channel in range(money.shape[2]):
        low, high = seen_range(fit, channel)
        by_period = money[:, :, channel].sum(axis=1)
        least = NOTHING * low if seen_without(fit, channel) else -1.0
        found[:, channel] = (by_period > 1.001 * high) | (
            (by_period > least) & (by_period < 0.999 * low)
        )
    return found


def support_findings(fit: Fit, levers: Levers, z: np.ndarray) -> tuple[Finding, ...]:
    """A warning for each channel whose plan leaves the range of the data."""
    chosen = levers.chosen.tolist()
    findings = _left(
        fit, levers.money(z), chosen, "plan", "Narrow 'plan.bounds.{}', or move there in steps "
        "and test.",
    )  # fmt: skip
    silent = [fit.panel.channels[c] for c in chosen if not levers.prices.totals[c] > 0]
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


def scenario_findings(fit: Fit, scenario: Scenario) -> tuple[Finding, ...]:
    """What is to be known of a scenario: of the file it was read from, and a warning for each
    channel and each control given in which it leaves the data. A channel that repeats its last
    periods does not."""
    money = prices(fit, scenario).today
    today = prices(fit, as_is(fit, scenario.periods, scenario.given)).today
    moved = [
        channel
        for channel in range(money.shape[2])
        if not np.allclose(money[:, :, channel], today[:, :, channel], rtol=1e-9, atol=1e-9)
    ]
    left = _left(
        fit, money, moved, scenario.name, "Bring it nearer to what was seen, or move there in "
        "steps and test.",
    )  # fmt: skip
    return (*scenario.findings, *left, *control_findings(fit, scenario))


def unfitted_findings(study: Study, panel: Panel, scenario: Scenario | None) -> tuple[Finding, ...]:
    """What is to be known before fitting of a study's plan settings and of the scenario and the
    controls they name."""
    said = unused_settings(study.plan)
    if scenario is None:
        return said
    unfitted = Fit(study, panel, xr.Dataset(), xr.Dataset(), {})
    return (*said, *scenario_findings(unfitted, scenario))


def control_findings(fit: Fit, scenario: Scenario) -> tuple[Finding, ...]:
    """A warning for each control that the scenario gives far outside what its geo has seen: `FAR`
    of its range or more past the ends."""
    seen, findings = fit.panel.dataset["controls"].values, []
    for place, name in enumerate(fit.panel.controls):
        if name in scenario.carried:
            continue
        given = scenario.controls[:, :, place]
        low, high = seen[:, :, place].min(axis=0), seen[:, :, place].max(axis=0)
        slack = FAR * (high - low) + 1e-9 * np.abs(high)
        far = (given < low - slack) | (given > high + slack)
        if not far.any():
            continue
        geos = far.any(axis=0)
        findings.append(
            Finding(
                "plan_support",
                Severity.WARNING,
                f"{scenario.name}: {name}",
                f"in {int(far.any(axis=1).sum())} of {len(far)} planned periods the control is "
                f"{_ends(given[far])}, and the data has seen {low[geos].min():,.6g} to "
                f"{high[geos].max():,.6g}{_where(fit, geos)}: the outcome there is its effect in "
                "the data carried on in a straight line, a guess.",
                f"Check the numbers and units of '{name}' in the file of controls.",
            )
        )
    return tuple(findings)


def _left(
    fit: Fit, money: np.ndarray, channels: Iterable[int], name: str, remedy: str
) -> list[Finding]:
    """A warning for each of `channels` whose money (H, G, C) leaves the data, in the plan called
    `name`."""
    left, findings = outside(fit, money), []
    for channel in channels:
        if not left[:, channel].any():
            continue
        low, high = seen_range(fit, channel)
        by_period = money[:, :, channel].sum(axis=1)[left[:, channel]]
        ends = dict.fromkeys(f"{end:,.0f}" for end in (by_period.min(), by_period.max()))
        never = by_period.min() <= NOTHING * low
        findings.append(
            Finding(
                "plan_support",
                Severity.WARNING,
                f"{name}: {fit.panel.channels[channel]}",
                f"{int(left[:, channel].sum())} of {len(left)} planned periods spend "
                f"{' to '.join(ends)}, outside the "
                f"{low:,.0f} to {high:,.0f} that the data has seen"
                f"{', which never was without the channel' if never else ''}: there the curve is "
                "a guess.",
                remedy.format(fit.panel.channels[channel]),
            )
        )
    return findings


def _ends(values: np.ndarray) -> str:
    """The least and the largest of some numbers."""
    return " to ".join(
        dict.fromkeys(f"{end:,.6g}" for end in (float(values.min()), float(values.max())))
    )


def _where(fit: Fit, geos: np.ndarray) -> str:
    """Which geos, where not all of them."""
    if geos.all():
        return ""
    return f" in {', '.join(g for g, one in zip(fit.panel.geos, geos, strict=True) if one)}"
