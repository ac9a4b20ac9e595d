"""Experiments on worlds of known truth: they move what they test onto the truth, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmm.data.load import panel_from_frame
from mmm.efficiency.roi import efficiency_table
from mmm.inference.fit import Fit, fit, load_fit, save_fit
from mmm.results.experiments import experiment_findings, experiments_table, predicted_lift
from mmm.results.ledger import ledger_table
from mmm.results.respond import response
from mmm.simulate import ChannelSpec, Flighting, WorldSpec
from mmm.simulate.generate import draw_scene, scene_frame, world_study
from mmm.simulate.oracle import caused_by_window
from mmm.simulate.trials import take_trial

SPEC = WorldSpec(
    name="confounded",
    periods=104,
    noise=0.02,
    channels=(
        ChannelSpec(name="tv", flighting=Flighting.BURSTS, cost_share=0.05, tactical_share=0.08),
        ChannelSpec(
            name="search", flighting=Flighting.ALWAYS_ON, cost_share=0.06, tactical_share=0.05,
            decay=0.5,
        ),
    ),
)  # fmt: skip
TRIALS: dict[str, tuple[str, dict[str, Any]]] = {
    "search": ("search", {"factor": 0.0, "start": 26, "periods": 52}),
    "carry-over": ("search", {"factor": 0.0, "start": 26, "periods": 46, "wait": 8}),
    "tv": ("tv", {"factor": 0.0, "start": 8, "periods": 40}),
    "held back": ("search", {"factor": 0.0, "start": 20, "periods": 30}),
}
"""Long enough to be of how a channel usually runs: a curve that demand has bent stays bent."""


class World:
    """A national world in which demand that nobody recorded drives search and the outcome."""

    def __init__(self) -> None:
        self.scene = draw_scene(SPEC, 3)
        search = self.scene.media[SPEC.history :, :, 1]
        chance = np.random.default_rng(103).normal(size=search.shape)
        demand = 0.7 * (search - search.mean()) / search.std() + np.sqrt(0.51) * chance
        outcome = self.scene.outcome + 0.04 * SPEC.level * demand
        self.frame = scene_frame(SPEC, replace(self.scene, outcome=outcome))
        rng = np.random.default_rng(1)
        self.rows = {
            name: take_trial(SPEC, self.scene, [channel], rng=rng, error=0.1, **how)
            | {"name": name}
            for name, (channel, how) in TRIALS.items()
        }
        caused = caused_by_window(self.scene.media, SPEC.history, self.scene.curves)
        self.roi = caused / self.scene.spend[SPEC.history :].sum(axis=(0, 1))

    def fit(self, *names: str, held: Sequence[str] = ()) -> Fit:
        rows = [self.rows[name] | {"hold_back": name in held} for name in (*names, *held)]
        table = pd.DataFrame(rows).drop(columns="truth") if rows else None
        study = world_study(SPEC)
        settings: Mapping[str, Any] = {"chains": 2, "draws": 300, "tune": 200, "seed": 2}
        study = study.model_copy(update={"inference": study.inference.model_copy(update=settings)})
        panel, _ = panel_from_frame(study, self.frame, experiments=table)
        return fit(study, panel)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def interval(fitted: Fit, channel: str) -> tuple[float, float, str]:
    row = efficiency_table(response(fitted, 300)).set_index("channel").loc[channel]
    return row["roi_p05"], row["roi_p95"], row["evidence"]


@pytest.fixture(scope="module")
def misled(world) -> tuple[float, float, str]:
    """What is believed of search without any experiment."""
    return interval(world.fit(), "search")


@pytest.mark.parametrize("name", ["search", "carry-over"])
def test_one_experiment_moves_the_return_onto_the_truth(world, misled, name):
    low, high, tier = misled
    assert low > world.roi[1] and tier != "experiment"
    low, high, tier = interval(world.fit(name), "search")
    assert low < world.roi[1] < high
    assert high - low < misled[1] - misled[0]
    assert tier == "experiment"


def test_an_experiment_elsewhere_moves_nothing_and_one_held_back_is_scored(world, misled, tmp_path):
    fitted = world.fit("tv", held=["held back"])
    low, high, _ = interval(fitted, "search")
    assert low > world.roi[1]
    width = misled[1] - misled[0]
    assert (low, high) == pytest.approx(misled[:2], abs=0.35 * width)
    read = response(fitted, 300)
    table = experiments_table(read)
    assert table is not None
    table = table.set_index("experiment")
    assert list(table["use"]) == ["fitted", "held_back"]
    # without the test, search is believed to earn too much
    held = table.loc["held back"]
    assert held["model_mean"] < held["lift"] < 0 and held["z"] > 1
    assert held["covered"] == (held["predicted_p05"] <= held["lift"] <= held["predicted_p95"])
    draws = predicted_lift(read, fitted.panel.experiments[1])
    assert held["model_mean"] == pytest.approx(draws.mean())
    between = held["lift"] - draws.mean()
    assert held["z"] == pytest.approx(between / np.hypot(held["error"], draws.std()))
    assert np.isnan(table.loc["held back", "weight"]) and table.loc["tv", "weight"] > 0.2
    assert table.loc["tv", "covered"]
    ledger = ledger_table(fitted).set_index(["quantity", "channel"])
    assert ledger.loc[("contribution", "tv"), "experiments"] == "tv"
    assert ledger.loc[("contribution", "search"), "experiments"] == ""
    save_fit(fitted, tmp_path / "fit.nc")
    again = load_fit(tmp_path / "fit.nc")
    assert again.panel.experiments == fitted.panel.experiments
    q = fitted.density().centre()
    assert again.density().value_and_gradient(q)[0] == fitted.density().value_and_gradient(q)[0]


def test_what_was_measured_is_what_both_plans_cause(world):
    row = world.rows["search"]
    assert abs(row["lift"] - row["truth"]) < 4 * row["standard_error"]
    spent = world.scene.spend[SPEC.history + 26 : SPEC.history + 78, :, 1].sum()
    assert row["spend_change"] == pytest.approx(-spent)
    # at nothing, all that the channel does is gone but what came before and fades
    caused = world.scene.tactical[26:78, :, 1].sum()
    assert -caused < row["truth"] < -0.95 * caused
    # waiting for the carry-over of a cut finds more of what it cost
    longer = take_trial(
        SPEC, world.scene, ["search"], start=26, periods=52, wait=6, factor=0.0,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert longer["truth"] < row["truth"]


def test_a_measurement_far_from_the_model_is_a_finding():
    rows = {
        "experiment": ["near", "far", "held"], "use": ["fitted", "fitted", "held_back"],
        "lift": [1.0, 900.0, -5.0], "model_mean": [2.0, 400.0, 60.0], "z": [-1.0, 3.1, -2.6],
        "covered": [True, False, False],
    }  # fmt: skip
    far, held = experiment_findings(pd.DataFrame(rows))
    assert (far.where, held.where) == ("experiment 'far'", "experiment 'held'")
    assert "even with the test, speaks for 400" in far.message and "3.1" in far.message
    assert "the model foretold 60" in held.message
    assert experiment_findings(None) == ()


@pytest.mark.parametrize(("missed", "count", "said"), [(1, 1, 0), (2, 3, 1), (2, 8, 0), (4, 8, 1)])
def test_tests_held_back_are_counted_against_chance(missed, count, said):
    row = {"experiment": "test", "use": "held_back", "lift": 1.0, "model_mean": 1.0, "z": 1.8}
    rows = [row | {"covered": k >= missed} for k in range(count)]
    rows.append(row | {"use": "fitted", "covered": False})
    found = experiment_findings(pd.DataFrame(rows))
    assert [one.check for one in found] == ["held_back_missed"] * said
    assert all(f"{missed} of {count}" in one.message for one in found)
