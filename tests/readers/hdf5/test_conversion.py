"""Integers of fewer bits than their bytes have: large ones are references with a codec."""

from __future__ import annotations

import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from zarrchive.manifests.values import values_of
from zarrchive.readers.limits import SMALL

COUNT = SMALL + 7
"""Bytes that are too many to be inlined."""


def _integer(size: int, precision: int, offset: int, *, signed: bool, big: bool):
    tid = (h5t.STD_I64LE if signed else h5t.STD_U64LE).copy()
    tid.set_precision(precision)
    tid.set_offset(0)
    tid.set_size(size)
    tid.set_offset(offset)
    tid.set_order(h5t.ORDER_BE if big else h5t.ORDER_LE)
    return tid


def _write(file, tid, values, memory, *, chunks=None, filters=()) -> None:
    plist = h5p.create(h5p.DATASET_CREATE)
    if chunks is not None:
        plist.set_chunk(chunks)
    for filter_id, parameters in filters:
        plist.set_filter(filter_id, 0, parameters)
    dataset = h5d.create(file.id, b"x", tid, h5s.create_simple(values.shape[:1]), plist)
    dataset.write(h5s.ALL, h5s.ALL, values, memory)


def _codecs(array) -> list[str]:
    return [codec["name"] for codec in array.metadata.to_dict()["codecs"]][1:]


NBIT, SHUFFLE, GZIP = (5, ()), (2, ()), (1, (1,))
TWELVE = (2, 12, 0, {"signed": True, "big": False})


def _checked(sample, made, dtype: str, **storage):
    """Write random integers, compare them with what is read, and return the array."""
    size, precision, offset, kind = made
    low = -(2 ** (precision - 1)) if kind["signed"] else 0
    count = COUNT // np.dtype(dtype).itemsize + 7
    values = np.random.default_rng(0).integers(low, low + 2**precision, count).astype(dtype)
    values[: 4 * count // 5] = 5
    tid = _integer(size, precision, offset, **kind)
    with sample.writing() as file:
        _write(file, tid, values, h5t.py_create(values.dtype), **storage)
    # h5py has no type for values of three bytes.
    array = (sample.read() if size == 3 else sample.checked()).arrays["x"]
    assert array.dtype == np.dtype(dtype)
    assert array.manifest.nrefs == array.manifest.nstored > 0
    assert np.array_equal(values_of(array), values)
    return array


@pytest.mark.parametrize(
    ("made", "dtype"),
    [
        (TWELVE, "<i2"),
        ((2, 12, 0, {"signed": True, "big": True}), ">i2"),
        ((2, 12, 4, {"signed": False, "big": True}), ">u2"),
        ((1, 7, 1, {"signed": True, "big": False}), "|i1"),
        ((3, 20, 1, {"signed": True, "big": True}), ">i4"),
        ((8, 33, 31, {"signed": False, "big": False}), "<u8"),
    ],
    ids=["12 bits", "12 bits, big-endian", "at bit 4", "7 bits", "20 bits of 3 bytes", "33 bits"],
)
def test_integers(sample, made, dtype) -> None:
    array = _checked(sample, made, dtype, chunks=(2**16,), filters=[NBIT])
    assert _codecs(array) == ["zarrchive.partial_integer", "zarrchive.nbit"]


@pytest.mark.parametrize(
    ("storage", "names"),
    [
        ({}, []),
        ({"chunks": (2**16,)}, []),
        ({"chunks": (2**16,), "filters": [SHUFFLE, GZIP]}, ["numcodecs.shuffle", "numcodecs.zlib"]),
        (
            {"chunks": (10_001,), "filters": [NBIT, SHUFFLE, GZIP]},
            ["zarrchive.nbit", "zarrchive.shuffle", "numcodecs.zlib"],
        ),
    ],
    ids=["contiguous", "chunked", "gzip", "n-bit, shuffle, gzip"],
)
def test_storage(sample, storage, names) -> None:
    array = _checked(sample, TWELVE, "<i2", **storage)
    assert _codecs(array) == ["zarrchive.partial_integer", *names]


def test_arrays_of_them(sample) -> None:
    values = np.random.default_rng(0).integers(-2048, 2048, (COUNT // 2, 3)).astype("i2")
    tid = h5t.array_create(_integer(2, 12, 0, signed=True, big=False), (3,))
    memory = h5t.array_create(h5t.NATIVE_INT16, (3,))
    with sample.writing() as file:
        _write(file, tid, values, memory, chunks=(2**15,), filters=((5, ()),))
    array = sample.checked().arrays["x"]
    assert _codecs(array) == ["zarrchive.partial_integer", "zarrchive.nbit"]
    assert np.array_equal(values_of(array), values)


def test_whole_integers_need_nothing(sample) -> None:
    """N-bit leaves them as they are."""
    values = np.arange(COUNT, dtype="i4")
    with sample.writing() as file:
        _write(file, h5t.STD_I32LE, values, h5t.STD_I32LE, chunks=(2**16,), filters=((5, ()),))
    assert _codecs(sample.checked().arrays["x"]) == []


def test_big_endian_bytes_are_refused(sample) -> None:
    """HDF5 swaps single bytes, and leaves the bits alone; nobody else would."""
    tid = _integer(1, 7, 0, signed=True, big=True)
    with sample.writing() as file:
        _write(file, tid, np.zeros(COUNT, "i1"), h5t.NATIVE_INT8, chunks=(2**16,))
    (problem,) = sample.checked().all_problems()
    assert problem.code == "hdf5-type"
    assert "7 bits" in problem.what
