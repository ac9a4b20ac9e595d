"""A study with paths from its file to its artefacts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmm
from mmm.errors import InputError
from mmm.simulate import World, simulate_world, write_world
from mmm.study import check_study, run_study


@dataclass(frozen=True, slots=True)
class Run:
    world: World
    study: Path
    out: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    world = simulate_world("mediated_search", seed=1, periods=80)
    folder = write_world(world, tmp_path_factory.mktemp("paths") / "study")
    study = folder / "study.yaml"
    study.write_text(study.read_text() + "\ninference: {chains: 2, draws: 100, tune: 150}\n")
    run_study(study, folder / "out")
    return Run(world, study, folder / "out")


def test_paths_and_funnel_are_written(run: Run) -> None:
    paths = pd.read_csv(run.out / "paths.csv")
    assert list(paths.groupby("path", sort=False)["driver"].last()) == [
        "no channel",
        "brand_search",
    ]
    np.testing.assert_allclose(paths.groupby("path")["share_mean"].sum(), 1.0)
    funnel = pd.read_csv(run.out / "funnel.csv")
    assert set(funnel.loc[funnel["quantity"] == "conversion", "stage"]) == {"organic_search"}
    assert 'id="paths"' in (run.out / "report.html").read_text()


def test_parts_add_up_and_agree(run: Run) -> None:
    parts = pd.read_csv(run.out / "contributions.csv")
    total = parts.groupby("date")["mean"].sum()
    np.testing.assert_allclose(total, run.world.frame["revenue"], rtol=1e-9)
    efficiency = pd.read_csv(run.out / "efficiency.csv").set_index("channel")
    mediated = parts[parts["kind"] == "mediated"].groupby("component")["mean"].sum()
    assert set(mediated.index) == {"tv", "online_video"}
    np.testing.assert_allclose(efficiency.loc[mediated.index, "mediated_mean"], mediated)
    by_geo = pd.read_csv(run.out / "efficiency_geo.csv").set_index("channel")
    np.testing.assert_allclose(by_geo["mediated_mean"], efficiency["mediated_mean"])
    quarters = pd.read_csv(run.out / "efficiency_quarter.csv")
    earned = quarters.groupby("channel")["contribution_mean"].sum()
    np.testing.assert_allclose(earned[efficiency.index], efficiency["contribution_mean"])


def test_the_ledger_has_every_link(run: Run) -> None:
    ledger = pd.read_csv(run.out / "ledger.csv")
    links = set(zip(ledger["quantity"], ledger["channel"], strict=True))
    assert ("path", "organic_search") in links
    assert ("contribution to organic_search", "tv") in links
    assert ("contribution to brand_clicks", "online_video") in links


def test_diagnostics_cover_the_paths(run: Run) -> None:
    diagnostics = json.loads((run.out / "diagnostics.json").read_text())
    fit = mmm.load_fit(run.out / "fit.nc")
    for path in fit.paths.values():
        sizes = path.posterior.sizes
        assert sizes["chain"] * sizes["draw"] == diagnostics["draws"] == 200
        own = mmm.analyse(path).diagnostics
        assert own.rhat_max <= diagnostics["rhat_max"] + 1e-12
        assert own.ess_bulk_min >= diagnostics["ess_bulk_min"] - 1e-9


def test_the_saved_fit_says_the_same(run: Run) -> None:
    table = mmm.paths_table(mmm.response(mmm.load_fit(run.out / "fit.nc")))
    written = pd.read_csv(run.out / "paths.csv")
    pd.testing.assert_frame_equal(table, written, check_exact=False, rtol=1e-9)


def test_a_path_that_feeds_itself_is_refused_by_name(run: Run) -> None:
    wrong = run.study.with_name("wrong.yaml")
    wrong.write_text(run.study.read_text().replace("feeds: outcome", "feeds: organic_search", 1))
    with pytest.raises(InputError, match="path 'organic_search' feeds 'organic_search'"):
        check_study(wrong)
