"""Brand trackers as arrays: noisy readings of the brand stock.

A reading of indicator i in geo g at t, less the indicator's mean, is

    r = a_ig + k_i L_gt + d_i(t) + N(0, se^2 + s_i^2),

where L, of mean one, is the stock of all brand channels in proportion to what each earns, k_i the
loading, d_i a slow walk where the study asks for one, and s_i what the stated standard error
leaves out. A national reading takes the mean of L over geos, weighted by outcome. How much a unit
of the indicator is worth is not known, so a tracker says when the brand rose and fell, not by how
much outcome: that is what tells it from the trend.

Where geos pool, channels work better in some than in others and what was spent before the window
differs too, so a geo's stock is not quite L_gt. With L_cgt the part of it that is channel c's,
l_c the mean of that and r_c what a period leaves of its stock, a reading of a geo has besides

    k_i (sum_c tau_c z_gc L_cgt + v_g sum_c l_c r_c^(t+1)),   z, v normal, v of `START_SPREAD`.

Precise readings would take either for news about the memory. Both are integrated out, for the
trackers by themselves, which errs to the careful side; over the country they average out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.data.panel import Panel
from mmm.dims import SURVEY
from mmm.transforms.baseline import trend_ramps
from mmm.transforms.parameter import PriorSpec, halfnormal

NATIONAL_READING = -1
"""In place of a geo's number."""
LEVEL_SPREADS = 40.0
"""Prior standard deviation of an indicator's level, in standard deviations of its readings."""
LOADING_SPREADS = 20.0
"""Prior scale of its loading, alike: a stock that moves by a twentieth of its mean may move it by
one. A slow stock moves little, so a tighter scale would say that no stock is slow."""
WALK_SPREADS = 0.5
"""Prior scale of a step of its walk, alike."""

LOADING, NOISE, WALK = range(3)
"""Places of an indicator's sampled scalars."""


@dataclass(frozen=True, slots=True)
class Readings:
    """N readings of I indicators. value (N,) less the indicator's mean, variance (N,) as stated
    (0 where it is not), geo (N,), time (N,), of (N,) the indicator.

    rows (P, N) are what levels and walks add to, with prior scales row_sd (P,); walk_of (P,) is
    the indicator whose sampled walk multiplies that, -1 for levels.
    """

    value: np.ndarray
    variance: np.ndarray
    geo: np.ndarray
    time: np.ndarray
    of: np.ndarray
    rows: np.ndarray
    row_sd: np.ndarray
    walk_of: np.ndarray


def indicators(panel: Panel) -> tuple[str, ...]:
    """Names of the panel's trackers."""
    if "survey" not in panel.dataset:
        return ()
    return tuple(str(name) for name in panel.dataset[SURVEY].values)


def spreads(panel: Panel) -> np.ndarray:
    """Standard deviation of each indicator's readings within geos, (I,)."""
    if "survey" not in panel.dataset:
        return np.empty(0)
    values = panel.dataset["survey"].values
    within = values - np.nanmean(values, axis=0, where=~np.isnan(values), keepdims=True)
    return np.nanstd(within.reshape(-1, values.shape[2]), axis=0)


def survey_priors(panel: Panel, *, walks: bool) -> dict[str, tuple[int, tuple[PriorSpec, ...]]]:
    """By variable: its place and one prior an indicator."""
    spread = spreads(panel)
    places = {"survey_loading": (LOADING, LOADING_SPREADS), "survey_noise": (NOISE, 1.0)}
    if walks:
        places["survey_walk"] = (WALK, WALK_SPREADS)
    return {
        name: (place, tuple(halfnormal(scale * one) for one in spread))
        for name, (place, scale) in places.items()
    }


def build_readings(panel: Panel, national: tuple[bool, ...], knots: int) -> Readings:
    """The readings of `panel`; `national` says which indicators are of the whole country,
    `knots` is the number of spans each walks over, 0 for none."""
    names, periods = indicators(panel), len(panel.dates)
    values = panel.dataset["survey"].values if names else np.empty((periods, 1, 0))
    errors = panel.dataset["survey_error"].values if names else values
    ramps = trend_ramps(np.arange(periods, dtype=float), periods, knots).T if knots else None
    parts: list[tuple[np.ndarray, ...]] = []
    columns: list[tuple[int, np.ndarray, float, int]] = []
    spread, total = spreads(panel), 0
    for i in range(len(names)):
        grid, error = values[:, :, i], errors[:, :, i]
        if national[i]:
            there = ~np.isnan(grid)
            time = np.flatnonzero(there.any(axis=1))
            first = there[time].argmax(axis=1)
            seen, stated = grid[time, first], error[time, first]
            geo = np.full(len(time), NATIONAL_READING)
        else:
            geo, time = (index.ravel() for index in np.nonzero(~np.isnan(grid.T)))
            seen, stated = grid[time, geo], error[time, geo]
        parts.append((seen - seen.mean(), np.nan_to_num(stated) ** 2, geo, time))
        for g in np.unique(geo):
            level = (geo == g).astype(float)
            columns.append((total, level, LEVEL_SPREADS * spread[i], -1))
        if ramps is not None:
            columns += [(total, ramp[time], 1.0, i) for ramp in ramps]
        total += len(time)
    rows = np.zeros((len(columns), total))
    for row, (start, column, *_) in zip(rows, columns, strict=True):
        row[start : start + len(column)] = column
    joined = [
        np.concatenate([part[k] for part in parts]) if parts else np.empty(0) for k in range(4)
    ]
    return Readings(
        value=joined[0],
        variance=joined[1],
        geo=joined[2].astype(np.int64),
        time=joined[3].astype(np.int64),
        of=np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts]).astype(np.int64),
        rows=rows,
        row_sd=np.array([sd for *_, sd, _ in columns]),
        walk_of=np.array([walk for *_, walk in columns], dtype=np.int64),
    )


def reading_entries(told: Readings, apart: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the linear terms of each reading are: their numbers among all rows, and the entries of
    `told.rows` there, both (N, K), padded with zeros.

    With `apart` brand channels of which geos differ, rows of geo g come after all of `told`, one
    a channel and one for its start, and the last `apart` + 1 entries are in these.
    """
    fixed, own = len(told.rows), apart + 1 if apart else 0
    there = told.rows.T != 0
    most = int(there.sum(axis=1).max(initial=0))
    place = np.zeros((len(there), most + own), dtype=np.int64)
    entries = np.zeros(place.shape)
    for n, found in enumerate(there):
        at = np.flatnonzero(found)
        place[n, : len(at)] = at
        entries[n, : len(at)] = told.rows[at, n]
    place[:, most:] = fixed + np.maximum(told.geo, 0)[:, None] * own + np.arange(own)
    return place, entries
