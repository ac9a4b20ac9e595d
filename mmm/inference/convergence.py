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
    draws = draws[known]
    split = split_chains(draws)
    flat = split.reshape(len(split), -1)
    ordered, ranked, folded = normal_scores(flat)
    if chains >= _FEWEST_CHAINS:
        of_rank, of_fold = (split_rhat(one.reshape(split.shape)) for one in (ranked, folded))
        rhat[known] = np.fmax(of_rank, of_fold)
    bulk[known] = effective_size(ranked.reshape(split.shape))
    # of an odd number of draws the middle one is in no half
    ends = np.quantile(ordered if length % 2 == 0 else draws.reshape(len(draws), -1), TAILS, axis=1)
    below = (split_chains(draws <= end[:, None, None]).astype(float) for end in ends)
    tail[known] = np.minimum(*(effective_size(part) for part in below))
    return Convergence(rhat, bulk, tail)


def split_chains(draws: np.ndarray) -> np.ndarray:
    """Halves of chains (K, chain, draw) as chains of their own, (K, 2 chain, draw // 2)."""
    half = draws.shape[2] // 2
    return np.concatenate([draws[:, :, :half], draws[:, :, -half:]], axis=1)


def normal_scores(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws (K, N) in order, as normal quantiles of their ranks (Blom, 1958), and the same of
    their distances from the median; N is even."""
    ordered, ranked, folded = (np.empty(draws.shape) for _ in range(3))
    _ranks(draws, np.argsort(draws, axis=1), _scores(draws.shape[1]), ordered, ranked, folded)
    return ordered, ranked, folded


@njit(nogil=True, cache=True, error_model="numpy")
def _ranks(draws, order, scores, ordered, ranked, folded):
    """Fills the last three (K, N). Distances from the median fall and then rise along `ordered`,
    so that their order is a merge of its halves."""
    count, size = draws.shape
    far, place = np.empty(size), np.empty(size, np.int64)
    for k in range(count):
        for i in range(size):
            ordered[k, i] = draws[k, order[k, i]]
        _share_ranks(ordered[k], order[k], scores, ranked[k])
        middle = (ordered[k, size // 2 - 1] + ordered[k, size // 2]) / 2.0
        low, high = size // 2 - 1, size // 2
        for i in range(size):
            down = abs(ordered[k, low] - middle) if low >= 0 else math.inf
            up = abs(ordered[k, high] - middle) if high < size else math.inf
            if high >= size or (low >= 0 and down < up):
                far[i], place[i] = down, order[k, low]
                low -= 1
            else:
                far[i], place[i] = up, order[k, high]
                high += 1
        _share_ranks(far, place, scores, folded[k])


@njit(nogil=True, cache=True, error_model="numpy")
def _share_ranks(ordered, place, scores, out):
    """Scores of the ranks of `ordered` (N,) to their places in `out`; those that are equal share
    their mean rank, half of a whole number."""
    size, first = ordered.shape[0], 0
    while first < size:
        end = first + 1
        while end < size and ordered[end] == ordered[first]:
            end += 1
        for i in range(first, end):
            out[place[i]] = scores[first + end - 1]
        first = end


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
