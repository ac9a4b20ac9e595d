"""The response engine: a spend plan in, outcome draws by component out.

Every number downstream (contributions, ROI, curves, forecast, cash) is read from the same
posterior through the functions here, so no two can disagree. They work on the predictor, which
`mmm.results.outcome` turns into outcome.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from mmm.inference.fit import Fit
from mmm.model.design import BaselineRows
from mmm.model.redraw import WholeDraws, effects_move, noise_length, whole_draws
from mmm.results.mediation import channel_effect
from mmm.results.regression import (
    SETTLE_WEEKS,
    Effect,
    Response,
    after_window,
    brand_tail,
    wander,
)
from mmm.results.threads import MOST_WORKERS, cores, each_in_threads

RESULT_DRAWS = 1000
"""Draws that results are read from, spread evenly over the posterior."""
KEPT_CELLS = 1_000_000
"""Draws x geos x periods x channels of effects that are kept: 16 MB."""
KEPT_NOISE = 500_000
"""Numbers of a set of noise that is kept: 4 MB."""


def response(fit: Fit, draws: int = RESULT_DRAWS) -> Response:
    """Draws the linear coefficients from their exact conditional, given each posterior draw.

    All results are read from at most `draws` of them. Deterministic: each draw's noise comes
    from the study's seed and its number.
    """
    density = fit.density()
    values = fit.values()
    kept = read_draws(len(values), draws)
    wanted = np.zeros(len(values), dtype=bool)
    wanted[kept] = True
    needed = wanted | effects_move(density)
    seed, length = fit.study.inference.seed, noise_length(density)

    def read(numbers: range) -> tuple[WholeDraws, np.ndarray]:
        span = slice(numbers.start, numbers.stop)
        noise = np.zeros((len(numbers), length))
        if length:
            rows = np.flatnonzero(needed[span])
            noise[rows] = standard_noise(seed, (rows + numbers.start).tolist(), length)
        return whole_draws(density, values[span], wanted[span], noise, density.workspace())

    parts = each_in_threads(read, _spans(len(values)), alone=density.spec.custom)
    drawn: dict[str, Any] = {
        name: np.concatenate([getattr(found, name) for found, _ in parts])
        for name in WholeDraws.__slots__
    }
    scales = drawn.pop("scales")
    totals = np.concatenate([totals for _, totals in parts])
    return Response(
        fit=fit,
        density=density,
        **drawn,
        trend_scale=scales[:, 0],
        geo_trend_scale=scales[:, 1],
        totals=totals.reshape(fit.posterior.sizes["chain"], -1, totals.shape[1]),
        numbers=kept,
        places=np.arange(len(density.spec.geos)),
        paths={name: response(path, draws) for name, path in fit.paths.items()},
    )


def read_draws(count: int, draws: int = RESULT_DRAWS) -> np.ndarray:
    """The numbers of at most `draws` of `count` posterior draws, from which results are read."""
    return np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))


def standard_noise(seed: int, numbers: list[int], length: int) -> np.ndarray:
    """`length` standard normal numbers for each draw of `numbers`, a row each, which follow from
    the seed and the draw's number alone. Kept for the next fit, which may ask for the same."""
    if len(numbers) * length > KEPT_NOISE:
        return _noise(seed, tuple(numbers), length)
    return _kept_noise(seed, tuple(numbers), length)


def _noise(seed: int, numbers: tuple[int, ...], length: int) -> np.ndarray:
    rows = np.empty((len(numbers), length))
    for row, number in zip(rows, numbers, strict=True):
        np.random.default_rng([seed, 1, number]).standard_normal(out=row)
    rows.flags.writeable = False
    return rows


_kept_noise = lru_cache(maxsize=4)(_noise)


def _spans(count: int) -> list[range]:
    """`count` numbers in as many runs as there are threads, none shorter than 100."""
    size = max(100, -(-count // min(cores(), MOST_WORKERS)))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def baseline_effect(response: Response, rows: BaselineRows, components: set[str]) -> np.ndarray:
    """Baseline rows of the named components, summed, in `Response.unit`, (D, G, T).

    `rows` are of all geos of the panel."""
    own = np.array([name in components for name in rows.own_component], dtype=bool)
    shared = np.array([name in components for name in rows.shared_component], dtype=bool)
    total = np.zeros((response.draws, len(response.places), rows.own.shape[1]))
    if shared.any():
        for g, place in enumerate(response.places):
            total[:, g] = response.shared[:, shared] @ rows.shared[place, shared]
    if own.any():
        total += response.own[:, :, own] @ rows.own[own]
    if "baseline" in components:
        total += response.density.design.centre
    return total * response.unit[None, :, None]


def followed(
    response: Response, media: np.ndarray, worth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The window and the time after it in which carry-over is followed, S periods in all: `media`
    (T, ...) as it was, then nothing, and `worth` (T, G) of a unit of outcome, then its last one."""
    later = after_window(response)
    nothing, last = np.zeros((later, *media.shape[1:])), np.repeat(worth[-1:], later, axis=0)
    return np.concatenate([media, nothing]), np.concatenate([worth, last])


def past_effect(response: Response, channel: int) -> Effect:
    """What a channel's media in the window did, there and after it, over the S periods of
    `followed`; its slope is along all of that media. Kept where it is small: contributions,
    returns and residuals all begin with it."""
    key = ("past", response.fit.panel.channels[channel])
    if key in response.known:
        return response.known[key]
    data, places = response.fit.panel.dataset, response.places
    media, value = data["media"].values, data["value_per_unit"].values
    spent, worth = followed(response, media[:, places, channel], value[:, places])
    effect = channel_effect(response, channel, spent, direction=spent, worth=worth)
    if _is_small(response):
        response.known[key] = effect
    return effect


def window_effect(response: Response, channel: int) -> Effect:
    """The part of `past_effect` in the window, without slope."""
    media = response.fit.panel.dataset["media"].values
    periods = len(media)
    if not _is_small(response):
        return channel_effect(response, channel, media[:, response.places, channel])
    past = past_effect(response, channel)
    mediated = None if past.mediated is None else past.mediated[:, :, :periods]
    tactical, brand = past.tactical[:, :, :periods], past.brand[:, :, :periods]
    return Effect(tactical, brand, np.zeros_like(past.slope), mediated)


def _is_small(response: Response) -> bool:
    periods = len(response.fit.panel.dates) + after_window(response)
    channels = len(response.fit.panel.channels)
    return response.draws * len(response.places) * periods * channels <= KEPT_CELLS


__all__ = [
    "RESULT_DRAWS",
    "SETTLE_WEEKS",
    "Effect",
    "Response",
    "after_window",
    "baseline_effect",
    "brand_tail",
    "channel_effect",
    "followed",
    "past_effect",
    "response",
    "wander",
    "window_effect",
]
