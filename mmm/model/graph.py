"""The graph of a study taken apart into regressions, one a path and one for the outcome.

Given the parameters, what no channel explains of a path and of the outcome are independent, so the
posterior of the whole factorises: log p(y | x, M, theta_y) + sum_m log p(M_m | x, parents, theta_m)
with priors of their own. Draws of the regressions, one of each, are draws of the joint posterior
(Pearl, 2009, "Causality", 1.4: a structural model is read equation by equation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmm.config import Brand, Channel, Lag, Outcome, OutcomeKind, Path, PathPrior, Prior, Study
from mmm.config.channel import Role
from mmm.config.path import OUTCOME
from mmm.config.routes import Routes, Stage
from mmm.data.costs import loaded_cost
from mmm.data.panel import Panel, build_panel
from mmm.dims import DATE, GEO
from mmm.model.shares import cost_weights, default_interval

PATH_SHARE = (0.0, 0.8)
"""Prior share of what a path feeds that goes with it: from nothing to nearly all. It starts at
nothing, so that a path without effect is found to have none."""
SEED_STEP = 7919
"""Between the seeds of two regressions, whose draws must know nothing of each other."""


@dataclass(frozen=True, slots=True)
class Regression:
    """One equation of the graph, as a study and a panel of its own without paths.

    Its channels are those that act in it, in the study's order, then paths, which cost nothing
    and act in proportion. `silent` names channels held in their place that do not act.
    """

    name: str
    study: Study
    panel: Panel
    silent: tuple[str, ...] = ()


def path_regressions(study: Study, panel: Panel) -> tuple[Regression, ...]:
    """The regressions of the paths, each after those it hangs on."""
    if not study.paths:
        return ()
    graph = study.routes()
    return tuple(
        _path_regression(study, panel, graph, stage, number)
        for number, stage in enumerate(graph.stages, start=1)
    )


def outcome_regression(study: Study, panel: Panel) -> Regression:
    """The regression of the outcome: every channel of the study in its place, then the paths that
    feed it. A study without paths is its own."""
    if not study.paths:
        return Regression(OUTCOME, study, panel)
    graph = study.routes()
    fed = graph.feeding(OUTCOME)
    inputs = tuple(
        path_channel(stage.path, panel, panel.dataset["outcome"].values) for stage in fed
    )
    names = (*panel.channels, *(stage.name for stage in fed))
    alone = study.model_copy(update={"channels": (*study.channels, *inputs), "paths": ()})
    return Regression(OUTCOME, alone, with_regressors(panel, names), graph.silent)


def with_regressors(panel: Panel, names: Sequence[str]) -> Panel:
    """The panel with the channels and paths of `names` as its channels, in that order."""
    if panel.channels == tuple(names):
        return panel
    data = panel.dataset
    known = _rebuilt(panel, names, data["outcome"].values, data["value_per_unit"].values)
    return replace(known, experiments=panel.experiments)


def path_channel(path: Path, panel: Panel, fed: np.ndarray) -> Channel:
    """A path as a regressor of what it feeds, `fed` (T, G): in proportion, after its lag."""
    channel = Channel(
        name=path.name,
        role=Role.TACTICAL,
        exposure=path.column,
        saturation="none",
        time_varying=path.time_varying,
        **carry_over(path.lag),
    )
    prior = _share_prior(path.prior, series(panel, path.name), fed)
    return channel.model_copy(update={"prior": prior})


def carry_over(lag: Lag | None) -> dict[str, Any]:
    """What says of a channel when its effect comes: at once, or by a lag."""
    return {"adstock": "none"} if lag is None else {"lag": lag}


def series(panel: Panel, name: str) -> np.ndarray:
    """A path's series (T, G)."""
    return panel.dataset["paths"].values[:, :, panel.paths.index(name)]


def _share_prior(stated: PathPrior, path: np.ndarray, fed: np.ndarray) -> Prior:
    if stated.conversion is None:
        return Prior.model_construct(share=stated.share or PATH_SHARE)
    units = path.sum() / fed.sum()
    share = tuple(float(rate * units) for rate in stated.conversion)
    # a conversion's upper end may well explain more than there is: the data says less
    return Prior.model_construct(share=share)


def _path_regression(
    study: Study, panel: Panel, graph: Routes, stage: Stage, number: int
) -> Regression:
    moved = series(panel, stage.name)
    # what is stated of a channel's return or share is of the outcome; of the path it is believed
    # to move what its part of all marketing cost says
    weights = cost_weights(loaded_cost(panel, study.channels).sum([DATE, GEO]).values)
    drivers = tuple(
        channel.model_copy(
            update={
                "prior": Prior.model_construct(
                    share=default_interval(float(weight)), half_life=channel.prior.half_life
                )
            }
        )
        for channel, weight in zip(study.channels, weights, strict=True)
        if channel.name in stage.channels
    )
    feeding = [one.path for one in graph.stages if one.name in stage.paths]
    inputs = tuple(path_channel(path, panel, moved) for path in feeding)
    seed = (study.inference.seed + SEED_STEP * number) % 2**31
    # effects on a path add up, whatever they do to the outcome
    likelihood = "normal" if study.inference.likelihood == "lognormal" else None
    settings = {"seed": seed} | ({"likelihood": likelihood} if likelihood else {})
    alone = study.model_copy(
        update={
            "study": stage.name,
            "outcome": Outcome(column=stage.path.column, kind=OutcomeKind.UNITS),
            "channels": (*drivers, *inputs),
            "paths": (),
            "unmeasured": (),
            "brand": Brand(half_life=study.brand.half_life),
            "inference": study.inference.model_copy(update=settings),
        }
    )
    names = (*stage.channels, *(path.name for path in feeding))
    return Regression(stage.name, alone, _rebuilt(panel, names, moved, np.ones(moved.shape)))


def _rebuilt(panel: Panel, names: Sequence[str], outcome: np.ndarray, value: np.ndarray) -> Panel:
    data, channels = panel.dataset, list(panel.channels)
    nothing = np.zeros(outcome.shape)
    media, spend = [], []
    for name in names:
        known = name in channels
        media.append(
            data["media"].values[:, :, channels.index(name)] if known else series(panel, name)
        )
        spend.append(data["spend"].values[:, :, channels.index(name)] if known else nothing)
    return build_panel(
        dates=panel.dates,
        geos=panel.geos,
        channels=names,
        controls=panel.controls,
        outcome=outcome,
        value_per_unit=value,
        spend=np.stack(spend, axis=-1),
        media=np.stack(media, axis=-1),
        control=data["controls"].values,
        population=data["population"].values if "population" in data else None,
        frequency=panel.frequency,
    )
