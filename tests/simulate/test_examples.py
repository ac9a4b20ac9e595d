"""The examples that come with the library."""

import pandas as pd
import pytest

from mmm.config import Role
from mmm.config.load import load_study
from mmm.errors import InputError
from mmm.examples import (
    PALDA_LONG_RUN,
    PALDA_RETENTION,
    PALDA_SHORT_RUN,
    example_names,
    pinkham_study,
    write_example,
)


def test_pinkham_is_the_published_series():
    study, frame = pinkham_study()
    assert list(frame.columns) == ["year", "advertising", "sales"]
    assert len(frame) == 54
    assert frame["year"].dt.year.tolist() == list(range(1907, 1961))
    assert frame[["advertising", "sales"]].sum().tolist() == [50464, 98792]
    by_year = frame.set_index(frame["year"].dt.year)[["advertising", "sales"]]
    assert by_year.loc[[1907, 1925, 1936, 1960]].to_numpy().tolist() == [
        [608, 1016],
        [1800, 3438],
        [339, 1103],
        [564, 1289],
    ]
    # a sum weighted by position, so that two figures cannot have changed places
    position = frame.index.to_numpy() + 1
    assert int((frame["advertising"] * position).sum()) == 1_405_721
    assert int((frame["sales"] * position).sum()) == 2_787_945
    assert study.data.date == "year" and study.data.frequency == "YS"
    assert study.channels[0].role is Role.BOTH
    assert study.currency == "USD"


def test_palda_estimates_agree_with_each_other():
    # a geometric carry-over earns short run / (1 - retention); published to two digits
    assert pytest.approx(PALDA_LONG_RUN, abs=0.03) == PALDA_SHORT_RUN / (1 - PALDA_RETENTION)


@pytest.mark.parametrize("name", example_names())
def test_an_example_is_a_study_directory(name, tmp_path):
    folder = write_example(name, tmp_path / name)
    study = load_study(folder / "study.yaml")
    frame = pd.read_csv(folder / study.data.file, parse_dates=[study.data.date])
    columns = {study.outcome.column, *study.controls, *(c.media_column for c in study.channels)}
    assert columns <= set(frame.columns)
    dates = pd.DatetimeIndex(frame[study.data.date])
    expected = pd.date_range(dates[0], periods=len(dates), freq=study.data.frequency)
    assert dates.equals(expected)
    assert study.study == name


def test_the_pinkham_file_carries_its_citation(tmp_path):
    file = write_example("pinkham", tmp_path / "p") / "study.yaml"
    text = file.read_text()
    assert text.startswith("# Lydia E. Pinkham") and "Palda, K. S. (1964)" in text
    assert load_study(file) == pinkham_study()[0]


def test_an_unknown_example_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match="did you mean 'pinkham'"):
        write_example("pinkam", tmp_path / "p")
    assert not (tmp_path / "p").exists()
