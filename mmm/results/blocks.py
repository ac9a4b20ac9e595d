"""Results in blocks of geos, so that memory stays bounded however large the panel.

Draws of every geo and period at once are (D, G, T): 83 MB for 1,000 draws, 50 geos and 208 weeks,
and a component or a channel has one each. No geo needs another's, so results are computed for
a few geos at a time, on every core, and only sums and summaries are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mmm.results.respond import Response
from mmm.results.threads import each_in_threads

BLOCK_CELLS = 1_000_000
"""Draws x geos x periods of one array in a block: 8 MB."""


def take_geos(response: Response, chosen: slice) -> Response:
    """The response of some of its geos."""
    return replace(
        response,
        paths={name: take_geos(path, chosen) for name, path in response.paths.items()},
        known={},
        sigma=response.sigma[:, chosen],
        own=response.own[:, chosen],
        deviation=response.deviation[:, chosen],
        places=response.places[chosen],
    )


def thinned(response: Response, draws: int) -> Response:
    """The response on at most `draws` of its draws, spread evenly."""
    if draws >= response.draws:
        return response
    return take_draws(response, np.linspace(0, response.draws - 1, draws).round().astype(int))


def take_draws(response: Response, kept: np.ndarray) -> Response:
    """The response on the draws `kept`."""
    names = ("table", "means", "sigma", "nu", "own", "shared", "deviation", "drift",
             "trend_scale", "geo_trend_scale", "numbers")  # fmt: skip
    paths = {name: take_draws(path, kept) for name, path in response.paths.items()}
    chosen = {name: getattr(response, name)[kept] for name in names}
    return replace(response, paths=paths, known={}, **chosen)


def affordable_draws(response: Response, cells: int, budget: float, least: int = 250) -> int:
    """How many draws to evaluate when one costs `cells` geo-periods: all of them within
    `budget` cells altogether, else as many as that allows, `least` at the least."""
    return min(response.draws, max(least, int(budget / max(cells, 1))))


def by_geo[T](
    response: Response, periods: int, compute: Callable[[Response], T], *, arrays: int = 1
) -> list[T]:
    """`compute` of each block of geos, in their order.

    A block is as large as keeps `arrays` arrays (D, geos, `periods`) together within 16 times
    `BLOCK_CELLS` and each of them within it, one geo at least. Blocks run on threads.
    """
    geos = len(response.places)
    cells = max(1, response.draws * periods)
    size = max(1, min(BLOCK_CELLS // cells, 16 * BLOCK_CELLS // (cells * arrays)))
    starts = range(0, geos, size)
    cut = (take_geos(response, slice(start, start + size)) for start in starts)
    blocks = [response] if size >= geos else list(cut)
    return each_in_threads(compute, blocks, alone=response.density.spec.custom)
