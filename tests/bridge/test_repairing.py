"""Files that do not fit are made to fit where nothing changes by it, judged by xarray."""

from __future__ import annotations

import subprocess
import sys

import netCDF4
import numpy as np
import pytest
import xarray as xr

import zarrchive
from zarrchive import CombineError, ManifestArray, WriteError, open_virtual_mfdataset
from zarrchive.manifests._zarr import HAS_RECTILINEAR

needs_rectilinear = pytest.mark.skipif(
    not HAS_RECTILINEAR, reason="needs zarr 3.2, which the newer Python of the same run has"
)

LATITUDES = (10.0, 20.0, 30.0)


@pytest.fixture
def member(tmp_path):
    """Make one file of a series whose members differ in how they are stored."""

    def make(name, start, *, n=2, lat=LATITUDES, dtype="i2", attributes=None, more=(), **storage):
        path = tmp_path / f"{name}.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("time", None)
            file.createDimension("lat", len(lat))
            time = file.createVariable("time", "i4", ("time",))
            time.units = "days since 2000-01-01"
            time[:] = start + np.arange(n)
            file.createVariable("lat", "f8", ("lat",))[:] = lat
            for one in ("t", *more):
                fill = -99 if np.dtype(dtype).kind == "i" else None
                options = {"chunksizes": (1, len(lat)), "fill_value": fill, **storage}
                variable = file.createVariable(one, dtype, ("time", "lat"), **options)
                variable.setncatts(attributes or {})
                variable.set_auto_maskandscale(False)
                values = start * 10 + np.arange(n * len(lat)).reshape(n, len(lat))
                if lat[0] > lat[-1]:
                    values = values[:, ::-1]
                variable[:] = values
        return str(path)

    return make


def files_themselves(paths, **options):
    """Decoded file by file, then joined: what everybody expects to read."""
    opened = [xr.open_dataset(path, engine="netcdf4").load() for path in paths]
    return xr.concat(opened, "time", data_vars="minimal", combine_attrs="override", **options)


def repaired(paths, **options):
    virtual = open_virtual_mfdataset(paths, on_problem="repair", **options)
    return virtual, list(virtual.virtual.problems)


def only(problems):
    (problem,) = problems
    assert (problem.code, problem.severity) == ("combine-repaired", "warning")
    return problem


@pytest.mark.parametrize(
    "odd",
    [
        {"compression": "zstd"},
        {"zlib": True, "fletcher32": True},
        {"chunksizes": (2, 3), "zlib": True},
        {"chunksizes": (1, 2)},
        {"contiguous": True, "n": 2},
        {"dtype": "i1", "zlib": True},
        {"dtype": ">i2", "endian": "big", "zlib": True},
    ],
    ids=lambda odd: "-".join(map(str, odd)),
)
def test_values_that_are_stored_otherwise_are_copied(member, odd):
    odd = dict(odd)
    if odd.pop("contiguous", False):
        odd["chunksizes"] = (2, 3)
    paths = [member("a", 0, zlib=True), member("b", 2, **odd), member("c", 4, zlib=True)]
    with pytest.raises(CombineError):
        open_virtual_mfdataset(paths)
    virtual, problems = repaired(paths)
    problem = only(problems)
    assert problem.where == paths[1]
    assert problem.variable == "t"
    assert "1 of 3 files" in problem.what
    assert isinstance(virtual.t.data, ManifestArray)
    assert virtual.t.data.manifest.nrefs == 4
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves(paths))


def test_a_scale_factor_that_changed_is_repacked_where_that_is_exact(member):
    first = {"scale_factor": 0.5, "add_offset": 10.0}
    paths = [
        member("a", 0, attributes=first),
        member("b", 2, attributes={"scale_factor": 1.5, "add_offset": 4.0}),
        member("c", 4, attributes=first),
    ]
    with pytest.raises(CombineError, match="scale_factor"):
        open_virtual_mfdataset(paths)
    virtual, problems = repaired(paths)
    assert "scale_factor" in only(problems).what
    assert virtual.t.attrs["scale_factor"] == 0.5
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves(paths))


def test_a_scale_factor_that_would_change_values_is_decoded_in_all_files(member, tmp_path):
    attributes = [{"scale_factor": 0.5}, {"scale_factor": 0.3}, {"scale_factor": 0.5}]
    paths = [
        member(name, 2 * i, attributes={"units": "K", **attributes[i]})
        for i, name in enumerate("abc")
    ]
    with netCDF4.Dataset(paths[1], "a") as file:
        file["t"].set_auto_maskandscale(False)
        file["t"][0, 1] = -99
    virtual, problems = repaired(paths)
    problem = only(problems)
    assert "scale_factor" in problem.what
    assert "its decoded values in all files, 144 bytes, are in the dataset" in problem.what
    expected = files_themselves(paths)
    assert virtual.t.dtype == expected.t.dtype
    assert virtual.t.attrs == {"units": "K"}
    assert np.isnan(virtual.t[2, 1])
    xr.testing.assert_equal(virtual.virtual.open().load(), expected)
    with pytest.raises(CombineError, match="scale_factor"):
        open_virtual_mfdataset(paths, on_problem="repair", repair_limit=143)
    virtual.virtual.to_kerchunk(str(tmp_path / "all.json"))
    options = {"storage_options": {"fo": str(tmp_path / "all.json")}, "chunks": None}
    again = xr.open_dataset("reference://", engine="zarr", consolidated=False, **options)
    xr.testing.assert_equal(again.load(), expected)


def test_files_that_end_within_chunks_are_repacked_by_the_scale_that_is_said(member):
    """The first that was given is not the first in time."""
    storage = {"chunksizes": (4, 3), "zlib": True}
    later = member("b", 5, n=5, attributes={"scale_factor": 0.5}, **storage)
    earlier = member("a", 0, n=5, attributes={"scale_factor": 1.0}, **storage)
    virtual, problems = repaired([later, earlier])
    assert "in chunks of (1, 3)" in only(problems).what
    assert virtual.t.attrs["scale_factor"] == virtual.t.data.attributes["scale_factor"] == 0.5
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves([earlier, later]))


def test_other_units_are_an_error(member):
    paths = [
        member("a", 0, attributes={"units": "K"}),
        member("b", 2, attributes={"units": "degC"}),
    ]
    with pytest.raises(CombineError, match="units"):
        open_virtual_mfdataset(paths, on_problem="repair")


def test_another_fill_value_is_repacked(member):
    paths = [member("a", 0), member("b", 2, fill_value=-7), member("c", 4)]
    with netCDF4.Dataset(paths[1], "a") as file:
        file["t"].set_auto_maskandscale(False)
        file["t"][0, 1] = -7
    virtual, problems = repaired(paths)
    assert "_FillValue" in only(problems).what
    lazy = virtual.virtual.open().load()
    xr.testing.assert_equal(lazy, files_themselves(paths))
    assert np.isnan(lazy.t[2, 1])


def test_float32_among_float64_is_widened_and_the_reverse_is_loaded(member):
    paths = [member("a", 0, dtype="f8"), member("b", 2, dtype="f4"), member("c", 4, dtype="f8")]
    virtual, _ = repaired(paths)
    assert isinstance(virtual.t.data, ManifestArray)
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves(paths))
    paths = [member("d", 6, dtype="f4"), member("e", 8, dtype="f8"), member("f", 10, dtype="f4")]
    virtual, problems = repaired(paths)
    assert "the data type is" in only(problems).what
    assert virtual.t.dtype == "f8"
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves(paths))


def test_a_variable_that_is_missing_once_reads_as_missing(member):
    paths = [member("a", 0, more=("q",)), member("b", 2), member("c", 4, more=("q",))]
    for options in ({}, {"combine": "nested", "concat_dim": "time"}):
        virtual, problems = repaired(paths, **options)
        problem = only(problems)
        assert (problem.where, problem.variable) == (paths[1], "q")
        assert "-99" in problem.what
        lazy = virtual.virtual.open().load()
        expected = files_themselves([paths[0], paths[2]])
        xr.testing.assert_equal(lazy.q.dropna("time"), expected.q)
        assert np.isnan(lazy.q[2:4]).all()
        xr.testing.assert_equal(lazy.t, files_themselves(paths, join="outer").t)


def test_a_variable_of_integers_without_a_missing_value_is_never_made_up(member):
    with_q = {"more": ("q",), "fill_value": False}
    paths = [member("a", 0, **with_q), member("b", 2, fill_value=False), member("c", 4, **with_q)]
    with pytest.raises(CombineError, match="'q' is missing in"):
        open_virtual_mfdataset(paths, on_problem="repair", combine="nested", concat_dim="time")


def test_latitudes_that_differ_by_rounding_become_those_of_most(member):
    rounded = tuple(float(np.float32(one)) for one in (10.1, 20.1, 30.1))
    lat = (10.1, 20.1, 30.1)
    paths = [member("a", 0, lat=lat), member("b", 2, lat=rounded), member("c", 4, lat=lat)]
    virtual, problems = repaired(paths)
    problem = only(problems)
    assert (problem.where, problem.variable) == (paths[1], "lat")
    assert "differs by at most 3.8e-07" in problem.what
    lazy = virtual.virtual.open().load()
    np.testing.assert_array_equal(lazy.lat, lat)
    expected = files_themselves(paths, join="override")
    np.testing.assert_array_equal(lazy.t, expected.t)


def test_latitudes_of_another_grid_are_an_error(member):
    paths = [member("a", 0), member("b", 2, lat=(10.0, 20.5, 30.0)), member("c", 4)]
    with pytest.raises(CombineError):
        open_virtual_mfdataset(paths, on_problem="repair", combine="nested", concat_dim="time")


def test_too_much_to_copy_is_an_error(member):
    odd = member("b", 2, compression="zstd")
    paths = [member("a", 0, zlib=True), odd, member("c", 4, zlib=True)]
    with pytest.raises(CombineError, match="codecs"):
        open_virtual_mfdataset(paths, on_problem="repair", repair_limit=11)
    virtual, problems = repaired(paths, repair_limit=12)
    assert "12 bytes" in only(problems).what
    assert virtual.t.data.manifest.ninlined == 2


def test_files_that_fit_are_left_alone(member, tmp_path):
    paths = [member("a", 0), member("b", 2)]
    virtual, problems = repaired(paths)
    assert problems == []
    assert virtual.virtual.to_group() == open_virtual_mfdataset(paths).virtual.to_group()
    (tmp_path / "bad.nc").write_text("<html>")
    virtual, problems = repaired([*paths, str(tmp_path / "bad.nc")])
    assert [problem.code for problem in problems] == ["format-not-data"]
    assert virtual.sizes["time"] == 4


def test_a_repaired_dataset_can_be_written_and_read_by_others(member, tmp_path):
    odd = member("b", 2, compression="zstd")
    paths = [member("a", 0, zlib=True), odd, member("c", 4, zlib=True)]
    virtual, _ = repaired(paths)
    virtual.virtual.to_kerchunk(str(tmp_path / "all.json"))
    storage = {"fo": str(tmp_path / "all.json")}
    options = {"engine": "zarr", "storage_options": storage, "chunks": None}
    again = xr.open_dataset("reference://", consolidated=False, **options)
    xr.testing.assert_equal(again.load(), files_themselves(paths))


@pytest.mark.parametrize("by", ["by_coords", "nested"])
def test_months_in_one_chunk_each_are_cut_where_they_are_uncompressed(member, by):
    days = (5, 3, 5)
    paths = [
        member(name, start, n=n, chunksizes=(n, 3))
        for name, start, n in zip("abc", (0, 5, 8), days, strict=True)
    ]
    options = {"combine": by, "concat_dim": "time"} if by == "nested" else {}
    virtual = open_virtual_mfdataset(paths, **options)
    assert virtual.virtual.problems == ()
    assert virtual.t.data.chunk_shape == (1, 3)
    assert virtual.t.data.manifest.nrefs == 13
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves(paths))


def test_months_in_one_compressed_chunk_each_are_copied(member):
    paths = [
        member(name, start, n=n, chunksizes=(n, 3), zlib=True)
        for name, start, n in zip("abc", (0, 6, 10), (6, 4, 6), strict=True)
    ]
    with pytest.raises(CombineError, match="chunks are"):
        open_virtual_mfdataset(paths)
    virtual, problems = repaired(paths)
    assert "in chunks of (2, 3)" in only(problems).what
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves(paths))
    virtual, _ = repaired(paths, repair_limit=96)
    assert virtual.t.data.manifest.nrefs == 0


@pytest.fixture
def compressed_months(member):
    """Each month is one chunk, the second of which is shorter."""
    return [
        member(name, start, n=n, chunksizes=(n, 3), zlib=True)
        for name, start, n in zip("abc", (0, 6, 10), (6, 4, 6), strict=True)
    ]


@pytest.mark.skipif(HAS_RECTILINEAR, reason="for zarr before 3.2, as on Python 3.11")
def test_months_that_are_too_much_to_copy_are_an_error_with_an_older_zarr(compressed_months):
    with pytest.raises(CombineError, match="chunks are"):
        open_virtual_mfdataset(compressed_months, on_problem="repair", repair_limit=95)


@needs_rectilinear
@pytest.mark.parametrize("chunk", [None, 4])
def test_months_that_are_too_much_to_copy_are_joined_as_they_lie(member, tmp_path, chunk):
    """Without padding where a month is one chunk, with padding where it has several."""
    paths = [
        member(name, start, n=n, chunksizes=(chunk or n, 2), zlib=True, shuffle=True)
        for name, start, n in zip("abc", (0, 6, 11), (6, 5, 6), strict=True)
    ]
    virtual, problems = repaired(paths, repair_limit=0)
    problem = only(problems)
    assert "joined as they lie" in problem.what
    assert "zarr 3.2" in problem.hint
    expected = files_themselves(paths)
    lengths = (6, 5, 6) if chunk is None else (4, 2, 4, 1, 4, 2)
    assert virtual.t.data.chunk_lengths == (lengths, 2)
    assert virtual.t.data.manifest.ninlined == 0
    xr.testing.assert_equal(virtual.virtual.open().load(), expected)
    lazy = virtual.virtual.open(chunks={})
    assert lazy.t.data.chunks == (lengths, (2, 1))
    xr.testing.assert_equal(
        lazy.isel(time=slice(5, 12), lat=2).load(), expected.isel(time=slice(5, 12), lat=2)
    )
    path = tmp_path / "all.json"
    with pytest.raises(WriteError, match="in Zarr v2 all chunks have one shape"):
        virtual.virtual.to_kerchunk(str(path))
    with pytest.raises(WriteError, match="in Zarr v2 all chunks have one shape"):
        virtual.virtual.to_kerchunk(str(tmp_path / "parquet"), format="parquet")
    virtual.virtual.to_kerchunk(str(path), zarr_format=3)
    subprocess.run([sys.executable, "-c", READ_IT, path, tmp_path / "read.nc"], check=True)
    with xr.open_dataset(tmp_path / "read.nc", engine="netcdf4") as read:
        xr.testing.assert_equal(read.load(), expected)


READ_IT = """
import sys
import fsspec, xarray, zarr
files = fsspec.filesystem("reference", fo=sys.argv[1], asynchronous=True,
                          remote_protocol="file", remote_options={"asynchronous": True})
store = zarr.storage.FsspecStore(files, read_only=True)
with zarr.config.set({"array.rectilinear_chunks": True}):
    read = xarray.open_zarr(store, consolidated=False, zarr_format=3, chunks=None)
    read.load().drop_encoding().to_netcdf(sys.argv[2], engine="netcdf4")
"""
"""Another process, which knows the codecs of this package from its entry points only."""


@needs_rectilinear
def test_much_is_joined_as_it_lies_before_it_is_copied(member):
    """Up to a megabyte is copied, which every reader understands."""
    lat = tuple(range(40_000))
    paths = [
        member(name, start, n=n, lat=lat, chunksizes=(4, 40_000), zlib=True)
        for name, start, n in zip("abc", (0, 6, 11), (6, 5, 6), strict=True)
    ]
    report = zarrchive.check(paths)
    labels = [remedy.label for finding in report.findings for remedy in finding.remedies]
    assert any("nothing is copied, and readers need zarr 3.2" in label for label in labels)
    virtual, problems = repaired(paths)
    assert "as a rectilinear chunk grid" in only(problems).what
    xr.testing.assert_equal(virtual.virtual.open().load(), files_themselves(paths))


def test_a_flipped_latitude_is_reversed_where_chunks_allow_it(member):
    options = {"chunksizes": (1, 1)}
    flipped = LATITUDES[::-1]
    paths = [member("a", 0, **options), member("b", 2, lat=flipped, **options)]
    paths.append(member("c", 4, **options))
    virtual, problems = repaired(paths)
    problem = only(problems)
    assert (problem.where, problem.variable) == (paths[1], "lat")
    assert "is reversed" in problem.what
    lazy = virtual.virtual.open().load()
    expected = files_themselves([paths[0], paths[2]])
    xr.testing.assert_equal(lazy.isel(time=[0, 1, 4, 5]), expected)
    with xr.open_dataset(paths[1], engine="netcdf4") as odd:
        xr.testing.assert_equal(lazy.isel(time=[2, 3]), odd.load().sortby("lat"))


def test_a_flipped_latitude_in_whole_chunks_is_reversed_by_a_codec_and_copied(member):
    """Chunks that are read backwards need another codec than those beside them."""
    paths = [member("a", 0), member("b", 2, lat=LATITUDES[::-1]), member("c", 4)]
    virtual, problems = repaired(paths)
    assert {problem.variable for problem in problems} == {"lat", "t"}
    assert {problem.where for problem in problems} == {paths[1]}
    lazy = virtual.virtual.open().load()
    expected = files_themselves([paths[0], paths[2]])
    xr.testing.assert_equal(lazy.isel(time=[0, 1, 4, 5]), expected)
    with xr.open_dataset(paths[1], engine="netcdf4") as odd:
        xr.testing.assert_equal(lazy.isel(time=[2, 3]), odd.load().sortby("lat"))


def test_single_places_that_are_near_one_another_stay_apart(tmp_path):
    """Years such as 2000 and 2001 differ by less than a thousandth."""
    paths = []
    for year in (2000, 2001, 2002):
        paths.append(str(tmp_path / f"{year}.nc"))
        made = xr.Dataset({"t": ("year", [float(year)])}, coords={"year": [year]})
        made.to_netcdf(paths[-1], engine="netcdf4")
    virtual, problems = repaired(paths, preprocess=lambda ds: ds)
    assert not problems
    assert virtual.year.values.tolist() == [2000, 2001, 2002]
    assert virtual.virtual.open().t.values.tolist() == [2000.0, 2001.0, 2002.0]


def test_a_flipped_latitude_in_ragged_chunks_is_an_error(member):
    options = {"chunksizes": (1, len(LATITUDES) - 1), "zlib": True}
    paths = [member("a", 0, **options), member("b", 2, lat=LATITUDES[::-1], **options)]
    with pytest.raises(CombineError, match="lat"):
        open_virtual_mfdataset(paths, on_problem="repair", combine="nested", concat_dim="time")


def test_a_file_that_is_there_twice_counts_once(member):
    paths = [member("a", 0), member("b", 2), member("b again", 2), member("c", 4)]
    with pytest.raises(CombineError, match="more than once"):
        open_virtual_mfdataset(paths)
    virtual, problems = repaired(paths)
    problem = only(problems)
    assert problem.where == paths[2]
    assert "has 2 of 2 values that" in problem.what
    xr.testing.assert_equal(
        virtual.virtual.open().load(), files_themselves([paths[0], paths[1], paths[3]])
    )


def test_steps_that_overlap_are_cut_off(member):
    paths = [member("a", 0, n=4), member("b", 2, n=4), member("c", 6)]
    with netCDF4.Dataset(paths[0]) as first, netCDF4.Dataset(paths[1], "a") as second:
        first["t"].set_auto_maskandscale(False)
        second["t"].set_auto_maskandscale(False)
        second["t"][:2] = first["t"][2:]
    virtual, problems = repaired(paths)
    assert "2 of 4 values" in only(problems).what
    opened = [xr.open_dataset(path, engine="netcdf4").load() for path in paths]
    expected = xr.concat([opened[0], opened[1].isel(time=slice(2, None)), opened[2]], "time")
    xr.testing.assert_equal(virtual.virtual.open().load(), expected)


def test_repeated_steps_with_other_values_are_an_error(member):
    paths = [member("a", 0), member("b", 2), member("b again", 2), member("c", 4)]
    with netCDF4.Dataset(paths[2], "a") as file:
        file["t"][0, 0] = 99
    with pytest.raises(CombineError, match="more than once"):
        open_virtual_mfdataset(paths, on_problem="repair")
