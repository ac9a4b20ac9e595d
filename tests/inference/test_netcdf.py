"""The netCDF file of a fit beside the one xarray writes."""

from __future__ import annotations

import time

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mmm.inference.netcdf import write_netcdf


@pytest.fixture
def groups():
    rng = np.random.default_rng(1)
    posterior = xr.Dataset(
        {
            "zeta": (("chain", "draw", "zeta_dim"), rng.normal(size=(2, 5, 2))),
            "alpha": (("chain", "draw", "alpha_dim"), rng.normal(size=(2, 5, 1))),
        },
        coords={
            "zeta_dim": np.array(["tv", "Suche: Grün"], dtype=object),
            "alpha_dim": np.array(["x"], dtype=object),
        },
    )
    statistics = xr.Dataset(
        {
            "diverging": (("chain", "draw"), rng.random((2, 5)) < 0.5),
            "n_steps": (("chain", "draw"), rng.integers(1, 9, (2, 5)).astype(np.uint64)),
        },
        coords={"chain": np.arange(2), "draw": np.arange(5)},
    )
    panel = xr.Dataset(
        {"outcome": (("date", "geo"), np.array([[1.0], [np.nan], [3.0]]))},
        coords={
            "date": pd.date_range("2024-01-01", periods=3, freq="W-MON"),
            "geo": np.array(["national"], dtype=object),
        },
    )
    return {"posterior": posterior, "sample_stats": statistics, "paths/x/panel": panel}


def test_what_is_read_is_what_xarray_writes(groups, tmp_path):
    attrs = {"format": "one", "study": '{"name": "Zoë"}'}
    write_netcdf(tmp_path / "ours.nc", attrs, groups)
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs), **groups})
    tree.to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
    with (
        xr.open_datatree(tmp_path / "ours.nc", engine="h5netcdf") as ours,
        xr.open_datatree(tmp_path / "theirs.nc", engine="h5netcdf") as theirs,
    ):
        xr.testing.assert_identical(ours, theirs)
        for name, written in groups.items():
            found, other = ours[name].to_dataset(), theirs[name].to_dataset()
            assert list(found.data_vars) == list(written.data_vars) == list(other.data_vars)
            for variable in (*written.data_vars, *written.coords):
                assert found[variable].dtype == other[variable].dtype
                np.testing.assert_array_equal(found[variable].values, written[variable].values)


def test_another_group_can_be_added(groups, tmp_path):
    path = tmp_path / "fit.nc"
    write_netcdf(path, {}, groups)
    more = xr.Dataset({"x": ("date", [1.0])}, coords={"date": pd.to_datetime(["2024-02-05"])})
    more.to_netcdf(path, mode="a", group="record", engine="h5netcdf")
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        xr.testing.assert_identical(tree["record"].to_dataset(), more)
        assert set(tree.children) == {"posterior", "sample_stats", "paths", "record"}


def test_dimensions_are_scales_of_the_variables(groups, tmp_path):
    write_netcdf(tmp_path / "fit.nc", {}, groups)
    with h5py.File(tmp_path / "fit.nc") as file:
        group = file["posterior"]
        assert [dim[0].name for dim in group["zeta"].dims] == [
            "/posterior/chain",
            "/posterior/draw",
            "/posterior/zeta_dim",
        ]


def test_the_same_content_is_the_same_bytes_at_another_time(tmp_path):
    content = {"posterior": xr.Dataset({"share": ("draw", np.arange(3.0))})}
    write_netcdf(tmp_path / "now.nc", {}, content)
    time.sleep(1.1)  # HDF5 dates objects by the second
    write_netcdf(tmp_path / "later.nc", {}, content)
    assert (tmp_path / "now.nc").read_bytes() == (tmp_path / "later.nc").read_bytes()
