"""The batch file: what it accepts, and what it refuses with place and remedy."""

from __future__ import annotations

import pytest
import yaml

from mmm.config.batch import Batch, single_select
from mmm.config.load import load_batch
from mmm.errors import InputError

TABLE = {"file": "all.parquet", "keys": ["brand", "market"], "template": "study.yaml"}


def load(tmp_path, **content):
    path = tmp_path / "batch.yaml"
    path.write_text(yaml.safe_dump({"batch": "weekly", **content}))
    return load_batch(path)


def test_defaults_are_those_of_the_contract(tmp_path):
    batch = load(tmp_path, studies=["*/study.yaml"])
    assert batch.studies == ("*/study.yaml",)
    assert (batch.promote.max_roi_shift, batch.promote.min_overlap) == (0.25, 0.3)
    assert batch.promote.verdict == "caution"
    assert batch.table is None


@pytest.mark.parametrize(
    ("written", "size"),
    [("4GB", 4 * 10**9), ("800 MB", 800 * 10**6), ("1.5GiB", 3 * 2**29), (1024, 1024)],
)
def test_memory_is_read_as_bytes(tmp_path, written, size):
    assert load(tmp_path, studies=["a"], memory_limit=written).memory_limit == size


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "either 'studies' or 'table'"),
        ({"studies": ["a"], "table": TABLE}, "either 'studies' or 'table'"),
        ({"studys": ["a"]}, "Did you mean 'studies'"),
        ({"studies": ["a"], "memory_limit": "much"}, "not an amount of memory"),
        ({"studies": ["a"], "promote": {"verdict": "trustd"}}, "trusted"),
        ({"studies": ["a"], "promote": {"min_overlap": 2}}, "at most 1"),
        ({"table": TABLE | {"folder": "x"}}, "exactly one of"),
        ({"table": {k: v for k, v in TABLE.items() if k != "file"}}, "exactly one of"),
        ({"table": TABLE | {"keys": ["brand", "brand"]}}, "given twice"),
        ({"table": TABLE | {"overrides": {"acme": {"controls": []}}}}, "one value a key"),
        ({"table": TABLE | {"overrides": {"a/b": {"study": "x"}}}}, "may change neither"),
        ({"table": TABLE | {"overrides": {"a/b": {"data": {"file": "/etc/passwd"}}}}}, "neither"),
        ({"table": TABLE | {"query": "select 1; drop table x"}}, "single statement"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, content, words):
    with pytest.raises(InputError) as refusal:
        load(tmp_path, **content)
    assert words in str(refusal.value)
    assert "batch.yaml" in str(refusal.value)


def test_an_address_in_the_file_is_refused_and_not_repeated_as_a_name(tmp_path):
    table = {"database": "postgresql://me:secret@host/db", "query": "select 1"}
    with pytest.raises(InputError, match="name of an environment variable"):
        load(tmp_path, table=table | {"keys": ["brand"], "template": "study.yaml"})


def test_a_missing_file_is_called_a_batch_file(tmp_path):
    with pytest.raises(InputError, match="path to the batch file"):
        load_batch(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "query",
    [
        "select 1; select 2",
        "select ';' from t",
        "select '\\'; drop table t; --'",
        "drop table t",
        "insert into t values (1)",
        "; select 1",
        "",
        "selection",
    ],
)
def test_a_query_that_is_not_one_select_is_refused(query):
    with pytest.raises(ValueError, match=r"SELECT|single"):
        single_select(query)


@pytest.mark.parametrize("query", ["select 1 ;", " WITH a AS (select 1) SELECT * FROM a;\n"])
def test_one_select_is_taken_without_its_semicolon(query):
    assert single_select(query) == query.strip().removesuffix(";").strip()


def test_a_batch_is_frozen(tmp_path):
    batch = load(tmp_path, studies=["a"])
    assert isinstance(batch, Batch)
    with pytest.raises(ValueError, match="frozen"):
        batch.retries = 3
