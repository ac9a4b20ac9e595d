"""Answers far outside what has been published, or too wide to act on: findings that limit trust."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmm.config.channel import Channel
from mmm.config.finance import Finance
from mmm.config.references import HIGHEST_RETURN, PROFIT_ABILITY
from mmm.efficiency.brand import ALL_GEOS
from mmm.efficiency.roi import TOTAL
from mmm.errors import Finding, Severity

TIMES_HIGHEST = 3.0
"""A profit return wholly above this many times the highest published one is out of range."""
MOST_MULTIPLIER = 10.0
"""So is a long-run multiplier wholly above this. Published: 1.5 to 3.3 by medium (Profit Ability
2), over 4 (Ataman, van Heerde and Mela, 2010, Journal of Marketing Research 47)."""

WIDEST = 2.0
"""Width of a channel's 90 % interval over its mean from which its mean is likely wrong by half:
a normal posterior errs by 0.24 of that width on average."""
TYPICAL = 1.0
"""The same of the middle channel, from which half of all means are likely wrong by a quarter."""
SMALL = 0.2
"""Part of the average channel's contribution below which a width is over that: of a channel that
does next to nothing it is enough to know so."""


def precision_findings(efficiency: pd.DataFrame) -> tuple[Finding, ...]:
    """One finding where contributions in the window are known too roughly to act on: a channel's
    90 % interval is `WIDEST` times its mean wide, or the middle channel's `TYPICAL` times."""
    names = efficiency["channel"].to_numpy()
    channels = names != TOTAL
    if not channels.any():
        return ()
    mean, low, high = (
        efficiency[f"contribution_{end}"].to_numpy(dtype=float)[channels]
        for end in ("mean", "p05", "p95")
    )
    relative = (high - low) / np.maximum(mean, SMALL * mean.mean())
    typical = float(np.median(relative)) > TYPICAL
    wide = relative > (TYPICAL if typical else WIDEST)
    if not wide.any():
        return ()
    chosen = zip(names[channels][wide], low[wide], high[wide], strict=True)
    named = ", ".join(f"'{name}' {_amount(a)} to {_amount(b)}" for name, a, b in chosen)
    return (
        Finding(
            "imprecise",
            Severity.WARNING,
            "channels",
            f"these data tell what some channels contributed only roughly (90 %): {named}.",
            "Do not act on the middle of such an interval: test the channel, state what is "
            "known of it as a prior, or vary its spending, with times at nothing.",
        ),
    )


def range_findings(
    efficiency: pd.DataFrame, brand: pd.DataFrame | None, finance: Finance
) -> tuple[Finding, ...]:
    """Channels whose 90 % interval lies wholly out of range: of profit return (`roi` times
    margin), or of the long-run multiplier.

    A return limits trust where the margin is stated; without one it is a return on all outcome
    value, which published profit returns only put in proportion.
    """
    margin = finance.expected_margin
    severity = Severity.WARNING if "margin" in finance.model_fields_set else Severity.INFO
    found = []
    limit = TIMES_HIGHEST * HIGHEST_RETURN
    low_roi, high_roi = (efficiency[f"roi_{end}"] * margin for end in ("p05", "p95"))
    for name, low, high in zip(efficiency["channel"], low_roi, high_roi, strict=True):
        if name != TOTAL and low > limit:
            found.append(
                Finding(
                    "return_out_of_range",
                    severity,
                    f"channel '{name}'",
                    f"its profit return is {low:.3g} to {high:.3g}, more than "
                    f"{TIMES_HIGHEST:g} times the highest published for a medium, "
                    f"{HIGHEST_RETURN:g} ({PROFIT_ABILITY}).",
                    "Check its cost and 'finance.margin'; spend that follows demand, as search "
                    "does, also looks like this, and only a test tells.",
                )
            )
    if brand is None:
        return tuple(found)
    for _, row in brand[(brand["geo"] == ALL_GEOS) & (brand["channel"] != TOTAL)].iterrows():
        if row["multiplier_p05"] > MOST_MULTIPLIER:
            found.append(
                Finding(
                    "multiplier_out_of_range",
                    Severity.WARNING,
                    f"channel '{row['channel']}'",
                    f"its long-run multiplier is {row['multiplier_p05']:.3g} to "
                    f"{row['multiplier_p95']:.3g}; published ones stay below "
                    f"{MOST_MULTIPLIER:g}.",
                    "A brand memory this long is hard to tell from trend: shorten "
                    "'brand.half_life' or bring a survey or a long test.",
                )
            )
    return tuple(found)


def whole_findings(efficiency: pd.DataFrame, observed: float) -> tuple[Finding, ...]:
    """One finding where channels together are said to have caused more than there was, units of
    outcome both: their contribution in the window, and all that was observed in it."""
    total = efficiency.loc[efficiency["channel"] == TOTAL, "contribution_mean"]
    if total.empty or not 0.0 < observed < float(total.iloc[0]):
        return ()
    return (
        Finding(
            "marketing_above_outcome",
            Severity.WARNING,
            "channels",
            f"together they are said to have caused {_amount(float(total.iloc[0]))}, "
            f"{float(total.iloc[0]) / observed:.0%} of all that was observed, which leaves less "
            "than nothing for what would have come anyway.",
            "No such answer can be right: look at priors of returns, at units of spend and "
            "outcome, and at channels that follow demand.",
        ),
    )


def conflict_findings(ledger: pd.DataFrame, channels: Sequence[Channel]) -> tuple[Finding, ...]:
    """Stated returns and shares that do not meet what came of them: the 90 % intervals of prior
    and posterior are apart (Evans and Moshonov, 2006, "Checking for prior-data conflict", Bayesian
    Analysis 1)."""
    found = []
    for channel in channels:
        stated = "roi" if channel.prior.roi else "contribution" if channel.prior.share else None
        rows = ledger[(ledger["channel"] == channel.name) & (ledger["quantity"] == stated)]
        for _, row in rows.iterrows():
            if (
                row["prior_p05"] <= row["posterior_p95"]
                and row["posterior_p05"] <= row["prior_p95"]
            ):
                continue
            what = "return" if stated == "roi" else "share of outcome"
            found.append(
                Finding(
                    "prior_conflict",
                    Severity.WARNING,
                    f"channel '{channel.name}'",
                    f"the prior of its {what} ({row['prior_p05']:.3g} to {row['prior_p95']:.3g}) "
                    f"and what the data make of it ({row['posterior_p05']:.3g} to "
                    f"{row['posterior_p95']:.3g}) do not meet; the answer is neither's.",
                    "Find out which is wrong: check unit and source of the prior, and what the "
                    "data leave out; then change the one or the other.",
                )
            )
    return tuple(found)


def _amount(value: float) -> str:
    """Three digits that count, without powers of ten: 7.29 million."""
    rounded = float(f"{value:.3g}")
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if 1.0 <= abs(rounded) / size < 1000.0:
            return f"{rounded / size:.3g} {word}"
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"
