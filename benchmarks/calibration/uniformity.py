"""Are ranks uniform? Tests and bands for the ranks of simulation-based calibration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import binom, chisquare

LEVELS = (0.5, 0.8, 0.9)
BINS = 20
NULL_DRAWS = 4000
ERROR = 0.05


@dataclass(frozen=True)
class Envelope:
    """Where the counts of ranks up to each one should lie, were ranks uniform.

    tails (L, N + 1): two-sided binomial probability of a count at each rank but the last; least
    (draws,): the least of these over ranks in draws of uniform ranks; low, high (L,): the band
    that holds all counts at once in 95 draws of 100 (Säilynoja, Bürkner and Vehtari, 2022,
    "Graphical test for discrete uniformity", Statistics and Computing 32).
    """

    tails: np.ndarray
    least: np.ndarray
    low: np.ndarray
    high: np.ndarray


@cache
def envelope(fits: int, draws: int) -> Envelope:
    """That of `fits` ranks among `draws` draws each."""
    part = np.arange(1, draws + 1) / (draws + 1)
    count = np.arange(fits + 1)[None, :]
    below, above = binom.cdf(count, fits, part[:, None]), binom.sf(count - 1, fits, part[:, None])
    tails = np.minimum(1.0, 2.0 * np.minimum(below, above))
    rng = np.random.default_rng([fits, draws])
    ranks = rng.multinomial(fits, np.full(draws + 1, 1 / (draws + 1)), size=NULL_DRAWS)
    counts = ranks.cumsum(axis=1)[:, :-1]
    least = tails[np.arange(draws)[None, :], counts].min(axis=1)
    each = float(np.quantile(least, ERROR))
    low, high = binom.ppf(each / 2, fits, part), binom.ppf(1 - each / 2, fits, part)
    return Envelope(tails, least, low, high)


def cumulative(ranks: np.ndarray, draws: int) -> np.ndarray:
    """How many of `ranks` are at most 0, 1, ... `draws` - 1, (draws,)."""
    return np.bincount(ranks, minlength=draws + 1).cumsum()[:-1]


def ecdf_probability(ranks: np.ndarray, draws: int) -> float:
    """Chance of an empirical distribution as odd as that of `ranks`, were they uniform."""
    known = envelope(len(ranks), draws)
    least = known.tails[np.arange(draws), cumulative(ranks, draws)].min()
    return float((1 + (known.least <= least).sum()) / (1 + len(known.least)))


def chi_squared_probability(ranks: np.ndarray, draws: int) -> float:
    """Pearson's test of as many equal bins as keep five ranks each, `BINS` at most."""
    bins = int(np.clip(len(ranks) // 5, 2, BINS))
    counts = np.bincount(ranks * bins // (draws + 1), minlength=bins)
    values = np.bincount(np.arange(draws + 1) * bins // (draws + 1), minlength=bins)
    return float(chisquare(counts, len(ranks) * values / values.sum()).pvalue)


def holm(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities adjusted so that one in twenty families has any below 0.05 by chance (Holm,
    1979, Scandinavian Journal of Statistics 6)."""
    order = np.argsort(probabilities)
    left = len(probabilities) - np.arange(len(probabilities))
    adjusted = np.maximum.accumulate(probabilities[order] * left).clip(max=1.0)
    found = np.empty_like(adjusted)
    found[order] = adjusted
    return found


def held(ranks: np.ndarray, draws: int, level: float) -> np.ndarray:
    """Whether the central interval of `level` held each truth; (1 - level) (draws + 1) / 2 must
    be a whole number, so that the interval's chance is its level."""
    out = round((1.0 - level) / 2 * (draws + 1))
    return (ranks >= out) & (ranks <= draws - out)


def coverage_band(fits: int, level: float) -> tuple[float, float]:
    """Part of `fits` intervals that may hold the truth in 95 cases of 100."""
    low, high = binom.interval(1.0 - ERROR, fits, level)
    return float(low / fits), float(high / fits)
