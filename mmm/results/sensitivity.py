"""How far the brand share of outcome hangs on two priors, without fitting again.

A prior is changed by weighting the draws that there are: raised to a power alpha (a normal prior
then has its variance divided by alpha, a half-normal one too), as in Kallioinen, Paananen, Bürkner
and Vehtari (2024, "Detecting and diagnosing prior and likelihood sensitivity with power-scaling",
Statistics and Computing 34), or moved by a standard deviation. Weights are Pareto-smoothed
(Vehtari, Simpson, Gelman, Yao and Gabry, 2024, JMLR 25); their Pareto k says whether they can be
relied on. Log-normal priors are changed on the log scale, where they are normal.

The scale of the trend is mostly known to the data, so its prior says little. What a stiffer or
looser trend means for brand is read from the thirds of the draws where that scale is least and
greatest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.inference.fit import Fit, sampled_draws
from mmm.model import curves
from mmm.model.spec import ModelSpec, Variable
from mmm.results.powerscale import reliable_k, smoothed_weights

POWERS = (0.5, 2.0)
"""Powers to which a prior is raised: half and twice as much information."""
MOVED = 0.25
"""An answer that moves by more than this part of itself hangs on the prior."""
HALF_LIFE, TREND = "half_life", "trend"


@dataclass(frozen=True, slots=True)
class Alternative:
    """The brand share of outcome under another prior of `prior` (HALF_LIFE or TREND), or in the
    third of the draws with the stiffest or loosest trend.

    mean, p05, p95: of all channels' brand effect as a share of outcome; channels: means by
    channel. pareto_k: of the weights, NaN for a third of the draws; where they are not `usable`
    the numbers mean little.
    """

    prior: str
    change: str
    mean: float
    p05: float
    p95: float
    channels: dict[str, float]
    pareto_k: float
    usable: bool


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The brand share of outcome as fitted, and under other priors."""

    mean: float
    p05: float
    p95: float
    channels: dict[str, float]
    alternatives: tuple[Alternative, ...]

    def moved(self, channel: str | None = None, prior: str | None = None) -> float:
        """Largest change of a mean under another prior, over the mean as fitted; of all channels
        together by default. Infinite where the draws cannot tell."""
        chosen = [one for one in self.alternatives if prior in (None, one.prior)]
        if not chosen:
            return 0.0
        if not all(one.usable for one in chosen):
            return float("inf")
        now = self.mean if channel is None else self.channels[channel]
        means = [one.mean if channel is None else one.channels[channel] for one in chosen]
        return max(abs(mean / now - 1.0) for mean in means)


def brand_shares(fit: Fit, spec: ModelSpec) -> dict[str, np.ndarray]:
    """Draws (D,) of each channel's brand effect as a share of outcome; channels without brand
    are left out."""
    share, split = sampled_draws(fit, "share"), {}
    if "brand_split" in fit.posterior:
        variable = spec.variable("brand_split")
        split = dict(zip(variable.labels, sampled_draws(fit, variable.name).T, strict=True))
    found = {}
    for place, (name, base) in enumerate(zip(spec.channels, spec.base, strict=True)):
        part = split.get(name, base[curves.SPLIT])
        if name in split or part > 0:
            found[name] = share[:, place] * part
    return found


def brand_sensitivity(fit: Fit, spec: ModelSpec) -> Sensitivity | None:
    """The brand share of outcome under other priors of the brand's half-life and of the trend's
    flexibility; None where no channel builds a brand."""
    if "brand_half_life" not in fit.posterior:
        return None
    shares = brand_shares(fit, spec)
    memory = spec.variable("brand_half_life")
    z = _standardised(memory, np.log(sampled_draws(fit, memory.name)))
    changes = [
        *_raised(HALF_LIFE, z),
        *(
            (HALF_LIFE, f"moved by {step:+g} sd", *smoothed_weights((step * z).sum(axis=1)))
            for step in (-1.0, 1.0)
        ),
    ]
    scales = [spec.variable(n) for n in ("trend_scale", "geo_trend_scale") if n in fit.posterior]
    if scales:
        parts = [_standardised(one, sampled_draws(fit, one.name)) for one in scales]
        drawn = np.concatenate(parts, axis=1)
        changes += [*_raised(TREND, drawn), *_thirds(drawn[:, 0])]
    alternatives = []
    total = np.sum(list(shares.values()), axis=0)
    for prior, change, weights, k in changes:
        low, high = weighted_quantiles(total, weights, (0.05, 0.95))
        alternatives.append(
            Alternative(
                prior, change, float(weights @ total), low, high,
                {name: float(weights @ draws) for name, draws in shares.items()},
                k, bool(not k > reliable_k(len(weights))),
            )
        )  # fmt: skip
    low, high = np.quantile(total, [0.05, 0.95])
    means = {name: float(draws.mean()) for name, draws in shares.items()}
    return Sensitivity(float(total.mean()), float(low), float(high), means, tuple(alternatives))


type Change = tuple[str, str, np.ndarray, float]
"""The prior, what was done to it, weights (D,) and their Pareto k."""


def _raised(prior: str, z: np.ndarray) -> list[Change]:
    """Priors of standardised draws (D, n), normal or half-normal, raised to each power."""
    size = 0.5 * (z**2).sum(axis=1)
    return [
        (prior, f"power {power:g}", *smoothed_weights(-(power - 1.0) * size)) for power in POWERS
    ]


def _thirds(scale: np.ndarray) -> list[Change]:
    """The thirds of the draws where the trend's scale (D,) is least and greatest."""
    low, high = np.quantile(scale, [1 / 3, 2 / 3])
    return [
        (TREND, name, inside / inside.sum(), float("nan"))
        for name, inside in (("stiffest third", scale <= low), ("loosest third", scale >= high))
    ]


def weighted_quantiles(
    draws: np.ndarray, weights: np.ndarray, levels: tuple[float, ...]
) -> tuple[float, ...]:
    """Quantiles of draws (D,) that weigh (D,)."""
    order = np.argsort(draws)
    reached = np.cumsum(weights[order]) - 0.5 * weights[order]
    return tuple(float(np.interp(level, reached, draws[order])) for level in levels)


def _standardised(variable: Variable, values: np.ndarray) -> np.ndarray:
    """Values (D, labels), on the scale where the prior is normal, in its standard deviations."""
    location = np.array([prior.location for prior in variable.priors])
    return (values - location) / np.array([prior.scale for prior in variable.priors])
