"""Worlds of known truth in plain NumPy: an oracle that shares no code with the model."""

from mmm.simulate.generate import simulate
from mmm.simulate.spec import ChannelSpec, Flighting, WorldSpec
from mmm.simulate.survey import SurveySpec
from mmm.simulate.world import World
from mmm.simulate.worlds import large_spec, simulate_world, world_names, world_spec
from mmm.simulate.write import csv_text, write_directory, write_world

__all__ = [
    "ChannelSpec",
    "Flighting",
    "SurveySpec",
    "World",
    "WorldSpec",
    "csv_text",
    "large_spec",
    "simulate",
    "simulate_world",
    "world_names",
    "world_spec",
    "write_directory",
    "write_world",
]
