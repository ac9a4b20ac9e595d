"""The evidence ledger: how much of each answer came from the data and how much from belief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

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


def prior_interval(prior: PriorSpec) -> tuple[float, float]:
    """Central 90 % interval of a prior."""
    if prior.kind == "halfnormal":
        low, high = stats.halfnorm(scale=prior.scale).ppf([0.05, 0.95])
    else:
        low, high = stats.norm(prior.location, prior.scale).ppf([0.05, 0.95])
        low, high = (expit if prior.kind == "logitnormal" else np.exp)([low, high])
    return float(low), float(high)


def evidence(prior: PriorSpec, posterior: np.ndarray) -> Evidence:
    """What the data added to `prior`, given posterior draws (D,) of the same scalar.

    Variances are taken where the prior is normal: on the log scale of a log-normal, so that
    knowing a small return within 10 % counts as much as knowing a large one; on the logit
    scale of a logit-normal; as they are for a half-normal.
    """
    if prior.kind == "halfnormal":
        variance, draws = float(stats.halfnorm(scale=prior.scale).var()), posterior
    else:
        variance = prior.scale**2
        draws = logit(posterior) if prior.kind == "logitnormal" else np.log(posterior)
    contraction = float(np.clip(1.0 - draws.var() / variance, 0.0, 1.0))
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
    "drift_scale": "movement",
}


def ledger_table(fit: Fit) -> pd.DataFrame:
    """`ledger.csv`: one row a quantity and channel, with prior and posterior 90 % intervals.

    `contribution` decides ROI: the channel's share of outcome, which would be missing without it;
    `brand_share` is the part of a channel's effect that builds the brand; `brand_half_life` is in
    periods; `movement` is how far a time-varying channel's effectiveness moves in a quarter, over
    its mean. Stated guesses appear as tier `guess`. `prior_source` is what the study says of where
    a contribution's prior comes from.
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
            ends = np.array(prior_interval(prior))
            quantiles = np.quantile(values[:, index], [0.05, 0.5, 0.95])
            if name == "share" and spec.likelihood == "lognormal":
                # the parameter is the effect on the log scale
                ends, quantiles = -np.expm1(-ends), -np.expm1(-quantiles)
            low, middle, high = quantiles.tolist()
            rows.append(
                {
                    "quantity": quantity,
                    "channel": label if quantity != "brand_half_life" else "",
                    "tier": found[label].tier,
                    "contraction": found[label].contraction,
                    "prior_p05": float(ends[0]),
                    "prior_p95": float(ends[1]),
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
    frame = pd.DataFrame(rows)
    sources = {channel.name: channel.prior.source or "" for channel in fit.study.channels}
    stated = frame["quantity"].eq("contribution")
    frame["prior_source"] = frame["channel"].map(sources).where(stated).fillna("")
    return frame
