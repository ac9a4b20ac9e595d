"""Quarters of the window: which periods each of them has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.data.panel import Panel

LONGEST_WEEKS = 14.0
"""Periods longer than this hold more than a quarter, and years take its place."""


@dataclass(frozen=True, slots=True)
class Quarters:
    """Calendar quarters that hold the start of a period of the window, in order.

    labels such as 2024Q1, or 2024 where periods are longer than a quarter; dates: first day of
    each; starts (Q,): number of its first period in the window; periods (Q,): how many it has.
    """

    labels: tuple[str, ...]
    dates: pd.DatetimeIndex
    starts: np.ndarray
    periods: np.ndarray

    def slices(self) -> list[slice]:
        """The periods of each."""
        return [
            slice(start, start + count)
            for start, count in zip(self.starts.tolist(), self.periods.tolist(), strict=True)
        ]


def quarters(panel: Panel) -> Quarters:
    """The quarters of `panel`; a period belongs to the one it starts in."""
    held = panel.dates.to_period("Y" if panel.weeks_per_period > LONGEST_WEEKS else "Q")
    named, starts, periods = np.unique(held.asi8, return_index=True, return_counts=True)
    unique = pd.PeriodIndex.from_ordinals(named, freq=held.freq)
    return Quarters(tuple(unique.astype(str)), unique.to_timestamp(), starts, periods)
