"""The whole evaluation as a function, as a file and as a command."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints

import pytest
from typer.testing import CliRunner

import mmm
from mmm.cli import app
from mmm.errors import InputError
from mmm.evaluate import suite
from mmm.evaluate.settings import QUICK, EvaluationSettings, lighter
from mmm.evaluate.suite import Evaluation, evaluate_study
from mmm.simulate import write_world
from mmm.study import evaluation
from mmm.study.evaluation import run_evaluation

SMALLEST = EvaluationSettings(
    draws=60, origins=1, placebos=1, seeds=1, jitters=1, weeks=1, specifications=True
)
PAGE = Path(mmm.__file__).parent.parent / "docs/artefacts.md"


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def found(constant, told) -> Evaluation:
    quick = constant.study.inference.model_copy(update={"tune": 60})
    study = constant.study.model_copy(update={"inference": quick})
    return evaluate_study(study, constant.panel, SMALLEST, watch=lambda *one: told.append(one))


def test_every_part_says_something_in_plain_words(found):
    parts = ("backtest", "stability", "placebo", "seeds", "perturbation", "residuals",
             "specifications")  # fmt: skip
    assert tuple(found.readings()) == parts
    assert all(text.endswith(".") and len(text) > 40 for text in found.readings().values())
    assert "seasonal-naive" in found.readings()["backtest"]


def test_fits_are_counted_as_they_were_announced(found, told):
    assert found.cost.fits == len(told) == told[0][2]
    assert [done for _, done, _ in told] == list(range(len(told)))
    assert found.cost.fit_s <= found.cost.total_s
    assert (found.cost.chains, found.cost.draws) == (2, 60)


def keys_of(made: type) -> set[str]:
    """Names of a record's fields and of the records in them."""
    names = set()
    for name, hint in get_type_hints(made).items():
        names.add(name)
        inner = get_args(hint) if isinstance(hint, UnionType) else (hint, *get_args(hint))
        for one in inner:
            if isinstance(one, type) and one.__module__.startswith("mmm.evaluate"):
                names |= keys_of(one)
    return names


def test_the_page_names_every_key():
    section = PAGE.read_text(encoding="utf-8").split("## evaluation.json")[1].split("\n## ")[0]
    missing = {name for name in keys_of(Evaluation) if f"`{name}`" not in section}
    assert missing == set()


def test_refits_never_have_more_draws_than_the_study(constant):
    light = lighter(constant.study, EvaluationSettings(chains=8, draws=5000))
    assert (light.inference.chains, light.inference.draws) == (2, 150)
    assert lighter(constant.study, QUICK, seed=9).inference.seed == 9


def test_a_specification_that_cannot_be_fitted_is_named(constant, monkeypatch):
    def refuse(name, *rest):
        raise InputError(())

    monkeypatch.setattr(suite, "forecast_scores", refuse)
    rows, refused = suite._others({"odd": constant.study}, SMALLEST, constant.panel, None, None)
    assert (rows, set(refused)) == ([], {"odd"})


@pytest.fixture
def study_file(tmp_path, monkeypatch, found) -> Path:
    """A study in a folder, whose evaluation is at hand."""
    world = mmm.simulate_world("national", seed=0, periods=60)
    monkeypatch.setattr(suite, "evaluate_study", lambda *args, **kwargs: found)
    return write_world(world, tmp_path / "world") / "study.yaml"


def test_the_file_holds_the_evaluation_and_what_was_read(study_file, tmp_path, found):
    done = run_evaluation(study_file, tmp_path / "out")
    content = json.loads(done.file.read_text())
    assert set(content) == {one.name for one in fields(Evaluation)} | {
        "data_sha256", "study_sha256", "created"
    }  # fmt: skip
    assert content["backtest"]["reading"] == found.backtest.reading
    assert len(content["stability"]["rows"]) == len(found.stability.rows)
    assert [one.name for one in done.file.parent.iterdir()] == [evaluation.EVALUATION]


def test_the_command_writes_beside_a_run_and_replaces_only_by_force(study_file, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    command = ["evaluate", str(study_file), "--out", str(out)]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert "backtest: The model" in first.output
    assert "Evaluation:" in first.output
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2
    assert "--force" in again.output
    assert CliRunner().invoke(app, [*command, "--force", "--quick"]).exit_code == 0
    assert (out / "manifest.json").read_text() == "{}"


def test_a_failure_leaves_nothing(study_file, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise InputError(())

    monkeypatch.setattr(suite, "evaluate_study", fail)
    with pytest.raises(InputError):
        run_evaluation(study_file, tmp_path / "out")
    assert not (tmp_path / "out").exists()
