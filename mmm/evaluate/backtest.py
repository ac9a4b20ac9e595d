"""The backtest: the model's forecasts beside seasonal-naive ones and those without media."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mmm.evaluate.folds import Folds

MODEL, NO_MEDIA, NAIVE = "model", "no_media", "seasonal_naive"
SAME = 0.02
"""Difference in CRPS, relative, below which two forecasters are about equal."""
NARROW, WIDE = 0.8, 0.7
"""Coverage of 90 % intervals below which they are called too narrow, and of 50 % intervals above
which these are called too wide."""
LEVELS = (50, 80, 90)
FALSE_ALARM = 0.01
"""Chance that 90 % intervals which hold as they should fall below `least_coverage_90`."""


@dataclass(frozen=True, slots=True)
class Score:
    """One forecaster over all origins and some steps ahead.

    mase: error over that of the seasonal-naive forecast within the data. crps: in units of
    outcome; crps_relative: over the mean outcome. coverage: part of periods within the central
    interval.
    """

    forecaster: str
    steps: str
    periods: int
    mase: float
    crps: float
    crps_relative: float
    coverage_50: float
    coverage_80: float
    coverage_90: float


@dataclass(frozen=True, slots=True)
class Against:
    """The model beside another forecaster: `gain`, the part of its CRPS that the model saves
    (below zero: the model is worse), and at how many origins the model is better."""

    forecaster: str
    gain: float
    better_at: int
    origins: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """Rolling-origin forecasts, scored. `origins` are the last dates fitted, `dates` how many
    dates were forecast from any of them; 90 % intervals that hold as they should hold at least
    `least_coverage_90` of these in 99 of 100 cases."""

    horizon: int
    origins: tuple[str, ...]
    dates: int
    least_coverage_90: float
    scores: tuple[Score, ...]
    against: tuple[Against, ...]
    reading: str
    advice: tuple[str, ...]


def backtest(rows: pd.DataFrame, folds: Folds) -> Backtest:
    """The backtest from the rows of `forecast_scores` and `naive_scores` of all forecasters."""
    scores = [
        _score(rows[rows["forecaster"] == name], name, label, steps)
        for name in (MODEL, NO_MEDIA, NAIVE)
        for label, steps in (
            ("all", range(1, folds.horizon + 1)),
            *((_label(group), group) for group in folds.steps()),
        )
    ]
    against = tuple(_against(rows, other) for other in (NAIVE, NO_MEDIA))
    whole = next(one for one in scores if (one.forecaster, one.steps) == (MODEL, "all"))
    own = rows[rows["forecaster"] == MODEL]
    dates = len({o + k for o in folds.origins for k in range(folds.horizon)})
    return Backtest(
        folds.horizon, tuple(dict.fromkeys(rows["origin"])), dates,
        least_coverage([some.to_numpy() for _, some in own.groupby("origin")["inside_90"]], dates),
        tuple(scores), against,
        _reading(whole, against, _behind(scores)), _advice(whole, against),
    )  # fmt: skip


def least_coverage(hits: list[np.ndarray], dates: int) -> float:
    """Coverage that calibrated 90 % intervals fall below with a chance of `FALSE_ALARM`.

    hits: whether each period was held, (H,) for every origin. The `dates` count as fewer by the
    design effect 1 + (H - 1) rho, with rho the correlation of hits from one origin by one-way
    analysis of variance (Kish, 1965, "Survey Sampling"); from one origin it is not known and
    they count as one.
    """
    steps = min(len(one) for one in hits)
    related = 1.0
    if len(hits) > 1 and steps > 1:
        table = np.array([one[:steps] for one in hits], dtype=float)
        between = steps * float(table.mean(axis=1).var(ddof=1))
        within = float(table.var(axis=1, ddof=1).mean())
        spread = between + (steps - 1) * within
        related = max(0.0, (between - within) / spread) if spread > 0 else 0.0
    count = max(1, int(dates / (1.0 + (steps - 1) * related)))
    return float(stats.binom.ppf(FALSE_ALARM, count, 0.9)) / count


def _label(steps: range) -> str:
    return f"{steps[0]}-{steps[-1]}" if len(steps) > 1 else f"{steps[0]}"


def _score(rows: pd.DataFrame, name: str, label: str, steps: range) -> Score:
    some = rows[rows["step"].isin(list(steps))]
    crps = float(some["crps"].mean())
    return Score(
        name, label, len(some),
        mase=float(some["scaled_error"].mean()),
        crps=crps,
        crps_relative=crps / float(some["actual"].mean()),
        **{f"coverage_{p}": float(some[f"inside_{p}"].mean()) for p in LEVELS},
    )  # fmt: skip


def _against(rows: pd.DataFrame, other: str) -> Against:
    by_origin = rows.pivot_table(index="origin", columns="forecaster", values="crps")
    gain = 1.0 - float(by_origin[MODEL].mean() / by_origin[other].mean())
    verdict = "about equal" if abs(gain) < SAME else ("better" if gain > 0 else "worse")
    better = int((by_origin[MODEL] < by_origin[other]).sum())
    return Against(other, gain, better, len(by_origin), verdict)


_NAMES = {NAIVE: "the seasonal-naive forecast", NO_MEDIA: "the same model without media"}
_VERBS = {
    "better": "beats",
    "worse": "does not beat",
    "about equal": "is about as good as, and does not beat,",
}


def _behind(scores: list[Score]) -> list[str]:
    """Steps ahead at which the naive forecast is better."""
    crps = {(one.forecaster, one.steps): one.crps for one in scores if one.steps != "all"}
    return [
        steps for name, steps in crps if name == MODEL and crps[NAIVE, steps] < crps[name, steps]
    ]


def _reading(whole: Score, against: tuple[Against, ...], behind: list[str]) -> str:
    sentences = []
    for one in against:
        direction = "lower" if one.gain > 0 else "higher"
        sentences.append(
            f"The model {_VERBS[one.verdict]} {_NAMES[one.forecaster]}: its forecast error (CRPS) "
            f"is {abs(one.gain):.0%} {direction}, and lower at {one.better_at} of {one.origins} "
            "origins."
        )
    if behind and against[0].verdict == "better":
        sentences.append(f"It is behind the naive one {' and '.join(behind)} periods ahead.")
    sentences.append(
        f"Of its 90 % intervals {whole.coverage_90:.0%} held what came, of its 50 % intervals "
        f"{whole.coverage_50:.0%}."
    )
    return " ".join(sentences)


def _advice(whole: Score, against: tuple[Against, ...]) -> tuple[str, ...]:
    said = []
    naive, silent = against
    if naive.verdict != "better":
        said.append(
            "Do not use its forecasts for targets: last year's figures do as well. Look for what "
            "drives the outcome besides media (price, stock, events) and add it as controls."
        )
    if silent.verdict != "better":
        said.append(
            "Forecasts do not show that media moves the outcome; returns rest on how the model "
            "takes the past apart and on its priors. Test the largest channels by experiment."
        )
    if whole.coverage_90 < NARROW:
        said.append(
            "Intervals of forecasts are too narrow: widen what is planned on them, and look at "
            "the residuals."
        )
    elif whole.coverage_50 > WIDE:
        said.append(
            "Intervals of forecasts are wider than most periods need, as when a few odd periods "
            "count as noise: give these a control column, or try 'likelihood: student_t'."
        )
    return tuple(said)
