"""Controls carried past the window, and how far off that may be.

What a control was a year before is its reference (its mean over the window where the data spans no
year), and how it differs from that follows a first-order autoregression
(`mmm.results.autoregression`),

    x_{T+h} = r_{T+h} + d_{T+h},   d_t = phi d_{t-1} + e_t,

so that its last difference fades by phi a period and the variance ahead is
s^2 (1 - phi^(2h)) / (1 - phi^2). phi, one a control and within 0 and 1, is that of least squares
over all geos. Steps e are drawn from one period for all geos and controls together, so that what
moves together goes on doing so. What is not known of phi itself is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.data.panel import Panel
from mmm.results.autoregression import autoregression

FEWEST = 8
"""Differences from which an autoregression is read."""
STREAM = 15


@dataclass(frozen=True, slots=True)
class CarriedControls:
    """P controls over H periods after the window.

    expected (H, G, P) in their own units; persistence (P,) phi; steps (R, G, P) the e of the data,
    with mean zero. seasonal: whether the reference is a year before.
    """

    expected: np.ndarray
    persistence: np.ndarray
    steps: np.ndarray
    seasonal: bool

    def only(self, control: int, geos: np.ndarray) -> CarriedControls:
        """One control in some of the geos."""
        kept = slice(control, control + 1)
        return CarriedControls(
            self.expected[:, geos, kept],
            self.persistence[kept],
            self.steps[:, geos, kept],
            self.seasonal,
        )


def carried_controls(panel: Panel, periods: int) -> CarriedControls:
    """The controls of `panel` carried `periods` on."""
    values = panel.dataset["controls"].values
    observed, year = len(values), round(panel.periods_per_year)
    seasonal = year >= 1 and observed >= year + FEWEST
    ahead = np.arange(periods)
    if seasonal:
        reference = values[observed - year + ahead % year]
        apart = values[year:] - values[:-year]
    else:
        mean = values.mean(axis=0)
        reference = np.repeat(mean[None], periods, axis=0)
        apart = values - mean
    persistence, steps = autoregression(apart[:-1], apart[1:])
    fading = persistence ** (ahead[:, None] + 1.0)
    return CarriedControls(reference + fading[:, None, :] * apart[-1], persistence, steps, seasonal)


def control_deviations(
    found: CarriedControls, periods: int, seed: int, numbers: np.ndarray
) -> np.ndarray:
    """What draws `numbers` (D,) differ from what is expected, (D, H, G, P). A draw is the same for
    every horizon and whichever others are asked for."""
    deviation = np.zeros((len(numbers), periods, *found.steps.shape[1:]))
    level = np.zeros((len(numbers), *found.steps.shape[1:]))
    last = int(numbers.max()) + 1
    for h in range(periods):
        drawn = np.random.default_rng([seed, STREAM, h]).integers(len(found.steps), size=last)
        level = found.persistence * level + found.steps[drawn[numbers]]
        deviation[:, h] = level
    return deviation


def _plain(found: CarriedControls, control: int) -> str:
    """Standard deviation of a control's step, without powers of ten where it is large."""
    size = float(found.steps[:, :, control].std())
    return f"{size:,.0f}" if size >= 1000 else f"{size:.3g}"


def carried_words(panel: Panel, names: tuple[str, ...]) -> tuple[str, ...]:
    """In words how the controls `names` go on, and how far off a period ahead may be."""
    if not names:
        return ()
    found = carried_controls(panel, 1)
    places = [panel.controls.index(name) for name in names]
    reference = "a year before" if found.seasonal else "on average"
    parts = [
        f"{name} {100 * found.persistence[p]:.0f} % with steps of {_plain(found, p)}"
        for name, p in zip(names, places, strict=True)
    ]
    return (
        f"Controls go on as {reference}. How they last differed from that fades, and random steps "
        "as large as those of the data are added, which the intervals count. Of a difference "
        f"remains after a period (with standard deviation of a step): {', '.join(parts)}.",
    )
