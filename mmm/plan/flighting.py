"""Flighting: how a sum of money is spread over the periods of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from mmm.errors import did_you_mean, input_error

Pattern = Literal["continuous", "bursts", "front_loaded", "back_loaded"]
PATTERNS: tuple[Pattern, ...] = ("continuous", "bursts", "front_loaded", "back_loaded")


def flighting(
    pattern: str, periods: int, *, on: int = 1, off: int = 1, first: int = 0
) -> np.ndarray:
    """Parts of the money by period, (periods,), adding up to one.

    continuous: the same in every period. bursts: `on` periods alike, then `off` without, starting
    `first` periods into the cycle. front_loaded: falling in a straight line from twice the mean
    towards nothing; back_loaded: the reverse. Raises `InputError` on another name or lengths that
    leave no period on.
    """
    if pattern not in PATTERNS:
        raise input_error(
            "flighting", "pattern", f"there is no pattern '{pattern}';",
            did_you_mean(pattern, PATTERNS),
        )  # fmt: skip
    if periods < 1 or on < 1 or off < 0:
        raise input_error(
            "flighting", "pattern", f"{periods} periods, {on} on and {off} off leave nothing on.",
            "Give at least one period, one of them on.",
        )  # fmt: skip
    at = np.arange(periods)
    if pattern == "bursts":
        parts = ((at + first) % (on + off) < on).astype(float)
        if not parts.any():
            parts[0] = 1.0
    elif pattern == "continuous":
        parts = np.ones(periods)
    else:
        parts = (periods - at).astype(float)
        parts = parts if pattern == "front_loaded" else parts[::-1]
    return parts / parts.sum()


def flighted(money: np.ndarray, patterns: Mapping[int, np.ndarray]) -> np.ndarray:
    """`money` (H, G, C) with the money of some channels spread anew over the periods, geo by geo:
    parts (H,) by channel number."""
    out = money.copy()
    for channel, parts in patterns.items():
        out[:, :, channel] = parts[:, None] * money[:, :, channel].sum(axis=0)
    return out


def known_patterns(periods: int) -> list[np.ndarray]:
    """Patterns worth a try where timing is open, each (periods,)."""
    found = [flighting(name, periods) for name in ("continuous", "front_loaded", "back_loaded")]
    for on, off in ((1, 1), (1, 2), (2, 2), (1, 3), (4, 4)):
        if on + off <= periods:
            found += [flighting("bursts", periods, on=on, off=off, first=f) for f in (0, on)]
    return found
