"""What each channel did to every path, and what of it reached the outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.errors import Finding, Severity
from mmm.model.graph import series
from mmm.results.blocks import by_geo
from mmm.results.carried import Moved
from mmm.results.held import held_paths
from mmm.results.mediation import (
    arriving,
    bought,
    channel_effect,
    credit_of,
    inputs,
    moved_paths,
    together,
)
from mmm.results.outcome import Split, split_outcome
from mmm.results.regression import Response
from mmm.results.summary import summary_columns

NO_CHANNEL = "no channel"
"""Driver of what no channel moved."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a path in the window: units (D,), and the outcome that went with them (D,)."""

    path: str
    driver: str
    units: np.ndarray
    outcome: np.ndarray


def paths_table(response: Response) -> pd.DataFrame:
    """`paths.csv`: one row a path and driver, in the order in which effects travel.

    units: of the path, moved by the driver in the window; share: of the whole series; outcome:
    what came of them in the window through this path and those after it. The last of a path is
    `no channel`, what nobody moved, or, where it is bought, its own channel with the rest. Shares
    of a path add up to one.
    """
    panel = response.fit.panel
    rows = []
    for part in path_parts(response):
        whole = series(panel, part.path).sum()
        rows.append(
            {
                "path": part.path,
                "driver": part.driver,
                **summary_columns("units", part.units),
                **summary_columns("share", part.units / whole),
                **summary_columns("outcome", part.outcome),
            }
        )
    return pd.DataFrame(rows)


def path_findings(table: pd.DataFrame) -> tuple[Finding, ...]:
    """A warning for each path of which channels are likelier than not to move more than all."""
    rest = table[(table["driver"] == NO_CHANNEL) & (table["share_p50"] < 0)]
    return tuple(
        Finding(
            "path_overexplained",
            Severity.WARNING,
            f"path '{row['path']}'",
            f"channels would have moved {1 - row['share_mean']:.0%} of it, more than there was: "
            "the model does not describe this series.",
            "Check the column, leave the path out, or name fewer drivers.",
        )
        for _, row in rest.iterrows()
    )


def path_parts(response: Response) -> list[Part]:
    """Every part of every path, over all geos."""
    if not response.paths:
        return []
    blocks = by_geo(response, len(response.fit.panel.dates), _parts_block)
    return [
        Part(
            same[0].path,
            same[0].driver,
            np.sum([part.units for part in same], axis=0),
            np.sum([part.outcome for part in same], axis=0),
        )
        for same in zip(*blocks, strict=True)
    ]


def _parts_block(response: Response) -> list[Part]:
    panel = response.fit.panel
    media = panel.dataset["media"].values
    split = split_outcome(response, response.density.design.baseline, media)
    buyers = {path: channel for channel, path in bought(response).items()}
    moved = {
        channel: moved_paths(response, channel, media[:, response.places, place])
        for place, channel in enumerate(panel.channels)
    }
    held = held_paths(response)
    found = []
    for path in response.paths:
        for channel in panel.channels:
            if path not in moved[channel]:
                continue
            part = moved[channel][path]
            outcome = _outcome(response, path, part)
            outcome = outcome if split is None else outcome * split.media
            units = part.series
            if path in buyers:
                place = inputs(response).index(buyers[path])
                units = units * credit_of(response, response, place).cap
            found.append(Part(path, channel, _sum(units), _sum(outcome)))
        if path in buyers:
            place = inputs(response).index(buyers[path])
            found.append(_own_part(response, path, place, split))
        else:
            outcome = _outcome(response, path, held[path])
            outcome = outcome if split is None else outcome * split.baseline
            found.append(Part(path, NO_CHANNEL, _sum(held[path].series), _sum(outcome)))
    return found


def _own_part(response: Response, path: str, place: int, split: Split | None) -> Part:
    """What a bought path has from its own channel."""
    data = response.fit.panel.dataset
    media = data["media"].values[:, response.places, place]
    credit = credit_of(response, response, place)
    effect = channel_effect(response, place, media).total
    outcome = effect if split is None else effect * split.media
    return Part(path, inputs(response)[place], _sum(credit.own * media.T), _sum(outcome))


def _outcome(response: Response, path: str, moved: Moved) -> np.ndarray:
    """What comes of a part of `path` through it and the paths after it, (D, G, T)."""
    found = {path: moved}
    for name, equation in response.paths.items():
        if name not in found and (parts := arriving(response, equation, found)):
            found[name] = together([*parts.values()])
    parts = arriving(response, response, found)
    if not parts:
        return np.zeros_like(moved.series)
    return together([*parts.values()]).series


def _sum(draws: np.ndarray) -> np.ndarray:
    return draws.sum(axis=(1, 2))
