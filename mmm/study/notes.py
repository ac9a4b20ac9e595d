"""Notes in plain words that stand beside the numbers: what the reader should weigh them with."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from mmm.examples.pinkham import (
    PALDA_LONG_RUN,
    PALDA_RETENTION,
    PALDA_SHORT_RUN,
    is_pinkham,
)
from mmm.inference.fit import Fit
from mmm.results.ledger import LED_BY_DATA


def notes_on(fit: Fit, efficiency: pd.DataFrame, ledger: pd.DataFrame) -> tuple[str, ...]:
    """Notes on brand memory, on channels without cost, and on published estimates."""
    return (
        *_brand_notes(fit, ledger),
        *_source_notes(fit),
        *_cost_notes(efficiency),
        *_pinkham_notes(fit, efficiency),
    )


def _source_notes(fit: Fit) -> list[str]:
    """Where stated priors come from, channels of one source together."""
    sources: dict[str, list[str]] = {}
    for channel in fit.study.channels:
        if channel.prior.source:
            sources.setdefault(channel.prior.source, []).append(channel.name)
    return [
        f"What is believed of {', '.join(names)} before the data comes from {source}."
        for source, names in sources.items()
    ]


def _brand_notes(fit: Fit, ledger: pd.DataFrame) -> list[str]:
    led_by_prior = ledger[(ledger["quantity"] == "brand_share") & (ledger["tier"] == "prior")]
    notes = []
    if len(led_by_prior):
        names = ", ".join(led_by_prior["channel"])
        notes.append(
            f"How the effect of {names} splits into tactical and brand comes mostly from the "
            "prior: outcome data alone can hardly tell slow brand effects from trend. A brand "
            "survey or a long test would settle it."
        )
    memory = ledger[ledger["quantity"] == "brand_half_life"]
    if len(memory) and memory["contraction"].iloc[0] < LED_BY_DATA:
        row = memory.iloc[0]
        weeks = fit.panel.weeks_per_period
        low, high = (row[f"posterior_{q}"] * weeks for q in ("p05", "p95"))
        before = [row[f"prior_{q}"] * weeks for q in ("p05", "p95")]
        notes.append(
            f"The memory of the brand stays uncertain: its half-life is {low:.0f} to {high:.0f} "
            f"weeks after the data, {before[0]:.0f} to {before[1]:.0f} weeks before it."
        )
    return notes


def _cost_notes(efficiency: pd.DataFrame) -> list[str]:
    free = efficiency[(efficiency["loaded_cost"] == 0) & (efficiency["channel"] != "total")]
    if free.empty:
        return []
    return [
        f"No cost is stated for {', '.join(free['channel'])}, so no return is shown; give "
        "'costs.unit_cost' to compare it with paid channels."
    ]


def _pinkham_notes(fit: Fit, efficiency: pd.DataFrame) -> list[str]:
    if not is_pinkham(fit.panel) or "brand_half_life" not in fit.posterior:
        return []
    half_life = fit.posterior["brand_half_life"].values.ravel()
    low, middle, high = np.quantile(2.0 ** (-1.0 / half_life), [0.05, 0.5, 0.95])
    row = efficiency.iloc[0]
    odds = density_ratio(fit, "brand_half_life", -1.0 / np.log2(PALDA_RETENTION))
    against = f"The data move the odds of Palda's retention by a factor of {odds:.2g}"
    return [
        "These are the advertising and sales of the Lydia Pinkham Medicine Company. Palda (1964) "
        f"estimated a short-run return of {PALDA_SHORT_RUN}, a yearly retention of "
        f"{PALDA_RETENTION} and a long-run return of {PALDA_LONG_RUN}. Here retention is "
        f"{middle:.2f} (90 % interval {low:.2f} to {high:.2f}) and the long-run return "
        f"{row['roi_mean']:.2f} ({row['roi_p05']:.2f} to {row['roi_p95']:.2f}); the next "
        f"dollar earns {row['mroi_mean']:.2f} ({row['mroi_p05']:.2f} to {row['mroi_p95']:.2f}). "
        "Later authors dispute a carry-over beyond a year. "
        + (
            f"{against}: 54 yearly figures do not settle the dispute."
            if 1 / STRONG < odds < STRONG
            else f"{against}, which is strong, but rests on the trend and the prior chosen here."
        )
    ]


STRONG = 10.0
"""Bayes factor from which evidence counts as strong (Jeffreys, 1961)."""


def density_ratio(fit: Fit, variable: str, value: float) -> float:
    """Posterior over prior density of a log-normal scalar at `value`: the Savage-Dickey Bayes
    factor for that value (Dickey, 1971), the posterior by a Gaussian kernel on the log scale."""
    prior = fit.density().spec.variable(variable).priors[0]
    posterior = stats.gaussian_kde(np.log(fit.posterior[variable].values.ravel()))
    at = np.log(value)
    return float(posterior(at)[0] / stats.norm(prior.location, prior.scale).pdf(at))
