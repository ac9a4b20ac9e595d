"""Studies and panels altered for a test: another outcome, no media, one channel more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from mmm.config import Brand, Channel, Study
from mmm.config.channel import Role
from mmm.data.panel import Panel
from mmm.dims import CHANNEL, DATE, GEO

NOTHING = "nothing"
"""The channel of a study without media: it never runs."""


def with_outcome(panel: Panel, outcome: np.ndarray) -> Panel:
    """The panel with `outcome` (T, G) in place of its own."""
    return replace(panel, dataset=panel.dataset.assign(outcome=((DATE, GEO), _frozen(outcome))))


def without_media(study: Study, panel: Panel) -> tuple[Study, Panel]:
    """The same baseline and likelihood without any media, paths or brand.

    A study has one channel at least: it has one that never runs, whose effect is nothing at any
    draw, so that the likelihood is that of the baseline alone.
    """
    idle = Channel(
        name=NOTHING, role=Role.TACTICAL, exposure=NOTHING, adstock="none", saturation="none"
    )
    alone = study.model_copy(update={"channels": (idle,), "paths": (), "brand": Brand()})
    kept = [name for name in ("outcome", "value_per_unit", "controls", "population")
            if name in panel.dataset]  # fmt: skip
    media = (len(panel.dates), len(panel.geos), 1)
    data = panel.dataset[kept].assign_coords({CHANNEL: _names(NOTHING)})
    dims = (DATE, GEO, CHANNEL)
    data = data.assign(
        spend=(dims, _frozen(np.zeros(media))), media=(dims, _frozen(np.zeros(media)))
    )
    # a panel of its own: whatever else the old one says of channels is of channels that are gone
    return alone, Panel(data, panel.frequency)


def shifted_copy(study: Study, panel: Panel, channel: str, shift: int) -> tuple[Study, Panel, str]:
    """The study with one channel more, and that channel's name: a copy of `channel` whose media is
    that of `shift` periods before, the end joined to the start, so that it varies as the channel
    does and has nothing to do with the outcome."""
    original = next(one for one in study.channels if one.name == channel)
    name = f"placebo of {channel}"
    copy = original.model_copy(
        update={
            "name": name,
            "spend": original.spend and f"{original.spend}, shifted",
            "exposure": original.exposure and f"{original.exposure}, shifted",
        }
    )
    groups = tuple(
        group.model_copy(update={"channels": (*group.channels, name)})
        if channel in group.channels
        else group
        for group in study.brand.groups
    )
    wider = study.model_copy(
        update={
            "channels": (*study.channels, copy),
            "brand": study.brand.model_copy(update={"groups": groups}),
        }
    )
    moved = panel.dataset[["spend", "media"]].sel({CHANNEL: [channel]})
    rolled = moved.roll({DATE: shift}, roll_coords=False).assign_coords({CHANNEL: _names(name)})
    both = xr.concat([panel.dataset[["spend", "media"]], rolled], dim=CHANNEL)
    data = panel.dataset.drop_vars(["spend", "media", CHANNEL]).assign_coords(
        {CHANNEL: both[CHANNEL].values}
    )
    dims = (DATE, GEO, CHANNEL)
    for one in ("spend", "media"):
        data[one] = (dims, _frozen(both[one].transpose(*dims).values))
    return wider, replace(panel, dataset=data), name


def _names(name: str) -> np.ndarray:
    return np.array([name], dtype=object)


def _frozen(values: np.ndarray) -> np.ndarray:
    values = np.array(values, dtype=float)
    values.setflags(write=False)
    return values
