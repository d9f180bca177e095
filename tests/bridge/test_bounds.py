"""Bounds of times count as the times do: files whose times count from other dates, with bounds."""

from __future__ import annotations

import warnings

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import zarrchive
from zarrchive import CombineError, ManifestArray, open_virtual_mfdataset
from zarrchive.bridge.repacking import repacked
from zarrchive.testing.strategies import stored

SINCE = "days since 2000-01-01"


def write(path, start: int, units: str = SINCE, **options) -> str:
    """Write three times from `start` on, counted in `units`, with bounds half a day around."""
    key, dtype = options.get("key", "bounds"), options.get("dtype", "f8")
    calendar = options.get("calendar", "standard")
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("nv", 2)
        time = file.createVariable("time", dtype, ("time",))
        time.units, time.calendar = units, calendar
        time.setncattr(key, "time_bnds")
        bounds = file.createVariable(
            "time_bnds", dtype, ("time", "nv"), chunksizes=(3, 2), zlib=True
        )
        if "own" in options:
            bounds.units = options["own"]
        days = start + np.arange(3)
        dates = netCDF4.num2date(days, SINCE, calendar)
        time[:] = netCDF4.date2num(dates, units, calendar)
        for side, shift in enumerate((-0.5, 0.5)):
            edges = netCDF4.num2date(days + shift, SINCE, calendar)
            bounds[:, side] = netCDF4.date2num(edges, units, calendar)
        values = file.createVariable("v", "f4", ("time",), chunksizes=(3,), zlib=True)
        values[:] = start + np.arange(3)
    return str(path)


def by_xarray(paths) -> xr.Dataset:
    opened = [xr.open_dataset(path, engine="netcdf4").load() for path in paths]
    return xr.concat(opened, "time", combine_attrs="override")


@pytest.mark.parametrize("units", ["days since 2000-01-04", "hours since 1999-01-01"])
@pytest.mark.parametrize("calendar", ["standard", "noleap"])
def test_bounds_are_counted_anew(tmp_path, units, calendar) -> None:
    paths = [
        write(tmp_path / "a.nc", 0, calendar=calendar),
        write(tmp_path / "b.nc", 3, units, calendar=calendar),
        write(tmp_path / "c.nc", 6, calendar=calendar),
    ]
    with pytest.raises(CombineError, match=f"attribute 'units' of 'time_bnds' is '{units}'"):
        open_virtual_mfdataset(paths)
    report = zarrchive.check(paths)
    (finding,) = (one for one in report.findings if one.problem.severity == "error")
    assert (finding.problem.code, finding.problem.variable) == ("combine-packing", "/time_bnds")
    assert f"units={units}" in finding.problem.what
    assert finding.remedies[0].label.startswith("Repair it, if no number changes; 48 B")
    whole = open_virtual_mfdataset(paths, on_problem="repair")
    assert isinstance(whole.time_bnds.data, ManifestArray)
    assert whole.time_bnds.data.manifest.nrefs == 2
    expected = by_xarray(paths)
    opened = whole.virtual.open().load()
    xr.testing.assert_equal(opened, expected)
    assert opened.time_bnds.dtype == expected.time_bnds.dtype
    (problem,) = (one for one in whole.virtual.problems if one.code == "combine-repaired")
    assert (problem.variable, problem.where) == ("time_bnds", paths[1])


def test_what_is_written_is_read_back(tmp_path) -> None:
    paths = [write(tmp_path / "a.nc", 0), write(tmp_path / "b.nc", 3, "days since 2000-01-02")]
    whole = open_virtual_mfdataset(paths, on_problem="repair")
    target = str(tmp_path / "both.json")
    whole.virtual.to_kerchunk(target)
    again = xr.open_dataset(
        "reference://",
        engine="zarr",
        consolidated=False,
        chunks=None,
        storage_options={"fo": target},
    )
    xr.testing.assert_equal(again.load(), by_xarray(paths))


def test_bounds_that_cannot_be_exact_stay_an_error(tmp_path) -> None:
    """Whole days from noon on are no whole days from midnight."""
    paths = [
        write(tmp_path / "a.nc", 0, "hours since 2000-01-01", dtype="i4"),
        write(tmp_path / "b.nc", 3, "hours since 1999-12-31T23:30:00", dtype="f8"),
    ]
    with netCDF4.Dataset(paths[1], "a") as file:
        file["time_bnds"][:] = file["time_bnds"][:] + 0.25
    with pytest.raises(CombineError, match="time_bnds"):
        open_virtual_mfdataset(paths, on_problem="repair")


def test_climatologies_count_as_the_times_do_too(tmp_path) -> None:
    paths = [
        write(tmp_path / "a.nc", 0, key="climatology"),
        write(tmp_path / "b.nc", 3, "days since 2000-01-02", key="climatology"),
    ]
    with pytest.raises(CombineError, match="attribute 'units' of 'time_bnds'"):
        open_virtual_mfdataset(paths)
    assert not zarrchive.check(paths).fits
    numbers = open_virtual_mfdataset(paths, on_problem="repair").virtual.open().time_bnds
    assert numbers.attrs.get("units", numbers.encoding.get("units")) == SINCE


def test_climatologies_that_are_loaded_are_no_exception(tmp_path) -> None:
    """xarray leaves them numbers."""
    paths = [
        write(tmp_path / "a.nc", 0, key="climatology"),
        write(tmp_path / "b.nc", 3, "days since 2000-01-02", key="climatology"),
    ]
    for options in ({}, {"on_problem": "repair"}):
        with pytest.raises(CombineError, match="time_bnds"):
            open_virtual_mfdataset(paths, loadable_variables=["time", "time_bnds"], **options)


def test_bounds_with_units_of_their_own_are_as_they_say(tmp_path) -> None:
    paths = [
        write(tmp_path / "a.nc", 0, own=SINCE),
        write(tmp_path / "b.nc", 0, "days since 2000-01-04", own="days since 2000-01-04"),
    ]
    with netCDF4.Dataset(paths[1], "a") as file:
        file["time"][:] = [0, 1, 2]
    whole = open_virtual_mfdataset(paths, on_problem="repair")
    xr.testing.assert_equal(whole.virtual.open().load(), by_xarray(paths))


UNITS = st.builds(
    "{} since {}".format,
    st.sampled_from(["days", "hours", "minutes", "seconds"]),
    st.sampled_from(["2000-01-01", "1999-12-30T06:00:00", "1850-01-01", "2000-01-01T00:00:30"]),
)


@given(
    st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=4),
    st.sampled_from([("i4", "i8"), ("f8", "f8"), ("i4", "i4"), ("f8", "i4"), ("f4", "f8")]),
    UNITS,
    UNITS,
    st.sampled_from(["standard", "noleap", "360_day"]),
)
def test_times_counted_from_another_date_are_the_same_times(
    numbers, dtypes, mine, theirs, calendar
) -> None:
    arrays = []
    for dtype, units in zip(dtypes, (mine, theirs), strict=True):
        values = np.array(numbers).astype(dtype)
        array = stored(values, (len(numbers),), states="i").array
        attributes = {"units": units, "calendar": calendar}
        arrays.append(array.replaced(_with(array.metadata, attributes), array.manifest))
    values = np.array(numbers).astype(dtypes[0])
    try:
        found = repacked(values, *arrays)
    except ValueError:
        return
    assert found.dtype == np.dtype(dtypes[1])
    decoded = [
        xr.conventions.decode_cf_variable("v", xr.Variable(("x",), one, dict(array.attributes)))
        for one, array in zip((values, found), arrays, strict=True)
    ]
    np.testing.assert_array_equal(decoded[0].values, decoded[1].values)


def test_most_times_can_be_counted_anew() -> None:
    values = np.array([0, 36, 72], "i4")
    array, model = (
        one.replaced(_with(one.metadata, {"units": units}), one.manifest)
        for one, units in (
            (stored(values, (3,), states="i").array, "hours since 2000-01-01"),
            (stored(values, (3,), states="i").array, "minutes since 1999-12-31"),
        )
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert repacked(values, array, model).tolist() == [1440, 3600, 5760]


def _with(metadata, attributes):
    from zarrchive.manifests._zarr import changed_metadata

    return changed_metadata(metadata, attributes=attributes)
