"""Many files as one, judged by `xarray.open_mfdataset`; and what is said where they do not fit."""

from __future__ import annotations

import pickle
import shutil
from concurrent.futures import Executor, Future
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from zarrchive import (
    CombineError,
    FormatError,
    LocationError,
    ManifestArray,
    open_virtual_dataset,
    open_virtual_mfdataset,
)


def combined_by_xarray(paths, **options):
    defaults = {
        "combine": "by_coords",
        "engine": "netcdf4",
        "data_vars": "minimal",
        "coords": "different",
        "compat": "no_conflicts",
        "join": "exact",
        "combine_attrs": "override",
    }
    with xr.open_mfdataset(paths, **{**defaults, **options}) as expected:
        return expected.load()


def codes(problems):
    return [problem.code for problem in problems]


def test_by_coords_equals_xarray_in_any_order(daily):
    paths = [daily("c", 4, n=3), daily("a", 0), daily("b", 2)]
    virtual = open_virtual_mfdataset(paths)
    assert isinstance(virtual.t.data, ManifestArray)
    assert virtual.virtual.nrefs == 14
    assert virtual.virtual.problems == ()
    xr.testing.assert_identical(virtual.virtual.open().load(), combined_by_xarray(paths))


def test_nested_equals_xarray(daily):
    paths = [daily("a", 0), daily("b", 2)]
    virtual = open_virtual_mfdataset(paths, combine="nested", concat_dim="time")
    expected = combined_by_xarray(paths, combine="nested", concat_dim="time")
    xr.testing.assert_identical(virtual.virtual.open().load(), expected)


def test_a_new_dimension(daily):
    paths = [daily("a", 0), daily("b", 0, run=8)]
    virtual = open_virtual_mfdataset(paths, combine="nested", concat_dim="member")
    expected = combined_by_xarray(paths, combine="nested", concat_dim="member", data_vars="all")
    xr.testing.assert_identical(virtual.virtual.open().load(), expected)
    assert codes(virtual.virtual.problems) == ["combine-varies"]


def test_two_dimensions(daily):
    south, north = (10.0, 20.0), (30.0, 40.0)
    grid = [
        [daily("a", 0, lat=south), daily("b", 0, lat=north)],
        [daily("c", 2, lat=south), daily("d", 2, lat=north)],
    ]
    flat = [path for row in grid for path in row]
    expected = combined_by_xarray(flat)
    xr.testing.assert_identical(open_virtual_mfdataset(flat).virtual.open().load(), expected)
    nested = open_virtual_mfdataset(grid, combine="nested", concat_dim=["time", "lat"])
    xr.testing.assert_identical(nested.virtual.open().load(), expected)


def test_a_pattern_a_folder_and_a_list_mean_the_same(daily, tmp_path):
    paths = [daily("a", 0), daily("b", 2)]
    expected = open_virtual_mfdataset(paths)
    for what in (str(tmp_path / "*.nc"), tmp_path, [Path(path) for path in paths]):
        xr.testing.assert_identical(
            open_virtual_mfdataset(what).virtual.open().load(), expected.virtual.open().load()
        )


def test_times_in_different_units_are_joined_as_times(daily):
    paths = [daily("a", 0), daily("b", 48, units="hours since 2000-01-01")]
    virtual = open_virtual_mfdataset(paths)
    expected = combined_by_xarray(paths)
    xr.testing.assert_identical(virtual.virtual.open().time, expected.time)
    assert str(virtual.time.values[-1]).startswith("2000-01-03T01")


def test_files_with_different_variables_are_merged(daily):
    paths = [daily("t", 0, variables=("t",)), daily("q", 0, variables=("q",))]
    virtual = open_virtual_mfdataset(paths)
    xr.testing.assert_identical(virtual.virtual.open().load(), combined_by_xarray(paths))


def test_small_values_that_differ_are_kept_along_the_joined_dimension(daily):
    paths = [daily("a", 0), daily("b", 2, run=8)]
    virtual = open_virtual_mfdataset(paths)
    xr.testing.assert_identical(virtual.virtual.open().load(), combined_by_xarray(paths))
    (problem,) = virtual.virtual.problems
    assert problem.code == "combine-varies"
    assert problem.variable == "run"
    assert "7 in" in problem.what
    assert "8 in" in problem.what


def test_what_the_caller_chooses_to_hide_is_reported(daily):
    paths = [daily("a", 0), daily("b", 2, run=8)]
    virtual = open_virtual_mfdataset(paths, coords="minimal", compat="override")
    assert virtual.run.shape == ()
    assert codes(virtual.virtual.problems) == ["combine-hidden"]


def test_references_that_were_not_compared_are_reported(daily):
    paths = [daily("a", 0), daily("b", 2)]
    for path in paths:
        with netCDF4.Dataset(path, "a") as file:
            file.createVariable("mask", "i1", ("lat",), zlib=True)[:] = [1, 0, 1]
    virtual = open_virtual_mfdataset(paths)
    assert codes(virtual.virtual.problems) == ["combine-not-compared"]
    compared = open_virtual_mfdataset(paths, loadable_variables=["time", "lat", "mask"])
    assert compared.virtual.problems == ()


def sent(value):
    return pickle.loads(pickle.dumps(value))


class PicklingExecutor(Executor):
    """Everything is sent as if to another process."""

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        call = sent((function, args, kwargs))
        future.set_result(sent(call[0](*call[1], **call[2])))
        return future


def test_executors_give_the_same(daily, tmp_path):
    paths = [daily("a", 0), daily("b", 2)]
    expected = open_virtual_mfdataset(paths).virtual.open().load()
    for executor in ("threads", PicklingExecutor()):
        virtual = open_virtual_mfdataset(paths, executor=executor)
        xr.testing.assert_identical(virtual.virtual.open().load(), expected)
    (tmp_path / "c.nc").write_bytes(b"nothing")
    with pytest.raises(FormatError):
        open_virtual_mfdataset(tmp_path, executor=PicklingExecutor())


def test_processes(daily):
    path = daily("a", 0)
    virtual = open_virtual_mfdataset(path, executor="processes", loadable_variables=iter(["lat"]))
    assert isinstance(virtual.time.data, ManifestArray)
    xr.testing.assert_identical(
        virtual.virtual.open().load(), open_virtual_dataset(path).virtual.open().load()
    )


def test_bounds_of_times_in_other_units_are_not_mixed(daily):
    paths = [daily("a", 0), daily("b", 48, units="hours since 2000-01-01")]
    for path in paths:
        with netCDF4.Dataset(path, "a") as file:
            file.createDimension("nv", 2)
            file["time"].bounds = "time_bnds"
            file.createVariable("time_bnds", "f8", ("time", "nv"), chunksizes=(1, 2))[:] = 0.5
    with pytest.raises(CombineError, match="'time_bnds'"):
        open_virtual_mfdataset(paths)
    loadable = ["time", "lat", "time_bnds"]
    virtual = open_virtual_mfdataset(paths, loadable_variables=loadable)
    xr.testing.assert_identical(virtual.virtual.open().load(), combined_by_xarray(paths))


def test_undecoded_times_in_different_units_are_not_mixed(daily):
    paths = [daily("a", 0), daily("b", 48, units="hours since 2000-01-01")]
    for options in ({}, {"combine": "nested", "concat_dim": "time"}):
        with pytest.raises(CombineError, match="hours since") as caught:
            open_virtual_mfdataset(paths, decode_times=False, **options)
        assert caught.value.problem.code == "combine-attributes"


def test_preprocess_sees_the_file_and_its_failure_names_it(daily):
    paths = [daily("a", 0), daily("b", 2)]
    seen = []

    def note(dataset):
        seen.append(dataset.encoding["source"])
        return dataset[["t"]]

    assert set(open_virtual_mfdataset(paths, preprocess=note).data_vars) == {"t"}
    assert seen == paths
    with pytest.raises(ZeroDivisionError) as caught:
        open_virtual_mfdataset(paths, preprocess=lambda _: 1 / 0)
    assert paths[0] in caught.value.__notes__[0]


def test_files_that_cannot_be_read_are_raised_or_skipped(daily, tmp_path):
    paths = [daily("a", 0), str(tmp_path / "b.nc"), daily("c", 2), str(tmp_path / "gone.nc")]
    Path(paths[1]).write_text("<html>not found</html>")
    with pytest.raises(LocationError, match=r"gone\.nc"):
        open_virtual_mfdataset([*paths[:1], paths[3]])
    with pytest.raises(FormatError, match=r"b\.nc"):
        open_virtual_mfdataset(paths[:3])
    virtual = open_virtual_mfdataset(paths[:3], on_problem="skip")
    assert virtual.sizes["time"] == 4
    assert [p.where for p in virtual.virtual.problems if p.severity == "error"] == [paths[1]]
    with pytest.raises(CombineError, match=r"b\.nc"):
        open_virtual_mfdataset(paths[1:2], on_problem="skip")


@pytest.mark.parametrize("how", ["by_coords", "nested"])
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param({"scale": 0.25}, "concat-attributes", ["0.5", "0.25"], id="scale"),
        pytest.param(
            {"lat": (30.0, 20.0, 10.0)}, "combine-coordinate", ["10.0", "30.0"], id="order"
        ),
        pytest.param(
            {"lat": (1.0, 2.0)}, "combine-coordinate", ["3 values", "2 values"], id="size"
        ),
        pytest.param(
            {"calendar": "noleap"}, "combine-kind", ["datetime64", "object"], id="calendar"
        ),
        pytest.param(
            {"variables": ("t",)}, "combine-missing-variable", ["'q'", "2 of 3"], id="missing"
        ),
    ],
)
def test_the_odd_file_out_is_named(daily, how, change, code, words):
    paths = [daily("a", 0), daily("b", 2), daily("odd", 4, **change)]
    options = {"combine": how, **({"concat_dim": "time"} if how == "nested" else {})}
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdataset(paths, **options)
    problem = next(p for p in caught.value.problems if p.code == code)
    assert paths[2] in f"{problem.where} {problem.what}"
    assert problem.variable
    for word in words:
        assert word in problem.what


def test_repeated_and_overlapping_times(daily, tmp_path):
    first = daily("a", 0)
    second = shutil.copy(first, tmp_path / "b.nc")
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdataset([first, second])
    assert codes(caught.value.problems) == ["combine-no-order"]
    touching = daily("c", 1)
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdataset([first, touching])
    assert caught.value.problem.code in {"combine-repeated", "combine-overlap"}
    assert caught.value.problem.variable == "time"
    for paths in ([first, second], [first, touching]):
        both = open_virtual_mfdataset(paths, combine="nested", concat_dim="time")
        assert codes(both.virtual.problems) == ["combine-repeated"]
    backwards = [daily("e", 8), first]
    unordered = open_virtual_mfdataset(backwards, combine="nested", concat_dim="time")
    assert codes(unordered.virtual.problems) == ["combine-unordered"]
    overlapping = [daily("f", 0, n=5), daily("g", 2, n=6)]
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdataset(overlapping)
    assert "time" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"combine": "magic"},
        {"on_problem": "ignore"},
        {"executor": "fast"},
        {"concat_dim": "time"},
    ],
    ids=str,
)
def test_wrong_arguments(daily, options):
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdataset([daily("a", 0)], **options)
    assert caught.value.problem.code == "combine-argument"


def test_one_file_is_that_file(daily):
    path = daily("a", 0)
    xr.testing.assert_identical(
        open_virtual_mfdataset(path).virtual.open().load(),
        open_virtual_dataset(path).virtual.open().load(),
    )


def test_export_of_the_combined_reads_back(daily, tmp_path):
    paths = [daily("a", 0), daily("b", 2)]
    target = tmp_path / "out.json"
    open_virtual_mfdataset(paths).virtual.to_kerchunk(target)
    with xr.open_dataset(
        "reference://", engine="zarr", consolidated=False, storage_options={"fo": str(target)}
    ) as back:
        xr.testing.assert_equal(back.load(), combined_by_xarray(paths))
        np.testing.assert_array_equal(back.time, combined_by_xarray(paths).time)
