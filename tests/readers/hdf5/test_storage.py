"""Every dataset gets one storage decision; nothing but unallocated chunks is ever "absent"."""

from __future__ import annotations

import struct

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from zarrchive.manifests.values import values_of
from zarrchive.readers import read_group


def _compact(file, name, values) -> None:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_layout(h5d.COMPACT)
    space = h5s.create_simple(values.shape)
    dataset = h5d.create(file.id, name, h5t.py_create(values.dtype), space, plist)
    dataset.write(h5s.ALL, h5s.ALL, values)


@pytest.mark.parametrize("size", [8, 5000], ids=["small", "more than 500 bytes"])
def test_compact_is_inlined(sample, size) -> None:
    with sample.writing() as file:
        _compact(file, b"x", np.arange(1, size + 1, dtype=">i4"))
    array = sample.checked().arrays["x"]
    assert (array.manifest.nrefs, array.manifest.ninlined) == (0, 1)
    assert values_of(array).sum() == size * (size + 1) // 2


@pytest.mark.parametrize("value", [2.5, 0.0, np.True_, np.bytes_(b"ab"), "text", np.int16(-7)])
def test_scalars_are_inlined(sample, value) -> None:
    with sample.writing() as file:
        file["x"] = value
    array = sample.checked().arrays["x"]
    assert array.shape == ()
    assert array.manifest.ninlined == 1


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2)])
@pytest.mark.parametrize("chunks", [None, 1])
def test_zero_length(sample, shape, chunks) -> None:
    with sample.writing() as file:
        keywords = {}
        if chunks:
            keywords = {"chunks": (2,) * len(shape), "maxshape": (None,) * len(shape)}
        file.create_dataset("x", shape, "f4", **keywords)
    array = sample.checked().arrays["x"]
    assert array.shape == shape
    assert array.manifest.nstored == 0


def test_null_dataspace_is_a_problem(sample) -> None:
    with sample.writing() as file:
        file["x"] = h5py.Empty("f4")
        file["y"] = [1]
    group = sample.checked()
    assert list(group.arrays) == ["y"]
    assert group.all_problems()[0].code == "hdf5-null-dataspace"


def test_unwritten_contiguous_dataset_is_absent(sample) -> None:
    for user_block in (0, 512):
        with sample.writing(userblock_size=user_block) as file:
            file.create_dataset("x", (4,), "i4", fillvalue=7)
        array = sample.checked().arrays["x"]
        assert array.manifest.nstored == 0
        assert values_of(array).tolist() == [7, 7, 7, 7]


def test_early_allocation_is_no_absence(sample) -> None:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    with sample.writing() as file:
        h5d.create(file.id, b"x", h5t.STD_I32LE, h5s.create_simple((4,)), plist)
    assert sample.checked().arrays["x"].manifest.nrefs == 1


def test_data_beyond_the_end_of_the_file_are_a_problem(sample) -> None:
    with sample.writing() as file:
        file["y"] = [1, 2]
        file["x"] = np.arange(5000.0)
        offset = file["x"].id.get_offset()
    data = bytearray(sample.path.read_bytes()[: offset + 1000])
    # The superblock (version 0) says where the file ends; without this HDF5 refuses to open it.
    struct.pack_into("<Q", data, 40, len(data))
    sample.path.write_bytes(data)
    group = sample.read()
    (problem,) = group.all_problems()
    assert list(group.arrays) == ["y"]
    assert problem.variable == "/x"
    # Some releases of HDF5 notice it themselves.
    assert problem.code in {"hdf5-truncated", "hdf5-damaged"}


def test_chunk_beyond_the_end_of_the_file_is_a_problem(sample) -> None:
    with sample.writing() as file:
        file["y"] = [1, 2]
        file.create_dataset("x", data=np.arange(5000.0), chunks=(1000,))
        offset = file["x"].id.get_chunk_info(4).byte_offset
    data = bytearray(sample.path.read_bytes()[: offset + 1000])
    struct.pack_into("<Q", data, 40, len(data))
    sample.path.write_bytes(data)
    group = sample.read()
    assert list(group.arrays) == ["y"]
    assert [p.code for p in group.all_problems()] == ["hdf5-truncated"]


def test_a_dimension_that_zarr_cannot_count_is_a_problem(sample) -> None:
    """Of such an array zarr returns memory that it never filled."""
    with h5py.File(sample.path, "w") as file:
        file.create_dataset("x", (2**53 + 2,), "i4", chunks=(2,))
        file.create_dataset("y", (2**53,), "i4", chunks=(2,))
    found = read_group(sample.path)
    assert list(found.arrays) == ["y"]
    (problem,) = found.problems
    assert (problem.code, problem.variable) == ("hdf5-too-long", "/x")
    assert "9007199254740994" in problem.what
