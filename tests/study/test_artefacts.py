"""The artefacts of a run keep their contract and agree with each other."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest

import mmm as library

SPREAD = ("mean", "p05", "p50", "p95")
FILES = {
    "manifest.json", "checks.json", "diagnostics.json", "contributions.csv", "efficiency.csv",
    "efficiency_geo.csv", "efficiency_quarter.csv", "curves.csv", "plan.csv", "plan.json",
    "forecast.csv", "brand.csv",
    "cashflow.csv", "case.json", "case.xlsx",
    "confounding.csv", "ledger.csv", "fit.nc", "report.html",
}  # fmt: skip


def test_every_artefact_is_there_and_nothing_else(run):
    _, out = run
    assert {path.name for path in out.iterdir()} == FILES
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_components_add_up_to_the_observed_outcome(run, world):
    _, out = run
    parts = pd.read_csv(out / "contributions.csv")
    total = parts.groupby(["date", "geo"])["mean"].sum()
    data = world.frame
    source = world.study.data
    observed = data.set_index([source.date, source.geo])[world.study.outcome.column]
    observed.index = observed.index.set_levels(
        pd.to_datetime(observed.index.levels[0]).strftime("%Y-%m-%d"), level=0
    )
    observed = observed.reindex(total.index)
    assert not observed.isna().any()
    np.testing.assert_allclose(total, observed, rtol=1e-6)
    assert (parts["p05"] <= parts["p95"]).all()


def test_efficiency_equals_contributions_and_curves(run):
    _, out = run
    efficiency = pd.read_csv(out / "efficiency.csv").set_index("channel")
    parts = pd.read_csv(out / "contributions.csv")
    curves = pd.read_csv(out / "curves.csv")
    marketing = parts[parts["kind"].isin(["tactical", "brand", "mediated"])]
    summed = marketing.groupby("component")["mean"].sum()
    channels = efficiency.drop(index="total")
    np.testing.assert_allclose(channels["contribution_mean"], summed[channels.index], rtol=1e-9)
    by_kind = channels["tactical_mean"] + channels["brand_mean"] + channels["mediated_mean"]
    np.testing.assert_allclose(channels["contribution_mean"], by_kind, rtol=1e-9)
    today = curves[curves["multiplier"] == 1.0].set_index("channel")
    for suffix in SPREAD:
        np.testing.assert_allclose(
            today.loc[channels.index, suffix], channels[f"contribution_{suffix}"], rtol=1e-9
        )
    np.testing.assert_allclose(today.loc[channels.index, "spend"], channels["spend"], rtol=1e-9)
    nothing = curves[curves["multiplier"] == 0.0]
    assert (nothing[list(SPREAD)] == 0).all().all()
    np.testing.assert_allclose(
        channels[["spend", "loaded_cost", "contribution_mean"]].sum(),
        efficiency.loc["total", ["spend", "loaded_cost", "contribution_mean"]].astype(float),
        rtol=1e-9,
    )


def test_loaded_cost_and_window_roi_follow_from_the_study(run, world):
    _, out = run
    efficiency = pd.read_csv(out / "efficiency.csv").set_index("channel")
    value = world.study.outcome.value_per_unit
    for channel in world.study.channels:
        spend = world.frame[channel.spend].sum()
        periods = world.frame[world.study.data.date].nunique()
        cost = spend * (1 + channel.costs.agency_fee) + channel.costs.fixed_per_period * periods
        row = efficiency.loc[channel.name]
        assert row["loaded_cost"] == pytest.approx(cost, rel=1e-9)
        assert row["roi_window_mean"] == pytest.approx(
            row["contribution_mean"] * value / cost, rel=1e-9
        )
        assert 0 < row["mroi_mean"] < row["roi_mean"] * 3


def test_manifest_names_the_run(run, study_file):
    finished, out = run
    manifest = json.loads((out / "manifest.json").read_text())
    for key, path in (
        ("study_sha256", study_file),
        ("data_sha256", study_file.parent / "data.csv"),
    ):
        assert manifest[key] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert set(manifest["timings"]) == {"import_s", "build_s", "compile_s", "sample_s", "total_s"}
    assert manifest["verdict"] in ("trusted", "caution", "rejected")
    assert manifest["peak_rss_mb"] > 50
    assert (finished.returncode == 3) == (manifest["verdict"] == "rejected")
    assert (manifest["reasons"] == []) == (manifest["verdict"] == "trusted")
    diagnostics = json.loads((out / "diagnostics.json").read_text())
    assert diagnostics["draws"] == 600


def test_the_case_agrees_with_cash_and_workbook(run, world):
    _, out = run
    case = json.loads((out / "case.json").read_text())
    cash = pd.read_csv(out / "cashflow.csv")
    npv = (cash["net_mean"] * cash["discount_factor"]).sum()
    assert case["npv"]["mean"] == pytest.approx(npv, rel=1e-9)
    assert len(cash) == world.study.finance.horizon
    assert 0 <= case["probability_of_loss"] <= 1
    formulas = [
        cell.value
        for sheet in openpyxl.load_workbook(out / "case.xlsx")
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.value.startswith("=")
    ]
    assert len(formulas) > len(cash)


def test_the_report_shows_the_same_numbers(run, world):
    _, out = run
    page = (out / "report.html").read_text()
    efficiency = pd.read_csv(out / "efficiency.csv")
    for row in efficiency.itertuples():
        assert f"{row.roi_mean:.2f}" in page
    for channel in world.study.channels:
        assert channel.name in page


def test_a_saved_fit_gives_the_same_results(run):
    _, out = run
    fit = library.load_fit(out / "fit.nc")
    again = library.efficiency_table(library.response(fit))
    written = pd.read_csv(out / "efficiency.csv")
    np.testing.assert_allclose(again["roi_mean"], written["roi_mean"], rtol=1e-9)
    np.testing.assert_allclose(again["mroi_p95"], written["mroi_p95"], rtol=1e-9)


def test_true_totals_lie_within_reach(run, world):
    """Short chains on one seed: contributions within 40 % of the truth or inside the interval."""
    _, out = run
    efficiency = pd.read_csv(out / "efficiency.csv").set_index("channel")
    for channel in world.study.channels:
        truth = world.truth["channels"][channel.name]["contribution"]
        row = efficiency.loc[channel.name]
        inside = row["contribution_p05"] <= truth <= row["contribution_p95"]
        assert inside or abs(row["contribution_mean"] / truth - 1) < 0.4, channel.name


def test_the_forecast_continues_the_dates(run, world):
    _, out = run
    forecast = pd.read_csv(out / "forecast.csv", parse_dates=["date"])
    total = forecast[forecast["kind"] == "total"]
    parts = forecast[forecast["kind"] != "total"]
    assert total["date"].nunique() == world.study.plan.horizon
    assert total["date"].min() > pd.to_datetime(world.frame[world.study.data.date]).max()
    summed = parts.groupby(["date", "geo"])["mean"].sum()
    np.testing.assert_allclose(
        total.set_index(["date", "geo"])["mean"].reindex(summed.index), summed, rtol=1e-9
    )


def test_the_plan_repeats_current_spending(run, world):
    _, out = run
    plan = pd.read_csv(out / "plan.csv")
    horizon = world.study.plan.horizon
    for channel in world.study.channels:
        rows = plan[plan["channel"] == channel.name]
        dates = sorted(world.frame[world.study.data.date].unique())[-horizon:]
        recent = world.frame[world.frame[world.study.data.date].isin(dates)]
        assert rows["spend"].sum() == pytest.approx(recent[channel.spend].sum(), rel=1e-12)
        assert (rows["spend"] == rows["spend_today"]).all()
