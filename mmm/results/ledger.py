"""The evidence ledger: how much of each answer came from the data and how much from belief."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from mmm.inference.fit import Fit, sampled_draws
from mmm.model import curves
from mmm.model.spec import ModelSpec
from mmm.results.influence import (
    Influence,
    influence_of,
    normal_scale,
    prior_variance,
)
from mmm.results.respond import read_draws
from mmm.results.sensitivity import MOVED, Sensitivity, brand_sensitivity
from mmm.transforms.parameter import PriorSpec

LED_BY_DATA = 0.5
"""Contraction from which an answer counts as the data's: half the prior variance is gone."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Prior-to-posterior contraction, 1 - var(posterior) / var(prior), and what it means.

    moved: for what decides brand, how far the brand share of outcome moves under another prior
    of half-life or trend, over itself; else NaN. Above `MOVED` the answer is the prior's too.
    experiments: names of the tests that bear on it.
    """

    contraction: float
    tier: str
    moved: float = float("nan")
    experiments: tuple[str, ...] = ()


def prior_interval(prior: PriorSpec) -> tuple[float, float]:
    """Central 90 % interval of a prior."""
    if prior.kind == "halfnormal":
        low, high = stats.halfnorm.ppf([0.05, 0.95], scale=prior.scale)
    else:
        low, high = stats.norm.ppf([0.05, 0.95], prior.location, prior.scale)
        low, high = (expit if prior.kind == "logitnormal" else np.exp)([low, high])
    return float(low), float(high)


def evidence(prior: PriorSpec, posterior: np.ndarray) -> Evidence:
    """What the data added to `prior`, given posterior draws (D,) of the same scalar.

    Variances are taken where the prior is normal: on the log scale of a log-normal, so that
    knowing a small return within 10 % counts as much as knowing a large one; on the logit
    scale of a logit-normal; as they are for a half-normal.
    """
    draws = normal_scale(prior, posterior)
    contraction = float(np.clip(1.0 - draws.var() / prior_variance(prior), 0.0, 1.0))
    return Evidence(contraction, "data" if contraction >= LED_BY_DATA else "prior")


def channel_evidence(
    fit: Fit,
    spec: ModelSpec,
    variable: str,
    sensitivity: Sensitivity | None = None,
    influence: Influence | None = None,
) -> dict[str, Evidence]:
    """Evidence of each label of a sampled variable; `sensitivity` and `influence` are worked out
    where they are not given.

    The tier is `experiment` where the tests of the channel took away at least the part
    `LED_BY_DATA` of the variance that would be left without them.
    """
    known = spec.variable(variable)
    values = sampled_draws(fit, variable)
    sensitivity = sensitivity or brand_sensitivity(fit, spec)
    influence = influence or influence_of(fit, spec)
    found = {}
    for index, (label, prior) in enumerate(zip(known.labels, known.priors, strict=True)):
        one = evidence(prior, values[:, index])
        moved = float("nan") if sensitivity is None else _moved(sensitivity, spec, variable, label)
        tests = () if variable == "brand_half_life" else influence.bearing_on(label)
        tested = tests and influence.weight(variable, label, tests) >= LED_BY_DATA
        tier = "prior" if moved > MOVED else "experiment" if tested else one.tier
        found[label] = Evidence(one.contraction, tier, moved, tests)
    return found


def _moved(sensitivity: Sensitivity, spec: ModelSpec, variable: str, label: str) -> float:
    """How far the brand share that a variable decides moves under another prior; NaN for a
    variable that decides more than brand."""
    if variable == "brand_half_life":
        return sensitivity.moved()
    wholly = variable == "share" and spec.base[spec.channels.index(label)][curves.SPLIT] == 1.0
    return sensitivity.moved(label) if wholly or variable == "brand_split" else float("nan")


QUANTITIES = {
    "share": "contribution",
    "brand_split": "brand_share",
    "brand_half_life": "brand_half_life",
    "drift_scale": "movement",
    "lag_gamma_median": "lag_median",
    "lag_lognormal_median": "lag_median",
}


def ledger_table(fit: Fit, sensitivity: Sensitivity | None = None) -> pd.DataFrame:
    """`ledger.csv`: one row a quantity and channel, with prior and posterior 90 % intervals.

    `contribution` decides ROI: the channel's share of outcome, which would be missing without it;
    `brand_share` is the part of a channel's effect that builds the brand; `brand_half_life` is in
    periods; `movement` is how far a time-varying channel's effectiveness moves in a quarter, over
    its mean; `lag_median` is in periods. `path` is a path's share of what it feeds, the path
    standing in the channel's place; `contribution to PATH` a channel's share of that path. Stated
    guesses appear as tier `guess`. `reference` names the published figures that a prior was
    taken from, `prior_source` is what the study says of where a contribution's prior comes from,
    `experiments` the tests that bear on the channel, `;` between them. `sensitivity` of the brand
    share is worked out where it is not given.
    """
    rows = _rows(fit, fit.paths, sensitivity or brand_sensitivity(fit, fit.density().spec))
    for name, path in fit.paths.items():
        rows += _rows(path, fit.paths, None, f" to {name}")
    for touchpoint in fit.study.unmeasured:
        low, high = touchpoint.share
        rows.append(
            {
                "quantity": "contribution",
                "channel": touchpoint.name,
                "tier": "guess",
                "contraction": 0.0,
                "brand_shift": float("nan"),
                "prior_p05": low,
                "prior_p95": high,
                "posterior_p05": low,
                "posterior_p50": (low + high) / 2,
                "posterior_p95": high,
                "reference": "",
                "experiments": "",
            }
        )
    frame = pd.DataFrame(rows)
    sources = {channel.name: channel.prior.source or "" for channel in fit.study.channels}
    stated = frame["quantity"].eq("contribution")
    frame["prior_source"] = frame["channel"].map(sources).where(stated).fillna("")
    return frame


def _rows(
    fit: Fit, paths: Collection[str], sensitivity: Sensitivity | None, target: str = ""
) -> list[dict[str, object]]:
    """Rows of one regression; `target` says of which, after the quantity."""
    spec = fit.density().spec
    named = {channel.name: channel.prior.reference or "" for channel in fit.study.channels}
    grouped = {group.name: group.channels for group in fit.study.brand.groups} | {"brand": ("",)}
    influence = influence_of(fit, spec)
    rows: list[dict[str, object]] = []
    for name, quantity in QUANTITIES.items():
        if name not in fit.posterior:
            continue
        variable = spec.variable(name)
        found = channel_evidence(fit, spec, name, sensitivity, influence)
        draws = sampled_draws(fit, name)
        # of the draws that every other result is read from
        quantiles_of = np.quantile(draws[read_draws(len(draws))], [0.05, 0.5, 0.95], axis=0)
        for index, (label, prior) in enumerate(zip(variable.labels, variable.priors, strict=True)):
            ends = np.array(prior_interval(prior))
            quantiles = quantiles_of[:, index]
            if name == "share" and spec.likelihood == "lognormal":
                # the parameter is the effect on the log scale
                ends, quantiles = -np.expm1(-ends), -np.expm1(-quantiles)
            low, middle, high = quantiles.tolist()
            through = name == "share" and label in paths
            owners = grouped.get(label, ("",)) if quantity == "brand_half_life" else (label,)
            rows += [
                {
                    "quantity": ("path" if through else quantity) + target,
                    "channel": owner,
                    "tier": found[label].tier,
                    "contraction": found[label].contraction,
                    "brand_shift": found[label].moved,
                    "prior_p05": float(ends[0]),
                    "prior_p95": float(ends[1]),
                    "posterior_p05": low,
                    "posterior_p50": middle,
                    "posterior_p95": high,
                    "reference": named.get(label, "") if quantity == "brand_share" else "",
                    "experiments": ";".join(found[label].experiments),
                }
                for owner in owners
            ]
    return rows
