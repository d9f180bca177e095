"""`xr.open_dataset(..., engine="zarrchive")`, judged by xarray's own engines."""

from __future__ import annotations

import io

import netCDF4
import pytest
import xarray as xr

from zarrchive import FormatError
from zarrchive.bridge.engine import ZarrchiveBackendEntrypoint


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decode_times": False},
        {"mask_and_scale": False},
        {"decode_cf": False},
        {"drop_variables": ["t", "time"]},
        {"chunks": {}},
    ],
    ids=str,
)
def test_equals_the_netcdf4_engine(rich_file, options):
    with (
        xr.open_dataset(rich_file, engine="zarrchive", **options) as opened,
        xr.open_dataset(rich_file, engine="netcdf4", **options) as expected,
    ):
        xr.testing.assert_identical(opened.load(), expected.load())
        for name in set(expected.variables) - {"label"}:  # of strings there are many kinds
            assert opened[name].dtype == expected[name].dtype, name


def test_trees_and_groups(tmp_path):
    path = str(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 2)
        file.createVariable("x", "f8", ("x",))[:] = [1, 2]
        file.createGroup("a").createGroup("b").createVariable("v", "f4", ("x",))[:] = 1
    for options in ({}, {"group": "a"}):
        with (
            xr.open_datatree(path, engine="zarrchive", **options) as opened,
            xr.open_datatree(path, engine="netcdf4", **options) as expected,
        ):
            xr.testing.assert_identical(opened, expected)
    with xr.open_dataset(path, engine="zarrchive", group="a/b") as opened:
        assert opened.v.values.tolist() == [1, 1]
    assert set(xr.open_groups(path, engine="zarrchive")) == {"/", "/a", "/a/b"}


def test_takes_no_file_away_from_others(rich_file):
    assert not ZarrchiveBackendEntrypoint().guess_can_open(rich_file)
    assert "zarrchive" in xr.backends.list_engines()


def test_what_cannot_be_opened_is_a_clear_error(tmp_path):
    with pytest.raises(FormatError) as caught:
        xr.open_dataset(io.BytesIO(b"CDF"), engine="zarrchive")
    assert caught.value.problem.code == "engine-needs-location"
    path = tmp_path / "refs.json"
    path.write_text('{"version": 1, "refs": {".zgroup": "{}"}}')
    with pytest.raises(FormatError) as caught:
        xr.open_dataset(path, engine="zarrchive")
    assert caught.value.problem.where == str(path)
    assert caught.value.problem.hint
