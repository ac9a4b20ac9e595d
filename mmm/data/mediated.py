"""Whether channels move a series that the study holds for given, before anything is fitted.

A control, or the clicks of another channel, that rises because of a channel's media is a step on
the way from that channel to the outcome; held constant, it takes away what went through it
(Cinelli, Forney and Pearl, 2022, "A crash course in good and bad controls", Sociological Methods &
Research). Each such series is regressed on its own two last values, trend, season, controls and
all channels' curves, and a channel is tested by what its curve adds; and again, with all media of
the period known, by what its carried-over media of the period before adds. What is planned for the
same weeks shows in the first test alone; what media sets off goes on after it and shows in both.
Errors may be alike in all geos, so that a period counts once. The linear picture is that of
`mmm.data.identify`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from mmm.config import Study
from mmm.data.identify import Parts, parts_of, residual
from mmm.data.panel import Panel
from mmm.errors import Finding, Severity

RARE = 0.005
"""Chance that any series of a study is named by a test where no channel moves any."""
NOTABLE = 0.3
"""Partial correlation from which a link matters: about a tenth of what is left of the series."""
OWN = 2
"""Last values of its own that a series is foretold from."""
FEWEST = 40
"""Periods below which nothing is said."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a series goes with a channel given all else: partial correlation, and the two-sided
    probability of one as large without any link."""

    correlation: float
    probability: float

    def matters(self, tries: int) -> bool:
        """Whether it is strong, and would be rare among `tries` such tests (Bonferroni)."""
        return self.probability * tries < RARE and abs(self.correlation) >= NOTABLE


@dataclass(frozen=True, slots=True)
class Held:
    """A series (G, T) that is held for given: a control, or else the exposure of a channel.

    rest (n, K): trend, season and (other) controls; media: that of channels that may move the
    series, (G, T) each.
    """

    name: str
    control: bool
    series: np.ndarray
    rest: np.ndarray
    media: Mapping[str, np.ndarray]


def mediated_findings(study: Study, panel: Panel) -> tuple[Finding, ...]:
    """Controls and exposures that go on moving after a channel's media (a warning), and controls
    that move with it (information: which moves which cannot be seen). Silent where there is too
    little data for a regression."""
    parts = parts_of(study, panel)
    if parts is None or parts.periods < FEWEST:
        return ()
    series = tuple(held_series(study, panel, parts))
    tries = sum(len(held.media) for held in series)
    return tuple(finding for held in series for finding in _found(study, parts, held, tries))


def held_series(study: Study, panel: Panel, parts: Parts) -> Iterator[Held]:
    """The controls that are no demand proxies, and the exposures of channels that have one, as
    far as no path of the study is made of them."""
    media = {name: _media(panel, name) for name in parts.curves}
    elsewhere = {path.column for path in study.paths} | set(study.demand_proxies)
    controls = panel.dataset["controls"].values.transpose(2, 1, 0)
    first = parts.rest.shape[1] - len(panel.controls)
    for place, name in enumerate(panel.controls):
        if name not in elsewhere:
            rest = np.delete(parts.rest, first + place, axis=1)
            yield Held(name, True, controls[place], rest, media)
    for channel in study.channels:
        if channel.exposure and channel.name in media and channel.exposure not in elsewhere:
            others = {name: one for name, one in media.items() if name != channel.name}
            yield Held(channel.name, False, media[channel.name], parts.rest, others)


def moves_with(held: Held, parts: Parts, name: str) -> Link:
    """The series and the curve of channel `name` in the same period, given the other curves."""
    curves = {one: parts.curves[one].reshape(held.series.shape)[:, OWN:] for one in held.media}
    leader = curves.pop(name)
    return _link(held, list(curves.values()), leader)


def moves_after(held: Held, parts: Parts, name: str) -> Link:
    """The series and the carried-over media of channel `name` in the period before, given that of
    the others and all media of the period, in proportion and flattened."""
    now = [one[:, OWN:] for one in held.media.values()]
    now += [one / (one + one[one > 0].mean()) for one in now if (one > 0).any()]
    before = {
        one: parts.curves[one].reshape(held.series.shape)[:, OWN - 1 : -1] for one in held.media
    }
    leader = before.pop(name)
    return _link(held, [*now, *before.values()], leader)


def _link(held: Held, others: list[np.ndarray], leader: np.ndarray) -> Link:
    series, (geos, periods) = held.series, held.series.shape
    known = held.rest.reshape(geos, periods, -1)[:, OWN:]
    own = [series[:, OWN - lag : periods - lag] for lag in range(1, OWN + 1)]
    given = np.column_stack(
        [_flat(one) for one in (*own, *others, *(known[:, :, k] for k in range(known.shape[2])))]
    )
    left = residual(np.stack([_flat(series[:, OWN:]), _flat(leader)], axis=1), given)
    now, cause = left.T.reshape(2, geos, -1)
    score = (now * cause).sum(axis=0)
    # residuals are smaller than errors (HC1; MacKinnon and White, 1985)
    larger = now.size / max(1, now.size - given.shape[1] - geos)
    size = float(np.sqrt((score**2).sum() * larger))
    spread = float(np.linalg.norm(now) * np.linalg.norm(cause))
    if not (size > 0 and spread > 0):
        return Link(0.0, 1.0)
    free = max(1, score.size - given.shape[1] // geos - 1)
    tail = 2.0 * float(stdtr(free, -abs(float(score.sum())) / size))
    return Link(float(score.sum()) / spread, tail)


def _found(study: Study, parts: Parts, held: Held, tries: int) -> Iterator[Finding]:
    """One finding for the channels that the series follows, one for those it moves with."""
    after, alike = {}, {}
    for name in held.media:
        together = moves_with(held, parts, name)
        if not together.matters(tries):
            continue
        later = moves_after(held, parts, name)
        if later.matters(tries) and later.correlation * together.correlation > 0:
            after[name] = together.correlation
        elif held.control:
            alike[name] = together.correlation
    place = f"study '{study.study}': {'control' if held.control else 'channel'} '{held.name}'"
    if after and held.control:
        yield Finding(
            "mediated",
            Severity.WARNING,
            place,
            f"it moves after the media of {_names(after)}: if they cause that, part of what they "
            "do is taken away from them, since a control is held for given.",
            "Where they cause it, take it from 'controls' and name it under 'paths' with these "
            "channels as its drivers; where both follow something else, keep it.",
        )
    elif after:
        yield Finding(
            "mediated",
            Severity.WARNING,
            place,
            f"its exposure moves after the media of {_names(after)}: what they sell through it is "
            f"credited to '{held.name}'.",
            "Where they make people look for you, name the exposure's column under 'paths' with "
            "these channels as its drivers; where one budget was planned to follow the other, "
            "test one of them.",
        )
    if alike:
        yield Finding(
            "mediated",
            Severity.INFO,
            place,
            f"it moves with the media of {_names(alike)}, and which moves which cannot be seen: "
            "if they cause it, part of what they do is taken away from them.",
            "Keep it where it is what budgets follow (demand, price, a season); where these "
            "channels cause it, name it under 'paths' instead.",
        )


def _names(found: Mapping[str, float]) -> str:
    return ", ".join(f"'{name}' (partial correlation {r:+.2f})" for name, r in found.items())


def _media(panel: Panel, name: str) -> np.ndarray:
    """Media of a channel (G, T), over each geo's mean outcome so that geos are alike in size."""
    data = panel.dataset
    media = data["media"].values[:, :, panel.channels.index(name)].T
    return media / data["outcome"].values.mean(axis=0)[:, None]


def _flat(grid: np.ndarray) -> np.ndarray:
    """(G, T) less each geo's mean, flat."""
    return (grid - grid.mean(axis=1, keepdims=True)).ravel()
