"""Power-scaling: what results would be under weaker or stronger priors, without a new fit.

Draws are re-weighted to what they would be had the prior density been raised to a power alpha
(Kallioinen, Paananen, Bürkner and Vehtari, 2024, "Detecting and diagnosing prior and likelihood
sensitivity with power-scaling", Statistics and Computing 34). Each prior is scaled where it is
normal (on the log scale of a log-normal, the logit scale of a logit-normal), so that alpha widens
or narrows it about its own middle. Importance weights are Pareto-smoothed, and their shape k says
whether they can be relied on (Vehtari et al., 2024, "Pareto smoothed importance sampling",
Journal of Machine Learning Research 25).
"""

from __future__ import annotations

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import logit

from mmm.inference.fit import Fit, sampled_draws
from mmm.model.spec import Variable
from mmm.transforms.parameter import PriorSpec

PARAMETER_GROUPS = {
    "share": "size of effects",
    "brand_split": "brand",
    "brand_half_life": "brand",
    "carry_in": "shape of curves",
    "trend_scale": "trend",
    "geo_trend_scale": "trend",
}
ALL = "all of these"
REST = "shape of curves"
UNGROUPED = ("sigma", "nu", "geo_spread", "drift_scale")


def log_priors(fit: Fit, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Log prior density of the draws in `numbers` (D,) up to a constant, by group (D,)."""
    spec = fit.density().spec
    found: dict[str, np.ndarray] = {}
    for variable in spec.variables:
        if variable.name in UNGROUPED or variable.name not in fit.posterior:
            continue
        group = PARAMETER_GROUPS.get(variable.name, REST)
        density = label_priors(fit, variable, numbers).sum(axis=1)
        found[group] = found.get(group, 0.0) + density
    if len(found) > 1:
        found[ALL] = np.sum(list(found.values()), axis=0)
    return found


def label_priors(fit: Fit, variable: Variable, numbers: np.ndarray) -> np.ndarray:
    """Log prior density of a variable's labels in the draws `numbers` (D,), (D, labels)."""
    values = sampled_draws(fit, variable.name)[numbers]
    columns = zip(variable.priors, values.T, strict=True)
    return np.stack([log_density(prior, column) for prior, column in columns], axis=1)


def log_density(prior: PriorSpec, values: np.ndarray) -> np.ndarray:
    """Log density of `values` where the prior is normal, up to a constant."""
    if prior.kind == "halfnormal":
        score = values / prior.scale
    else:
        scaled = logit(values) if prior.kind == "logitnormal" else np.log(values)
        score = (scaled - prior.location) / prior.scale
    return -0.5 * score**2


def power_weights(log_prior: np.ndarray, alpha: float) -> tuple[np.ndarray, float]:
    """Smoothed importance weights (D,) that add up to 1, and their Pareto k."""
    return smoothed_weights((alpha - 1.0) * log_prior)


def smoothed_weights(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed weights (D,) that add up to one, and their Pareto k; as they are, with an
    infinite k, where there are too few different draws to fit a tail to."""
    try:
        log_weights, k = array_stats.psislw(-log_ratio)
    except ValueError:
        log_weights, k = log_ratio, np.inf
    weights = np.exp(log_weights - log_weights.max())
    return weights / weights.sum(), float(k)


def reliable_k(draws: float) -> float:
    """Largest Pareto k that so many draws allow, min(1 - 1 / log10(S), 0.7)."""
    return min(1.0 - 1.0 / np.log10(max(draws, 10.0)), 0.7)


def shift_by_alpha(
    quantity: np.ndarray, low: np.ndarray, high: np.ndarray, alphas: tuple[float, float]
) -> float:
    """How fast the distribution of `quantity` (D,) moves with log2 alpha, from its weights (D,)
    at both `alphas`: the cumulative Jensen-Shannon distance, a finite difference about 1."""
    one_chain = (draws[None, :] for draws in (quantity, low, high))
    return float(array_stats.power_scale_sense(*one_chain, *alphas))
