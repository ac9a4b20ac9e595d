"""Experiments as arrays: what a test changed of media, and what was measured of it.

With D_gt what the channel adds to the predictor by the changed media, carry-over, saturation and
brand stock included, in the test's geos and from its start to the last period measured,

    lift ~ N( sum_gt l_g D_gt,  (mismatch age se)^2 + sum_g (l_g tau sum_t D_gt)^2
                                + sum_k (delta sum_gt l_g D_gt phi_k(t))^2 ),

l_g the mean outcome of the geo, tau the spread of geos and delta phi_k the steps of a
time-varying channel. Deviations of geos and of time are integrated out here and again in the
outcome's likelihood, as if a test had deviations of its own: an approximation that counts as noise
what data may know of the tested geos. A pooled test adds up over its channels. Where effects
multiply, l_g (exp(D_gt) - 1) takes the place of l_g D_gt, with l_g the mean outcome of the geo in
the periods measured. Noise is normal whatever that of the outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmm.data.panel import Panel
from mmm.data.tested import Tested, inflated_error, media_tested

STEADY = -1
"""In place of the period an arm starts in: its channel runs at a constant level before."""


@dataclass(frozen=True, slots=True)
class Trials:
    """N tests, each a run of arms: one channel in one geo. lift (N,), variance (N,) of its error,
    first (N + 1,) arms of test n are first[n] to first[n + 1] (exclusive), channel by channel.

    Of each arm: channel, geo, start (a period, or `STEADY`), base its constant level there,
    weight what a unit of D is in the lift, at where its L periods lie in `change` (scaled media)
    and length L; when is the period its first one stands for in time, within the window.
    """

    names: tuple[str, ...]
    lift: np.ndarray
    variance: np.ndarray
    first: np.ndarray
    channel: np.ndarray
    geo: np.ndarray
    start: np.ndarray
    length: np.ndarray
    at: np.ndarray
    when: np.ndarray
    base: np.ndarray
    weight: np.ndarray
    change: np.ndarray

    @property
    def count(self) -> int:
        return len(self.lift)


def build_trials(
    panel: Panel, level: np.ndarray, scale: Callable[[np.ndarray, Tested], np.ndarray], *,
    multiplies: bool,
) -> Trials:  # fmt: skip
    """The tests of `panel` that are not held back. `level` (G,) is each geo's mean outcome, and
    `scale` brings media (L, g, c) of a test to the model's units."""
    used = [test for test in panel.experiments if not test.hold_back]
    outcome, periods = panel.dataset["outcome"].values, len(panel.dates)
    lifts, variances, first = [], [], [0]
    arms: list[tuple[int, int, int, int, int, int, float, float]] = []
    changes: list[np.ndarray] = []
    at = 0
    for test in used:
        tested = media_tested(test, panel)
        base, change = scale(tested.base, tested), scale(tested.change, tested)
        length = len(change)
        lifts.append(test.lift)
        variances.append(inflated_error(test, tested) ** 2)
        for c, channel in enumerate(tested.channels):
            for g, geo in enumerate(tested.geos):
                unit = level[geo]
                if multiplies and tested.inside:
                    unit = outcome[tested.start : tested.until, geo].mean()
                start = tested.start if tested.inside else STEADY
                when = int(np.clip(tested.start, 0, periods - 1))
                arms.append(
                    (int(channel), int(geo), start, length, at, when,
                     float(base[0, g, c]), float(tested.sign * unit))
                )  # fmt: skip
                changes.append(change[:, g, c])
                at += length
        first.append(len(arms))
    columns = list(zip(*arms, strict=True)) if arms else [()] * 8
    channel, geo, start, length, places, when = (
        np.array(column, dtype=np.int64) for column in columns[:6]
    )
    return Trials(
        names=tuple(test.name for test in used),
        lift=np.array(lifts, dtype=float),
        variance=np.array(variances, dtype=float),
        first=np.array(first, dtype=np.int64),
        channel=channel,
        geo=geo,
        start=start,
        length=length,
        at=places,
        when=when,
        base=np.array(columns[6], dtype=float),
        weight=np.array(columns[7], dtype=float),
        change=np.concatenate(changes) if changes else np.empty(0),
    )
