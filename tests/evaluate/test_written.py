"""An evaluation as a file and as a command, alone and in the directory of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mmm
from mmm.cli import app
from mmm.config import Inference
from mmm.errors import Finding, InputError, Severity
from mmm.evaluate import suite
from mmm.evaluate.settings import EvaluationSettings
from mmm.evaluate.stability import Stability
from mmm.evaluate.suite import Evaluation, evaluate_study
from mmm.simulate import write_world
from mmm.study.analysis import judged
from mmm.study.directory import EVALUATION
from mmm.study.evaluation import run_evaluation

SHORT = Inference(chains=2, draws=150, tune=150, seed=3)
SMALLEST = EvaluationSettings(
    draws=60, origins=2, placebos=1, seeds=1, jitters=1, weeks=1, specifications=False
)
UNSTABLE = Stability((), 0.6, 0.1, ("tv",), "The answer for 'tv' changes.", ("Look why.",))


@pytest.fixture(scope="module")
def found(fitted) -> Evaluation:
    """An evaluation that finds fault with one part."""
    real = evaluate_study(fitted.study, fitted.panel, SMALLEST, base=fitted)
    return replace(real, stability=UNSTABLE)


@pytest.fixture
def handed(monkeypatch, found) -> list[object]:
    """Stands in for the suite; the fits that it was given."""
    bases: list[object] = []

    def evaluate(study, panel, settings=None, *, watch=None, base=None):
        bases.append(base)
        return found

    monkeypatch.setattr(suite, "evaluate_study", evaluate)
    return bases


def written(directory: Path, seed: int = 0) -> Path:
    world = mmm.simulate_world("national", seed=seed, periods=60)
    short = replace(world, study=world.study.model_copy(update={"inference": SHORT}))
    return write_world(short, directory) / "study.yaml"


@pytest.fixture(scope="module")
def study_file(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("world") / "national")


@pytest.fixture(scope="module")
def ran(study_file, tmp_path_factory) -> Path:
    """The directory of a run, with a note beside its artefacts."""
    out = tmp_path_factory.mktemp("run") / "out"
    mmm.run_study(study_file, out)
    (out / "note.txt").write_text("mine")
    return out


def read(directory: Path, name: str) -> dict:
    return json.loads((directory / name).read_text())


def test_the_file_holds_verdict_parts_and_what_was_read(study_file, tmp_path, found, handed):
    done = run_evaluation(study_file, tmp_path / "out")
    content = read(tmp_path / "out", EVALUATION)
    assert set(content) == {one.name for one in fields(Evaluation)} | {
        "verdict", "reasons", "findings", "data_sha256", "study_sha256", "created"
    }  # fmt: skip
    assert content["backtest"]["reading"] == found.backtest.reading
    assert content["verdict"] == done.verdict.label.value != "trusted"
    assert any(UNSTABLE.reading in reason for reason in content["reasons"])
    (row,) = [one for one in content["findings"] if one["check"] == "returns_unstable"]
    assert (row["part"], row["severity"]) == ("stability", "warning")
    assert content["cost"]["fits"] == found.cost.fits + 1
    assert handed[0].study.study == "national"
    assert [one.name for one in done.file.parent.iterdir()] == [EVALUATION]


def test_the_command_says_the_verdict_first_and_replaces_only_by_force(
    study_file, tmp_path, handed
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    command = ["evaluate", str(study_file), "--out", str(out)]
    first = CliRunner().invoke(app, command)
    assert first.exit_code in (0, 3), first.output
    lines = first.stdout.splitlines()
    assert lines[0].startswith("Verdict: ")
    assert lines[1].startswith("  - ")
    assert any(line.startswith("backtest: The model") for line in lines)
    assert lines[-1] == f"Evaluation: {out / EVALUATION}"
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2
    assert "--force" in again.output
    assert CliRunner().invoke(app, [*command, "--force", "--quick"]).exit_code == first.exit_code
    assert (out / "manifest.json").read_text() == "{}"


def test_a_run_is_judged_anew_and_nothing_else_of_it_changes(study_file, ran, tmp_path, handed):
    out = copied(ran, tmp_path)
    before = {one.name: one.read_bytes() for one in out.iterdir()}
    done = run_evaluation(study_file, out)
    after = {one.name: one.read_bytes() for one in out.iterdir()}
    assert set(after) == {*before, EVALUATION}
    judged = {"manifest.json", "checks.json", "report.html", "case.json", "case.xlsx", "fit.nc"}
    assert {name for name in before if before[name] != after[name]} <= judged
    assert done.report == out / "report.html"
    assert handed[0].posterior.equals(mmm.load_fit(out / "fit.nc").posterior)

    manifest, content = read(out, "manifest.json"), read(out, EVALUATION)
    assert manifest["verdict"] == content["verdict"] == done.verdict.label.value
    assert manifest["reasons"] == content["reasons"]
    old = json.loads(before["manifest.json"])
    same = set(old) - {"verdict", "reasons"}
    assert {key: manifest[key] for key in same} == {key: old[key] for key in same}
    assert set(old["reasons"]) < set(manifest["reasons"])
    checks = [one["check"] for one in read(out, "checks.json")]
    assert checks.count("returns_unstable") == 1
    assert checks.count("residuals_related") <= 1
    page = (out / "report.html").read_text()
    assert "Where the model has been wrong" in page
    assert "The answer for &#39;tv&#39; changes." in page
    assert b"Where the model has been wrong" not in before["report.html"]


def copied(ran: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    out.mkdir()
    for one in ran.iterdir():
        (out / one.name).write_bytes(one.read_bytes())
    return out


@pytest.mark.parametrize("what", ["data", "study"])
def test_a_run_of_something_else_is_left_alone(study_file, ran, tmp_path, handed, what):
    out = copied(ran, tmp_path)
    other = written(tmp_path / "other", seed=1 if what == "data" else 0)
    if what == "study":
        other.write_text(other.read_text() + "\n# changed\n")
    before = {one.name: one.read_bytes() for one in out.iterdir()}
    with pytest.raises(InputError, match=f"{what}_sha256 differs"):
        run_evaluation(other, out)
    assert {one.name: one.read_bytes() for one in out.iterdir()} == before
    assert handed == []


def test_a_failure_leaves_the_run_as_it_was(study_file, ran, tmp_path, handed, monkeypatch):
    from mmm.study import artefacts

    out = copied(ran, tmp_path)
    before = {one.name: one.read_bytes() for one in out.iterdir()}

    def fail(inputs) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(artefacts, "render_report", fail)
    with pytest.raises(OSError, match="disk full"):
        run_evaluation(study_file, out)
    assert {one.name: one.read_bytes() for one in out.iterdir()} == before
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_nothing(study_file, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise InputError(())

    monkeypatch.setattr(suite, "evaluate_study", fail)
    with pytest.raises(InputError):
        run_evaluation(study_file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def plain_page(monkeypatch) -> Callable[..., str]:
    """Drawing takes most of a run: a page of one line."""
    from mmm.study import artefacts

    monkeypatch.setattr(artefacts, "render_report", lambda inputs: str(inputs.evaluation))


def test_a_run_that_evaluates_holds_both(study_file, tmp_path, handed, plain_page):
    result = mmm.run_study(study_file, tmp_path / "out", evaluate=True)
    content = read(tmp_path / "out", EVALUATION)
    assert content["verdict"] == result.verdict
    assert any(UNSTABLE.reading in reason for reason in result.reasons)
    assert "returns_unstable" in (tmp_path / "out" / "report.html").read_text()
    assert result.analysis.fit is handed[0]


def test_what_cannot_be_told_apart_counts_and_is_said_once(study_file, ran, found):
    """Findings of the data alone are those of `mmm check`, in a run and in Python."""
    told = {"entangled", "narrow_range", "weakly_known", "mediated", "spend_follows_outcome"}

    def of(findings) -> set[tuple[str, str]]:
        return {(one.check, one.message) for one in findings if one.check in told}

    checked = mmm.check_study(study_file).findings
    assert of(checked)
    read_of = mmm.response(mmm.load_fit(ran / "fit.nc"))
    returns = mmm.efficiency_table(read_of)
    alone = judged(read_of, returns, ())
    assert of(alone.findings) == of(checked)
    known = tuple(one for one in alone.findings if one.check in told)
    again = judged(read_of, returns, known).findings
    assert [again.count(one) for one in known] == [1] * len(known)
    rows = [one["check"] for one in read(ran, "checks.json")]
    assert {check for check, _ in of(checked)} <= set(rows)
    assert len(rows) == len(set(map(str, read(ran, "checks.json"))))
    assert "returns_unstable" in {one.check for one in judged(read_of, returns, (), found).findings}


def test_an_entangled_channel_makes_the_verdict_caution(study_file, ran, monkeypatch):
    from mmm.study import analysis

    said = Finding("entangled", Severity.WARNING, "channel 'tv'", "Others explain it.", "Test it.")
    monkeypatch.setattr(analysis, "identifiability", lambda study, panel: (said,))
    read_of = mmm.response(mmm.load_fit(ran / "fit.nc"))
    reasons = judged(read_of, mmm.efficiency_table(read_of), ()).verdict.reasons
    assert reasons.count(str(said)) == 1


def test_a_short_history_is_refused_before_anything_is_fitted(tmp_path, monkeypatch):
    from mmm.inference import fit as fitting

    def never(*args, **kwargs):
        raise AssertionError("fitted")

    world = mmm.simulate_world("national", seed=0, periods=30)
    study = write_world(world, tmp_path / "short") / "study.yaml"
    monkeypatch.setattr(fitting, "fit", never)
    for job in (run_evaluation, lambda path, out: mmm.run_study(path, out, evaluate=True)):
        with pytest.raises(InputError, match="leave none to forecast"):
            job(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()
