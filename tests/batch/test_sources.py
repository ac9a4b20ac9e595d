"""Studies by pattern and by table: names, digests, payloads, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.batch.beside import named_files
from mmm.batch.names import name_from_keys, safe_part
from mmm.batch.payload import merged
from mmm.batch.sources import open_source
from mmm.config.load import load_batch, load_study
from mmm.data.load import load_panel
from mmm.errors import InputError


def entries_of(path):
    with open_source(load_batch(path), path.parent) as source:
        return list(source.entries())


def all_brands(frames) -> pd.DataFrame:
    """One table of all frames, by brand and market."""
    parts = [
        frame.assign(brand=name, market=market)
        for (name, frame), market in zip(frames.items(), ("uk", "de", "uk"), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def table(worlds, tmp_path, frames):
    """Writes the table as a file of the given kind; the batch file over it."""

    def write(kind="csv", name="all", frame=None, **changes):
        rows = all_brands(frames) if frame is None else frame
        target = tmp_path / f"{name}.{kind}"
        rows.to_csv(target, index=False) if kind == "csv" else rows.to_parquet(target)
        (tmp_path / "template.yaml").write_text(yaml.safe_dump(worlds.content()))
        source = {"file": target.name, "keys": ["brand", "market"], "template": "template.yaml"}
        source |= changes
        source = {key: value for key, value in source.items() if value is not None}
        return worlds.batch(tmp_path, table=source)

    return write


def test_studies_are_found_with_digests_of_their_files(studies):
    entries = entries_of(studies / "batch.yaml")
    assert [entry.name for entry in entries] == ["alpha", "beta", "gamma"]
    assert len({entry.data_sha256 for entry in entries}) == 3
    (studies / "beta/data.csv").write_text("changed\n")
    after = entries_of(studies / "batch.yaml")
    same = [a == b for a, b in zip(entries, after, strict=True)]
    assert same == [True, False, True]


def test_a_payload_keeps_files_as_they_lie_to_each_other(worlds, tmp_path, frames):
    worlds.write(tmp_path, "alpha", frames["alpha"])
    content = worlds.content("alpha") | {"data": worlds.content("x")["data"]}
    content["data"]["file"] = "../data/all.csv"
    (tmp_path / "data").mkdir()
    (tmp_path / "alpha/data.csv").rename(tmp_path / "data/all.csv")
    (tmp_path / "alpha/study.yaml").write_text(yaml.safe_dump(content))
    batch = worlds.batch(tmp_path, studies=["alpha/study.yaml"])
    with open_source(load_batch(batch), tmp_path) as source:
        (entry,) = source.entries()
        payload = source.payload(entry)
    assert payload.study_file == "alpha/study.yaml"
    assert set(payload.files) == {"alpha/study.yaml", "data/all.csv"}
    assert payload.files["data/all.csv"] == (tmp_path / "data/all.csv").read_bytes()


@pytest.mark.parametrize("pattern", ["../*/study.yaml", "/etc/*.yaml", "none/*.yaml"])
def test_patterns_that_lead_out_or_nowhere_are_refused(worlds, studies, pattern):
    batch = worlds.batch(studies, studies=[pattern])
    with pytest.raises(InputError, match=r"leads out|no file matches"):
        entries_of(batch)


def test_two_studies_of_one_name_are_refused(worlds, studies, frames):
    worlds.write(studies, "other", frames["alpha"])
    (studies / "other/study.yaml").write_text(yaml.safe_dump(worlds.content("alpha")))
    with pytest.raises(InputError, match="both name their study 'alpha'"):
        entries_of(studies / "batch.yaml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"study": "../../etc"}, "cannot be the name"),
        ({"data": {"file": "../../secret.csv", "date": "week"}}, "leads out"),
        ({"data": {"file": "/etc/passwd", "date": "week"}}, "leads out"),
        ({"data": {"file": "gone.csv", "date": "week"}}, "No such file"),
    ],
)
def test_what_is_wrong_with_one_study_stays_with_it(worlds, studies, change, words):
    content = worlds.content("beta") | change
    (studies / "beta/study.yaml").write_text(yaml.safe_dump(content))
    entries = entries_of(studies / "batch.yaml")
    problems = [entry.problem for entry in entries if entry.problem]
    assert len(problems) == 1
    assert words in problems[0]
    assert all(safe_part(entry.name) for entry in entries)


def test_a_link_out_of_the_folder_is_refused(studies, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("x\n1\n")
    (studies / "beta/data.csv").unlink()
    (studies / "beta/data.csv").symlink_to(secret)
    problems = {entry.name: entry.problem for entry in entries_of(studies / "batch.yaml")}
    assert "leads out" in problems["beta"]
    assert not problems["alpha"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_gives_one_study_a_group(table, frames, kind):
    path = table(kind)
    with open_source(load_batch(path), path.parent) as source:
        entries = list(source.entries())
        payloads = [source.payload(entry) for entry in entries]
    assert [entry.name for entry in entries] == ["alpha-uk", "beta-de", "gamma-uk"]
    for entry, payload, frame in zip(entries, payloads, frames.values(), strict=True):
        home = path.parent / entry.name
        home.mkdir()
        for name, content in payload.files.items():
            (home / name).write_bytes(content)
        study = load_study(home / payload.study_file)
        assert study.study == entry.name
        panel, _ = load_panel(study, home)
        np.testing.assert_array_equal(panel.dataset["outcome"].values[:, 0], frame["revenue"])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_digests_follow_the_rows_of_a_group_and_not_their_order(table, frames, kind):
    rows = all_brands(frames)
    before = entries_of(table(kind, frame=rows))
    shuffled = rows.sample(frac=1.0, random_state=1, ignore_index=True)
    assert entries_of(table(kind, frame=shuffled)) == before
    rows.loc[rows["brand"].eq("beta").idxmax(), "revenue"] += 1.0
    after = entries_of(table(kind, frame=rows))
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_digests_do_not_depend_on_how_rows_arrive(table, frames, monkeypatch):
    path = table("parquet")
    before = entries_of(path)
    monkeypatch.setattr("mmm.batch.table.BATCH_ROWS", 7)
    assert entries_of(path) == before


def test_a_folder_of_files_is_one_table(table, tmp_path, frames):
    whole = entries_of(table("csv"))
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, rows in all_brands(frames).groupby("brand"):
        rows[sorted(rows.columns)].to_csv(folder / f"{name}.csv", index=False)
    split = entries_of(table("csv", file=None, folder="parts"))
    assert [entry.name for entry in split] == [entry.name for entry in whole]
    frames["alpha"].to_parquet(folder / "more.parquet")
    with pytest.raises(InputError, match="both CSV and Parquet"):
        entries_of(table("csv", file=None, folder="parts"))


def test_a_query_selects_and_sums(table, frames):
    query = "SELECT *, 'all' AS market_of FROM data WHERE brand <> 'gamma'"
    path = table("parquet", query=query, keys=["brand", "market_of"])
    assert [entry.name for entry in entries_of(path)] == ["alpha-all", "beta-all"]


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_text('{home}/secret.csv')",
        "select * from data where brand = getenv('HOME')",
        "with x as (select 1) select * from missing",
    ],
)
def test_a_query_reads_the_table_and_nothing_else(table, tmp_path, query):
    (tmp_path / "secret.csv").write_text("brand,market\nsecret,uk\n")
    path = table("csv", query=query.format(home=tmp_path))
    with pytest.raises(InputError, match="table: query"):
        entries_of(path)


def test_overrides_reach_their_groups_only(table):
    overrides = {
        "alpha/*": {"channels": [{"name": "tv", "prior": {"roi": [0.5, 2.0]}}]},
        "beta/de": {"baseline": {"seasonality": 1}},
    }
    plain, path = entries_of(table()), table(overrides=overrides)
    with open_source(load_batch(path), path.parent) as source:
        entries = list(source.entries())
        studies = [yaml.safe_load(source.payload(entry).files["study.yaml"]) for entry in entries]
    changed = [a.study_sha256 != b.study_sha256 for a, b in zip(plain, entries, strict=True)]
    assert changed == [True, True, False]
    assert studies[0]["channels"][0]["prior"] == {"roi": [0.5, 2.0]}
    assert studies[0]["channels"][0]["spend"] == "tv_spend"
    assert studies[0]["channels"][1]["name"] == "search"
    assert studies[1]["baseline"]["seasonality"] == 1
    assert studies[2]["baseline"]["seasonality"] == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"template": "../template.yaml"}, "leads out"),
        ({"template": "/etc/passwd"}, "leads out"),
        ({"file": "../all.csv"}, "leads out"),
        ({"file": "none.csv"}, "no such file"),
        ({"file": "template.yaml"}, "neither CSV nor Parquet"),
        ({"keys": ["brnd", "market"]}, "did you mean 'brand'"),
        ({"overrides": {"a/b": {"chanels": []}}}, "did you mean 'channels'"),
        ({"overrides": {"a/b": {"experiments": "../../etc/passwd"}}}, "an override names no file"),
        (
            {"overrides": {"a/b": {"channels": [{"lag": {"records": {"file": "/etc/passwd"}}}]}}},
            "an override names no file",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(table, changes, words):
    with pytest.raises(InputError, match=words):
        entries_of(table(**changes))


def test_a_template_with_a_file_of_its_own_is_refused(worlds, table, tmp_path):
    path = table()
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(worlds.content("x")))
    with pytest.raises(InputError, match=r"data\.file"):
        entries_of(path)


@pytest.mark.parametrize("value", ["../../etc", "a/b", "..", "a\\b", "line\nbreak", " "])
def test_key_values_that_read_as_a_path_are_refused(table, frames, value):
    rows = all_brands(frames)
    rows.loc[rows["brand"] == "beta", "brand"] = value
    with pytest.raises(InputError, match="key value"):
        entries_of(table("parquet", frame=rows))


def test_rows_without_a_key_are_refused(table, frames):
    rows = all_brands(frames)
    rows.loc[3:5, "brand"] = None
    with pytest.raises(InputError, match="3 rows have no value"):
        entries_of(table("parquet", frame=rows))


KEY = st.text(st.characters(codec="utf-8", exclude_characters="/\\"), min_size=1, max_size=20)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(KEY, KEY), min_size=2, max_size=5, unique=True))
def test_different_keys_have_different_safe_names(keys):
    names = []
    for values in keys:
        try:
            names.append(safe_part(name_from_keys(values)))
        except InputError as refusal:
            assert "key value" in str(refusal)  # noqa: PT017
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", list(itertools.permutations(["a-b", "c", "a", "b-c"], 2)))
def test_names_of_joined_keys_do_not_meet(one):
    assert name_from_keys(("a-b", "c")) != name_from_keys(("a", "b-c"))
    assert name_from_keys(one) == name_from_keys(one)


def test_every_file_a_study_names_is_found_data_first():
    content = {
        "claims": "claims.csv",
        "channels": [{"name": "a"}, {"lag": {"records": {"file": "crm.csv"}}}],
        "experiments": "tests.csv",
        "controls": ["claims"],
        "data": {"file": "data.csv", "date": "week"},
        "plan": {"scenario": "next.csv", "horizon": 13},
    }
    assert named_files(content) == [
        ("data.file", "data.csv"),
        ("claims", "claims.csv"),
        ("channels[1].lag.records.file", "crm.csv"),
        ("experiments", "tests.csv"),
        ("plan.scenario", "next.csv"),
    ]


def test_further_files_count_and_travel(worlds, studies):
    content = worlds.content("beta") | {"claims": "../shared/claims.csv"}
    (studies / "beta/study.yaml").write_text(yaml.safe_dump(content))
    (studies / "shared").mkdir()
    (studies / "shared/claims.csv").write_text("channel,claimed\n")
    with open_source(load_batch(studies / "batch.yaml"), studies) as source:
        beta = next(entry for entry in source.entries() if entry.name == "beta")
        files = set(source.payload(beta).files)
    assert files == {"beta/study.yaml", "beta/data.csv", "shared/claims.csv"}
    (studies / "shared/claims.csv").write_text("channel,claimed\ntv,1\n")
    after = next(e for e in entries_of(studies / "batch.yaml") if e.name == "beta")
    assert after.data_sha256 != beta.data_sha256


def test_merging_goes_by_key_and_by_name():
    content = {"a": {"x": 1, "y": 2}, "list": [1, 2], "named": [{"name": "n", "v": 1}]}
    change = {"a": {"y": 3}, "list": [9], "named": [{"name": "n", "w": 2}, {"name": "m"}]}
    assert merged(content, change) == {
        "a": {"x": 1, "y": 3},
        "list": [9],
        "named": [{"name": "n", "v": 1, "w": 2}, {"name": "m"}],
    }


def test_a_bad_cell_stays_with_its_group(table, frames):
    rows = all_brands(frames).astype({"revenue": object})
    rows.loc[rows["brand"].eq("beta").idxmax(), "revenue"] = "oops"
    path = table("csv", frame=rows)
    with open_source(load_batch(path), path.parent) as source:
        for entry in source.entries():
            home = path.parent / entry.name
            home.mkdir()
            for name, content in source.payload(entry).files.items():
                (home / name).write_bytes(content)
            study = load_study(home / "study.yaml")
            if entry.name == "beta-de":
                with pytest.raises(InputError, match="oops"):
                    load_panel(study, home)
            else:
                load_panel(study, home)


def test_one_group_more_leaves_the_others_alone(worlds, table, frames):
    before = entries_of(table())
    more = worlds.frame(9).assign(brand="zeta", market="fr")
    after = entries_of(table(frame=pd.concat([all_brands(frames), more])))
    assert after[:3] == before
