"""A plan from a saved fit, by the command and by the study file."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import mmm as library
from mmm.cli import app
from mmm.errors import InputError
from mmm.study.planning import changed_settings, plan_fit


@pytest.fixture(scope="module")
def fit_file(run):
    return run[1] / "fit.nc"


@pytest.fixture(scope="module")
def planned(fit_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("plan") / "out"
    budget = 1.1 * float(pd.read_csv(fit_file.parent / "plan.csv")["spend"].sum())
    outcome = pd.read_csv(fit_file.parent / "forecast.csv")
    target = float(outcome.loc[outcome["kind"] == "total", "mean"].sum())
    settings = out.parent / "plan.yaml"
    settings.write_text(yaml.safe_dump({"plan": {"pacing": 0.3, "target": target, "level": 0.8}}))
    result = plan_fit(fit_file, out, {"budget": budget}, settings=settings)
    return result, out, budget


def test_the_plan_spends_the_budget_and_the_forecast_is_the_plan_s(planned, world):
    _, out, budget = planned
    plan = pd.read_csv(out / "plan.csv")
    assert plan["spend"].sum() == pytest.approx(budget, rel=1e-9)
    assert list(plan.columns) == [
        "date", "geo", "channel", "spend", "spend_today", "media", "media_today",
        "money", "money_today",
    ]  # fmt: skip
    assert plan["date"].nunique() == world.study.plan.horizon
    forecast = pd.read_csv(out / "forecast.csv")
    content = json.loads((out / "plan.json").read_text())
    chosen = next(row for row in content["comparison"] if row["scenario"] == "recommended")
    total = forecast.loc[forecast["kind"] == "total", "mean"].sum()
    assert total == pytest.approx(chosen["outcome_mean"], rel=1e-9)


def test_the_page_of_the_plan_holds_together(planned):
    _, out, budget = planned
    content = json.loads((out / "plan.json").read_text())
    assert content["status"]["beats_today"]
    assert content["status"]["beats_random"]
    gain = content["profit"]["mean"] - content["profit_today"]["mean"]
    assert content["gain"]["mean"] == pytest.approx(gain)
    money = sum(row["money"] for row in content["channels"])
    assert money == pytest.approx(budget)
    bold, careful = content["frontier"][0], content["frontier"][-1]
    assert bold["expected_profit"] >= careful["expected_profit"]
    assert bold["deviation"] >= careful["deviation"]
    rows = {row["scenario"]: row for row in content["comparison"]}
    assert rows["as is"]["difference_mean"] == 0
    assert rows["recommended"]["profit_mean"] == pytest.approx(content["profit"]["mean"], rel=1e-9)
    assert rows["as is"]["profit_mean"] == pytest.approx(content["profit_today"]["mean"], rel=1e-9)
    assert rows["recommended"]["difference_p05"] == pytest.approx(content["gain"]["p05"], rel=1e-6)
    assert rows["stop everything"]["money"] == 0
    least = content["least_budget"]
    assert least["reached"] == (least["chance"] >= 0.8)
    assert least["cut"] == pytest.approx(least["today"] - least["budget"])


def test_what_cannot_be_met_is_refused_and_nothing_is_written(fit_file, tmp_path):
    out = tmp_path / "out"
    for changes, where, says in (
        ({"budget": 1.0, "bounds": {"tv": [0.5, 1.0]}}, "plan.budget", ""),
        ({"bounds": {"telly": [0.5, 1.0]}, "budget": 10.0}, "plan.bounds.telly", "Known names"),
        ({"objective": "profit"}, "plan.objective", "Did you mean 'expected_profit'?"),
        ({"budget": -5.0}, "plan.budget", "must be above 0, got -5.0. Give a number above 0."),
        ({"horizon": 0}, "plan.horizon", "must be at least 1, got 0."),
        ({"level": 95}, "plan.level", "0.95 is 95 %"),
        ({"budgt": 1.0}, "plan.budgt", "Did you mean 'budget'?"),
    ):
        with pytest.raises(InputError) as refusal:
            plan_fit(fit_file, out, changes)
        (finding,) = refusal.value.findings
        assert finding.where.startswith(where)
        assert says in str(finding)
        assert not out.exists()


@pytest.mark.parametrize("command", ["plan", "case"])
def test_what_is_no_fit_is_named(tmp_path, command):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    for name, says in (
        ("none.nc", "none.nc: there is no such file."),
        ("", "this is a directory."),
        ("data.csv", "data.csv: this is no saved fit."),
    ):
        done = CliRunner().invoke(
            app, [command, str(tmp_path / name), "--out", str(tmp_path / "out")]
        )
        assert done.exit_code == 2
        assert says in done.stderr
        assert "Name the fit that a run has saved" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"objective": "probability_of_target"}, "plan.target"),
        ({"horizon": 900}, "plan.horizon"),
        ({"horizon": 4000}, "plan.horizon"),
        ({"fixed": ["telly"]}, "plan.fixed.0"),
        ({"bounds": {"tv": [3, 1]}}, "plan.bounds.tv"),
    ],
)
def test_a_setting_that_cannot_be_is_named_by_its_key(world, changes, where):
    with pytest.raises(InputError) as refusal:
        changed_settings(world.study, changes)
    assert [one.where for one in refusal.value.findings] == [where]


def test_check_says_what_a_run_would_refuse(study_file, tmp_path):
    study = yaml.safe_load(study_file.read_text())
    study["data"]["file"] = str(study_file.parent / study["data"]["file"])
    changed = tmp_path / "study.yaml"
    for plan, where in (
        ({"budget": 1.0e12}, "plan.budget"),
        ({"scenario": "none.csv"}, "none.csv"),
        ({"objective": "expected_profit", "min_flight": {"tv": 1e9}}, "plan.min_flight.tv"),
    ):
        changed.write_text(yaml.safe_dump({**study, "plan": plan}))
        done = CliRunner().invoke(app, ["check", str(changed), "--json"])
        assert done.exit_code == 2
        errors = [one for one in json.loads(done.output) if one["severity"] == "error"]
        assert len(errors) == 1
        assert where in errors[0]["where"]
    changed.write_text(yaml.safe_dump({**study, "plan": {"pacing": 0.2}}))
    done = CliRunner().invoke(app, ["check", str(changed), "--json"])
    assert done.exit_code == 0
    assert "plan.pacing" in [one["where"] for one in json.loads(done.output)]


def test_limits_that_cannot_be_met_are_refused_before_anything_is_fitted(
    study_file, tmp_path, monkeypatch
):
    study = yaml.safe_load(study_file.read_text())
    study["data"]["file"] = str(study_file.parent / study["data"]["file"])
    study["plan"] = {"budget": 1.0e12}
    changed = tmp_path / "study.yaml"
    changed.write_text(yaml.safe_dump(study))

    def never(*arguments, **options):
        raise AssertionError("fitted")

    monkeypatch.setattr("mmm.inference.fit.fit", never)
    with pytest.raises(InputError, match=r"plan\.budget"):
        library.run_study(changed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_plans_a_scenario_without_optimising(fit_file, tmp_path, world):
    fit = library.load_fit(fit_file)
    dates = fit.panel.future_dates(4)
    geo, channel = fit.panel.geos[0], fit.panel.channels[0]
    rows = pd.DataFrame({"date": dates, "geo": geo, "channel": channel, "spend": 1000.0})
    rows.to_csv(tmp_path / "spend.csv", index=False)
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["plan", str(fit_file), "--out", str(out), "--scenario", str(tmp_path / "spend.csv")]
    )
    trusted = json.loads((out / "manifest.json").read_text())["verdict"] != "rejected"
    assert done.exit_code == (0 if trusted else 3), done.output
    assert "stop everything" in done.output
    plan = pd.read_csv(out / "plan.csv")
    mine = plan[(plan["channel"] == channel)]
    assert mine["spend"].sum() == pytest.approx(4000.0)
    others = plan[plan["channel"] != channel]
    np.testing.assert_allclose(others["spend"], others["spend_today"])
    assert json.loads((out / "plan.json").read_text())["objective"] is None
    refused = CliRunner().invoke(app, ["plan", str(fit_file), "--out", str(out)])
    assert refused.exit_code == 2
