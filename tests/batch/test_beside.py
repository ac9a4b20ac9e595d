"""Files beside the data: those of a table's template, split by its keys, and those of a study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from mmm.batch.sources import open_source
from mmm.config.load import load_batch, load_study
from mmm.data.claims import load_claims
from mmm.data.load import load_panel
from mmm.errors import InputError

KEYS = ["brand", "market"]


@pytest.fixture
def table(worlds, tmp_path, frames):
    """Writes a table of three brands and files beside it; the batch file over them."""
    parts = [frame.assign(brand=name, market="uk") for name, frame in frames.items()]
    dates = parts[0]["week"]
    tests = pd.DataFrame(
        {
            "channel": ["tv", "search", "tv"],
            "start": [dates[20], dates[30], dates[40]],
            "end": [dates[23], dates[33], dates[43]],
            "spend_change": [-0.5, -0.5, -0.5],
            "lift": [-20_000.0, -9_000.0, -15_000.0],
            "standard_error": [5_000.0, 3_000.0, 4_000.0],
            "brand": ["alpha", "gamma", "alpha"],
            "market": "uk",
        }
    )
    claims = pd.DataFrame({"channel": "tv", "claimed": [90_000.0], "brand": ["beta"],
                           "market": ["uk"]})  # fmt: skip

    def write(tests=tests, claims=claims, content=None, suffix="csv"):
        pd.concat(parts).to_parquet(tmp_path / "all.parquet")
        for name, rows in {"tests": tests, "claims": claims}.items():
            target = tmp_path / f"{name}.{suffix}"
            rows.to_csv(target, index=False) if suffix == "csv" else rows.to_parquet(target)
        template = worlds.content() | (content or {"experiments": f"tests.{suffix}",
                                                   "claims": f"claims.{suffix}"})  # fmt: skip
        (tmp_path / "template.yaml").write_text(yaml.safe_dump(template))
        source = {"file": "all.parquet", "keys": KEYS, "template": "template.yaml"}
        return worlds.batch(tmp_path, table=source)

    return write


def entries_of(path):
    with open_source(load_batch(path), path.parent) as source:
        return list(source.entries())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_each_study_gets_its_rows_of_every_file(table, suffix):
    path = table(suffix=suffix)
    found = {}
    with open_source(load_batch(path), path.parent) as source:
        for entry in source.entries():
            home = path.parent / entry.name
            home.mkdir()
            for name, content in source.payload(entry).files.items():
                (home / name).write_bytes(content)
            study = load_study(home / "study.yaml")
            panel, _ = load_panel(study, home)
            claims, _ = load_claims(study, panel, home)
            found[entry.name] = study, panel.experiments, claims
    names = {name: [one.channels for one in tests] for name, (_, tests, _) in found.items()}
    assert names == {"alpha-uk": [("tv",), ("tv",)], "beta-uk": [], "gamma-uk": [("search",)]}
    assert [one.lift for one in found["alpha-uk"][1]] == [-20_000.0, -15_000.0]
    assert {name: len(claims) for name, (_, _, claims) in found.items()} == {
        "alpha-uk": 0, "beta-uk": 1, "gamma-uk": 0,
    }  # fmt: skip
    assert found["beta-uk"][0].experiments is None
    assert found["alpha-uk"][0].claims is None


def test_a_row_that_changed_is_its_own_study_s_alone(table, tmp_path):
    before = entries_of(table())
    tests = pd.read_csv(tmp_path / "tests.csv")
    shuffled = table(tests=tests.sample(frac=1.0, random_state=3))
    assert entries_of(shuffled) == before
    tests.loc[tests["brand"] == "gamma", "lift"] -= 1.0
    after = entries_of(table(tests=tests))
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False]
    gone = entries_of(table(tests=tests[tests["brand"] != "alpha"]))
    assert [a == b for a, b in zip(after, gone, strict=True)] == [False, True, True]


def test_a_study_without_records_says_so_and_the_others_go_on(table, worlds, tmp_path, frames):
    rng = np.random.default_rng(5)
    opened = pd.Timestamp("2023-01-02") + pd.to_timedelta(rng.integers(0, 200, 60), "D")
    records = pd.DataFrame(
        {
            "opened": opened.strftime("%Y-%m-%d"),
            "closed": (opened + pd.Timedelta(days=30)).strftime("%Y-%m-%d"),
            "stage": "won",
            "brand": np.tile(["alpha", "gamma"], 30),
            "market": "uk",
        }
    )
    records.to_csv(tmp_path / "crm.csv", index=False)
    won = {"column": "stage", "value": "won"}
    records = {"file": "crm.csv", "opened": "opened", "closed": "closed", "won": won}
    content = worlds.content()
    content["channels"][0]["lag"] = {"records": records}
    path = table(content={"channels": content["channels"]})
    with open_source(load_batch(path), path.parent) as source:
        alpha, beta, gamma = source.entries()
        files = source.payload(alpha).files
    assert (alpha.problem, gamma.problem) == ("", "")
    assert beta.problem == "channels[0].lag.records.file: crm.csv has no rows of 'beta/uk'."
    study = yaml.safe_load(files["study.yaml"])
    named = study["channels"][0]["lag"]["records"]["file"]
    rows = pd.read_csv(tmp_path / "crm.csv").query("brand == 'alpha'")
    assert sorted(files[named].decode().replace('"', "").splitlines()[1:]) == sorted(
        f"{row.opened},{row.closed},won" for row in rows.itertuples()
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"experiments": "nowhere.csv"}, "experiments: nowhere.csv"),
        ({"experiments": "../tests.csv"}, "leads out"),
        ({"experiments": "/etc/passwd"}, "leads out"),
        ({"experiments": "template.yaml"}, "neither CSV nor Parquet"),
        ({"experiments": "keyless.csv"}, "key column market"),
        ({"plan": {"scenario": "../next.csv"}}, "leads out"),
    ],
)
def test_a_file_that_cannot_be_split_is_refused_by_name(table, tmp_path, change, words):
    (tmp_path / "keyless.csv").write_text("channel,brand\ntv,alpha\n")
    with pytest.raises(InputError) as refusal:
        entries_of(table(content=change))
    assert words in str(refusal.value)
    assert "template.yaml: " in str(refusal.value)


def test_rows_of_no_study_are_refused(table, tmp_path):
    claims = pd.DataFrame({"channel": ["tv"], "claimed": [1.0], "brand": ["alfa"],
                           "market": ["uk"]})  # fmt: skip
    with pytest.raises(InputError, match=r"claims\.csv.*'alfa/uk'.*no study of the table"):
        entries_of(table(claims=claims))


def test_a_scenario_counts_and_travels(worlds, studies):
    content = worlds.content("beta") | {"plan": {"scenario": "next.csv"}}
    (studies / "beta/study.yaml").write_text(yaml.safe_dump(content))
    (studies / "beta/next.csv").write_text("date,geo,channel,spend\n")
    with open_source(load_batch(studies / "batch.yaml"), studies) as source:
        beta = next(entry for entry in source.entries() if entry.name == "beta")
        assert set(source.payload(beta).files) == {
            "beta/study.yaml", "beta/data.csv", "beta/next.csv",
        }  # fmt: skip


@pytest.mark.parametrize("name", ["data.csv", "study.yaml"])
def test_a_file_that_changed_after_planning_is_not_fitted_under_its_old_name(studies, name):
    with open_source(load_batch(studies / "batch.yaml"), studies) as source:
        alpha, beta, _ = source.entries()
        path = studies / "beta" / name
        path.write_bytes(path.read_bytes() + b"\n")
        source.payload(alpha)
        with pytest.raises(InputError, match="changed while the batch ran"):
            source.payload(beta)
