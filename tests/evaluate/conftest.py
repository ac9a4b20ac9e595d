"""Small worlds that suit the model, one of them fitted, and one whose return moves half-way."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest

from mmm.config import Inference, PlanSettings, Study
from mmm.data.load import panel_from_frame
from mmm.data.panel import Panel
from mmm.inference.fit import Fit, fit
from mmm.simulate import ChannelSpec, Flighting, World, WorldSpec, simulate

SHORT = Inference(chains=2, draws=150, tune=150, seed=3)
PERIODS = 120


@dataclass(frozen=True, slots=True)
class Case:
    """A study and its panel."""

    study: Study
    panel: Panel


def small_world(seed: int = 0, noise: float = 0.02) -> World:
    """A national world of two tactical channels."""
    channels = (
        ChannelSpec(
            name="tv", flighting=Flighting.BURSTS, cost_share=0.08, tactical_share=0.25,
            decay=0.4, slope=1.2, half_saturation=1.0,
        ),
        ChannelSpec(
            name="search", flighting=Flighting.ALWAYS_ON, cost_share=0.05, tactical_share=0.10,
            decay=0.1, slope=1.0, half_saturation=1.2,
        ),
    )  # fmt: skip
    spec = WorldSpec(name="small", channels=channels, periods=PERIODS, level=1e5, noise=noise)
    return simulate(spec, seed)


def case_of(world: World, frame: pd.DataFrame | None = None) -> Case:
    study = world.study.model_copy(update={"inference": SHORT, "plan": PlanSettings(horizon=8)})
    panel, _ = panel_from_frame(study, world.frame if frame is None else frame)
    return Case(study, panel)


@pytest.fixture(scope="session")
def constant() -> Case:
    """What each channel does is the same throughout."""
    return case_of(small_world())


@pytest.fixture(scope="session")
def moved() -> Case:
    """The same world, but that tv earns three times as much in the second half."""
    world = small_world()
    extra = 2.0 * world.components["tv:tactical"].where(world.frame.index >= PERIODS // 2, 0.0)
    name = world.study.outcome.column
    return case_of(world, world.frame.assign(**{name: world.frame[name] + extra}))


@pytest.fixture(scope="session")
def fitted(constant: Case) -> Fit:
    return fit(constant.study, constant.panel)
