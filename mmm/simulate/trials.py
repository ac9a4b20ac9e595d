"""Experiments in a world of known truth: what a test would have measured there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmm.simulate.generate import Scene
from mmm.simulate.oracle import contributions
from mmm.simulate.spec import WorldSpec


def take_trial(
    spec: WorldSpec,
    scene: Scene,
    channels: Sequence[str],
    *,
    start: int,
    periods: int,
    factor: float,
    wait: int = 0,
    geos: Sequence[str] = (),
    error: float = 0.1,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """One row of a file of experiments: `channels` spend `factor` times what they did from period
    `start` of the window for `periods`, the outcome measured for `wait` more.

    The lift is the difference between the outcomes that both plans cause, by the oracle's own
    loops, and Gaussian noise of standard deviation `error` times it. `truth` is the lift without.
    """
    places = [[channel.name for channel in spec.channels].index(name) for name in channels]
    regions = [spec.geo_names.index(name) for name in geos] or list(range(spec.geos))
    tested = np.ix_(range(spec.history + start, spec.history + start + periods), regions, places)
    changed = scene.media.copy()
    changed[tested] *= factor
    measured = slice(spec.history + start, spec.history + start + periods + wait)
    truth = sum(
        float((after - before)[measured][:, regions].sum())
        for after, before in zip(
            contributions(changed, scene.curves),
            contributions(scene.media, scene.curves),
            strict=True,
        )
    )
    prices = [spec.channels[place].unit_price for place in places]
    effort = np.array([spec.channels[place].effort for place in places])
    paid = np.where(effort, scene.media[tested] * prices, scene.spend[tested])
    dates = spec.dates
    return {
        "channel": ";".join(channels),
        "geos": ";".join(geos),
        "start": f"{dates[start]:%Y-%m-%d}",
        "end": f"{dates[start + periods - 1]:%Y-%m-%d}",
        "measured_until": f"{dates[start + periods + wait - 1]:%Y-%m-%d}",
        "spend_change": (factor - 1.0) * float(paid.sum()),
        "lift": truth + error * abs(truth) * float(rng.normal()),
        "standard_error": error * abs(truth),
        "truth": truth,
    }
