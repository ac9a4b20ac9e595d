"""Whether brand, trend and slow controls can be told apart, in words and in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.errors import Finding, Severity
from mmm.results.respond import Response, baseline_effect, channel_effect
from mmm.results.sensitivity import HALF_LIFE, MOVED, TREND, Sensitivity

COPIED = 0.8
"""Part of the brand stock's movement that trend and controls can copy, from which the two look
alike."""
OPPOSED = -0.8
"""Correlation of growth by brand with growth by trend, up to which one is had at the cost of the
other."""
LEAST_BRAND = 0.02
"""Brand shares of outcome below this are not worth a warning."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How alike brand and baseline are.

    copied: part (0 to 1) of the variance of the brand effect, at its mean over draws, that trend
    and controls can fit within geos. correlation: over draws, of what brand and what trend add
    from the first to the last quarter of the window; NaN without trend.
    """

    copied: float
    correlation: float


def brand_overlap(response: Response) -> Overlap:
    """The overlap of all channels' brand effect with trend and controls."""
    media = response.fit.panel.dataset["media"].values[:, response.places]
    channels = response.fit.study.channels
    brand = np.zeros((response.draws, len(response.places), len(media)))
    for index, channel in enumerate(channels):
        if channel.role.has_brand:
            brand += channel_effect(response, index, media[:, :, index]).brand
    rows = response.density.design.baseline
    slow = [
        name == "trend" or name.startswith("control: ")
        for name in (*rows.shared_component, *rows.own_component)
    ]
    left, whole = 0.0, 0.0
    for g, place in enumerate(response.places):
        series = brand[:, g].mean(axis=0)
        columns = np.concatenate([rows.shared[place], rows.own])[slow].T
        columns = np.column_stack([np.ones(len(series)), columns])
        fitted = columns @ np.linalg.lstsq(columns, series, rcond=None)[0]
        left += float(((series - fitted) ** 2).sum())
        whole += float(((series - series.mean()) ** 2).sum())
    copied = 1.0 - left / whole if whole > 0 else 1.0
    if "trend" not in rows.shared_component:
        return Overlap(copied, float("nan"))
    trend = baseline_effect(response, rows, {"trend"})
    return Overlap(copied, _correlation(_growth(brand), _growth(trend)))


def _growth(effect: np.ndarray) -> np.ndarray:
    """Last less first quarter of the window, (D, G, T) to (D,)."""
    quarter = max(1, effect.shape[2] // 4)
    late, early = effect[:, :, -quarter:].mean(axis=2), effect[:, :, :quarter].mean(axis=2)
    return (late - early).sum(axis=1)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if not (first.std() > 0 and second.std() > 0):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def brand_findings(
    overlap: Overlap, sensitivity: Sensitivity, ledger: pd.DataFrame
) -> tuple[Finding, ...]:
    """One finding where brand is led by its prior and the data cannot tell it from the baseline.

    That is where the ledger puts the half-life or a channel's brand share down to the prior,
    brand is `LEAST_BRAND` of outcome or more, and one of three holds: trend and controls can copy
    `COPIED` of its movement, growth by brand and by trend are correlated by `OPPOSED` or less,
    or its share of outcome moves by more than `MOVED` of itself under another prior.
    """
    brand = ledger[ledger["quantity"].isin(["brand_share", "brand_half_life"])]
    led = (brand["tier"] == "prior").any()
    alike = (
        overlap.copied >= COPIED or overlap.correlation <= OPPOSED or sensitivity.moved() > MOVED
    )
    if not (led and alike and sensitivity.mean >= LEAST_BRAND):
        return ()
    opposed = ""
    if overlap.correlation <= OPPOSED:
        opposed = (
            " Across the draws, the more brand grows the less trend does (correlation "
            f"{overlap.correlation:.2f})."
        )
    return (
        Finding(
            "brand_prior_led",
            Severity.WARNING,
            "brand and trend",
            "these data can hardly tell brand from trend and slow controls, which can copy "
            f"{overlap.copied:.0%} of the brand stock's movement.{opposed} Brand is "
            f"{sensitivity.mean:.1%} of outcome ({sensitivity.p05:.1%} to {sensitivity.p95:.1%})"
            f"{_under(sensitivity, HALF_LIFE)}{_under(sensitivity, TREND)}.",
            "Take brand figures as led by the prior; a tracker survey, a long test or a time "
            "without brand spending would tell.",
        ),
    )


_CHANGED = {
    HALF_LIFE: "were the half-life's prior wider, narrower or moved by a standard deviation",
    TREND: "were the trend stiffer or looser",
}


def _under(sensitivity: Sensitivity, prior: str) -> str:
    """What the brand share would be under other priors, in words."""
    chosen = [one for one in sensitivity.alternatives if one.prior == prior]
    if not chosen:
        return ""
    if not all(one.usable for one in chosen):
        worst = max(one.pareto_k for one in chosen if not one.usable)
        return (
            f"; how far it would move {_CHANGED[prior]}, the draws cannot tell (Pareto k "
            f"{worst:.2f})"
        )
    means = [one.mean for one in chosen]
    return f"; it would be {min(means):.1%} to {max(means):.1%} {_CHANGED[prior]}"
