"""Study files: read, refused with every problem at once, and written back."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.config import Brand, Channel, Costs, DataSource, Finance, Inference, Outcome, Prior, Study
from mmm.config import channel as channels
from mmm.config.lag import Lag
from mmm.config.load import load_study, study_schema, study_to_yaml
from mmm.errors import InputError, Severity

GOOD = """\
study: shop
data: {file: data.csv, date: week}
outcome: {column: revenue, kind: revenue}
channels:
  - {name: tv, spend: tv_spend, role: both}
  - {name: search, spend: search_spend, role: tactical}
"""


def findings_of(path) -> list[str]:
    with pytest.raises(InputError) as refused:
        load_study(path)
    assert {finding.severity for finding in refused.value.findings} == {Severity.ERROR}
    assert all(finding.remedy for finding in refused.value.findings)
    return [str(finding) for finding in refused.value.findings]


def test_a_good_file_is_read(study_file):
    text = GOOD.replace("week", "2024-13-45") + "finance: {margin: 4e-1}\n"
    study = load_study(study_file("\ufeff" + text))
    assert study.data.date == "2024-13-45"
    assert [channel.name for channel in study.channels] == ["tv", "search"]
    assert study.finance.margin == 0.4


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        (
            ("role: both", "role: both, cost: 1"),
            "channels[0].cost (line 5)",
            "Did you mean 'costs'?",
        ),
        (("role: both", "role: bth"), "channels[0].role (line 5)", "Did you mean 'both'?"),
        ((", role: both", ""), "channels[0].role (line 5)", "one of tactical, brand, both"),
        (("kind: revenue", "kind: profit"), "outcome.kind (line 3)", "revenue, units, customers"),
        (("spend: tv_spend, ", ""), "channels[0] (line 5)", "needs 'spend' or 'exposure'"),
        (("name: search", "name: tv"), "channels[1].name (line 6)", "names used twice: tv"),
        (("study: shop", "study: a shop"), "study (line 1)", "holds a character"),
        (("study: shop", "study: 7"), "study (line 1)", "Put it in quotes"),
        (("date: week", "date: week, frequncy: D"), "data.frequncy", "Did you mean 'frequency'?"),
        ((GOOD, GOOD + "baseline: {holidays: NO}"), "baseline.holidays (line 7)", "'NO'"),
        ((GOOD, GOOD + "baseline: {trend: 1}"), "baseline.trend", "at least 2"),
        ((GOOD, GOOD + "inference: {chains: 1}"), "inference.chains", "at least 2, got 1"),
        ((GOOD, GOOD + "inference: {seed: 1.5}"), "inference.seed", "a whole number"),
        (
            (GOOD, GOOD + "finance: {margin: high}"),
            "finance.margin",
            "a number or a list, got 'high'",
        ),
        ((GOOD, GOOD + "finance: {margin: .inf}"), "finance.margin", "finite"),
        ((GOOD, GOOD + "brand: {half_life: [5]}"), "brand.half_life", "two numbers"),
        ((GOOD, GOOD + "brand: {half_life: [9, 5]}"), "brand.half_life", "Write it as [5, 9]."),
        ((GOOD, GOOD + "plan:"), "plan (line 7)", "leave the key out"),
        ((GOOD, GOOD + "study: again"), "study (line 7)", "given twice, first on line 1"),
        (("kind: revenue", "kind: units, value_per_unit: -1"), "value_per_unit", "above 0"),
        (("role: both", "role: both, carry_in: low"), "channels[0].carry_in", "estimated"),
        (
            ("role: both", "role: both, adstock: geometrc"),
            "channels[0].adstock (line 5)",
            "Did you mean 'geometric'? Valid: weibull, geometric, delayed, weibull_pdf, "
            "weibull_cdf, none, lag_gamma, lag_lognormal.",
        ),
        (
            ("role: both", "role: both, saturation: my.module.curve"),
            "channels[0].saturation (line 5)",
            "Known names: hill, michaelis_menten, logistic, tanh, root, none.",
        ),
        (
            ("role: both", "role: both, adstock: lag_gamma"),
            "channels[0] (line 5)",
            "Add 'lag: {median: 8, max: 26}', in periods.",
        ),
        (
            ("role: both", "role: both, adstock: delayed, lag: {median: 8, max: 26}"),
            "channels[0] (line 5)",
            "Drop one of the two.",
        ),
        (
            ("role: both", "role: both, prior: {half_life: [1, 2]}, lag: {median: 8, max: 26}"),
            "channels[0] (line 5)",
            "Drop 'prior.half_life', or 'lag'.",
        ),
        (
            ("role: both", "role: both, lag: {median: 8, max: 8}"),
            "channels[0].lag (line 5)",
            "'max' (8) must be above its 'median' (8)",
        ),
        (("role: both", "role: both, lag: {median: 8}"), "channels[0].lag", "in periods"),
        (
            ("role: both", "role: both, lag: {median: 8, max: 9, median_interval: [9, 10]}"),
            "channels[0].lag",
            "must hold the lag's 'median' (8)",
        ),
        (
            ("role: both", "role: both, lag: {median: 8, max: 9, family: gama}"),
            "channels[0].lag.family",
            "Did you mean 'gamma'?",
        ),
        (("role: both", "role: both, time_varying: often"), "time_varying", "true or false"),
        (
            (GOOD, GOOD + "inference: {likelihood: poisson}"),
            "inference.likelihood (line 7)",
            "Known names: normal, student_t, lognormal.",
        ),
        (
            (GOOD, GOOD + "inference: {likelihood: students_t}"),
            "inference.likelihood (line 7)",
            "Did you mean 'student_t'? Valid: normal, student_t, lognormal.",
        ),
        (
            (GOOD, GOOD + "inference: {sampler: numpy}"),
            "inference.sampler (line 7)",
            "nutpie, numpyro, blackjax",
        ),
        (("- {name: tv, spend: tv_spend, role: both}", "- tv"), "channels[0]", "key: value"),
    ],
)
def test_a_problem_names_its_place_and_remedy(study_file, change, where, says):
    (finding,) = findings_of(study_file(GOOD.replace(*change)))
    assert finding.startswith("study.yaml")
    assert where in finding
    assert says in finding


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "does not hold 'key: value'"),
        ("- a\n- b\n", "does not hold 'key: value'"),
        ("study: [1, 2\nx", "not valid YAML"),
        ("study:\n\tname: x\n", "Indent with spaces"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("study: !!python/object:os.system x\n", "not valid YAML"),
        ("? [a, b]\n: 1\n", "not valid YAML"),
        (b"study: \xff\n", "not UTF-8"),
        (b"study: \x00\n", "not valid YAML"),
    ],
)
def test_what_is_not_a_study_at_all_is_refused(study_file, content, says):
    (finding,) = findings_of(study_file(content))
    assert says in finding


@pytest.mark.parametrize(
    ("spelt", "likelihood"),
    [
        ("Normal", "normal"),
        ("Student-t", "student_t"),
        ("StudentT", "student_t"),
        ("student t", "student_t"),
        ("log-normal", "lognormal"),
        ("LOG_NORMAL", "lognormal"),
    ],
)
def test_a_likelihood_may_be_spelt_as_people_do(study_file, spelt, likelihood):
    study = load_study(study_file(GOOD + f"inference: {{likelihood: {spelt}}}\n"))
    assert study.inference.likelihood == likelihood
    stated = yaml.safe_load(study_to_yaml(study))
    assert stated.get("inference", {}).get("likelihood", "normal") == likelihood


@pytest.mark.parametrize("kind", ["adstock", "saturation"])
def test_a_registered_transform_may_be_named_and_no_other(study_file, monkeypatch, kind):
    monkeypatch.setattr(channels, f"_own_{kind}s", set())
    path = study_file(GOOD.replace("role: both", f"role: both, {kind}: ours"))
    known = {"adstock": channels.known_adstocks, "saturation": channels.known_saturations}[kind]
    before = known()
    (finding,) = findings_of(path)
    assert f"Known names: {', '.join(before)}." in finding
    register = getattr(channels, f"register_{kind}_name")
    register("ours")
    register("ours")
    register(before[0])
    assert known() == (*before, "ours")
    assert getattr(load_study(path).channels[0], kind) == "ours"
    other = "saturation" if kind == "adstock" else "adstock"
    (finding,) = findings_of(study_file(GOOD.replace("role: both", f"role: both, {other}: ours")))
    assert "'ours' is not a valid value" in finding
    # the published schema does not depend on what a process has registered
    assert study_schema()["$defs"]["Channel"]["properties"][kind]["enum"] == list(before)


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    assert "no such file" in findings_of(tmp_path / "none.yaml")[0]
    assert "directory" in findings_of(tmp_path)[0]


def test_all_problems_come_in_one_go(study_file):
    text = (
        GOOD.replace("role: both", "role: bth, adstck: none").replace("name: search", "name: tv")
        + "finance: {margn: 1}\nfinance: {margin: 2, currency: EUR}\n"
    )
    findings = findings_of(
        study_file(text.replace("kind: revenue", "kind: revenue, currency: GBP"))
    )
    for place in ("channels[0].role", "channels[0].adstck", "finance.margin", "finance (line 8)"):
        assert sum(place in finding for finding in findings) == 1
    # a rule over the whole study is tried although its parts were wrong
    assert sum("names used twice: tv" in finding for finding in findings) == 1
    assert len(findings) == 5


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_]{0,7}", fullmatch=True)
PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
ODD = ["NO", "1e5", "2024-01-01", "null", "~", "0x1F", "1_0", "yes"]
COLUMNS = st.text(PRINTABLE, min_size=1, max_size=12) | st.sampled_from(ODD)
POSITIVE = st.floats(1e-6, 1e6)


carry_over = st.one_of(
    st.sampled_from(channels.ADSTOCKS)
    .filter(lambda name: name not in channels.LAG_ADSTOCKS)
    .map(lambda name: {"adstock": name}),
    st.builds(Lag, median=st.floats(0.1, 9), max=st.floats(10, 99),
              family=st.sampled_from(["gamma", "lognormal"])).map(lambda lag: {"lag": lag}),
)  # fmt: skip


@st.composite
def studies(draw) -> Study:
    columns = draw(st.lists(COLUMNS, min_size=4, max_size=6, unique=True))
    low = draw(POSITIVE)
    channel = Channel(
        name=draw(NAMES),
        role=draw(st.sampled_from(["tactical", "brand", "both"])),
        spend=columns[0],
        exposure=draw(st.none() | st.just(columns[1])),
        prior=Prior(roi=draw(st.none() | st.just((low, low * 2)))),
        costs=Costs(agency_fee=draw(st.floats(0, 5))),
        off_when_missing=draw(st.booleans()),
        carry_in=draw(st.just("estimated") | POSITIVE),
        **draw(carry_over),
        saturation=draw(st.sampled_from(channels.SATURATIONS)),
        time_varying=draw(st.booleans()),
    )
    return Study(
        study=draw(NAMES),
        data=DataSource(date=columns[2], file=draw(st.none() | COLUMNS)),
        outcome=Outcome(
            column=columns[3],
            kind=draw(st.sampled_from(["revenue", "units"])),
            value_per_unit=draw(POSITIVE | COLUMNS),
        ),
        channels=(channel,),
        controls=tuple(columns[4:]),
        brand=Brand(half_life=(low, low + 1)),
        inference=Inference(
            likelihood=draw(st.sampled_from(["normal", "student_t", "lognormal"])),
            sampler=draw(st.sampled_from(["nutpie", "numpyro", "blackjax"])),
        ),
        finance=Finance(margin=draw(st.floats(0.01, 1))),
    )


KEYS = [*Study.model_fields, *Channel.model_fields, *Finance.model_fields, "half_life", "odd"]


@settings(deadline=None)
@given(studies())
def test_what_is_written_reads_back_as_equal(tmp_path_factory, study):
    path = tmp_path_factory.mktemp("study") / "study.yaml"
    path.write_text(study_to_yaml(study), encoding="utf-8")
    assert load_study(path) == study


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(content=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), keep_good=st.booleans())
def test_whatever_the_file_holds_is_read_or_refused(tmp_path_factory, content, keep_good):
    path = tmp_path_factory.mktemp("study") / "study.yaml"
    start = yaml.safe_load(GOOD) if keep_good else {}
    path.write_text(yaml.safe_dump(start | content), encoding="utf-8")
    with suppress(InputError):
        study = load_study(path)
        assert study.channels


def test_only_what_differs_from_the_defaults_is_written(study_file):
    study = load_study(study_file(GOOD))
    assert yaml.safe_load(study_to_yaml(study)) == yaml.safe_load(GOOD)


def test_the_schema_knows_every_block_and_refuses_unknown_keys():
    schema = study_schema()
    assert set(schema["properties"]) == set(Study.model_fields)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"study", "data", "outcome", "channels"}


RECORDS = "{file: deals.csv, opened: start, closed: end, won: {column: stage, value: Won}}"


def test_a_lag_may_be_left_to_records(study_file):
    path = study_file(GOOD.replace("role: both", f"role: both, lag: {{records: {RECORDS}}}"))
    channel = load_study(path).channels[0]
    assert channel.adstock == "lag_gamma"
    assert channel.lag.records.won.values == ("Won",)
    path = study_file(
        GOOD.replace("role: both", f"role: both, lag: {{max: 9, records: {RECORDS}}}")
    )
    (finding,) = findings_of(path)
    assert "estimated from 'records'" in finding
