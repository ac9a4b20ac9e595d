"""A lag estimated from records of opportunities, those still open right-censored.

An opportunity is won with probability p, lost with q, or never closed; the days to being won and
to being lost have a distribution each (Larson and Dinse, 1985: a mixture of competing risks; the
part that never closes is the cure fraction of Berkson and Gage, 1952). With f and S density and
survival function,

    won after t: p f_won(t)    lost after t: q f_lost(t)
    open after t: p S_won(t) + q S_lost(t) + 1 - p - q

Uncertainty is the curvature at the posterior mode, on the log and logit scale. Beside it stands
the non-parametric view: the Kaplan-Meier curve of closing, its jumps split by outcome, which is
the estimate of Aalen and Johansen (1978) of the share won by each day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats
from scipy.optimize import minimize

from mmm.config.lag import LagFamily
from mmm.data.records import Records, State
from mmm.errors import input_error
from mmm.transforms.lag_nodes import gamma_median
from mmm.transforms.parameter import Z90

SAME_DAY = 0.5
"""Days by which something closed on the day it was opened had been closed at the latest."""
SPREAD_PRIOR = (math.log(0.7), 1.0)
APART_PRIOR = 1.5
"""Weak normal priors, next to nothing against 20 records: of the log spread of a lag, and of how
far apart the logs of the two medians are."""
LOGITS, LOG_MEDIANS, LOG_SPREADS = (-20.0, 20.0), (-3.0, 12.0), (-3.0, 1.6)
"""Where the optimum is looked for: medians from an hour to centuries, spreads 0.05 to 5."""
_LOG_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)
STEP, WORST = 1e-4, 1e6


@dataclass(frozen=True, slots=True)
class Estimate:
    """A positive quantity with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Observed:
    """The share of all opportunities won by each day, (M,) arrays, with a 90 % interval."""

    days: np.ndarray
    won: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def median(self) -> float:
        """Days by which half of those ever seen to be won were won."""
        return float(self.days[np.searchsorted(self.won, 0.5 * self.won[-1])])


@dataclass(frozen=True, slots=True)
class LagEstimate:
    """What records say of one kind of opportunity; times in days.

    rate: probability of ever being won; never: of never being closed. median, spread: of the lag
    from opened to won, in the parameters of `mmm.transforms.adstock`. longest: days by which 99
    in 100 of those won are won, no longer than any record was followed. fitted (M,): the share
    won by the days of `observed`. distance: the largest gap between the two, over the rate.
    log_likelihood: at the mode.
    """

    family: LagFamily
    opened: int
    won: int
    lost: int
    still_open: int
    rate: Estimate
    never: float
    median: Estimate
    spread: Estimate
    longest: float
    observed: Observed
    fitted: np.ndarray
    distance: float
    log_likelihood: float


def log_density(family: LagFamily, days: np.ndarray, median: float, spread: float) -> np.ndarray:
    """Log-density of the lag at `days` above zero."""
    logs = np.log(days)
    if family == "lognormal":
        z = (logs - math.log(median)) / spread
        return -0.5 * z**2 - logs - math.log(spread) - _LOG_ROOT_2PI
    shape, rate = _gamma(median, spread)
    return (shape - 1.0) * logs - rate * days + shape * math.log(rate) - math.lgamma(shape)


def survival(family: LagFamily, days: np.ndarray, median: float, spread: float) -> np.ndarray:
    """Probability that the lag is longer than `days`."""
    if family == "lognormal":
        with np.errstate(divide="ignore"):
            return special.ndtr((math.log(median) - np.log(days)) / spread)
    shape, rate = _gamma(median, spread)
    return special.gammaincc(shape, rate * days)


def quantile(family: LagFamily, part: float, median: float, spread: float) -> float:
    """Days by which `part` of all lags are over."""
    if family == "lognormal":
        return median * math.exp(spread * float(special.ndtri(part)))
    shape, rate = _gamma(median, spread)
    return float(special.gammaincinv(shape, part)) / rate


def _gamma(median: float, spread: float) -> tuple[float, float]:
    """Shape and rate, with the median the model uses."""
    shape = spread**-2.0
    return shape, gamma_median(shape) / median


def estimate_lag(records: Records, family: LagFamily) -> LagEstimate:
    """Rate and lag of `records` by `family`."""
    days, state, counts = _grouped(records)
    lost = bool((records.state == State.LOST).any())
    start = _start(records, lost)

    def cost(point: np.ndarray) -> float:
        value = -_log_posterior(point, family, lost, days, state, counts)
        return value / len(records.days) if math.isfinite(value) else WORST

    bounds = [LOGITS] * (2 if lost else 1) + [LOG_MEDIANS, LOG_SPREADS] * (2 if lost else 1)
    found = minimize(cost, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
    mode, curvature = found.x, len(records.days) * _curvature(cost, found.x)
    medians, spreads = mode[2 if lost else 1 :: 2], mode[3 if lost else 2 :: 2]
    at_the_edge = (
        np.isclose(medians[:, None], LOG_MEDIANS).any() or np.isclose(spreads, LOG_SPREADS[1]).any()
    )
    if at_the_edge or not np.linalg.eigvalsh(curvature).min() > 0:
        raise input_error(
            "records",
            records.name,
            f"the {family} lag of these records has no clear optimum.",
            "Give more records, or state 'median' and 'max' of the lag.",
        )
    covariance = np.linalg.inv(curvature)
    shares = _shares(mode, lost)
    rate, at = shares[0], 2 if lost else 1
    # derivative of the rate's logit by the shares' own coordinates
    slope = np.zeros(len(mode))
    slope[0] = 1.0
    if lost:
        slope[1] = -shares[1] / (1.0 - rate)
    logit, half = math.log(rate / (1.0 - rate)), Z90 * math.sqrt(slope @ covariance @ slope)
    median, spread = (_on_log_scale(mode[i], covariance[i, i]) for i in (at, at + 1))
    observed = observed_wins(records)
    fitted = rate * (1.0 - survival(family, observed.days, median.value, spread.value))
    longest = quantile(family, 0.99, median.value, spread.value)
    return LagEstimate(
        family=family,
        opened=len(records.days),
        won=int((records.state == State.WON).sum()),
        lost=int((records.state == State.LOST).sum()),
        still_open=int((records.state == State.OPEN).sum()),
        rate=Estimate(rate, *(1.0 / (1.0 + math.exp(-x)) for x in (logit - half, logit + half))),
        never=shares[-1],
        median=median,
        spread=spread,
        longest=min(longest, float(records.days.max())),
        observed=observed,
        fitted=fitted,
        distance=float(np.abs(fitted - observed.won).max() / rate),
        log_likelihood=_log_likelihood(mode, family, lost, days, state, counts),
    )


def observed_wins(records: Records) -> Observed:
    """Share won by day, without any family: Aalen and Johansen's estimate.

    Its variance is that of Marubini and Valsecchi (1995), section 10.3.
    """
    closed = records.state != State.OPEN
    curve = stats.ecdf(stats.CensoredData(records.days[closed], right=records.days[~closed]))
    days = np.unique(records.days[closed])
    at_risk = np.array([(records.days >= day).sum() for day in days], dtype=float)
    ended = np.array([(closed & (records.days == day)).sum() for day in days], dtype=float)
    won = records.state == State.WON
    wins = np.array([(won & (records.days == day)).sum() for day in days], dtype=float)
    left = curve.sf.evaluate(days)
    before = np.concatenate([[1.0], left[:-1]])
    share = np.cumsum((before - left) * wins / ended)
    survivors = np.maximum(at_risk - ended, 0.5)
    first, second = ended / (at_risk * survivors), before * wins / at_risk**2
    # sums over j <= i of (I_i - I_j)^2 first_j and of (I_i - I_j) second_j, multiplied out
    variance = (
        share**2 * np.cumsum(first)
        - 2.0 * share * np.cumsum(share * first)
        + np.cumsum(share**2 * first)
        + np.cumsum(before**2 * (at_risk - wins) * wins / at_risk**3)
        - 2.0 * (share * np.cumsum(second) - np.cumsum(share * second))
    )
    half = Z90 * np.sqrt(np.maximum(variance, 0.0))
    return Observed(days, share, np.clip(share - half, 0.0, 1.0), np.clip(share + half, 0.0, 1.0))


def _grouped(records: Records) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days, state and how many records have both."""
    pairs = np.stack([records.days, records.state.astype(float)], axis=1)
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    return unique[:, 0], unique[:, 1], counts.astype(float)


def _start(records: Records, lost: bool) -> np.ndarray:
    won = np.maximum(records.days[records.state == State.WON], SAME_DAY)
    point = [math.log((records.state == State.WON).sum() + 1.0)]
    middles = [math.log(float(np.median(won)))]
    if lost:
        ended = np.maximum(records.days[records.state == State.LOST], SAME_DAY)
        point.append(math.log(len(ended) + 1.0))
        middles.append(math.log(float(np.median(ended))))
    still_open = math.log((records.state == State.OPEN).sum() + 1.0)
    point = [x - still_open for x in point]
    for middle in middles:
        point += [middle, SPREAD_PRIOR[0]]
    return np.array(point)


def _shares(point: np.ndarray, lost: bool) -> list[float]:
    """Probabilities of won, lost (where any are) and never."""
    logits = np.append(point[: 2 if lost else 1], 0.0)
    parts = np.exp(logits - logits.max())
    return (parts / parts.sum()).tolist()


def _log_likelihood(point, family, lost, days, state, counts) -> float:
    shares, at = _shares(point, lost), 2 if lost else 1
    after = np.full(len(days), shares[-1])
    total = 0.0
    for kind, share in zip((State.WON, State.LOST), shares[:-1], strict=False):
        median, spread = np.exp(point[at : at + 2]).tolist()
        at += 2
        here = state == kind
        at_once, later = here & (days < 1), here & (days >= 1)
        logs = log_density(family, days[later], median, spread)
        total += float(counts[later] @ (math.log(share) + logs))
        if at_once.any():
            soon = 1.0 - float(survival(family, np.array([SAME_DAY]), median, spread)[0])
            total += float(counts[at_once].sum()) * (math.log(share) + float(np.log(soon)))
        after += share * survival(family, days, median, spread)
    waiting = state == State.OPEN
    return total + float(counts[waiting] @ np.log(after[waiting]))


def _log_posterior(point, family, lost, days, state, counts) -> float:
    """Log-posterior, every split of the probabilities as likely as any other before the data."""
    with np.errstate(all="ignore"):
        middles, widths = point[2 if lost else 1 :: 2], point[3 if lost else 2 :: 2]
        prior = float(np.log(_shares(point, lost)).sum())
        prior -= 0.5 * float((((widths - SPREAD_PRIOR[0]) / SPREAD_PRIOR[1]) ** 2).sum())
        prior -= 0.5 * float((np.diff(middles) / APART_PRIOR) @ (np.diff(middles) / APART_PRIOR))
        return prior + _log_likelihood(point, family, lost, days, state, counts)


def _curvature(cost, mode: np.ndarray) -> np.ndarray:
    """Second derivatives by central differences."""
    size = len(mode)
    steps = STEP * np.eye(size)
    matrix = np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            ends = [
                cost(mode + one * steps[i] + other * steps[j])
                for one in (1, -1)
                for other in (1, -1)
            ]
            matrix[i, j] = matrix[j, i] = (ends[0] - ends[1] - ends[2] + ends[3]) / (4 * STEP**2)
    return matrix


def _on_log_scale(middle: float, variance: float) -> Estimate:
    half = Z90 * math.sqrt(variance)
    return Estimate(*(math.exp(middle + sign * half) for sign in (0, -1, 1)))
