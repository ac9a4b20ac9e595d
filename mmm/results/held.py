"""What no channel moved of a path: as it was in the window, and by its own baseline after it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmm.model.graph import series
from mmm.results.ahead import baseline_walk, continued
from mmm.results.carried import Moved, through
from mmm.results.controls import carried_controls
from mmm.results.mediation import inputs, moved_paths
from mmm.results.noise import with_noise
from mmm.results.regression import Response
from mmm.results.respond import baseline_effect

NOISE_STREAM = 8


def held_paths(
    response: Response,
    dates: pd.DatetimeIndex | None = None,
    controls: np.ndarray | None = None,
    carried: tuple[str, ...] = (),
    *,
    noise: bool = False,
) -> dict[str, Moved]:
    """The part of each path that no channel moved, series (D, G, T + H).

    In the window it is the path as observed less what all channels moved, what none explains
    included. `dates` (H) and `controls` (H, G, P), of which those named in `carried` nobody knows,
    carry it on: the path's baseline with the trend's further steps, what paths before it bring,
    and with `noise` what its likelihood adds.
    """
    panel = response.fit.panel
    observed = panel.dataset["media"].values[:, response.places]
    known = {name: series(panel, name)[:, response.places].T for name in response.paths}
    shape = (response.draws, len(response.places), len(panel.dates))
    rest = {name: np.repeat(known[name][None], shape[0], axis=0) for name in known}
    for place, channel in enumerate(panel.channels):
        for name, moved in moved_paths(response, channel, observed[:, :, place]).items():
            rest[name] -= moved.series
    found: dict[str, Moved] = {}
    for name, path in response.paths.items():
        whole = rest[name]
        if dates is not None and controls is not None:
            whole = np.concatenate(
                [whole, _ahead(path, dates, controls, carried, found, noise)], axis=2
            )
        early = rest[name][:, :, : path.density.spec.early_periods]
        found[name] = Moved(whole, early, np.zeros(shape[:2]))
    return found


def _ahead(
    path: Response,
    dates: pd.DatetimeIndex,
    controls: np.ndarray,
    carried: tuple[str, ...],
    before: Mapping[str, Moved],
    noise: bool,
) -> np.ndarray:
    """A path without any channel over the H `dates`, (D, G, H)."""
    periods = len(dates)
    ahead = continued(path, dates, controls, carried).last(periods)
    rows = ahead.rows
    total = baseline_effect(path, rows, {*rows.own_component, *rows.shared_component})
    total += baseline_walk(path, ahead)
    for place, name in enumerate(inputs(path)):
        if name in before:
            total += through(path, place, before[name]).series[:, :, -periods:]
    if noise:
        for g, place in enumerate(path.places):
            seed = [path.fit.study.inference.seed, NOISE_STREAM, place]
            total[:, g] = with_noise(path, g, total[:, g], np.random.default_rng(seed))
    return total


def held_as_settled(response: Response, periods: int) -> dict[str, Moved]:
    """The same for the window and `periods` after it, when nothing new happens."""
    panel = response.fit.panel
    expected = carried_controls(panel, periods).expected
    return held_paths(response, panel.future_dates(periods), expected)


def held_effects(
    response: Response, held: Mapping[str, Moved] | None = None, periods: int = 0
) -> dict[str, np.ndarray]:
    """What the held part of each path that feeds the outcome does to it, (D, G, S) in the
    response's unit. Where `held` is not given it is that of the window, and of what follows when
    nothing new happens, `periods` in all if that is longer."""
    if not response.paths:
        return {}
    if held is None:
        later = max(0, periods - len(response.fit.panel.dates))
        key = ("held", str(later))
        if key not in response.known:
            response.known[key] = (
                held_as_settled(response, later) if later else held_paths(response)
            )
        held = response.known[key]
    return {
        name: through(response, place, held[name]).series
        for place, name in enumerate(inputs(response))
        if name in held
    }
