"""Virtual datasets, judged by xarray's own netCDF engines on the same files."""

from __future__ import annotations

import pickle

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

from zarrchive import ManifestArray, ManifestError, open_virtual_dataset
from zarrchive.bridge import from_dataset, to_dataset
from zarrchive.manifests.values import values_of
from zarrchive.readers import read_group


def raw_values(path, name):
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        return np.asarray(file[name][...])


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
@pytest.mark.parametrize("decode_times", [True, False])
def test_opens_to_what_xarray_reads_itself(rich_file, engine, decode_times):
    virtual = open_virtual_dataset(rich_file, decode_times=decode_times)
    with xr.open_dataset(rich_file, engine=engine, decode_times=decode_times) as expected:
        opened = virtual.virtual.open()
        xr.testing.assert_identical(opened.load(), expected.load())
        assert set(opened.xindexes) == set(expected.xindexes)
        for name in set(expected.variables) - {"label"}:  # of strings there are many kinds
            assert opened[name].dtype == expected[name].dtype, name


def test_loading_everything_equals_xarray(rich_file):
    loaded = open_virtual_dataset(rich_file, loadable_variables="all")
    with xr.open_dataset(rich_file, engine="netcdf4") as expected:
        xr.testing.assert_identical(loaded, expected.load())
        for name, variable in expected.variables.items():
            assert loaded[name].dtype == variable.dtype, name


def test_coordinates_and_attributes_without_loading(rich_file):
    virtual = open_virtual_dataset(rich_file)
    with xr.open_dataset(rich_file, engine="netcdf4") as expected:
        assert set(virtual.coords) == set(expected.coords)
        # Characters are joined to strings when they are decoded.
        assert dict(virtual.sizes) == {**expected.sizes, "letters": 3}
        assert virtual.attrs.keys() == expected.attrs.keys()
    assert {n for n, v in virtual.variables.items() if not isinstance(v.data, ManifestArray)} == {
        "time",
        "y",
        "label",
    }
    assert virtual.t.dtype == np.int16
    assert virtual.t.attrs["scale_factor"] == 0.5
    assert virtual.encoding["source"] == rich_file


def test_raw_values_come_back_exactly(rich_file):
    group = from_dataset(open_virtual_dataset(rich_file, loadable_variables="all"))
    for name, array in group.arrays.items():
        # Characters become strings, which is how xarray shows them.
        if name not in {"label", "name"}:
            np.testing.assert_array_equal(values_of(array), raw_values(rich_file, name), name)
    assert group.arrays["y"].attributes["scale_factor"] == 0.1
    assert group.arrays["time"].attributes["units"] == "hours since 2001-02-03"
    assert group.arrays["t"].attributes["coordinates"] == "lon height"


def test_changed_values_and_attributes_are_taken_from_the_dataset(rich_file):
    virtual = open_virtual_dataset(rich_file).isel(time=slice(1, None))
    virtual = virtual.assign_coords(
        time=virtual.time + np.timedelta64(1, "s"), note=("x", ["a", "", "c", "d", "é"])
    ).rename(t="temperature")
    virtual.temperature.attrs["units"] = "degC"
    opened = virtual.virtual.open()
    with xr.open_dataset(rich_file, engine="netcdf4") as expected:
        np.testing.assert_array_equal(opened.temperature, expected.t[1:])
        np.testing.assert_array_equal(opened.time, expected.time[1:] + np.timedelta64(1, "s"))
    assert opened.note.values.tolist() == ["a", "", "c", "d", "é"]
    assert opened.temperature.attrs["units"] == "degC"


def test_how_stored_numbers_decode_cannot_be_edited(rich_file):
    virtual = open_virtual_dataset(rich_file)
    virtual.t.attrs["scale_factor"] = 2.0
    del virtual.f.attrs["_FillValue"]
    group = from_dataset(virtual)
    assert group.arrays["t"].attributes["scale_factor"] == 0.5
    assert group.arrays["f"].attributes["_FillValue"] == -1.0
    assert [p.code for p in group.problems] == ["decoding-attribute-changed"]


def test_an_encoding_that_would_change_values_is_not_used(rich_file):
    virtual = open_virtual_dataset(rich_file)
    finer = virtual.time.variable.copy(data=virtual.time.values + np.timedelta64(1, "ns"))
    finer.encoding["dtype"] = np.dtype("i4")
    again = to_dataset(from_dataset(xr.Dataset({"when": finer})), loadable_variables=["when"])
    np.testing.assert_array_equal(again.when, finer)


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, dict.fromkeys])
def test_loadable_variables_of_any_kind(rich_file, kind):
    loaded = open_virtual_dataset(rich_file, loadable_variables=kind(["f", "/t"]))
    virtual = {n for n, v in loaded.variables.items() if isinstance(v.data, ManifestArray)}
    assert virtual == set(loaded.variables) - {"f", "t"}
    assert not loaded.xindexes


def test_an_unknown_variable_is_refused_with_those_that_there_are(rich_file):
    with pytest.raises(ManifestError, match=r"'tt'.*'time'.*'lon'") as caught:
        open_virtual_dataset(rich_file, loadable_variables=["tt"])
    assert caught.value.problem.code == "variable-unknown"
    assert caught.value.problem.where == rich_file
    with pytest.raises(ManifestError) as caught:
        open_virtual_dataset(rich_file, loadable_variables=7)
    assert caught.value.problem.code == "selection-type"


def test_dropped_variables_are_gone(rich_file):
    virtual = open_virtual_dataset(rich_file, drop_variables=["time_bnds", "/lon"])
    with xr.open_dataset(rich_file, engine="netcdf4") as expected:
        assert set(virtual.variables) == set(expected.variables) - {"time_bnds", "lon"}


def test_pickles_with_its_problems(rich_file):
    virtual = open_virtual_dataset(rich_file)
    copy = pickle.loads(pickle.dumps(virtual))
    assert copy.virtual.problems == virtual.virtual.problems
    xr.testing.assert_identical(copy.virtual.open().load(), virtual.virtual.open().load())


def test_a_variable_that_xarray_cannot_decode_costs_nothing_else(tmp_path):
    path = str(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "w") as file:
        for name in ("time", "other"):
            file.createDimension(name, 2)
            v = file.createVariable(name, "i4", (name,))
            v[:] = [1, 2]
        file["time"].units = "days since the flood"
        file["other"].units = "days since 2000-01-01"
    virtual = open_virtual_dataset(path)
    assert virtual.time.values.tolist() == [1, 2]
    assert virtual.time.attrs["units"] == "days since the flood"
    assert virtual.other.dtype.kind == "M"
    (problem,) = virtual.virtual.problems
    assert (problem.code, problem.variable, problem.where) == ("decode-failed", "/time", path)


def test_a_repeated_dimension_gets_two_names(tmp_path):
    path = str(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 3)
        file.createVariable("x", "i4", ("x",))[:] = [1, 2, 3]
        file.createVariable("covariance", "f8", ("x", "x"))[:] = np.arange(9).reshape(3, 3)
    virtual = open_virtual_dataset(path)
    assert virtual.covariance.dims == ("x", "x_2")
    assert [p.code for p in virtual.virtual.problems] == ["dimension-repeated"]
    np.testing.assert_array_equal(virtual.virtual.open().covariance, np.arange(9).reshape(3, 3))


def test_a_file_without_a_usable_variable_opens(tmp_path):
    path = str(tmp_path / "a.h5")
    with h5py.File(path, "w") as file:
        file.attrs["title"] = "x"
        file.create_dataset("refs", (2,), dtype=h5py.ref_dtype)
    virtual = open_virtual_dataset(path, loadable_variables=["refs"])
    assert not virtual.variables
    assert virtual.attrs["title"] == "x"
    assert [p.variable for p in virtual.virtual.problems] == ["/refs"]


def test_groups_by_path(tmp_path):
    path = str(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 2)
        inner = file.createGroup("a").createGroup("b")
        inner.createVariable("x", "i4", ("x",))[:] = [3, 4]
        inner.createVariable("v", "f4", ("x",))[:] = 1
    for group in ("a/b", "/a/b"):
        virtual = open_virtual_dataset(path, group=group, loadable_variables=["/a/b/v", "x"])
        with xr.open_dataset(path, group="a/b", engine="netcdf4") as expected:
            xr.testing.assert_identical(virtual, expected.load())


def test_large_values_in_memory_are_worth_a_warning(rich_file):
    virtual = open_virtual_dataset(rich_file).assign(big=("n", np.zeros(2_200_000)))
    assert "values-large" in [p.code for p in from_dataset(virtual).problems]


@pytest.mark.parametrize(
    "values",
    [
        np.array([True, False]),
        np.array([1, 2], ">i4"),
        np.array([b"a", b"bc"]),
        np.array([1 + 2j, 0]),
        np.array(["2000-01-01", "NaT"], "datetime64[ns]"),
        np.array([1, 10**15], "timedelta64[ns]"),
        np.array(["x", ""], object),
        np.array([], "f4"),
        np.array([0.0, np.nan]),
    ],
    ids=lambda values: str(values.dtype),
)
def test_values_in_memory_come_back(values):
    dataset = xr.Dataset({"v": ("n", values)})
    opened = dataset.virtual.open(decode_timedelta=True)
    np.testing.assert_array_equal(opened.v.values, values)
    assert values.dtype.kind in {opened.v.dtype.kind, "O"}


def test_objects_are_refused_by_name():
    with pytest.raises(ManifestError, match="odd") as caught:
        from_dataset(xr.Dataset({"odd": ("n", np.array([{}, None], object))}))
    assert caught.value.problem.variable == "odd"


def test_values_of_dask_and_of_lazy_datasets_are_loaded(rich_file):
    with xr.open_dataset(rich_file, engine="netcdf4", chunks={}) as lazy:
        opened = lazy.virtual.open()
        xr.testing.assert_equal(opened.load(), lazy.load())


def test_reading_the_group_twice_is_reading_it_once(rich_file):
    group = read_group(rich_file, inline=None)
    xr.testing.assert_identical(
        to_dataset(group).virtual.open().load(), to_dataset(group).virtual.open().load()
    )
