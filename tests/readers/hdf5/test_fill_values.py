"""Unwritten values read as HDF5's fill value; ``_FillValue`` stays an attribute."""

from __future__ import annotations

import h5py
import netCDF4
import numpy as np
import pytest
import zarr
from h5py import h5d, h5p, h5s, h5t

import zarrchive
from zarrchive.manifests.values import values_of


@pytest.mark.parametrize("chunks", [None, (2,)])
@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("i2", None), ("i2", 5), (">f4", 1.5), ("f8", np.nan), ("?", True), ("S3", b"ab")],
)
def test_fill_value_of_unwritten_values(sample, chunks, dtype, fill) -> None:
    with sample.writing() as file:
        file.create_dataset("x", (5,), dtype, chunks=chunks, fillvalue=fill)
    array = sample.checked().arrays["x"]
    assert array.manifest.nstored == 0


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("bits", "size"),
    [
        (0x7FF00000000007A2, 8),  # what R means by "not available"
        (0xFFF8000000000000, 8),
        (0x7FF8000000000000, 8),
        (0x7FC007A2, 4),
        (0xFFC00000, 4),
    ],
)
def test_bits_of_a_nan_that_fills_are_kept(sample, tmp_path, order, bits, size) -> None:
    dtype = f"{order}f{size}"
    fill = np.array(bits, f"{order}u{size}").view(dtype)
    with sample.writing() as file:
        file.create_dataset("x", (4,), dtype, chunks=(2,), fillvalue=fill[()])[:2] = [1, 2]
    with h5py.File(sample.path) as file:
        expected = _bits(file["x"][:])
    assert _bits(values_of(sample.checked().arrays["x"])) == expected
    path = str(tmp_path / "x.json")
    zarrchive.open_virtual_dataset(sample.path).virtual.to_kerchunk(path, zarr_format=3)
    options = {"fo": path, "remote_protocol": "file"}
    group = zarr.open_group("reference://", mode="r", storage_options=options)
    assert _bits(group["x"][:]) == expected


def _bits(values):
    return values.view(f"{values.dtype.byteorder}u{values.itemsize}").tolist()


def test_zeros_and_fill_value_attribute_are_left_alone(sample) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", data=np.array([5, -1, 2, 3]), fillvalue=5, chunks=(2,))
        made.attrs["_FillValue"] = np.array([-1])
        file["zeros"] = np.array([0, 1, 0, 2])
    group = sample.checked()
    assert group.arrays["x"].metadata.fill_value == 5
    assert group.arrays["x"].attributes["_FillValue"] == -1
    assert group.arrays["zeros"].metadata.fill_value == 0
    assert "_FillValue" not in group.arrays["zeros"].attributes


def test_default_fill_value_of_netcdf(sample) -> None:
    with netCDF4.Dataset(sample.path, "w") as file:
        file.createDimension("t", 4)
        file.createVariable("x", "f4", ("t",), chunksizes=(2,))[:2] = [1, 2]
    array = sample.checked().arrays["x"]
    assert values_of(array)[3] == np.float32(netCDF4.default_fillvals["f4"])
    assert "_FillValue" not in array.attributes


def test_fill_value_that_hdf5_never_writes(sample) -> None:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((4,))
    plist.set_fill_value(np.array(7, "i4"))
    plist.set_fill_time(h5d.FILL_TIME_NEVER)
    with sample.writing() as file:
        h5d.create(file.id, b"x", h5t.STD_I32LE, h5s.create_simple((8,)), plist)
    sample.checked()


def test_enum_fill_value(sample) -> None:
    dtype = h5py.enum_dtype({"a": 1, "b": 2}, basetype="i2")
    with sample.writing() as file:
        file.create_dataset("x", (4,), dtype, chunks=(2,), fillvalue=2)
    assert values_of(sample.checked().arrays["x"]).tolist() == [2, 2, 2, 2]


def test_compound_fill_value(sample) -> None:
    dtype = np.dtype([("a", "<i4"), ("b", "<f8")])
    with sample.writing() as file:
        made = file.create_dataset(
            "x", (4,), dtype, chunks=(2,), fillvalue=np.array((3, 4.5), dtype)
        )
        made[:1] = np.array([(1, 2)], dtype)
    assert values_of(sample.checked().arrays["x"])[3].item() == (3, 4.5)


def test_fill_value_of_an_array_in_each_element(sample) -> None:
    dtype = np.dtype(("i4", (2,)))
    with sample.writing() as file:
        file.create_dataset("default", (4,), dtype, chunks=(2,))
        plist = h5p.create(h5p.DATASET_CREATE)
        plist.set_chunk((2,))
        tid = h5t.array_create(h5t.STD_I32LE, (2,))
        structured = np.array([((1, 2),)], [("v", "i4", (2,))])
        try:
            plist.set_fill_value(structured)
        except (TypeError, ValueError):
            pytest.skip("h5py cannot set it")
        try:
            h5d.create(file.id, b"own", tid, h5s.create_simple((4,)), plist)
        except (RuntimeError, ValueError):
            pytest.skip("HDF5 cannot convert it")
    group = sample.read()
    assert values_of(group.arrays["default"]).tolist() == [[0, 0]] * 4
    assert [p.code for p in group.all_problems()] == ["hdf5-fill-value"]
