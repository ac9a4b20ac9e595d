"""The evidence ledger: how much of each answer came from the data and how much from belief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from mmm.inference.fit import Fit
from mmm.model.spec import ModelSpec, model_spec
from mmm.transforms.parameter import PriorSpec

LED_BY_DATA = 0.5
"""Contraction from which an answer counts as the data's: half the prior variance is gone."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Prior-to-posterior contraction, 1 - var(posterior) / var(prior), and what it means."""

    contraction: float
    tier: str


def prior_distribution(prior: PriorSpec, draws: int = 20_000) -> tuple[float, float, float]:
    """Variance and 90 % interval of a prior: exact, but for the logit-normal's variance, which
    is the mean over equally spaced quantiles."""
    probabilities = (np.arange(draws) + 0.5) / draws
    if prior.kind == "halfnormal":
        frozen = stats.halfnorm(scale=prior.scale)
        low, high = frozen.ppf([0.05, 0.95])
        return float(frozen.var()), float(low), float(high)
    normal = stats.norm(prior.location, prior.scale)
    low, high = normal.ppf([0.05, 0.95])
    if prior.kind == "lognormal":
        frozen = stats.lognorm(s=prior.scale, scale=np.exp(prior.location))
        return float(frozen.var()), float(np.exp(low)), float(np.exp(high))
    values = expit(normal.ppf(probabilities))
    return float(values.var()), float(expit(low)), float(expit(high))


def evidence(prior: PriorSpec, posterior: np.ndarray) -> Evidence:
    """What the data added to `prior`, given posterior draws of the same scalar."""
    variance, _, _ = prior_distribution(prior)
    contraction = float(np.clip(1.0 - posterior.var() / variance, 0.0, 1.0))
    return Evidence(contraction, "data" if contraction >= LED_BY_DATA else "prior")


def channel_evidence(fit: Fit, spec: ModelSpec, variable: str) -> dict[str, Evidence]:
    """Evidence of each label of a sampled variable."""
    known = spec.variable(variable)
    draws = fit.posterior[variable].stack(sample=("chain", "draw"), create_index=False)
    values = draws.transpose("sample", ...).values
    return {
        label: evidence(prior, values[:, index])
        for index, (label, prior) in enumerate(zip(known.labels, known.priors, strict=True))
    }


QUANTITIES = {
    "share": "contribution",
    "brand_split": "brand_share",
    "brand_half_life": "brand_half_life",
}


def ledger_table(fit: Fit) -> pd.DataFrame:
    """`ledger.csv`: one row a quantity and channel, with prior and posterior 90 % intervals.

    `contribution` decides ROI; `brand_share` is the part of a channel's effect that builds the
    brand; `brand_half_life` is in periods. Stated guesses appear as tier `guess`.
    """
    spec = model_spec(fit.study, fit.panel)
    rows = []
    for name, quantity in QUANTITIES.items():
        if name not in fit.posterior:
            continue
        variable = spec.variable(name)
        found = channel_evidence(fit, spec, name)
        draws = fit.posterior[name].stack(sample=("chain", "draw"), create_index=False)
        values = draws.transpose("sample", ...).values
        for index, (label, prior) in enumerate(zip(variable.labels, variable.priors, strict=True)):
            _, prior_low, prior_high = prior_distribution(prior)
            low, middle, high = np.quantile(values[:, index], [0.05, 0.5, 0.95])
            rows.append(
                {
                    "quantity": quantity,
                    "channel": label if quantity != "brand_half_life" else "",
                    "tier": found[label].tier,
                    "contraction": found[label].contraction,
                    "prior_p05": prior_low,
                    "prior_p95": prior_high,
                    "posterior_p05": low,
                    "posterior_p50": middle,
                    "posterior_p95": high,
                }
            )
    for touchpoint in fit.study.unmeasured:
        low, high = touchpoint.share
        rows.append(
            {
                "quantity": "contribution",
                "channel": touchpoint.name,
                "tier": "guess",
                "contraction": 0.0,
                "prior_p05": low,
                "prior_p95": high,
                "posterior_p05": low,
                "posterior_p50": (low + high) / 2,
                "posterior_p95": high,
            }
        )
    return pd.DataFrame(rows)
