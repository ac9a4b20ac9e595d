"""What each command does with what the library gives it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from typer.testing import CliRunner

import mmm
from mmm.cli import WORLDS_HELP, Example, app
from mmm.config.load import load_study, study_schema
from mmm.data.load import load_panel
from mmm.errors import ModelError
from mmm.examples import example_names
from mmm.simulate import world_names


def invoke(*arguments: str | Path):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def runs(monkeypatch):
    """Stands in for the job: records the calls, and gives the verdict it is told to."""
    calls: list[tuple] = []
    module = ModuleType("mmm.study")
    module.verdict = "trusted"

    def run_study(path, out, *, force, progress, evaluate):
        calls.append((Path(path), Path(out), *(["force"] * force), *(["evaluate"] * evaluate)))
        return SimpleNamespace(
            directory=Path(out),
            verdict=module.verdict,
            reasons=("R-hat is 1.3 on share[tv].",),
            notes=(),
            report=Path(out) / "report.html",
        )

    module.run_study = run_study
    monkeypatch.setitem(sys.modules, "mmm.study", module)
    return SimpleNamespace(module=module, calls=calls)


@pytest.mark.parametrize(("verdict", "code"), [("trusted", 0), ("caution", 0), ("rejected", 3)])
def test_run_exits_as_the_verdict_says(study_dir, runs, verdict, code):
    runs.module.verdict = verdict
    study = study_dir()
    out = study.parent / "out"
    result = invoke("run", study, "--out", out)
    assert result.exit_code == code
    assert f"Verdict: {verdict}" in result.stdout
    assert "R-hat is 1.3 on share[tv]." in result.stdout
    assert f"Report: {out / 'report.html'}" in result.stdout
    assert runs.calls == [(study, out)]


def test_force_is_passed_on(study_dir, runs):
    study = study_dir()
    assert invoke("run", study, "--out", "unused", "--force").exit_code == 0
    assert invoke("run", study, "--out", "unused", "--evaluate").exit_code == 0
    assert runs.calls == [(study, Path("unused"), "force"), (study, Path("unused"), "evaluate")]


@pytest.mark.parametrize("force", [False, True])
def test_run_keeps_what_it_did_not_write(study_dir, force):
    study = study_dir()
    out = study.parent / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    refused = invoke("run", study, "--out", out, *(["--force"] if force else []))
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert [path.read_text() for path in out.iterdir()] == ["keep"]


def test_run_does_not_write_into_a_file(study_dir):
    study = study_dir()
    before = study.read_bytes()
    result = invoke("run", study, "--out", study, "--force")
    assert result.exit_code == 2
    assert "is a file" in result.stderr
    assert study.read_bytes() == before


def test_what_the_model_refuses_is_bad_input(study_dir, runs):
    def refuse(*_arguments, **_options):
        raise ModelError("the prior of 'tv' contradicts itself")

    runs.module.run_study = refuse
    result = invoke("run", study_dir(), "--out", "unused")
    assert result.exit_code == 2
    assert "contradicts itself" in result.stderr


@pytest.mark.parametrize("example", example_names())
def test_demo_writes_the_example_and_runs_it(tmp_path, runs, example):
    out = tmp_path / "demo"
    result = invoke("demo", "--out", out, "--example", example)
    assert result.exit_code == 0, result.output
    ((study, results, *force),) = runs.calls
    assert study == out / "study.yaml"
    assert results == out / "results"
    assert not force
    load_panel(load_study(study), out)
    assert str(results / "report.html") in result.stdout


def test_demo_runs_again_on_what_it_wrote(tmp_path, runs):
    out = tmp_path / "demo"
    for _ in range(2):
        result = invoke("demo", "--out", out)
        assert result.exit_code == 0, result.output
    assert [force for _, _, *force in runs.calls] == [[], ["force"]]
    assert "already there" in result.stdout
    assert invoke("demo", "--out", out, "--example", "pinkham").exit_code == 2


def test_demo_does_not_write_over_what_is_there(tmp_path, runs):
    (tmp_path / "mine.txt").write_text("keep")
    assert invoke("demo", "--out", tmp_path).exit_code == 2
    assert not runs.calls
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_simulate_writes_a_study_and_its_truth(tmp_path):
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        result = invoke("simulate", "national", "--out", tmp_path / name, "--seed", seed)
        assert result.exit_code == 0, result.output
    study = load_study(tmp_path / "one" / "study.yaml")
    load_panel(study, tmp_path / "one")
    assert json.loads((tmp_path / "one" / "truth.json").read_text())
    data = {name: (tmp_path / name / "data.csv").read_bytes() for name in ("one", "same", "other")}
    assert data["one"] == data["same"] != data["other"]


def test_simulate_offers_the_nearest_world(tmp_path):
    result = invoke("simulate", "nationl", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "did you mean 'national'?" in result.stderr
    assert not (tmp_path / "out").exists()


def test_help_names_every_world_and_every_example():
    assert all(name in WORLDS_HELP for name in world_names())
    assert {example.value for example in Example} == set(example_names())


def test_schema_is_printed():
    assert json.loads(invoke("schema").stdout) == study_schema()


def test_version_is_printed():
    assert invoke("--version").stdout.strip() == f"mmm {mmm.__version__}"


@pytest.mark.parametrize(
    "arguments", [("run",), ("check",), ("nothing",), ("demo", "--example", "x")]
)
def test_wrong_use_exits_2(arguments):
    assert invoke(*arguments).exit_code == 2


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom mmm.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n"
        "    sys.exit(' '.join({'numpy', 'pandas', 'xarray', 'pymc'} & set(sys.modules)) or 0)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "simulate" in finished.stdout


def test_check_says_when_all_is_well(study_dir):
    result = invoke("check", study_dir())
    assert result.exit_code == 0, result.output
    assert "No problems found." in result.stdout


def test_check_lists_warnings_and_exits_0(study_dir):
    def unrelated(study, frame):
        return frame.assign(tv_grps=[str(100 + (row * 37) % 11) for row in range(len(frame))])

    result = invoke("check", study_dir(unrelated), "--json")
    assert result.exit_code == 0
    row, *known = json.loads(result.stdout)
    assert {one["severity"] for one in known} == {"info"}
    assert set(row) == {"check", "severity", "where", "message", "remedy"}
    assert (row["check"], row["severity"]) == ("exposure_unrelated", "warning")


@pytest.mark.parametrize("form", ["table", "json"])
def test_check_lists_errors_and_exits_2(study_dir, form):
    def corrupt(study, frame):
        frame.loc[3, "price"] = "[red]dear[/red]"
        return frame

    study = study_dir(corrupt)
    result = invoke("check", study, *(["--json"] if form == "json" else []))
    assert result.exit_code == 2
    if form == "json":
        (row,) = json.loads(result.stdout)
        assert row["where"] == "data.csv: column 'price', row 5 (2023-01-23)"
        assert "'[red]dear[/red]'" in row["message"]
    else:
        assert "1 error." in result.stdout
        assert "[red]" in result.stdout


def test_check_reports_a_bad_study_file(tmp_path):
    result = invoke("check", tmp_path / "none.yaml", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)[0]["check"] == "study_file"
