"""The whole evaluation as a function."""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints

import pytest

import mmm
from mmm.errors import InputError
from mmm.evaluate import suite
from mmm.evaluate.settings import QUICK, EvaluationSettings, lighter
from mmm.evaluate.suite import Evaluation, evaluate_study
from mmm.evaluate.verdict import evaluation_findings, part_of

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


def test_a_fit_at_hand_is_not_made_again(constant, fitted, monkeypatch):
    class EnoughError(Exception):
        pass

    purposes: list[tuple[str, int]] = []

    def watch(purpose: str, done: int, total: int) -> None:
        purposes.append((purpose, total))
        raise EnoughError

    for base in (None, fitted):
        with pytest.raises(EnoughError):
            evaluate_study(constant.study, constant.panel, SMALLEST, watch=watch, base=base)
    (first, total), (second, fewer) = purposes
    assert first == "the study as it is"
    assert second == "backtest: model"
    assert fewer == total - 1


def test_advice_never_stands_without_a_finding(found):
    """What is to be done about a part is weighed for the verdict too."""
    said = {part_of(one.check) for one in evaluation_findings(found)}
    assert {name for name, part in found._parts().items() if part.advice} <= said
    assert None not in said
