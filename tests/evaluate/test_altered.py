"""Altered studies say what they should and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.data.load import panel_from_frame
from mmm.evaluate.altered import shifted_copy, with_outcome, without_media
from mmm.model.density import build_density
from mmm.model.design import build_design
from mmm.model.spec import model_spec
from mmm.simulate import simulate_world


def density_of(study, panel):
    spec = model_spec(study, panel)
    return build_density(spec, build_design(spec, panel))


WORLDS = ("national", "brand_survey", "geo_brand", "funnel")


def world_case(name):
    world = simulate_world(name, seed=1, periods=80)
    panel, _ = panel_from_frame(world.study, world.frame)
    return world.study, panel


@pytest.mark.parametrize("name", WORLDS)
def test_without_media_the_likelihood_knows_no_channel(name):
    density = density_of(*without_media(*world_case(name)))
    names = [v.name for v in density.spec.variables for _ in v.labels]
    place = names.index("share")
    prior = density.spec.variable("share").priors[0]
    q = density.centre()
    for step in (-1.0, 0.5, 2.0):
        point = q.copy()
        point[place] += step * prior.scale
        change = density.value_and_gradient(point)[0] - density.value_and_gradient(q)[0]
        assert change == pytest.approx(-0.5 * step**2, abs=1e-9)


@pytest.mark.parametrize("name", WORLDS)
def test_a_shifted_copy_adds_one_channel_and_leaves_the_rest(name):
    study, panel = world_case(name)
    original = panel.channels[-1]
    wider, with_it, copy = shifted_copy(study, panel, original, 20)
    assert with_it.channels == (*panel.channels, copy)
    assert [channel.name for channel in wider.channels] == list(with_it.channels)
    assert type(wider).model_validate(wider.model_dump()) == wider
    media = with_it.dataset["media"].values
    np.testing.assert_array_equal(media[..., :-1], panel.dataset["media"].values)
    np.testing.assert_array_equal(media[20:, :, -1], panel.dataset["media"].values[:-20, :, -1])
    np.testing.assert_array_equal(media[:20, :, -1], panel.dataset["media"].values[-20:, :, -1])
    for same in set(panel.dataset.data_vars) - {"spend", "media"}:
        np.testing.assert_array_equal(with_it.dataset[same], panel.dataset[same])
    density = density_of(wider, with_it)
    assert np.isfinite(density.value_and_gradient(density.centre())[0])


def test_another_outcome_is_all_that_changes(constant):
    other = with_outcome(constant.panel, constant.panel.dataset["outcome"].values + 1.0)
    assert float((other.dataset["outcome"] - constant.panel.dataset["outcome"]).min()) > 0
    for same in set(constant.panel.dataset.data_vars) - {"outcome"}:
        np.testing.assert_array_equal(other.dataset[same], constant.panel.dataset[same])
    with pytest.raises(ValueError, match="read-only"):
        other.dataset["outcome"].values[0, 0] = 0.0
