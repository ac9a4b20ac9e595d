"""A study with paths as regressions, and as one model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmm.config import Study
from mmm.data.panel import Panel, build_panel
from mmm.model import curves
from mmm.model.build import pymc_model
from mmm.model.density import build_density
from mmm.model.design import build_design
from mmm.model.graph import outcome_regression, path_regressions
from mmm.model.spec import model_spec
from mmm.transforms.parameter import lognormal

SUFFIX = {"lognormal": "log__", "halfnormal": "log__", "logitnormal": "logodds__"}


def made(geos: int = 1, likelihood: str = "normal", **last: Any) -> tuple[Study, Panel]:
    """Channels tv and paid, whose clicks are a path; leads feed bookings feed the outcome."""
    rng = np.random.default_rng(4)
    shape = (50, geos)
    media = rng.gamma(2.0, 30.0, (*shape, 2))
    series = np.stack([media[..., 1], *rng.gamma(30.0, 10.0, (2, *shape))], axis=-1)
    study = Study.model_validate(
        {
            "study": "made",
            "data": {"date": "week"},
            "outcome": {"column": "revenue", "kind": "revenue"},
            "channels": [
                {"name": "tv", "role": "both", "spend": "tv", "prior": {"half_life": [1, 2]}},
                {"name": "paid", "role": "tactical", "spend": "paid", "exposure": "clicks"},
            ],
            "controls": ["price"],
            "paths": [
                {"name": "searches", "column": "clicks"},
                {"name": "leads", "column": "leads", "drivers": ["tv"], "feeds": "bookings"},
                {"name": "bookings", "column": "bookings", "direct": False} | last,
            ],
            "inference": {"likelihood": likelihood, "seed": 5},
        }
    )
    panel = build_panel(
        dates=pd.date_range("2022-01-03", periods=50, freq="W-MON"),
        geos=[f"geo {g}" for g in range(geos)],
        channels=["tv", "paid"],
        controls=["price"],
        outcome=rng.gamma(400.0, 10.0, shape),
        value_per_unit=np.full(shape, 2.0),
        spend=media,
        media=media,
        control=rng.normal(size=(*shape, 1)),
        population=None,
        frequency="W-MON",
        path_names=["searches", "leads", "bookings"],
        paths=series,
    )
    return study, panel


def test_without_paths_a_study_is_its_own_regression() -> None:
    study, panel = made()
    plain = study.model_copy(update={"paths": ()})
    regression = outcome_regression(plain, panel)
    assert regression.study is plain
    assert regression.panel is panel
    assert path_regressions(plain, panel) == ()


def test_each_path_is_a_regression_on_what_drives_it() -> None:
    study, panel = made()
    found = {one.name: one for one in path_regressions(study, panel)}
    assert list(found) == ["searches", "leads", "bookings"]
    assert found["searches"].panel.channels == ("tv",)
    assert found["bookings"].panel.channels == ("leads",)
    series = panel.dataset["paths"].values
    np.testing.assert_array_equal(found["bookings"].panel.dataset["outcome"], series[..., 2])
    np.testing.assert_array_equal(found["bookings"].panel.dataset["media"], series[..., 1:2])
    (tv,) = found["leads"].study.channels
    assert tv.prior.half_life == (1, 2)
    assert tv.role == "both"
    seeds = {one.study.inference.seed for one in found.values()} | {study.inference.seed}
    assert len(seeds) == 4


def test_silent_channels_keep_their_place_and_have_no_parameters() -> None:
    study, panel = made()
    regression = outcome_regression(study, panel)
    assert regression.panel.channels == ("tv", "paid", "bookings")
    assert regression.silent == ("tv",)
    spec = model_spec(study, panel)
    assert spec.channels == ("tv", "paid", "bookings")
    assert spec.base[0][curves.SHARE] == 0.0
    labels = {label for variable in spec.variables for label in variable.labels}
    assert "tv" not in labels
    assert "brand" not in labels
    assert spec.variable("share").labels == ("paid", "bookings")


def test_a_conversion_is_a_share_of_what_is_fed() -> None:
    study, panel = made(prior={"conversion": [2.0, 40.0]})
    share = model_spec(study, panel).variable("share")
    units = panel.dataset["paths"].values[..., 2].sum() / panel.dataset["outcome"].values.sum()
    expected = lognormal(2.0 * units, 40.0 * units)
    assert share.priors[share.labels.index("bookings")] == expected


def test_what_adds_up_to_a_path_does_so_whatever_the_outcome_does() -> None:
    study, panel = made(likelihood="lognormal")
    assert model_spec(study, panel).likelihood == "lognormal"
    kinds = {one.study.inference.likelihood for one in path_regressions(study, panel)}
    assert kinds == {"normal"}


@pytest.mark.parametrize(("form", "geos"), [("fused", 1), ("fused", 2), ("collapsed", 1)])
def test_one_model_has_the_densities_of_all_regressions(form: Any, geos: int, tools: Any) -> None:
    study, panel = made(geos)
    model = pymc_model(study, panel, form=form)
    rng = np.random.default_rng(1)
    start = model.initial_point()
    point = {name: value + 0.2 * rng.normal(size=value.shape) for name, value in start.items()}
    expected, used = 0.0, set()
    for regression in (*path_regressions(study, panel), outcome_regression(study, panel)):
        own = study if regression.name == "outcome" else regression.study
        on = panel if regression.name == "outcome" else regression.panel
        spec = model_spec(own, on)
        prefix = "" if regression.name == "outcome" else f"{regression.name}::"
        q = []
        for variable in spec.variables:
            values = np.empty(len(variable.labels))
            kinds = [prior.kind for prior in variable.priors]
            for kind in set(kinds):
                part = f"_{kind}" if len(set(kinds)) > 1 else ""
                name = f"{prefix}{variable.name}{part}_{SUFFIX[kind]}"
                used.add(name)
                values[[one == kind for one in kinds]] = point[name]
            q.append(values)
        density = build_density(spec, build_design(spec, on))
        expected += density.value_and_gradient(np.concatenate(q))[0]
    assert used == set(point)
    assert tools.compile_value(model)(point) == pytest.approx(expected, rel=1e-8)


def test_explicit_form_has_every_path_s_coefficients() -> None:
    study, panel = made(likelihood="student_t")
    names = set(pymc_model(study, panel).named_vars)
    assert {"leads::shared_standard", "shared_standard", "bookings::nu", "nu"} <= names
