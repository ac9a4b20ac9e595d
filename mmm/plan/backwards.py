"""A target of outcome read backwards: what of every stage, and which spending, it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.config.path import OUTCOME
from mmm.plan.buying import bought_ahead
from mmm.plan.scenario import Scenario, as_is
from mmm.results.ahead import baseline_walk, continued
from mmm.results.blocks import affordable_draws, by_geo, thinned
from mmm.results.held import held_paths
from mmm.results.mediation import moved_paths
from mmm.results.outcome import baseline_predictor, expected_outcome, media_predictor
from mmm.results.prices import media_of
from mmm.results.regression import Response
from mmm.results.stages import spending, stages
from mmm.results.summary import SUFFIXES

MORE = 0.1
"""The target where none is stated: this much more outcome than spending as it is would bring."""
MULTIPLES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
"""Multiples of today's spending among which the one that reaches a target is looked for."""
CELLS = 1e9


@dataclass(frozen=True, slots=True)
class Backwards:
    """What a target takes, draws (D,), over the periods of a plan.

    outcome: expected as planned; stages: units of each stage as planned, needed: units that would
    bring the target, the rest as planned; spend: planned money, multiple (D,) of it that reaches
    the target, infinite where five times as much does not.
    """

    target: float
    outcome: np.ndarray
    stages: dict[str, np.ndarray]
    needed: dict[str, np.ndarray]
    spend: float
    multiple: np.ndarray


def read_backwards(
    response: Response, target: float | None = None, scenario: Scenario | None = None
) -> Backwards:
    """Reads `target`, units of outcome over the scenario's periods (as it is by default, with a
    tenth more outcome), back to stages and spending.

    A unit of a stage counts for all that it brings, whenever that comes: to be in time it is
    needed earlier by the delay of the stages after it. All spending is raised or cut alike.
    """
    plan = scenario or as_is(response.fit)
    cells = response.fit.panel.dataset["media"].size * len(MULTIPLES) * (1 + len(response.paths))
    some = thinned(response, affordable_draws(response, cells, CELLS))
    blocks = by_geo(some, len(plan.dates), lambda block: _block(block, plan), arrays=len(MULTIPLES))
    outcome = np.sum([one[0] for one in blocks], axis=0)
    today = outcome[MULTIPLES.index(1.0)]
    wanted = float(today.mean() * (1.0 + MORE)) if target is None else float(target)
    found = stages(some)
    known = {one.name: np.sum([block[1][one.name] for block in blocks], axis=0) for one in found}
    missing = wanted - today
    return Backwards(
        target=wanted,
        outcome=today,
        stages=known,
        needed={
            one.name: np.maximum(
                known[one.name]
                + np.divide(
                    missing, one.rate, out=np.full(len(missing), np.inf), where=one.rate > 0
                ),
                0.0,
            )
            for one in found
        },
        spend=float(plan.cost.sum()),
        multiple=_reaching(outcome, wanted),
    )


def _block(response: Response, plan: Scenario) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Expected outcome at every multiple of the plan's spending (M, D), and units of each path as
    planned (D,), both in the response's geos."""
    panel = response.fit.panel
    ahead = continued(response, plan.dates, plan.controls, plan.carried).last(plan.periods)
    held = None
    if response.paths:
        held = held_paths(response, plan.dates, plan.controls, plan.carried)
    silent = baseline_predictor(response, ahead.rows, baseline_walk(response, ahead), held)
    window = panel.dataset["media"].values
    outcome = []
    for multiple in MULTIPLES:
        whole = np.concatenate([window, multiple * plan.media])
        media = bought_ahead(response, whole, plan.periods, plan.drawn)
        predictor = silent + media_predictor(response, media, plan.periods)
        outcome.append(expected_outcome(response, predictor).sum(axis=(1, 2)))
    units = {
        name: part.series[:, :, -plan.periods :].sum(axis=(1, 2))
        for name, part in (held or {}).items()
    }
    planned = bought_ahead(response, np.concatenate([window, plan.media]), plan.periods, plan.drawn)
    for place, channel in enumerate(panel.channels):
        for name, moved in moved_paths(
            response, channel, media_of(response, planned, place)
        ).items():
            units[name] = units[name] + moved.series[:, :, -plan.periods :].sum(axis=(1, 2))
    return np.array(outcome), units


def _reaching(outcome: np.ndarray, target: float) -> np.ndarray:
    """The least multiple, interpolated, at which each draw of `outcome` (M, D) is the target."""
    grid = np.array(MULTIPLES)
    rising = np.maximum.accumulate(outcome, axis=0)
    found = [
        np.interp(target, draw, grid, left=0.0, right=np.inf)
        for draw in np.ascontiguousarray(rising.T)
    ]
    return np.array(found)


def funnel_of(response: Response, scenario: Scenario | None = None) -> pd.DataFrame | None:
    """`funnel.csv` for the study's target, or the default one; None for a study without a path
    that acts in proportion."""
    if not any(stage.bought_by is None for stage in response.fit.study.routes().stages):
        return None
    return funnel_table(
        response, read_backwards(response, response.fit.study.plan.target, scenario)
    )


def funnel_table(response: Response, backwards: Backwards) -> pd.DataFrame:
    """`funnel.csv`: quantity, stage, to, channel, mean, p05, p50, p95; docs/artefacts.md says
    what each quantity is. A mean is infinite where a draw is."""
    rows: list[dict[str, object]] = []

    def add(
        quantity: str, draws: np.ndarray, stage: str = "", to: str = "", channel: str = ""
    ) -> None:
        numbers = _summary(np.asarray(draws, dtype=float))
        where = {"quantity": quantity, "stage": stage, "to": to, "channel": channel}
        rows.append({**where, **dict(zip(SUFFIXES, numbers, strict=True))})

    for stage in stages(response):
        for target, units in stage.conversion.items():
            add("conversion", units, stage.name, target)
            add("delay", stage.delay[target], stage.name, target)
        add("outcome_per_unit", stage.rate, stage.name)
    spent = spending(response)
    for name in response.paths:
        for one in (*spent, None):
            units = sum(each.units.get(name, 0.0) for each in (spent if one is None else [one]))
            cost = (
                sum(each.cost for each in spent if name in each.units) if one is None else one.cost
            )
            if not np.isscalar(units) and cost > 0:
                price = np.divide(cost, units, out=np.full(len(units), np.inf), where=units > 0)
                add("cost_per_unit", price, name, channel="" if one is None else one.channel)
    delay = response.fit.study.finance.payment_delay
    for one in spent:
        add("periods_to_outcome", one.delay, channel=one.channel)
        add("periods_to_cash", one.delay + delay, channel=one.channel)
    add("target", np.array([backwards.target]), OUTCOME)
    add("as_is", backwards.outcome, OUTCOME)
    for name, units in backwards.stages.items():
        add("as_is", units, name)
        add("needed", backwards.needed[name], name)
    add("as_is", np.array([backwards.spend]), "spend")
    add("needed", backwards.spend * backwards.multiple, "spend")
    return pd.DataFrame(rows)


def _summary(draws: np.ndarray) -> tuple[float, ...]:
    known = draws[~np.isnan(draws)]
    if not len(known):
        return (float("nan"),) * 4
    ends = np.quantile(known, [0.05, 0.5, 0.95], method="inverted_cdf")
    return (float(known.mean()), *map(float, ends))
