"""From the predictor to the outcome: the one place that knows the link.

Additive families (normal, Student-t) have y / level = eta + noise: the predictor in units of
outcome is the expected outcome, and what a channel adds is what it causes. The multiplicative one
has log(y / level) = eta + N(0, sigma^2), so effects multiply and

    E[y] = level * exp(eta + sigma^2 / 2),

the mean of a log-normal, not its median exp(eta): means add up over periods, geos and components
and are what money is counted in. What a channel causes is the counterfactual
E[y | all] - E[y | without it]. These overlap: they do not add up to what all cause together. Where
parts must add up, a difference is split in proportion to changes of the predictor,

    y1 - y0 = sum_k L(y1, y0) x_k,   L(a, b) = (a - b) / (log a - log b),

the additive logarithmic mean Divisia index, which leaves no residual and does not depend on the
order of the parts (Ang, 2004, "Decomposition analysis for policymaking in energy", Energy Policy
32).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmm.model.design import BaselineRows
from mmm.results.carried import Moved
from mmm.results.held import held_effects
from mmm.results.prices import Media, media_of
from mmm.results.respond import Response, baseline_effect, channel_effect


def expected_outcome(response: Response, predictor: np.ndarray) -> np.ndarray:
    """E[y] per draw from the predictor in units of the link, both (D, G, T)."""
    if not response.multiplicative:
        return predictor
    half_variance = 0.5 * response.sigma[:, :, None] ** 2
    return response.level[None, :, None] * np.exp(predictor + half_variance)


Held = Mapping[str, Moved] | None
"""What no channel moved of the paths, of `held_paths`; of the window where it is not given."""


def baseline_predictor(
    response: Response, rows: BaselineRows, walk: np.ndarray | None = None, held: Held = None
) -> np.ndarray:
    """All that is not marketing in units of the link, (D, G, T), over the last periods of
    `held`; `walk` (D, G, T) is added."""
    total = baseline_effect(response, rows, {*rows.own_component, *rows.shared_component})
    for effect in held_effects(response, held, total.shape[2]).values():
        total += effect[:, :, -total.shape[2] :]
    return total if walk is None else total + walk


def media_predictor(response: Response, media: Media, periods: int) -> np.ndarray:
    """All channels in units of the link over the last `periods` of `media` (S, G, C), which
    starts with the window and has every geo of the panel, (D, G, periods)."""
    total = np.zeros((response.draws, len(response.places), periods))
    for channel in range(media.shape[2]):
        effect = channel_effect(response, channel, media_of(response, media, channel))
        total += effect.passing[:, :, -periods:]
        total += effect.brand[:, :, -periods:]
    return total


def whole_outcome(
    response: Response,
    rows: BaselineRows,
    media: Media,
    walk: np.ndarray | None = None,
    held: Held = None,
) -> np.ndarray | None:
    """Expected outcome with all channels over the periods of `rows`, the last of `media`,
    (D, G, T); None where effects add and no counterfactual depends on it."""
    if not response.multiplicative:
        return None
    total = baseline_predictor(response, rows, walk, held)
    total += media_predictor(response, media, total.shape[2])
    return expected_outcome(response, total)


def caused_outcome(change: np.ndarray, whole: np.ndarray | None) -> np.ndarray:
    """Outcome that goes with `change` of the predictor, both (D, G, T).

    `whole` is the expected outcome with the change in it; None where effects add.
    """
    return change if whole is None else -whole * np.expm1(-change)


def shrink(change: np.ndarray) -> np.ndarray:
    """(1 - exp(-x)) / x, 1 at 0: what L(y1, y0) is of y1 when log(y1 / y0) = x."""
    small = np.abs(change) < 1e-8
    safe = np.where(small, 1.0, change)
    return np.where(small, 1.0 - 0.5 * change, -np.expm1(-safe) / safe)


@dataclass(frozen=True, slots=True)
class Split:
    """What turns parts of the predictor into parts of the outcome, (D, G, T).

    start: outcome of the component `baseline` alone; baseline: outcome per unit of the other
    baseline components; media: per unit of a channel. Parts add up to the expected outcome,
    channels to all that all of them cause.
    """

    start: np.ndarray
    baseline: np.ndarray
    media: np.ndarray


def split_outcome(
    response: Response,
    rows: BaselineRows,
    media: Media,
    walk: np.ndarray | None = None,
    held: Held = None,
) -> Split | None:
    """The split of the expected outcome of `whole_outcome`; None where effects add."""
    if not response.multiplicative:
        return None
    first = baseline_effect(response, rows, {"baseline"})
    silent = baseline_predictor(response, rows, walk, held)
    channels = media_predictor(response, media, silent.shape[2])
    without = expected_outcome(response, silent)
    return Split(
        start=expected_outcome(response, first),
        baseline=without * shrink(silent - first),
        media=without * np.exp(channels) * shrink(channels),
    )
