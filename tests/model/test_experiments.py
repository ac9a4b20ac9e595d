"""Experiments: the compiled likelihood against the dense one in PyTensor and in JAX, and its
meaning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from mmm.data.experiment import Experiment
from mmm.model.density import build_density
from mmm.model.design import build_design
from mmm.model.spec import model_spec

CHANNELS = [
    {"name": "tv", "role": "both", "time_varying": True},
    {"name": "film", "role": "brand", "adstock": "delayed", "saturation": "root"},
    {"name": "search", "role": "tactical", "saturation": "michaelis_menten"},
    {"name": "direct", "role": "both", "adstock": "none", "saturation": "tanh"},
    {"name": "visits", "role": "tactical", "lag": {"median": 3, "max": 9}, "saturation": "none"},
]
CASES: dict[str, dict[str, Any]] = {
    "geos": {"geos": 3},
    "national": {},
    "lognormal": {"geos": 2, "likelihood": "lognormal"},
    "student_t": {"likelihood": "student_t"},
}


def day(text: str) -> date:
    return date.fromisoformat(text)


def experiment(*channels: str, start: str, end: str, change: float, **rest: Any) -> Experiment:
    return Experiment(
        **{
            "name": f"{channels} {start}",
            "channels": channels,
            "geos": (),
            "start": day(start),
            "end": day(end),
            "until": day(rest.pop("until", end)),
            "spend_change": change,
            "lift": 40.0,
            "standard_error": 60.0,
            "prices": (0.9,) * len(channels),
        }
        | rest
    )


def trials(case) -> tuple[Experiment, ...]:
    """In the window with and without its carry-over, pooled, and before and after the data."""
    some = case.panel.geos[:2]
    spent = float(case.panel.dataset["spend"].values[8:12, :, 0].sum())
    return (
        experiment("tv", start="2021-03-01", end="2021-03-28", change=-0.9 * spent),
        experiment(
            "film", start="2021-04-05", end="2021-05-02", change=300.0, geos=some, mismatch=1.5,
            until="2021-06-27",
        ),
        experiment(
            "search", "direct", start="2021-05-03", end="2021-05-23", change=150.0, geos=some,
            in_data=True,
        ),
        experiment("visits", start="2021-06-07", end="2021-06-27", change=90.0, until="2021-08-15"),
        experiment("tv", start="2020-10-05", end="2020-11-01", change=200.0, until="2020-11-29"),
        experiment("film", "direct", start="2022-03-07", end="2022-03-13", change=-60.0, geos=some),
        experiment("search", start="2021-05-03", end="2021-05-23", change=9.0, hold_back=True),
    )  # fmt: skip


def with_trials(tools, name: str, experiments=trials):
    """A case and its density with experiments in the panel."""
    case = tools.make_case(CHANNELS, **CASES[name])
    panel = replace(case.panel, experiments=experiments(case))
    spec = model_spec(case.study, panel)
    return replace(case, panel=panel, density=build_density(spec, build_design(spec, panel)))


def near_centre(density, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=density.size)
    return density.centre() + 0.5 * density.width() * noise


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_finite_differences(tools, name):
    density = with_trials(tools, name).density
    q = near_centre(density, 7)
    bare = replace(density, data=density.data._replace(**without(density.data)))
    value, gradient = density.value_and_gradient(q)
    plain, slopes = bare.value_and_gradient(q)
    assert abs(value - plain) > 1.0
    step = 1e-5
    for i in range(density.layout.size):
        ahead, behind = q.copy(), q.copy()
        ahead[i] += step
        behind[i] -= step
        rise = [
            one.value_and_gradient(ahead)[0] - one.value_and_gradient(behind)[0]
            for one in (density, bare)
        ]
        found = (rise[0] - rise[1]) / (2 * step)
        assert found == pytest.approx(gradient[i] - slopes[i], rel=2e-5, abs=2e-5)


def without(data) -> dict[str, np.ndarray]:
    """The arrays of a density that has no experiments."""
    kept = {"trial_multiplies": data.trial_multiplies, "trial_first": np.zeros(1, dtype=np.int64)}
    names = [name for name in data._fields if name.startswith("trial_")]
    return {name: getattr(data, name)[:0] for name in names} | kept
