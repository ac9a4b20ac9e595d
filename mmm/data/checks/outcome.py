"""An outcome that varies, is of a likely size, and has no odd periods."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmm.data.checks.finding import count, error, some, warning
from mmm.data.checks.levels import level_change
from mmm.data.checks.priors import whole_value
from mmm.data.observations import Observations
from mmm.errors import Finding

OUTLIER_Z = 5.0
NEIGHBOURS = 3
FEW = 10.0
"""Mean count below which noise is skewed and grows with what is expected, unlike normal noise."""

MOST_ZERO = 0.2
"""Zeros in more than this part of the periods are how the outcome comes."""
OF_ONE_SIZE = 0.1
"""Nearly all other periods reach this part of the middle one where zeros are odd."""


def outcome_varies(observations: Observations) -> Iterator[Finding]:
    """There is something to explain."""
    column = observations.study.outcome.column
    values = observations.clean(column)
    if values is not None and not observations.varies(values):
        yield error(
            "constant_outcome",
            observations.place(column),
            f"the outcome never changes ({values[0]:g} on every date).",
            "Name the column that holds the outcome.",
        )


def outcome_positive(observations: Observations) -> Iterator[Finding]:
    """Each geo's mean outcome is above zero (shares of it are what is learned)."""
    column = observations.study.outcome.column
    values = observations.clean(column)
    keys = observations.keys
    if values is None or keys is None:
        return
    means = np.bincount(keys.codes, weights=values) / np.bincount(keys.codes)
    empty = keys.geos[means <= 0]
    if len(empty):
        national = observations.study.data.geo is None
        yield error(
            "outcome_mean",
            observations.place(column),
            f"the mean outcome {'' if national else f'of {some(empty)} '}is not above zero.",
            "Correct the column." if national else "Drop the geo, or correct the column.",
        )
    elif (values < 0).any() and observations.study.inference.likelihood != "lognormal":
        rows = np.flatnonzero(values < 0)
        yield warning(
            "negative_outcome",
            observations.place(column, int(rows[0])),
            f"the outcome is negative in {len(rows)} of {len(observations)} rows "
            f"({values[rows[0]]:g} here).",
            "Check whether returns are booked on the period of the sale.",
        )


def outcome_has_logarithm(observations: Observations) -> Iterator[Finding]:
    """A log-normal outcome is above zero everywhere; a geo that never is has a finding already."""
    column = observations.study.outcome.column
    values = observations.clean(column)
    keys = observations.keys
    if values is None or keys is None or observations.study.inference.likelihood != "lognormal":
        return
    means = np.bincount(keys.codes, weights=values) / np.bincount(keys.codes)
    rows = np.flatnonzero((values <= 0) & (means > 0)[keys.codes])
    if len(rows):
        first = int(rows[np.argmin(keys.dates[rows])])
        yield error(
            "outcome_not_positive",
            observations.place(column, first),
            f"the outcome is {values[first]:g} here, and 0 or less in {len(rows)} of "
            f"{len(observations)} rows; a lognormal likelihood needs all of them above 0.",
            "Set 'inference.likelihood' to normal or student_t, or aggregate to longer periods; "
            "where nothing was recorded, fill it in.",
        )


def outcome_counted(observations: Observations) -> Iterator[Finding]:
    """Counts of a few a row are not normal around what is expected."""
    column = observations.study.outcome.column
    values = observations.clean(column)
    keys = observations.keys
    if values is None or keys is None or (values != np.round(values)).any():
        return
    means = np.bincount(keys.codes, weights=values) / np.bincount(keys.codes)
    few = keys.geos[(means > 0) & (means < FEW)]
    if len(few) > len(keys.geos) / 2:
        yield warning(
            "small_counts",
            observations.place(column),
            f"the outcome counts {np.median(means):.2g} a row in the middle "
            f"{'period' if observations.study.data.geo is None else 'geo'}, "
            f"{np.mean(values == 0):.0%} of rows none at all; noise of so few is not normal.",
            "Merge geos, or use longer periods, until most rows count ten or more.",
        )


def outcome_recorded(observations: Observations) -> Iterator[Finding]:
    """Exact zeros of an outcome that is far from zero otherwise are outages, or not recorded yet.

    A log-normal outcome may not be zero at all, which is another finding.
    """
    column = observations.study.outcome.column
    values = observations.clean(column)
    keys = observations.keys
    if values is None or keys is None or observations.study.inference.likelihood == "lognormal":
        return
    stretches: list[np.ndarray] = []
    ends = False
    for rows in keys.in_time():
        zeros = np.flatnonzero(odd_zeros(values[rows]))
        if len(zeros):
            stretches += [
                rows[part] for part in np.split(zeros, np.flatnonzero(np.diff(zeros) > 1) + 1)
            ]
            ends = ends or zeros[-1] == len(rows) - 1
    if not stretches:
        return
    stretches.sort(key=lambda part: -len(part))
    listed = some(
        observations.label(int(part[0]))
        + (f" to {observations.label(int(part[-1]))}" if len(part) > 1 else "")
        for part in stretches
    )
    cut = "cut the data where it is not known yet; " if ends else ""
    yield warning(
        "zero_outcome",
        observations.place(column, int(stretches[0][0])),
        f"the outcome is exactly 0 in {sum(map(len, stretches))} of {len(observations)} rows and "
        f"far from it in all others: {listed}.",
        f"Fill in what was sold; {cut}give a real outage a control column.",
    )


def odd_zeros(series: np.ndarray) -> np.ndarray:
    """Which periods of a series (T,) are 0 though the others are of one size, above `FEW`.

    None where zeros are many, or where small numbers lead down to them.
    """
    zeros = series == 0
    if not 0 < zeros.sum() <= MOST_ZERO * len(series) or (series < 0).any():
        return np.zeros_like(zeros)
    rest = series[~zeros]
    counts = bool((rest == np.round(rest)).all())
    low, middle = np.quantile(rest, [0.02, 0.5])
    sized = low > OF_ONE_SIZE * middle and not (counts and middle < 2 * FEW)
    return zeros if sized else np.zeros_like(zeros)


def outcome_outliers(observations: Observations) -> Iterator[Finding]:
    """Periods far from a running median of their geo: robust |z| above 5.

    Zeros that were not recorded, and a change of unit, are findings of their own: what lies
    between is looked at by itself.
    """
    column = observations.study.outcome.column
    values = observations.clean(column)
    keys = observations.keys
    if values is None or keys is None:
        return
    found: list[tuple[float, int]] = []
    for rows in keys.in_time():
        rows = rows[~odd_zeros(values[rows])]
        change = level_change(values[rows])
        for part in np.split(rows, [] if change is None else [change]):
            scores = robust_scores(values[part])
            odd = np.flatnonzero(abs(scores) > OUTLIER_Z)
            found += [(float(scores[i]), int(part[i])) for i in odd]
    if not found:
        return
    found.sort(key=lambda item: -abs(item[0]))
    listed = some(f"{observations.label(row)} z={score:+.1f}" for score, row in found)
    yield warning(
        "outlier",
        observations.place(column, found[0][1]),
        f"{count(len(found), 'period')} far from the periods around: {listed}.",
        "Correct mistakes; give a real one-off (promotion, outage) a control column.",
    )


def robust_scores(series: np.ndarray) -> np.ndarray:
    """Distance from the median of the three neighbours on either side, over its own scale (T,).

    The scale is 1.4826 times the median absolute distance. A period is left out of its own
    median: with it, exact zeros would shrink the scale and call ordinary periods outliers.
    """
    width = 2 * NEIGHBOURS + 1
    if len(series) < width:
        return np.zeros(len(series))
    before, after = _continued(series[:width][::-1])[::-1], _continued(series[-width:])
    windows = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([before, series, after]), width
    )
    residual = series - np.median(np.delete(windows, NEIGHBOURS, axis=1), axis=1)
    spread = 1.4826 * float(np.median(np.abs(residual)))
    return residual / spread if spread > 0 else np.zeros_like(residual)


def _continued(stretch: np.ndarray) -> np.ndarray:
    """The next neighbours along the stretch's median slope (Theil-Sen), as a trend goes on."""
    time = np.arange(len(stretch))
    first, second = np.triu_indices(len(stretch), 1)
    slope = np.median((stretch[second] - stretch[first]) / (second - first))
    level = np.median(stretch - slope * time)
    return level + slope * (len(stretch) + np.arange(NEIGHBOURS))


def units_plausible(observations: Observations) -> Iterator[Finding]:
    """Marketing that costs more than everything sold is usually a unit mistaken."""
    study = observations.study
    earned = whole_value(observations)
    if earned is None:
        return
    spends = [observations.clean(channel.spend) for channel in study.channels if channel.spend]
    known = [spend for spend in spends if spend is not None]
    if not known or len(known) < len(spends):
        return
    spent = float(np.sum(known))
    if spent > earned > 0:
        yield warning(
            "spend_above_outcome",
            observations.place(study.outcome.column),
            f"total spend ({spent:,.0f}) is above the value of the whole outcome ({earned:,.0f}).",
            "Check units (thousands against units, cents against euros) and "
            "'outcome.value_per_unit'.",
        )


CHECKS = (
    outcome_varies,
    outcome_positive,
    outcome_has_logarithm,
    outcome_counted,
    outcome_recorded,
    outcome_outliers,
    units_plausible,
)
