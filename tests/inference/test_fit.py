"""Fitting: one compilation for every study, lists of panels, and what is stored."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import mmm
from mmm.config import Inference
from mmm.config.channel import Prior
from mmm.model import kernel
from mmm.simulate import simulate_world

SHORT = {"chains": 2, "draws": 60, "tune": 60}


def world(seed: int, **inference):
    simulated = simulate_world("national", seed=seed)
    settings = Inference(**SHORT | inference)
    study = simulated.study.model_copy(update={"inference": settings})
    panel, _ = mmm.panel_from_frame(study, simulated.frame)
    return study, panel


@pytest.fixture(scope="module")
def fits():
    """A study on two panels, one of them shorter by a quarter."""
    study, panel = world(1)
    _, other = world(2)
    return mmm.fit(study, [panel, other])


def test_a_list_of_panels_gives_the_fits_of_each(fits):
    for seed, each in zip((1, 2), fits, strict=True):
        study, panel = world(seed)
        alone = mmm.fit(study.model_copy(update={"study": fits[0].study.study}), panel)
        np.testing.assert_array_equal(alone.values(), each.values())


@pytest.mark.parametrize("change", ["seed", "priors", "window", "channels"])
def test_nothing_is_compiled_again(fits, change):
    study, panel = world(3)
    frame = simulate_world("national", seed=3).frame
    if change == "seed":
        study = study.model_copy(update={"inference": Inference(**SHORT, seed=9)})
    elif change == "priors":
        stated = study.channels[0].model_copy(update={"prior": Prior(share=(0.01, 0.3))})
        study = study.model_copy(update={"channels": (stated, *study.channels[1:])})
    elif change == "channels":
        study = study.model_copy(update={"channels": study.channels[1:]})
        panel, _ = mmm.panel_from_frame(study, frame)
    else:
        panel, _ = mmm.panel_from_frame(study, frame.iloc[: len(frame) * 3 // 4])
    assert mmm.fit(study, panel).timings["compile_s"] == 0.0


def test_another_process_compiles_nothing(fits):
    code = "from mmm.model import kernel; print(kernel.prepare('normal'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == 0.0


def test_preparing_what_is_ready_takes_no_time(fits):
    assert kernel.prepare("normal") == 0.0


def test_coefficients_of_student_t_are_kept_and_read_back(tmp_path):
    study, panel = world(4, likelihood="Student-t")
    result = mmm.fit(study, panel)
    assert {"nu", "shared_standard"} <= set(result.posterior.data_vars)
    assert result.values().shape == (120, result.density().size)
    stored = mmm.load_fit(mmm.save_fit(result, tmp_path / "fit.nc"))
    np.testing.assert_array_equal(stored.values(), result.values())


def test_a_fit_keeps_what_was_sampled_and_nothing_more(fits, tmp_path):
    path = mmm.save_fit(fits[0], tmp_path / "fit.nc")
    numbers = fits[0].values().size + fits[0].panel.dataset.to_array().size
    assert path.stat().st_size < 8 * 3 * numbers + 100_000
    names = [variable.name for variable in fits[0].density().spec.variables]
    assert list(fits[0].posterior.data_vars) == names
