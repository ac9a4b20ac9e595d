"""Units, order and repetition change nothing that matters."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import mmm as library
from mmm.simulate import simulate_world
from mmm.study.artefacts import VARYING
from mmm.study.job import run_study


@pytest.fixture(scope="module")
def national():
    return simulate_world("national", seed=5, periods=60)


def returns(study, frame) -> pd.DataFrame:
    settings = study.inference.model_copy(
        update={"chains": 2, "draws": 500, "tune": 300, "seed": 2}
    )
    study = study.model_copy(update={"inference": settings})
    panel, _ = library.panel_from_frame(study, frame)
    response = library.response(library.fit(study, panel))
    return library.efficiency_table(response).set_index("channel")


@pytest.fixture(scope="module")
def plain(national):
    return returns(national.study, national.frame)


def alike(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """ROI equal within four Monte Carlo errors, taken at an effective sample of 100."""
    channels = first.index
    spread = (first["roi_p95"] - first["roi_p05"]) / 3.29
    error = 4 * spread * np.sqrt(2 / 100)
    assert (abs(first["roi_mean"] - second.loc[channels, "roi_mean"]) < error).all()


def test_shuffled_rows_give_identical_results(national, plain):
    shuffled = national.frame.sample(frac=1.0, random_state=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(plain, returns(national.study, shuffled))


def test_cents_instead_of_euros_leave_roi_alone(national, plain):
    money = [national.study.outcome.column, *(c.spend for c in national.study.channels if c.spend)]
    frame = national.frame.assign(**{name: national.frame[name] * 100 for name in money})
    channels = tuple(
        channel.model_copy(
            update={
                "costs": channel.costs.model_copy(
                    update={"fixed_per_period": channel.costs.fixed_per_period * 100}
                )
            }
        )
        for channel in national.study.channels
    )
    cents = returns(national.study.model_copy(update={"channels": channels}), frame)
    alike(plain, cents)
    np.testing.assert_allclose(cents["loaded_cost"], plain["loaded_cost"] * 100, rtol=1e-9)


def test_reordered_channels_leave_roi_alone(national, plain):
    turned = national.study.model_copy(update={"channels": national.study.channels[::-1]})
    alike(plain, returns(turned, national.frame))


def test_the_same_seed_gives_the_same_files(national, write_study, tmp_path):
    study = write_study(national, tmp_path / "world")
    first, second = (run_study(study, tmp_path / name) for name in ("one", "two"))
    for path in sorted(first.directory.iterdir()):
        twin = second.directory / path.name
        if path.name == "manifest.json":
            one, two = (json.loads(each.read_text()) for each in (path, twin))
            assert {k: v for k, v in one.items() if k not in VARYING} == {
                k: v for k, v in two.items() if k not in VARYING
            }
        else:
            assert path.read_bytes() == twin.read_bytes(), path.name
