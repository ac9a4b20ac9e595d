"""What the window's spending caused: the counterfactual behind every return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.model.design import BaselineRows
from mmm.results.ahead import settled
from mmm.results.blocks import by_geo
from mmm.results.outcome import caused_outcome, shrink, whole_outcome
from mmm.results.respond import (
    Effect,
    Response,
    brand_tail,
    channel_effect,
    followed,
    past_effect,
)

STEP = 1e-4
"""Change of spending over which a derivative is taken where effects multiply."""


@dataclass(frozen=True, slots=True)
class Caused:
    """What the window's spending of one channel caused, against not spending, (D, G) by geo.

    outcome and value: all of it, carry-over past the window included. marginal_value: value of
    one more percent of spending, times 100.
    """

    outcome: np.ndarray
    value: np.ndarray
    marginal_value: np.ndarray


@dataclass(frozen=True, slots=True)
class Horizon:
    """The window and the time after it in which carry-over is followed, S periods in all.

    media (S, G, C): as it was, then nothing. worth (S, G): value of a unit of outcome, after the
    window its last one. rows: the baseline, where effects multiply, else None.
    """

    media: np.ndarray
    worth: np.ndarray
    rows: BaselineRows | None


def horizon(response: Response) -> Horizon:
    """The horizon of the response's panel."""
    data = response.fit.panel.dataset
    media, worth = followed(response, data["media"].values, data["value_per_unit"].values)
    later = len(media) - len(response.fit.panel.dates)
    rows = settled(response, later).rows if response.multiplicative else None
    return Horizon(media, worth, rows)


def whole_horizon(response: Response, span: Horizon) -> np.ndarray | None:
    """Expected outcome of the response's geos over the horizon, (D, G, S); None where effects
    add."""
    if span.rows is None:
        return None
    return whole_outcome(response, span.rows, span.media)


def over_time(draws: np.ndarray, worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum over periods of `draws` (D, G, S), and of its worth (S, G), both (D, G)."""
    total, value = np.empty(draws.shape[:2]), np.empty(draws.shape[:2])
    for g in range(draws.shape[1]):
        weights = np.stack([np.ones(len(worth)), worth[:, g]], axis=1)
        total[:, g], value[:, g] = (draws[:, g] @ weights).T
    return total, value


def added(
    response: Response, channel: int, effect: Effect, worth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and value (D, G) of an effect where effects add, the time after the horizon
    included."""
    tail = brand_tail(response, channel, effect.brand)
    if effect.to_come is not None:
        tail = tail + effect.to_come
    now, later = over_time(effect.passing, worth), over_time(effect.brand, worth)
    return now[0] + later[0] + tail, now[1] + later[1] + tail * worth[-1]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the predictor: over the horizon (D, G, S), of the part that outlasts it in its
    last period (D, G), and what of that is still to come after it, summed (D, G)."""

    predictor: np.ndarray
    last: np.ndarray
    to_come: np.ndarray

    def __add__(self, other: Change) -> Change:
        return Change(
            self.predictor + other.predictor,
            self.last + other.last,
            self.to_come + other.to_come,
        )


def change_between(response: Response, channel: int, new: Effect, old: Effect) -> Change:
    """How the predictor changes from `old` to `new`, two effects of one channel."""
    brand = new.brand - old.brand
    lasting, to_come = brand[:, :, -1], brand_tail(response, channel, brand)
    if new.mediated is not None and old.mediated is not None:
        lasting = lasting + new.mediated[:, :, -1] - old.mediated[:, :, -1]
    if new.to_come is not None and old.to_come is not None:
        to_come = to_come + new.to_come - old.to_come
    return Change(new.passing - old.passing + brand, lasting, to_come)


def multiplied(
    change: Change, worth: np.ndarray, whole: np.ndarray, year: int
) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and value (D, G) of a change where effects multiply.

    `whole` (D, G, S) is the expected outcome with the change in it. The time after the horizon
    is valued at the mean outcome of the horizon's last `year` periods, and the effect on outcome
    is taken to fall as the brand stock does.
    """
    tail = change.to_come * shrink(change.last) * whole[:, :, -year:].mean(axis=2)
    outcome, value = over_time(caused_outcome(change.predictor, whole), worth)
    return outcome + tail, value + tail * worth[-1]


def marginal_value(change: Change, worth: np.ndarray, whole: np.ndarray, year: int) -> np.ndarray:
    """Value (D, G) of a small change of the predictor where effects multiply."""
    tail = change.to_come * whole[:, :, -year:].mean(axis=2)
    return over_time(change.predictor * whole, worth)[1] + tail * worth[-1]


def year_of(response: Response) -> int:
    """Periods in a year, one at least."""
    return max(1, round(response.fit.panel.periods_per_year))


def caused_by_channels(response: Response) -> tuple[list[Caused], Caused]:
    """Each channel's counterfactual, and that of all at once: the window as it was against the
    window without its spending, the other channels as they were.

    Both start from the same level before the window, so what earlier spending carries in is
    not counted. Outcome after the window is valued at its last value per unit. Where effects
    add, all channels together cause the sum of what each does.
    """
    span = horizon(response)
    blocks = by_geo(response, len(span.media), lambda some: _caused_block(some, span))
    joined = [
        Caused(
            *(
                np.concatenate([getattr(part, name) for part in parts], axis=1)
                for name in ("outcome", "value", "marginal_value")
            )
        )
        for parts in zip(*blocks, strict=True)
    ]
    return joined[:-1], joined[-1]


def _caused_block(response: Response, span: Horizon) -> list[Caused]:
    """One entry a channel, and one for all of them."""
    worth, year = span.worth[:, response.places], year_of(response)
    whole = whole_horizon(response, span)
    found: list[Caused] = []
    changes: list[Change] = []  # of all channels so far
    for channel in range(span.media.shape[2]):
        spent = span.media[:, response.places, channel]
        with_it = past_effect(response, channel)
        without = channel_effect(response, channel, np.zeros_like(spent))
        if whole is None:
            new, old = (added(response, channel, one, worth) for one in (with_it, without))
            found.append(Caused(new[0] - old[0], new[1] - old[1], with_it.slope))
            continue
        change = change_between(response, channel, with_it, without)
        more = channel_effect(response, channel, spent * (1.0 + STEP))
        step = change_between(response, channel, more, with_it)
        marginal = marginal_value(step, worth, whole, year) / STEP
        found.append(Caused(*multiplied(change, worth, whole, year), marginal))
        changes = [changes[0] + change] if changes else [change]
    marginal = np.sum([one.marginal_value for one in found], axis=0)
    if whole is not None:
        return [*found, Caused(*multiplied(changes[0], worth, whole, year), marginal)]
    outcome = np.sum([one.outcome for one in found], axis=0)
    return [*found, Caused(outcome, np.sum([one.value for one in found], axis=0), marginal)]
