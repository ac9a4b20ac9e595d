"""The case of a saved fit: the run's own figures, other assumptions, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from mmm.cli import app
from mmm.config import PlanSettings
from mmm.errors import InputError, StoredFitError
from mmm.inference.diagnose import Trust, Verdict
from mmm.inference.fit import load_fit, save_fit
from mmm.plan.optimise import optimise
from mmm.plan.scenario import as_is, plan_table
from mmm.plan.scenarios import stopped
from mmm.results.respond import response
from mmm.study.case import run_case, worse_of

FILES = {"cashflow.csv", "case.json", "case.xlsx", "case.html", "manifest.json"}


@pytest.fixture(scope="module")
def case_of(run, tmp_path_factory):
    _, out = run
    directory = tmp_path_factory.mktemp("case") / "out"
    return run_case(out / "fit.nc", directory), directory


def test_it_is_the_case_of_the_run(run, case_of):
    _, out = run
    result, directory = case_of
    assert {path.name for path in directory.iterdir()} == FILES
    for name in ("case.json", "cashflow.csv", "case.xlsx"):
        assert (directory / name).read_bytes() == (out / name).read_bytes(), name
    manifest = json.loads((out / "manifest.json").read_text())
    assert (result.verdict, list(result.reasons)) == (manifest["verdict"], manifest["reasons"])


def test_the_page_has_the_case_and_nothing_of_the_rest(case_of):
    _, directory = case_of
    page = (directory / "case.html").read_text()
    assert re.findall(r'<section id="([^"]+)"', page) == ["case", "case-basis"]
    assert "<script" not in page and page.count("<svg") == 4
    for heading in ("Decision", "From spend to value", "What moves the answer", "How far the"):
        assert heading in page


def test_a_fit_on_its_own_is_judged_by_its_draws(run, tmp_path):
    _, out = run
    alone = shutil.copy(out / "fit.nc", tmp_path / "fit.nc")
    result = run_case(alone, tmp_path / "out")
    assert result.verdict in ("trusted", "caution", "rejected")
    assert (
        json.loads((tmp_path / "out" / "case.json").read_text())["npv"]["mean"]
        == (json.loads((out / "case.json").read_text())["npv"]["mean"])
    )


def test_another_finance_block_gives_another_case(run, study_file, tmp_path):
    _, out = run
    content = yaml.safe_load(study_file.read_text())
    content["finance"] |= {
        "margin": [0.2, 0.6],
        "costs": [{"name": "film", "amount": 1000, "kind": "production", "periods": 10}],
    }
    other = tmp_path / "study.yaml"
    other.write_text(yaml.safe_dump(content))
    found = CliRunner().invoke(
        app,
        ["case", str(out / "fit.nc"), "--out", str(tmp_path / "out"), "--finance", str(other)],
    )
    assert found.exit_code in (0, 3), found.output
    case = json.loads((tmp_path / "out" / "case.json").read_text())
    before = json.loads((out / "case.json").read_text())
    assert case["cost"] == pytest.approx(before["cost"] + 1000)
    assert case["costs"][0]["name"] == "film"
    cash = pd.read_csv(tmp_path / "out" / "cashflow.csv")
    npv = (cash["net_mean"] * cash["discount_factor"]).sum()
    assert case["npv"]["mean"] == pytest.approx(npv, rel=1e-9)
    assert "margin" in {one["name"] for one in case["tornado"] if one["basis"] == "stated"}


def test_refusals(run, study_file, case_of, tmp_path):
    _, out = run
    fit = out / "fit.nc"
    with pytest.raises(InputError, match="files already"):
        run_case(fit, case_of[1])
    with pytest.raises(StoredFitError):
        run_case(out / "case.json", tmp_path / "out")
    content = yaml.safe_load(study_file.read_text())
    content["finance"]["horizon"] = 5
    content.pop("plan", None)
    short = tmp_path / "short.yaml"
    short.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=r"finance.horizon"):
        run_case(fit, tmp_path / "out", finance=short)
    assert not (tmp_path / "out").exists()


def test_data_that_called_for_caution_still_does(run, tmp_path):
    _, out = run
    shutil.copy(out / "fit.nc", tmp_path / "fit.nc")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest |= {"verdict": "rejected", "reasons": ["the chains disagree"]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    result = run_case(tmp_path / "fit.nc", tmp_path / "out")
    assert (result.verdict, result.reasons) == ("rejected", ("the chains disagree",))
    case = json.loads((tmp_path / "out" / "case.json").read_text())
    assert case["verdict"] == "not to be relied on"
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="JSON"):
        run_case(tmp_path / "fit.nc", tmp_path / "two")


def replanned(out, directory, **plan):
    """The run's fit, its study planning otherwise."""
    fit = load_fit(out / "fit.nc")
    study = fit.study.model_copy(update={"plan": PlanSettings(horizon=6, **plan)})
    directory.mkdir()
    path = directory / "fit.nc"
    save_fit(replace(fit, study=study), path)
    return path


def test_the_case_is_that_of_the_plan_the_study_asks_for(run, tmp_path):
    path = replanned(run[1], tmp_path / "fit", objective="expected_profit", pacing=0.5)
    run_case(path, tmp_path / "out")
    case = json.loads((tmp_path / "out" / "case.json").read_text())
    best = optimise(response(load_fit(path)))
    assert case["cost"] == pytest.approx(best.plan.cost.sum(), rel=1e-9)
    plain = replanned(run[1], tmp_path / "plain")
    run_case(plain, tmp_path / "other")
    today = json.loads((tmp_path / "other" / "case.json").read_text())
    assert case["npv"]["mean"] > today["npv"]["mean"]


def test_dated_spend_that_no_fit_holds_is_asked_for(run, tmp_path):
    path = replanned(run[1], tmp_path / "fit", scenario="spring.csv")
    with pytest.raises(InputError, match=r"spring\.csv.*--scenario"):
        run_case(path, tmp_path / "out")
    fit = load_fit(path)
    plan = plan_table(fit, stopped(fit, as_is(fit, 6)))
    plan[["date", "geo", "channel", "spend"]].to_csv(tmp_path / "spring.csv", index=False)
    run_case(path, tmp_path / "out", scenario=tmp_path / "spring.csv")
    table = pd.read_csv(tmp_path / "out" / "cashflow.csv")
    assert table["inflow_mean"].abs().max() == pytest.approx(0.0, abs=1e-9)


def test_dated_spend_is_valued_whatever_the_study_asks_for_and_notes_are_kept(
    run, study_file, tmp_path
):
    path = replanned(run[1], tmp_path / "fit", objective="expected_profit", controls="price.csv")
    fit = load_fit(path)
    plan = plan_table(fit, as_is(fit, 6)).assign(money=0.0, currency=fit.study.currency)
    tv = plan["channel"] == "tv"
    plan.loc[tv, "spend"] *= 1000.0
    plan[tv].to_csv(tmp_path / "huge.csv", index=False)
    content = yaml.safe_load(study_file.read_text())
    content["plan"] = {"horizon": 6, "budget": 5.0}
    other = tmp_path / "study.yaml"
    other.write_text(yaml.safe_dump(content))
    result = run_case(path, tmp_path / "out", finance=other, scenario=tmp_path / "huge.csv")
    case = json.loads((tmp_path / "out" / "case.json").read_text())
    assert case["cost"] > 100 * as_is(fit, 6).cost.sum()
    for start in ("huge.csv: tv: ", "plan.controls: ", "study.yaml: only its finance block"):
        assert sum(note.startswith(start) for note in result.notes) == 1, start
        assert sum(line.startswith(start) for line in case["caveats"]) == 1, start
    assert "'plan.budget'" in result.notes[-1]
    assert "plan.horizon" not in result.notes[-1]


@pytest.mark.parametrize(
    ("manifest", "label", "reasons"),
    [
        ({"study": "a", "verdict": "trusted", "reasons": []}, "caution", ("r",)),
        ({"study": "a", "verdict": "caution", "reasons": ["r", "s"]}, "caution", ("r", "s")),
        ({"study": "a", "verdict": "rejected", "reasons": ["t"]}, "rejected", ("t",)),
        ({"study": "b", "verdict": "rejected", "reasons": ["t"]}, "caution", ("r",)),
        ({}, "caution", ("r",)),
    ],
)
def test_the_worse_verdict_of_the_same_study_counts(manifest, label, reasons):
    assert worse_of(Verdict(Trust.CAUTION, ("r",)), manifest, "a") == (label, reasons)
