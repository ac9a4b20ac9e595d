"""Placebos: channels that cannot have an effect, and whether the model gives them one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.dims import CHANNEL
from mmm.evaluate.altered import shifted_copy
from mmm.evaluate.bench import Bench
from mmm.inference.fit import Fit
from mmm.results.ledger import evidence
from mmm.transforms.parameter import PriorSpec

CREDITED = 0.95
"""Probability that the share is above the middle of its prior from which a channel counts as
credited with an effect by the data."""
ALIKE = 0.8
"""Correlation from which a shifted copy is too much like the channel to be a placebo."""
LEAST_WEEKS = 13.0
MANY = 0.1
"""Part of placebos credited from which the model gives credit too easily."""
SEED_STREAM = 15


@dataclass(frozen=True, slots=True)
class Trial:
    """One placebo: the channel copied, by how many periods it was shifted.

    share: posterior median of its share of outcome; prior: the middle of what was believed;
    probability_above: that the share is above that middle, 0.5 before the data; contraction: 1
    less posterior over prior variance.
    """

    channel: str
    shift: int
    share: float
    prior: float
    probability_above: float
    contraction: float
    credited: bool


@dataclass(frozen=True, slots=True)
class Placebo:
    """All trials, and how many were credited: `rate` with its exact 90 % interval (Clopper and
    Pearson, 1934). `left_out` names channels whose copies could not serve."""

    trials: tuple[Trial, ...]
    credited: int
    rate: float
    rate_p05: float
    rate_p95: float
    left_out: tuple[str, ...]
    reading: str
    advice: tuple[str, ...]


def planned_trials(panel: Panel, count: int, seed: int) -> list[tuple[str, int]]:
    """`count` pairs of channel and shift, channel by channel in turn.

    Shifts are drawn without return from those past the carry-over of a quarter either way for
    which the copy's correlation with the channel is below `ALIKE`; a channel without any, or
    that never varies, has no placebo.
    """
    periods = len(panel.dates)
    least = max(1, min(round(LEAST_WEEKS / panel.weeks_per_period), periods // 4))
    rng = np.random.default_rng([seed, SEED_STREAM])
    queues: list[list[tuple[str, int]]] = []
    for channel in panel.channels:
        media = panel.dataset["media"].sel({CHANNEL: channel}).values
        centred = media - media.mean(axis=0)
        square = float((centred**2).sum())
        if square <= 1e-12 * float((media**2).sum()):
            continue
        fine = [
            (channel, shift)
            for shift in range(least, periods - least + 1)
            if abs(float((centred * np.roll(centred, shift, axis=0)).sum())) < ALIKE * square
        ]
        queues.append([fine[i] for i in rng.permutation(len(fine))])
    in_turn = [queue[i] for i in range(max(map(len, queues), default=0))
               for queue in queues if i < len(queue)]  # fmt: skip
    return in_turn[:count]


def placebo(study: Study, panel: Panel, trials: list[tuple[str, int]], bench: Bench) -> Placebo:
    """Fits the study with a placebo more, once a trial, each with a seed of its own."""
    found = []
    for number, (channel, shift) in enumerate(trials, start=1):
        settings = study.inference.model_copy(update={"seed": study.inference.seed + number})
        wider, with_it, name = shifted_copy(
            study.model_copy(update={"inference": settings}), panel, channel, shift
        )
        fitted = bench.fit(f"placebo: {channel}", wider, with_it)
        found.append(_trial(fitted, name, channel, shift))
    return judged(tuple(found), panel.channels)


def judged(trials: tuple[Trial, ...], channels: tuple[str, ...]) -> Placebo:
    """The trials, counted."""
    credited, count = sum(trial.credited for trial in trials), len(trials)
    left_out = tuple(name for name in channels if name not in {one.channel for one in trials})
    if not count:
        reading = "No placebo could be made: no channel varies enough, or the history is too short."
        return Placebo(trials, 0, float("nan"), 0.0, 1.0, left_out, reading, ())
    interval = stats.binomtest(credited, count).proportion_ci(0.9, method="exact")
    rate = credited / count
    return Placebo(
        trials, credited, rate, float(interval.low), float(interval.high), left_out,
        _reading(trials, credited, float(interval.high)), _advice(trials, rate),
    )  # fmt: skip


def middle(prior: PriorSpec) -> float:
    """Median of a prior."""
    if prior.kind == "halfnormal":
        return float(stats.halfnorm(scale=prior.scale).median())
    return float(np.exp(prior.location))


def _trial(fitted: Fit, name: str, channel: str, shift: int) -> Trial:
    variable = fitted.density().spec.variable("share")
    place = variable.labels.index(name)
    prior = variable.priors[place]
    draws = fitted.posterior["share"].values[..., place].ravel()
    half = middle(prior)
    above = float((draws > half).mean())
    return Trial(
        channel, shift, float(np.median(draws)), half, above, evidence(prior, draws).contraction,
        above >= CREDITED,
    )  # fmt: skip


def _reading(trials: tuple[Trial, ...], credited: int, high: float) -> str:
    count = len(trials)
    share = float(np.mean([trial.share for trial in trials]))
    believed = float(np.mean([trial.prior for trial in trials]))
    return (
        f"{credited} of {count} placebo channels (shifted copies that cannot have an effect) were "
        f"credited with one; the true rate is below {high:.0%} with a probability of 95 %. On "
        f"average a placebo keeps {share:.1%} of the outcome, against {believed:.1%} believed "
        "beforehand."
    )


def _advice(trials: tuple[Trial, ...], rate: float) -> tuple[str, ...]:
    if rate <= MANY:
        return ()
    names = ", ".join(sorted({f"'{trial.channel}'" for trial in trials if trial.credited}))
    return (
        f"Credit comes too easily (copies of {names}): something that moves like media is missing "
        "from the baseline. Add controls for demand, holidays or seasonality, and do not rely on "
        "returns of channels that no experiment supports.",
    )
