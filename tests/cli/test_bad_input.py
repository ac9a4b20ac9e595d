"""Every kind of bad input: exit 2, the place and the remedy named, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from mmm.cli import app

Edit = Callable[[dict[str, Any], pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Case:
    """One corruption of good input, and what the message has to hold."""

    name: str
    edit: Edit
    says: tuple[str, ...]


def cell(column: str, row: int, text: str) -> Edit:
    """Writes `text` into a cell; `row` is the line of the file, header included."""

    def edit(study: dict[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row - 2, column] = text
        return frame

    return edit


def column(name: str, text: str) -> Edit:
    return lambda study, frame: frame.assign(**{name: text})


def content(change: Callable[[dict[str, Any]], Any]) -> Edit:
    """Changes the study file alone."""

    def edit(study: dict[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
        change(study)
        return frame

    return edit


def rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Edit:
    return lambda study, frame: change(frame)


def at(name: str, row: int, week: str) -> str:
    return f"data.csv: column '{name}', row {row} ({week}"


NATIONAL = (
    Case("text", cell("tv_spend", 5, "n.a. yet"), (at("tv_spend", 5, "2023-01-23"), "1234.5")),
    Case("infinity", cell("price", 6, "inf"), (at("price", 6, "2023-01-30"), "division by zero")),
    Case("missing-outcome", cell("revenue", 7, ""), (at("revenue", 7, "2023-02-06"), "Fill it")),
    Case(
        "negative-spend", cell("search_spend", 8, "-3"), (at("search_spend", 8, "2023-02-13"), "-3")
    ),
    Case(
        "missing-exposure", cell("tv_grps", 9, ""), (at("tv_grps", 9, "2023-02-20"), "channels[0]")
    ),
    Case(
        "holidays",
        content(lambda study: study.update(baseline={"holidays": "DEU-XX"})),
        ("baseline.holidays", "'XX'"),
    ),
    Case(
        "misspelt-column",
        content(lambda study: study["controls"].append("pric")),
        ("column 'pric'", "Add the column, or correct its name in controls[1]"),
    ),
    Case(
        "duplicate",
        rows(lambda frame: pd.concat([frame, frame.iloc[[3]]])),
        ("column 'week', row 82 (2023-01-23)", "already in row 5", "Keep one row"),
    ),
    Case(
        "missing-spend",
        cell("search_spend", 5, ""),
        (at("search_spend", 5, "2023-01-23"), "off_when_missing: true"),
    ),
    Case(
        "missing-control",
        cell("price", 6, "NA"),
        (at("price", 6, "2023-01-30"), "drop the control"),
    ),
    Case("negative-exposure", cell("tv_grps", 7, "-1e2"), (at("tv_grps", 7, "2023-02-06"), "-100")),
    Case(
        "gap",
        rows(lambda frame: frame.drop(index=[20, 21])),
        ("column 'week', 2023-05-22", "2 dates are missing", "Add a row"),
    ),
    Case(
        "all-zero",
        column("search_spend", "0"),
        ("column 'search_spend'", "'search' is 0", "Drop the channel"),
    ),
    Case(
        "constant-outcome",
        column("revenue", "5"),
        ("column 'revenue'", "never changes (5", "Name the column"),
    ),
    Case(
        "constant-control", column("price", "9.9"), ("column 'price'", "never changes", "Drop it")
    ),
    Case(
        "mixed-frequency",
        cell("week", 12, "2023-03-14"),
        (at("week", 12, "2023-03-14"), "not on the W-MON calendar", "Correct these dates"),
    ),
    Case(
        "constant-channel",
        column("tv_grps", "3"),
        ("column 'tv_grps'", "'tv' never changes (3", "Drop the channel"),
    ),
    Case(
        "negative-mean",
        column("revenue", "-1"),
        ("column 'revenue'", "not above zero", "Correct the column"),
    ),
    Case(
        "unreadable-date",
        cell("week", 14, "27/03/2023"),
        ("column 'week', row 14", "'27/03/2023' is not a date", "YYYY-MM-DD"),
    ),
    Case("time-of-day", cell("week", 15, "2023-04-03 13:00"), ("row 15", "has a time of day")),
    Case(
        "too-few-periods",
        rows(lambda frame: frame.iloc[:19]),
        ("column 'week'", "19 periods (2023-01-02 to 2023-05-08)", "at least 20", "Add history"),
    ),
    Case(
        "other-frequency",
        content(lambda study: study["data"].update(frequency="W-SUN")),
        ("'W-SUN'", "regular at 'W-MON'", "data.frequency"),
    ),
    Case(
        "unknown-frequency",
        content(lambda study: study["data"].update(frequency="W-MONDAY")),
        ("data.frequency", "did you mean 'W-MON'?"),
    ),
    Case(
        "no-rows",
        rows(lambda frame: frame.iloc[:0]),
        ("data.csv: there are no data rows", "Give one row"),
    ),
    Case(
        "repeated-column",
        rows(lambda frame: frame.rename(columns={"people": "price"})),
        ("column 'price'", "2 times", "Rename"),
    ),
    Case(
        "shared-spend",
        content(
            lambda study: study["channels"][1].update(spend="tv_spend", exposure="search_spend")
        ),
        ("column 'tv_spend'", "tv, search name the same spend", "Split the money"),
    ),
    Case(
        "missing-file",
        content(lambda study: study["data"].update(file="dat.csv")),
        ("dat.csv: there is no such file", "relative to the study file"),
    ),
    Case(
        "other-file",
        content(lambda study: study["data"].update(file="data.xlsx")),
        ("'.xlsx'", ".csv or a .parquet"),
    ),
    Case(
        "unknown-key",
        content(lambda study: study["channels"][0].update(adstok="none")),
        ("study.yaml: channels[0].adstok (line", "Did you mean 'adstock'?"),
    ),
    Case(
        "bad-value",
        content(lambda study: study["channels"][0].update(role="brnd")),
        ("study.yaml: channels[0].role", "Did you mean 'brand'?"),
    ),
)

BY_GEO = (
    Case(
        "unbalanced",
        rows(lambda frame: frame.drop(index=[119])),
        ("data.csv: 2024-02-19 south", "missing of 120", "Add the rows"),
    ),
    Case(
        "duplicate-geo",
        rows(lambda frame: pd.concat([frame, frame.iloc[[61]]])),
        ("(2023-01-09, south)", "date and geo are already in row 63"),
    ),
    Case(
        "missing-geo",
        cell("region", 70, ""),
        ("column 'region', row 70 (2023-02-27)", "Name the geo"),
    ),
    Case(
        "population-varies",
        cell("people", 80, "7"),
        (at("people", 80, "2023-05-08, south"), "from 2000 to 7", "one population"),
    ),
    Case(
        "population-zero",
        cell("people", 81, "0"),
        (at("people", 81, "2023-05-15, south"), "above 0"),
    ),
    Case(
        "population-missing",
        cell("people", 82, ""),
        (at("people", 82, "2023-05-22, south"), "Fill it in"),
    ),
    Case(
        "value-not-positive",
        cell("basket", 63, "-2"),
        (at("basket", 63, "2023-01-09, south"), "above 0, got -2"),
    ),
    Case(
        "empty-geo",
        rows(
            lambda frame: frame.assign(
                revenue=frame["revenue"].where(frame["region"] == "north", "0")
            )
        ),
        ("column 'revenue'", "of south is not above zero", "Drop the geo"),
    ),
)

TOGETHER = (
    (
        "text",
        "infinity",
        "missing-outcome",
        "negative-spend",
        "missing-exposure",
        "holidays",
        "misspelt-column",
        "duplicate",
    ),
    ("missing-spend", "missing-control", "negative-exposure", "gap"),
    ("all-zero", "constant-outcome", "constant-control", "constant-channel", "mixed-frequency"),
    ("negative-mean", "unknown-frequency", "shared-spend"),
    ("too-few-periods", "repeated-column"),
    ("other-frequency",),
    ("unreadable-date",),
    ("time-of-day",),
    ("no-rows",),
    ("missing-file",),
    ("other-file",),
    ("unknown-key", "bad-value"),
    ("unbalanced", "duplicate-geo", "population-varies", "population-zero", "value-not-positive"),
    ("missing-geo", "population-missing"),
    ("empty-geo",),
)
"""Cases that can stand in one study: each must be reported beside the others."""

ALL = {case.name: case for case in (*NATIONAL, *BY_GEO)}


def is_geo(name: str) -> bool:
    return name in {case.name for case in BY_GEO}


@pytest.mark.parametrize("name", ALL)
def test_each_alone_is_refused(study_dir, name):
    case = ALL[name]
    study = study_dir(case.edit, by_geo=is_geo(name))
    out = study.parent / "out"
    result = CliRunner().invoke(app, ["run", str(study), "--out", str(out)])
    assert result.exit_code == 2, result.output
    for text in case.says:
        assert text in result.stderr
    assert not out.exists()


def test_every_case_stands_with_others():
    assert sorted(name for group in TOGETHER for name in group) == sorted(ALL)


@pytest.mark.parametrize("names", TOGETHER, ids=lambda names: names[0])
def test_all_are_reported_together(study_dir, names):
    edits = [ALL[name].edit for name in names]
    study = study_dir(*edits, by_geo=is_geo(names[0]))
    out = study.parent / "out"
    before = sorted(study.parent.iterdir())
    result = CliRunner().invoke(app, ["run", str(study), "--out", str(out)])
    assert result.exit_code == 2, result.output
    for name in names:
        for text in ALL[name].says:
            assert text in result.stderr
    assert "Nothing was written." in result.stderr
    assert sorted(study.parent.iterdir()) == before


def test_a_process_of_its_own_says_the_same_without_a_traceback(study_dir):
    study = study_dir(*[ALL[name].edit for name in TOGETHER[0]])
    before = sorted(study.parent.iterdir())
    finished = mmm("run", study, "--out", study.parent / "out")
    assert finished.returncode == 2, finished.stderr
    for name in TOGETHER[0]:
        for text in ALL[name].says:
            assert text in finished.stderr
    assert "Nothing was written." in finished.stderr
    assert "Traceback" not in finished.stderr
    assert sorted(study.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ("data.csv: the file is empty",)),
        ("week;revenue\n2023-01-02;1,5\n", ("row 1", "',' between columns")),
        ("week,revenue\n2023-01-02,1,5\n2023-01-09\n", ("row 2", "row 3", "3 cells", "1 cells")),
        (b"week,revenue\n2023-01-02,\xff\n", ("data.csv", "UTF-8")),
    ],
)
def test_files_that_are_no_table_are_refused(study_dir, text, says):
    study = study_dir()
    content = text if isinstance(text, bytes) else text.encode()
    (study.parent / "data.csv").write_bytes(content)
    result = CliRunner().invoke(app, ["run", str(study), "--out", str(study.parent / "out")])
    assert result.exit_code == 2
    for part in says:
        assert part in result.stderr
    assert not (study.parent / "out").exists()


def test_a_damaged_parquet_file_is_refused(study_dir):
    study = study_dir(content(lambda study: study["data"].update(file="data.parquet")))
    (study.parent / "data.parquet").write_bytes(b"not parquet")
    result = CliRunner().invoke(app, ["run", str(study), "--out", str(study.parent / "out")])
    assert result.exit_code == 2
    assert "not valid Parquet" in result.stderr


def test_refusal_comes_before_pymc_is_loaded(study_dir):
    study = study_dir(ALL["text"].edit)
    code = (
        "import sys\nfrom mmm.cli import app\n"
        f"try:\n    app(['run', {str(study)!r}, '--out', {str(study.parent / 'out')!r}])\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 2\n"
        "    sys.exit(' '.join({'pymc', 'pytensor', 'nutpie', 'altair'} & set(sys.modules)) or 0)\n"
    )
    finished = python("-c", code)
    assert finished.returncode == 0, finished.stderr


def mmm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return python("-m", "mmm", *map(str, arguments))


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
