"""Rows of the results that no part of a study may be called as."""

from __future__ import annotations

from mmm.batch.page import TOTAL as BATCH_TOTAL
from mmm.config.names import RESERVED
from mmm.config.path import OUTCOME
from mmm.efficiency import confounding, roi
from mmm.report.inputs import TOTAL as REPORT_TOTAL
from mmm.results.contributions import contributions_table


def test_every_row_that_the_study_does_not_name_is_reserved(make) -> None:
    read = make.response(geos=3, baseline={"holidays": "GB"})
    study = read.fit.study
    named = {*(one.name for one in study.channels), *study.controls}
    components = set(contributions_table(read)["component"])
    assert components - named == set(RESERVED) - {roi.TOTAL, OUTCOME}


def test_sums_and_the_outcome_are_reserved() -> None:
    names = {roi.TOTAL, confounding.TOTAL, BATCH_TOTAL, REPORT_TOTAL, OUTCOME}
    assert names <= set(RESERVED)
