"""Files that lack places which others have: joined as xarray joins the values themselves."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from zarrchive import CombineError, ManifestArray, open_virtual_mfdataset
from zarrchive.errors import ZarrchiveError

LEVELS = (1000, 850, 500, 200)
STORED = {
    "packed": {"datatype": "i2", "fill_value": -99, "zlib": True},
    "floats": {"datatype": "f4", "fill_value": False, "zlib": True},
    "uncompressed": {"datatype": "f8", "fill_value": -1.0},
}


def write(path, *, start, levels, n=2, chunk=1, **stored) -> str:
    """Write one file with time, level and a place."""
    names = stored.pop("names", ("t",))
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("level", len(levels))
        file.createDimension("x", 3)
        time = file.createVariable("time", "i4", ("time",))
        time.units = "days since 2000-01-01"
        time[:] = start + np.arange(n)
        file.createVariable("level", "i4", ("level",))[:] = levels
        file.createVariable("height", "f8", ("level",))[:] = np.array(levels) * 0.5
        for name in names:
            options = {**STORED["packed"], **stored}
            datatype = options.pop("datatype")
            sizes = (1, chunk, 3)
            dims = ("time", "level", "x")
            made = file.createVariable(name, datatype, dims, chunksizes=sizes, **options)
            if datatype == "i2":
                made.scale_factor = 0.5
            made[:] = start + np.arange(n * len(levels) * 3).reshape(n, len(levels), 3)
    return str(path)


def by_xarray(paths, **options) -> xr.Dataset:
    opened = [xr.open_dataset(path, engine="netcdf4").load() for path in paths]
    return xr.combine_nested(
        opened, "time", data_vars="minimal", coords="minimal", compat="override", **options
    )


@settings(max_examples=15)
@given(data=st.data())
def test_levels_that_files_lack_are_gaps(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("levels")
    stored = STORED[data.draw(st.sampled_from(sorted(STORED)))]
    join = data.draw(st.sampled_from(["outer", "inner", "left", "right"]))
    paths = []
    for number in range(data.draw(st.integers(2, 3))):
        levels = data.draw(st.lists(st.sampled_from(LEVELS), min_size=1, unique=True))
        paths.append(write(folder / f"{number}.nc", start=number * 2, levels=levels, **stored))
    options = {"combine": "nested", "concat_dim": "time", "join": join}
    virtual = open_virtual_mfdataset(paths, **options)
    assert isinstance(virtual.t.data, ManifestArray)
    xr.testing.assert_equal(virtual.virtual.open().load(), by_xarray(paths, join=join))


def test_without_join_files_have_to_agree(tmp_path) -> None:
    paths = [
        write(tmp_path / "a.nc", start=0, levels=[1000, 500]),
        write(tmp_path / "b.nc", start=2, levels=[1000, 850, 500]),
    ]
    with pytest.raises(CombineError, match="level"):
        open_virtual_mfdataset(paths, combine="nested", concat_dim="time")


@pytest.mark.parametrize("chunk", [1, 2])
def test_blocks_of_levels_move_as_whole_chunks(tmp_path, chunk) -> None:
    paths = [
        write(tmp_path / "a.nc", start=0, levels=LEVELS[::-1], chunk=chunk),
        write(tmp_path / "b.nc", start=2, levels=[850, 1000], chunk=chunk),
    ]
    options = {"combine": "nested", "concat_dim": "time", "join": "outer"}
    virtual = open_virtual_mfdataset(paths, **options)
    assert virtual.t.data.manifest.nrefs == (8 + 4) // chunk
    xr.testing.assert_equal(virtual.virtual.open().load(), by_xarray(paths, join="outer"))
    virtual.virtual.to_kerchunk(str(tmp_path / "all.json"))
    again = xr.open_dataset(
        "reference://",
        engine="zarr",
        consolidated=False,
        chunks=None,
        storage_options={"fo": str(tmp_path / "all.json")},
    )
    xr.testing.assert_equal(again.load(), by_xarray(paths, join="outer"))


def test_levels_in_one_chunk_are_padded_where_a_file_has_fewer(tmp_path) -> None:
    paths = [
        write(tmp_path / "a.nc", start=0, levels=[850, 1000], chunk=2),
        write(tmp_path / "b.nc", start=2, levels=[200, 500, 850, 1000], chunk=4),
        write(tmp_path / "c.nc", start=4, levels=[500, 850, 1000], chunk=3),
    ]
    options = {"combine": "nested", "concat_dim": "time", "join": "outer"}
    virtual = open_virtual_mfdataset(paths, **options)
    assert virtual.t.data.manifest.nrefs == 6
    assert virtual.t.data.chunk_shape == (1, 4, 3)
    expected = by_xarray(paths, join="outer")
    xr.testing.assert_equal(virtual.virtual.open().load(), expected)
    (problem,) = (one for one in virtual.virtual.problems if one.code == "combine-padded")
    assert str(problem).startswith(f"{paths[0]}: t: has chunks of (1, 2, 3) in {paths[0]}")
    target = str(tmp_path / "all.json")
    with pytest.raises(ZarrchiveError, match=r"zarrchive\.crop"):
        virtual.virtual.to_kerchunk(target, zarr_format=2)
    virtual.virtual.to_kerchunk(target, zarr_format=3)
    again = xr.open_dataset(
        "reference://",
        engine="zarr",
        consolidated=False,
        chunks=None,
        zarr_format=3,
        storage_options={"fo": target},
    )
    xr.testing.assert_equal(again.load(), expected)


def test_what_cannot_have_gaps_is_named(tmp_path) -> None:
    levels = [500, 850, 1000]
    whole = write(tmp_path / "a.nc", start=0, levels=levels, chunk=2)
    options = {"combine": "nested", "concat_dim": "time", "join": "outer"}
    odd = write(tmp_path / "b.nc", start=2, levels=levels[1:], chunk=2)
    words = r"'t' cannot have the places of all files in .*b\.nc: what is wanted along level is"
    with pytest.raises(CombineError, match=words) as caught:
        open_virtual_mfdataset([whole, odd], **options)
    assert caught.value.problem.variable == "t"
    assert len(caught.value.problems) == 1
    plain = {"datatype": "i4", "fill_value": False, "zlib": True}
    paths = [
        write(tmp_path / "c.nc", start=0, levels=levels, **plain),
        write(tmp_path / "d.nc", start=2, levels=levels[1:], **plain),
    ]
    with pytest.raises(CombineError, match="it has no missing value"):
        open_virtual_mfdataset(paths, **options)
    loaded = open_virtual_mfdataset(paths, loadable_variables=["t", "time", "level"], **options)
    xr.testing.assert_equal(loaded.t, by_xarray(paths, join="outer").t)


def test_labels_that_repeat_are_an_error_with_the_file(tmp_path) -> None:
    paths = [
        write(tmp_path / "a.nc", start=0, levels=[500, 500]),
        write(tmp_path / "b.nc", start=2, levels=[500, 850]),
    ]
    with pytest.raises(CombineError, match=r"a\.nc"):
        open_virtual_mfdataset(paths, combine="nested", concat_dim="time", join="outer")


@pytest.mark.parametrize("join", ["outer", "inner", "left", "right"])
def test_variables_of_other_times_are_merged(tmp_path, join) -> None:
    """Temperature of three days, wind of others."""
    kinds = {"t": [(0, 2), (2, 1)], "u": [(1, 2), (3, 2)]}
    paths = [
        write(tmp_path / f"{name}{start}.nc", start=start, n=n, levels=[1000], names=(name,))
        for name, parts in kinds.items()
        for start, n in parts
    ]
    virtual = open_virtual_mfdataset(paths, join=join)
    expected = xr.combine_by_coords(
        [xr.open_dataset(path, engine="netcdf4").load() for path in paths],
        join=join,
        compat="override",
        coords="minimal",
        data_vars="minimal",
        combine_attrs="override",
    )
    xr.testing.assert_equal(virtual.virtual.open().load(), expected)
