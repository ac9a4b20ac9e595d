"""Claims of three times the outcome, from the files to the page, in a world of known truth."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmm as library
from mmm.config.load import load_study
from mmm.data.claims import load_claims
from mmm.data.load import load_panel
from mmm.report import render_report
from mmm.results.reconcile import channel_draws
from mmm.study.artefacts import report_inputs, write_artefacts
from mmm.study.job import check_study

ROOT = Path(__file__).resolve().parents[2]
OVER = 3.0


@pytest.fixture(scope="module")
def claiming(world, write_study, tmp_path_factory):
    """The study file of a world whose channels together claim three times the outcome: the
    first what it caused, by two sources half each, a partner a tenth of all, the others the
    rest."""
    directory = tmp_path_factory.mktemp("claims") / "geo_brand"
    path = write_study(world, directory)
    path.write_text(path.read_text() + "claims: claims.csv\n")
    actual = world.frame[world.study.outcome.column].sum()
    first, *others = [channel.name for channel in world.study.channels]
    caused = world.truth["channels"][first]["contribution"]
    partner = 0.1 * OVER * actual
    each = (OVER * actual - caused - partner) / len(others)
    rows = [
        (first, "platform", caused / 2),
        (first, "agency", caused / 2),
        ("", "partner", partner),
    ]
    rows += [(name, "platform", each) for name in others]
    frame = pd.DataFrame(rows, columns=["channel", "source", "claimed"])
    frame.to_csv(directory / "claims.csv", index=False)
    return path


@pytest.fixture(scope="module")
def analysis(claiming):
    study = load_study(claiming)
    panel, findings = load_panel(study, claiming.parent)
    claims, more = load_claims(study, panel, claiming.parent)
    return library.analyse(library.fit(study, panel), (*findings, *more), claims)


@pytest.fixture(scope="module")
def table(analysis):
    return analysis.reconciliation


def of_kind(table, kind):
    (row,) = table[table["kind"] == kind].to_dict("records")
    return row


def test_the_sum_of_claims_is_seen_to_be_three_times_the_actual(table, world):
    claims, actual = of_kind(table, "claims"), of_kind(table, "actual")
    recorded = world.frame[world.study.outcome.column].sum()
    assert actual["model_mean"] == pytest.approx(recorded, rel=1e-9)
    assert claims["claimed"] == pytest.approx(OVER * recorded)
    assert claims["claimed_of_actual"] == pytest.approx(OVER)
    assert claims["probability_exceeds"] == 1.0


def test_the_models_parts_add_up_to_the_actual(table, analysis):
    rows = {kind: of_kind(table, kind) for kind in ("marketing", "rest", "actual")}
    assert rows["marketing"]["model_mean"] + rows["rest"]["model_mean"] == pytest.approx(
        rows["actual"]["model_mean"]
    )
    each = table[table["kind"] == "channel"].drop_duplicates("channel")
    assert each["model_mean"].sum() == pytest.approx(rows["marketing"]["model_mean"])
    efficiency = analysis.efficiency.set_index("channel")
    for suffix in ("mean", "p05", "p50", "p95"):
        found = each.set_index("channel")[f"model_{suffix}"]
        expected = efficiency.loc[found.index, f"contribution_{suffix}"]
        np.testing.assert_allclose(found, expected.astype(float))


def test_a_channel_claimed_twice_counts_once_in_the_model(table, world):
    first = world.study.channels[0].name
    two = table[table["channel"] == first]
    assert list(two["source"]) == ["platform", "agency"]
    assert two["model_mean"].nunique() == 1
    claims, marketing = of_kind(table, "claims"), of_kind(table, "marketing")
    assert claims["model_mean"] == pytest.approx(marketing["model_mean"])


def test_ratio_and_probability_are_read_from_the_draws(table, analysis):
    draws = channel_draws(analysis.decomposition)
    for row in table[table["kind"] == "channel"].to_dict("records"):
        found = draws[row["channel"]]
        ratios = [row[f"ratio_{end}"] for end in ("p05", "p50", "p95")]
        # the largest ratio belongs to the smallest effect, which may be below nothing in some draws
        above, below = (
            row["claimed"] / np.quantile(found, [0.95, 0.5, 0.05], method=method)
            for method in ("lower", "higher")
        )
        assert (ratios >= below * (1 - 1e-12)).all()
        assert (ratios <= above * (1 + 1e-12)).all()
        assert row["ratio_mean"] == pytest.approx(row["claimed"] / found.mean())
        assert row["probability_exceeds"] == np.mean(found < row["claimed"])


def test_what_is_no_channel_is_claimed_beside_nothing(table):
    partner = of_kind(table, "other")
    assert (partner["channel"], partner["source"]) == ("", "partner")
    assert np.isnan([partner["model_mean"], partner["probability_exceeds"]]).all()
    assert partner["claimed_of_actual"] == pytest.approx(0.1 * OVER)


def test_the_page_says_it_in_words_a_table_and_a_drawing(analysis):
    html = render_report(report_inputs(analysis, {"versions": {}, "timings": {}}))
    section = re.search(r'<section id="reconciliation".*?</section>', html, re.DOTALL)[0]
    assert "3.00 times what happened" in section
    assert "(3.00 times)" in section
    assert section.count("<svg") == 1
    assert "no channel here" in section
    assert "300" in section


def test_it_is_written_only_with_claims(analysis, tmp_path, run):
    manifest = {"versions": {}, "timings": {}}
    write_artefacts(analysis, manifest, tmp_path)
    written = pd.read_csv(tmp_path / "reconciliation.csv")
    assert list(written.columns) == list(analysis.reconciliation.columns)
    page = (ROOT / "docs/artefacts.md").read_text(encoding="utf-8")
    section = page.split("## reconciliation.csv")[1].split("\n## ")[0]
    named = set(re.findall(r"`([^`]+)`", section))
    names = {re.sub("_(mean|p05|p50|p95)$", "_", column) for column in written.columns}
    assert names <= named
    assert set(written["kind"]) <= named
    assert not (run[1] / "reconciliation.csv").exists()
    assert 'id="reconciliation"' not in (run[1] / "report.html").read_text(encoding="utf-8")


def test_the_check_reads_the_claims_too(claiming):
    assert check_study(claiming).study.claims == "claims.csv"
    claims = claiming.parent / "claims.csv"
    text = claims.read_text()
    claims.write_text(text.replace("platform,", "platform,-", 1))
    with pytest.raises(library.InputError, match="cannot be negative"):
        check_study(claiming)
    claims.write_text(text)
