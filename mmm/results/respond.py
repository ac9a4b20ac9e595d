"""The response engine: a spend plan in, outcome draws by component out.

Every number downstream (contributions, ROI, curves, forecast, cash) is read from the same
posterior through the functions here, so no two can disagree. They work on the predictor, which
`mmm.results.outcome` turns into outcome.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mmm.inference.fit import Fit
from mmm.model.density import Draw
from mmm.model.design import BaselineRows
from mmm.results.mediation import channel_effect
from mmm.results.regression import (
    SETTLE_WEEKS,
    Effect,
    Response,
    after_window,
    brand_tail,
    wander,
)
from mmm.results.threads import each_in_threads

RESULT_DRAWS = 1000
"""Draws that results are read from, spread evenly over the posterior."""


def response(fit: Fit, draws: int = RESULT_DRAWS) -> Response:
    """Draws the linear coefficients from their exact conditional, given each posterior draw.

    All results are read from at most `draws` of them. Deterministic: each draw's noise comes
    from the study's seed and its number.
    """
    density = fit.density()
    values = fit.values()
    kept = np.unique(np.linspace(0, len(values) - 1, min(draws, len(values))).round().astype(int))
    wanted = set(kept.tolist())
    level, seed = density.design.scaling.level, fit.study.inference.seed

    def read(numbers: range) -> tuple[list[Draw], np.ndarray]:
        pool, found = density.workspace(), []
        totals = np.empty((len(numbers), len(density.spec.channels)))
        for place, number in enumerate(numbers):
            draw = density.draw(values[number], pool, np.random.default_rng([seed, 1, number]))
            totals[place] = _window_totals(draw, density.design.drift, level)
            if number in wanted:
                found.append(replace(draw, effect=np.empty((0, 0, 0))))  # the largest by far
        return found, totals

    parts = each_in_threads(read, _spans(len(values)), alone=density.spec.custom)
    every = [draw for found, _ in parts for draw in found]
    stacked: dict[str, Any] = {
        name: np.array([getattr(draw, name) for draw in every])
        for name in ("table", "means", "sigma", "nu", "own", "shared", "deviation", "drift")
    }
    scales = np.array([draw.scales for draw in every])
    totals = np.concatenate([totals for _, totals in parts])
    return Response(
        fit=fit,
        density=density,
        **stacked,
        trend_scale=scales[:, 0],
        geo_trend_scale=scales[:, 1],
        totals=totals.reshape(fit.posterior.sizes["chain"], -1, totals.shape[1]),
        numbers=kept,
        places=np.arange(len(level)),
        paths={name: response(path, draws) for name, path in fit.paths.items()},
    )


def _spans(count: int, size: int = 100) -> list[range]:
    """`count` numbers in runs of `size`."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _window_totals(draw: Draw, drift: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Each channel's effect in the window, in units of outcome, (C,)."""
    total = np.einsum("gc,gtc,g->c", draw.deviation, draw.effect, level)
    if drift.shape[0]:
        total += np.einsum("ck,kt,gtc,g->c", draw.drift, drift, draw.effect, level, optimize=True)
    return total


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


__all__ = [
    "RESULT_DRAWS",
    "SETTLE_WEEKS",
    "Effect",
    "Response",
    "after_window",
    "baseline_effect",
    "brand_tail",
    "channel_effect",
    "response",
    "wander",
]
