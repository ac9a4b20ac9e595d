"""Experiments from their file to every artefact that speaks of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from mmm.simulate import simulate_world, world_spec, write_world
from mmm.simulate.generate import draw_scene
from mmm.simulate.trials import take_trial
from mmm.study.job import check_study, run_study


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """A run of a small study by geo with a pooled test, one before the data and one held back."""
    changes = {"periods": 52, "geos": 3}
    spec, world = replace(world_spec("geo"), **changes), simulate_world("geo", seed=4, **changes)
    scene, rng = draw_scene(spec, 4), np.random.default_rng(0)
    names, geos = [channel.name for channel in spec.channels], spec.geo_names
    how = {"start": 20, "periods": 8, "factor": 1.4, "rng": rng}
    rows = [
        take_trial(spec, scene, names[:2], geos=geos[:2], **how) | {"name": "pooled"},
        take_trial(spec, scene, names[2:3], wait=4, **how) | {"hold_back": True, "name": "apart"},
    ]
    rows.append(rows[1] | {"hold_back": False, "name": "old", "start": "2020-02-03",
                           "end": "2020-03-23", "measured_until": ""})  # fmt: skip
    directory = write_world(world, tmp_path_factory.mktemp("tested") / "geo")
    pd.DataFrame(rows).drop(columns="truth").to_csv(directory / "tests.csv", index=False)
    path = directory / "study.yaml"
    content = yaml.safe_load(path.read_text()) | {"experiments": "tests.csv"}
    content["inference"] = {"chains": 2, "draws": 100, "tune": 100, "seed": 3}
    path.write_text(yaml.safe_dump(content))
    out = tmp_path_factory.mktemp("out") / "run"
    run_study(path, out)
    return path, out


def test_artefacts_and_page_speak_of_them(tested):
    path, out = tested
    table = pd.read_csv(out / "experiments.csv", keep_default_na=False).set_index("experiment")
    assert list(table["use"]) == ["fitted", "held_back", "fitted"]
    assert list(table["in_window"].astype(str)) == ["True", "True", "False"]
    assert table.loc["old", "error"] > 1.1 * table.loc["old", "standard_error"]
    numbers = table[["model_mean", "predicted_p05", "predicted_p95", "z"]].astype(float)
    assert np.isfinite(numbers.values).all()
    assert (numbers["predicted_p05"] < numbers["predicted_p95"]).all()
    ledger = pd.read_csv(out / "ledger.csv", keep_default_na=False)
    shares = ledger[ledger["quantity"] == "contribution"].set_index("channel")
    first, second, third = path.parent.joinpath("tests.csv").read_text().split("\n")[1:4]
    assert set(shares.loc[first.split(",")[0].split(";"), "experiments"]) == {"pooled"}
    assert shares.loc[third.split(",")[0], "experiments"] == "old" and second
    page = (out / "report.html").read_text()
    assert "What experiments say" in page and "held back" in page


def test_a_check_tells_what_is_read_apart_from_the_data(tested):
    findings = [f for f in check_study(tested[0]).findings if f.check.startswith("experiment")]
    assert [finding.check for finding in findings] == ["experiment_outside_window"]
