"""R-hat and effective sample sizes of many scalars at once (Vehtari and others, 2021).

The same numbers as ArviZ's `rhat` (rank) and `ess` (bulk, tail), to which tests hold them: ranks
and transforms are shared between the three, and no scalar is a call of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from scipy import stats

TAILS = (1.0 - 0.89, 0.89)
"""Quantiles whose effective sample size is that of the tails, as in ArviZ."""
_BLOM = 3 / 8
_FEWEST_DRAWS, _FEWEST_CHAINS = 4, 2


@dataclass(frozen=True, slots=True)
class Convergence:
    """Of K scalars, each (K,): NaN where it cannot be had."""

    rhat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray


def convergence(draws: np.ndarray) -> Convergence:
    """Rank-normalised split R-hat, bulk and tail effective sizes of draws (K, chain, draw)."""
    count, chains, length = draws.shape
    rhat, bulk, tail = (np.full(count, np.nan) for _ in range(3))
    known = ~np.isnan(draws).any(axis=(1, 2))
    if length < _FEWEST_DRAWS or not known.any():
        return Convergence(rhat, bulk, tail)
    split = split_chains(draws[known])
    middle = np.median(split, axis=(1, 2), keepdims=True)
    ranked = normal_scores(split)
    if chains >= _FEWEST_CHAINS:
        folded = normal_scores(np.abs(split - middle))
        rhat[known] = np.fmax(split_rhat(ranked), split_rhat(folded))
    bulk[known] = effective_size(ranked)
    ends = np.quantile(draws[known], TAILS, axis=(1, 2))
    below = (split_chains(draws[known] <= end[:, None, None]).astype(float) for end in ends)
    tail[known] = np.minimum(*(effective_size(part) for part in below))
    return Convergence(rhat, bulk, tail)


def split_chains(draws: np.ndarray) -> np.ndarray:
    """Halves of chains (K, chain, draw) as chains of their own, (K, 2 chain, draw // 2)."""
    half = draws.shape[2] // 2
    return np.concatenate([draws[:, :, :half], draws[:, :, -half:]], axis=1)


def normal_scores(draws: np.ndarray) -> np.ndarray:
    """Each scalar's draws (K, chain, draw) as normal quantiles of their ranks (Blom, 1958)."""
    flat = draws.reshape(len(draws), -1)
    size = flat.shape[1]
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    scores = np.empty(flat.shape)
    np.put_along_axis(scores, order, _scores(size)[None, ::2], axis=1)
    for row in np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1)):
        # ties share their mean rank, half of a whole number
        first = np.flatnonzero(np.concatenate([[True], ordered[row, 1:] != ordered[row, :-1]]))
        end = np.append(first[1:], size)
        scores[row, order[row]] = np.repeat(_scores(size)[first + end - 1], end - first)
    return scores.reshape(draws.shape)


@lru_cache(maxsize=4)
def _scores(size: int) -> np.ndarray:
    """Normal quantiles of ranks 1, 1.5, ... `size`, (2 size - 1,)."""
    ranks = np.arange(2, 2 * size + 1) / 2
    return stats.norm.ppf((ranks - _BLOM) / (size - 2 * _BLOM + 1))


def split_rhat(draws: np.ndarray) -> np.ndarray:
    """Between over within variance of chains (K, chain, draw), (K,)."""
    length = draws.shape[2]
    between = length * draws.mean(axis=2).var(axis=1, ddof=1)
    within = draws.var(axis=2, ddof=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a chain that never moved has none
        return np.sqrt((between / within + length - 1) / length)


def effective_size(draws: np.ndarray) -> np.ndarray:
    """Effective sample size of the mean of chains (K, chain, draw), (K,): Geyer's (1992) initial
    monotone sequence; the number of draws where all are the same."""
    count, chains, length = draws.shape
    apart = draws - draws.mean(axis=2, keepdims=True)
    within = (apart**2).mean(axis=(1, 2)) * length / (length - 1.0)
    total = within * (length - 1.0) / length
    if chains > 1:
        total = total + draws.mean(axis=2).var(axis=1, ddof=1)
    still = draws.max(axis=(1, 2)) - draws.min(axis=(1, 2)) < np.finfo(float).resolution
    sizes = np.empty(count)
    _geyer(apart, within, total, still, np.zeros(length), sizes)
    return sizes


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _covariance(apart, lag):
    """Mean autocovariance of chains (chain, draw) around their means."""
    chains, length = apart.shape
    total = 0.0
    for chain in range(chains):
        for t in range(length - lag):
            total += apart[chain, t] * apart[chain, t + lag]
    return total / (chains * length)


@njit(nogil=True, cache=True, error_model="numpy")
def _geyer(apart, within, total, still, kept, sizes):
    """Fills `sizes` (K,): draws over their integrated autocorrelation time, NaN where that is not
    known. Covariances are summed up to the lag where correlation is lost. `kept` (draw,) is
    spoilt."""
    count, chains, length = apart.shape
    for k in range(count):
        size = chains * length
        if still[k]:
            sizes[k] = size
            continue
        kept[:] = 0.0
        even, odd = 1.0, 1.0 - (within[k] - _covariance(apart[k], 1)) / total[k]
        kept[0], kept[1] = even, odd
        t = 1
        while t < length - 3 and even + odd > 0.0:
            even = 1.0 - (within[k] - _covariance(apart[k], t + 1)) / total[k]
            odd = 1.0 - (within[k] - _covariance(apart[k], t + 2)) / total[k]
            if even + odd >= 0.0:
                kept[t + 1], kept[t + 2] = even, odd
            t += 2
        last = t - 2
        if even > 0.0:
            kept[last + 1] = even
        for t in range(1, last - 1, 2):
            if kept[t + 1] + kept[t + 2] > kept[t - 1] + kept[t]:
                kept[t + 1] = kept[t + 2] = (kept[t - 1] + kept[t]) / 2.0
        time = -1.0 + 2.0 * kept[: last + 1].sum() + kept[last + 1]
        sizes[k] = size / max(time, 1.0 / math.log10(size)) if math.isfinite(time) else math.nan
