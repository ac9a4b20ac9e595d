"""Whether spending follows demand that the study does not know of, before anything is fitted.

A channel whose spending answers demand is credited with it. That cannot be seen from what happens
in the same period, where effect and answer look alike, but demand lasts: what is left of the
outcome once all channels, controls, trend and seasonality are known then tells what will be spent
next. So, as in a test of whether one series helps to foretell another (Granger, 1969,
"Investigating causal relations by econometric models and cross-spectral methods", Econometrica
37), the spending of a period is regressed on its own two last values, on the baseline and the
controls, and on what was left of the outcome just before and in the weeks before; errors may be
alike in all geos, so that a period counts once. The linear picture is that of
`mmm.data.identify`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from mmm.config import Study
from mmm.data.identify import Parts, parts_of, residual
from mmm.data.panel import Panel
from mmm.errors import Finding, Severity

RARE = 0.005
"""Chance that any channel of a study in which no spending follows demand is named."""
NOTABLE = 0.15
"""Correlation below which an answer to demand is too weak to matter."""
OWN = 2
"""Last values of its own that a series is foretold from."""
BACK_WEEKS = 4.0
FEWEST = 30
"""Periods below which nothing is said."""


@dataclass(frozen=True, slots=True)
class Follows:
    """How closely a series follows another: partial correlation and one-sided probability of one
    as large without any link."""

    correlation: float
    probability: float


def demand_findings(study: Study, panel: Panel) -> tuple[Finding, ...]:
    """Channels whose spending follows what the outcome did before, and demand proxies that follow
    spending. Silent where there is too little data for a regression."""
    parts = parts_of(study, panel)
    if parts is None or parts.periods < FEWEST:
        return ()
    return (*_chasing(study, panel, parts), *_moved_proxies(study, panel, parts))


def _chasing(study: Study, panel: Panel, parts: Parts) -> list[Finding]:
    everything = np.column_stack([parts.rest, *parts.curves.values()])
    left = residual(parts.outcome, everything)
    tested = {name for test in panel.experiments if not test.hold_back for name in test.channels}
    found, spans = [], _spans(panel)
    for channel in study.channels:
        if channel.name not in parts.curves or channel.name in tested:
            continue
        link = follows(_media(panel, channel.name), left, parts, spans)
        if link.probability * len(parts.curves) >= RARE or link.correlation < NOTABLE:
            continue
        known = bool(study.demand_proxies)
        found.append(
            Finding(
                "spend_follows_outcome",
                Severity.INFO if known else Severity.WARNING,
                f"study '{study.study}': channel '{channel.name}'",
                "more is spent after the outcome was higher than the model can explain "
                f"(correlation {link.correlation:.2f})"
                + (", the demand proxies notwithstanding" if known else "")
                + ": where spending follows demand, the channel is credited with that demand.",
                "Test the channel, and take its return as an upper end until then."
                if known
                else "Give a control that stands for demand, such as searches for the category or "
                "sales of the whole market, and name it in 'demand_proxies'; or test the channel.",
            )
        )
    return found


def _moved_proxies(study: Study, panel: Panel, parts: Parts) -> list[Finding]:
    """A proxy that advertising moves takes away part of what advertising did."""
    found = []
    for proxy in study.demand_proxies:
        place = panel.controls.index(proxy)
        series = panel.dataset["controls"].values[:, :, place].T
        rest = np.delete(parts.rest, parts.rest.shape[1] - len(panel.controls) + place, axis=1)
        for name in parts.curves:
            link = follows(series, residual(_flat(_media(panel, name)), rest), parts,
                           _spans(panel), rest)  # fmt: skip
            if link.probability * len(parts.curves) < RARE and link.correlation >= NOTABLE:
                found.append(
                    Finding(
                        "proxy_follows_media",
                        Severity.WARNING,
                        f"study '{study.study}': demand proxy '{proxy}'",
                        f"it rises after more was spent on '{name}' (correlation "
                        f"{link.correlation:.2f}): as a control it takes away what the channel "
                        "does through it.",
                        "Use a proxy that your advertising does not move, such as searches for "
                        "the category without the brand, or make the series one of 'paths'.",
                    )
                )
    return found


def follows(
    series: np.ndarray,
    leader: np.ndarray,
    parts: Parts,
    spans: tuple[int, ...],
    rest: np.ndarray | None = None,
) -> Follows:
    """How closely `series` (G, T) follows `leader` (G x T, flat) of the period before, or the mean
    of the periods before by the `spans`; the closest of them, its probability multiplied by how
    many were tried."""
    geos, periods = series.shape
    lead = leader.reshape(geos, periods)
    since = max(OWN, *spans)
    own = [series[:, since - lag : periods - lag] for lag in range(1, OWN + 1)]
    known = (parts.rest if rest is None else rest).reshape(geos, periods, -1)[:, since:]
    given = np.column_stack(
        [*(_flat(lag) for lag in own), *(_flat(known[:, :, k]) for k in range(known.shape[2]))]
    )
    pasts = [
        np.mean([lead[:, since - lag : periods - lag] for lag in range(1, span + 1)], axis=0)
        for span in spans
    ]
    left = residual(np.stack([_flat(grid) for grid in (series[:, since:], *pasts)], axis=1), given)
    now, *befores = left.T.reshape(len(pasts) + 1, geos, -1)
    best = Follows(0.0, 1.0)
    for before in befores:
        score = (now * before).sum(axis=0)
        size = float(np.sqrt((score**2).sum()))
        spread = float(np.linalg.norm(now) * np.linalg.norm(before))
        if not (size > 0 and spread > 0):
            continue
        free = max(1, score.size - given.shape[1] // geos - 1)
        tail = float(stdtr(free, -score.sum() / size)) * len(spans)
        if tail < best.probability:
            best = Follows(float(score.sum()) / spread, tail)
    return best


def _media(panel: Panel, name: str) -> np.ndarray:
    """Media of a channel (G, T), over each geo's mean outcome so that geos are alike in size."""
    data = panel.dataset
    media = data["media"].values[:, :, panel.channels.index(name)].T
    return media / data["outcome"].values.mean(axis=0)[:, None]


def _spans(panel: Panel) -> tuple[int, ...]:
    return tuple({1: 0, max(1, round(BACK_WEEKS / panel.weeks_per_period)): 0})


def _flat(grid: np.ndarray) -> np.ndarray:
    """(G, T) less each geo's mean, flat."""
    return (grid - grid.mean(axis=1, keepdims=True)).ravel()
