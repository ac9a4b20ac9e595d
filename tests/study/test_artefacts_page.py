"""`docs/artefacts.md` describes every file of a run and every column of its tables."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

PAGE = Path(__file__).resolve().parents[2] / "docs" / "artefacts.md"
OPTIONAL = {"evaluation.json"} | {
    f"{name}.csv" for name in ("reconciliation", "lags", "paths", "funnel", "experiments")
}
"""Files that only some studies or commands leave; their own tests hold them against the page."""
SUMMARY = re.compile(r"_(mean|p05|p50|p95)$")


def sections() -> dict[str, str]:
    """File name -> the page's section about it."""
    found = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        for name in re.findall(r"[\w-]+\.\w+", title):
            found[name] = body
    return found


def described(body: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", body))


def is_described(column: str, names: set[str]) -> bool:
    return column in names or SUMMARY.sub("_", column) in names


def test_page_describes_every_file(run) -> None:
    _, out = run
    assert set(sections()) - OPTIONAL == {path.name for path in out.iterdir()}


def test_page_describes_every_column(run) -> None:
    _, out = run
    for path in sorted(out.glob("*.csv")):
        names = described(sections()[path.name])
        columns = pd.read_csv(path, nrows=0).columns
        assert [column for column in columns if not is_described(column, names)] == [], path.name


def test_page_describes_every_key_of_manifest_and_diagnostics(run) -> None:
    _, out = run
    for name in ("manifest.json", "diagnostics.json"):
        assert set(json.loads((out / name).read_text())) <= described(sections()[name])


def test_page_describes_every_key_of_the_plan(run) -> None:
    _, out = run
    plan = json.loads((out / "plan.json").read_text())
    names = described(sections()["plan.json"])
    assert set(plan) <= names
    rows = plan["comparison"]
    assert [key for key in rows[0] if not is_described(key, names)] == []


def test_page_describes_every_kind(run) -> None:
    _, out = run
    for name in ("contributions.csv", "forecast.csv"):
        kinds = set(pd.read_csv(out / name)["kind"])
        assert kinds <= described(sections()["contributions.csv"]) | described(sections()[name])
