"""Claims: summed over what they are dated by, and refused with the row and the fix."""

from __future__ import annotations

import pytest

from mmm.data.claims import Claim, load_claims
from mmm.data.load import panel_from_frame
from mmm.errors import InputError, Severity


@pytest.fixture
def read(national, by_geo, tmp_path):
    """Reads claims given as text, of the national study or the one by geo."""

    def load(text: str, geos: bool = False):
        study, frame = by_geo if geos else national
        (tmp_path / "claims.csv").write_text(text, encoding="utf-8")
        panel, _ = panel_from_frame(study, frame)
        return load_claims(study.model_copy(update={"claims": "claims.csv"}), panel, tmp_path)

    return load


def test_a_study_without_claims_has_none(national, tmp_path):
    study, frame = national
    panel, _ = panel_from_frame(study, frame)
    assert load_claims(study, panel, tmp_path) == ((), ())


def test_claims_are_read_in_their_order(read):
    claims, findings = read("channel,claimed\nsearch,900\ntv,1e3\n")
    assert claims == (Claim("search", "", 900.0), Claim("tv", "", 1000.0))
    assert findings == ()


def test_dates_and_geos_are_summed_and_sources_kept_apart(read):
    claims, findings = read(
        "date,geo,channel,source,claimed\n"
        "2022-01-03,north,tv,agency,1\n2022-01-10,north,tv,agency,2\n"
        "2022-01-03,south,tv,agency,4\n2022-01-03,south,tv,panel,8\n2022-01-03,west,,affiliates,16\n",
        geos=True,
    )
    assert claims == (
        Claim("tv", "agency", 7.0), Claim("tv", "panel", 8.0), Claim("", "affiliates", 16.0),
    )  # fmt: skip
    assert findings == ()


def test_claims_outside_the_window_are_left_out_with_a_warning(read):
    # the last of 104 weeks begins on 2023-12-25: its Sunday still counts
    claims, (finding,) = read(
        "period,channel,claimed\n2022-01-02,tv,1\n2022-01-03,tv,2\n2023-12-31,tv,4\n"
        "2024-01-01,tv,8\n2024-01-02,search,16\n"
    )
    assert claims == (Claim("tv", "", 6.0), Claim("search", "", 0.0))
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("3 rows are dated outside")


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("channel\ntv\n", "column 'claimed'", "there is no such column"),
        ("channel,claimed,dat\ntv,1,2022-01-03\n", "column 'dat'", "Did you mean 'date'?"),
        ("channel,claimed\n", "claims.csv", "holds no rows"),
        ("channel,claimed\ntv,1\nserch,2\n", "row 3", "Did you mean 'search'? For what is no"),
        ("channel,claimed\ntv,\nsearch,x\n", "row 2", "not a number; so in row 3."),
        ("channel,claimed\ntv,-1\n", "row 2", "cannot be negative"),
        ("channel,claimed\ntv,1\ntv,1\n", "row 3", "claimed in row 2 already"),
        ("channel,source,claimed\n,,1\n", "row 2", "names no channel and no source"),
        ("channel,claimed,date\ntv,1,soon\n", "column 'date', row 2", "'soon' is not a date"),
        ("channel,claimed,date\ntv,1,1999-01-04\n", "claims.csv", "no claim lies within"),
        ("channel,claimed,geo\ntv,1,north\n", "column 'geo', row 2", "no geo 'north'"),
        ("channel,claimed,date,period\ntv,1,2022,2022\n", "'period'", "dated twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(read, text, where, says):
    with pytest.raises(InputError) as refused:
        read(text)
    (finding,) = refused.value.findings
    assert finding.severity is Severity.ERROR
    assert where in finding.where
    assert says in f"{finding.message} {finding.remedy}"
    assert finding.remedy


def test_every_problem_is_reported_at_once(read):
    with pytest.raises(InputError) as refused:
        read("channel,claimed\nradio,-1\ntv,\n")
    assert len(refused.value.findings) == 3


def test_a_missing_file_points_to_its_key(national, tmp_path):
    study, frame = national
    panel, _ = panel_from_frame(study, frame)
    with pytest.raises(InputError, match="Check 'claims' in the study file"):
        load_claims(study.model_copy(update={"claims": "none.csv"}), panel, tmp_path)
