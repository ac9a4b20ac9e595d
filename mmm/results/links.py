"""How well it is known what a channel does where it acts through paths alone."""

from __future__ import annotations

from mmm.config.path import OUTCOME
from mmm.config.routes import Stage
from mmm.inference.fit import Fit
from mmm.results.ledger import Evidence, channel_evidence


def evidence_by_channel(fit: Fit) -> dict[str, Evidence]:
    """Evidence on what each channel does: on its own share of outcome, or, where it acts through
    paths alone, on the weakest link of the best known way."""
    known = channel_evidence(fit, fit.density().spec, "share")
    if not fit.paths:
        return known
    graph = fit.study.routes()
    links = {OUTCOME: known} | {
        name: channel_evidence(path, path.density().spec, "share")
        for name, path in fit.paths.items()
    }

    def of_channel(channel: str) -> Evidence:
        if channel in graph.direct:
            return known[channel]
        ways = [
            _weakest([links[stage.name][channel], onward(stage)])
            for stage in graph.stages
            if channel in stage.channels
        ]
        return max(ways, key=lambda way: way.contraction)

    def onward(stage: Stage) -> Evidence:
        if stage.bought_by:
            return of_channel(stage.bought_by)
        ways = [
            links[fed][stage.name]
            if fed == OUTCOME
            else _weakest([links[fed][stage.name], onward(graph.stage(fed))])
            for fed in stage.feeds
        ]
        return max(ways, key=lambda way: way.contraction)

    return {channel: of_channel(channel) for channel in fit.panel.channels}


def _weakest(links: list[Evidence]) -> Evidence:
    return min(links, key=lambda one: one.contraction)
