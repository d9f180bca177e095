"""Chunks that are stored longer than they show, decoded by zarr; NumPy is the judge."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from zarrchive.codecs.crop import CropCodec, Padded


def _read(data: bytes, shape: tuple[int, ...], dtype: np.dtype, codec: CropCodec) -> np.ndarray:
    """Have zarr read an array of one chunk."""
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": dtype.newbyteorder("=").name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [codec.to_dict()],
        "attributes": {},
    }
    buffer = default_buffer_prototype().buffer
    files = {"zarr.json": json.dumps(document).encode(), "c" + "/0" * len(shape): data}
    store = MemoryStore({name: buffer.from_bytes(one) for name, one in files.items()})
    found: np.ndarray = zarr.open_array(store, mode="r")[...]
    return found


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), st.data())
def test_what_shows_is_the_first_part_along_each_axis(stored: tuple[int, ...], data) -> None:
    shape = tuple(data.draw(st.integers(1, length)) for length in stored)
    dtype = np.dtype(data.draw(st.sampled_from(["u1", "<i2", ">f8"])))
    endian = {"|": None, "<": "little", ">": "big"}[dtype.str[0]]
    values = np.arange(np.prod(stored)).reshape(stored).astype(dtype)
    other = tuple(length + 5 for length in stored)
    codec = CropCodec(endian=endian, stored_shapes=(other, stored))
    shown = values[tuple(slice(0, length) for length in shape)]
    np.testing.assert_array_equal(_read(values.tobytes(), shape, dtype, codec), shown)
    # A chunk may also be stored as it shows.
    np.testing.assert_array_equal(_read(shown.tobytes(), shape, dtype, codec), shown)
    assert CropCodec.from_dict(codec.to_dict()) == codec


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), st.data())
def test_a_part_shows_with_the_fill_value_around(stored: tuple[int, ...], data) -> None:
    start = tuple(data.draw(st.integers(0, 2)) for _ in stored)
    behind = tuple(data.draw(st.integers(0, 2)) for _ in stored)
    shape = tuple(map(sum, zip(start, stored, behind, strict=True)))
    dtype = np.dtype(data.draw(st.sampled_from(["u1", "<i2", ">f8"])))
    endian = {"|": None, "<": "little", ">": "big"}[dtype.str[0]]
    values = np.arange(1, 1 + np.prod(stored)).reshape(stored).astype(dtype)
    other = Padded(tuple(length + 9 for length in stored), start)
    codec = CropCodec(endian=endian, stored_shapes=(), padded=(other, Padded(stored, start)))
    expected = np.pad(values, list(zip(start, behind, strict=True))).astype(dtype)
    np.testing.assert_array_equal(_read(values.tobytes(), shape, dtype, codec), expected)
    # A chunk may also be stored as it shows.
    np.testing.assert_array_equal(_read(expected.tobytes(), shape, dtype, codec), expected)
    assert CropCodec.from_dict(json.loads(json.dumps(codec.to_dict()))) == codec


def test_parts_that_lie_outside_are_damage() -> None:
    codec = CropCodec(endian="little", stored_shapes=(), padded=(Padded((2, 2), (0, 1)),))
    with pytest.raises(ValueError, match=r"a chunk of 8 bytes: .* nor a part of \(\(2, 2\),\)"):
        _read(bytes(8), (3, 2), np.dtype("<i2"), codec)


@pytest.mark.parametrize("start", [(0,), (-1, 0), (0, 1.0)], ids=str)
def test_parts_have_to_begin_somewhere(start) -> None:
    with pytest.raises(ValueError, match=r"needs a start of at least 0 along each axis"):
        CropCodec(stored_shapes=(), padded=(Padded((2, 2), start),))


def test_chunks_are_written_as_they_show() -> None:
    store = MemoryStore()
    array = zarr.create_array(
        store,
        shape=(3,),
        dtype="i4",
        chunks=(3,),
        serializer=CropCodec(endian="big", stored_shapes=((5,),)),
        compressors=None,
    )
    array[:] = np.array([1, 2, 3], "i4")
    assert zarr.open_array(store, mode="r")[:].tolist() == [1, 2, 3]


@pytest.mark.parametrize("nbytes", [0, 3, 7, 40])
def test_data_of_another_length_are_damage(nbytes) -> None:
    codec = CropCodec(endian="little", stored_shapes=((4, 2),))
    with pytest.raises(ValueError, match=rf"crop cannot decode a chunk of {nbytes} bytes"):
        _read(bytes(nbytes), (3, 2), np.dtype("<i4"), codec)


@pytest.mark.parametrize("shapes", [((0, 2),), (("4",),), ((2, 6), (3, 4)), ((2.0,),)], ids=str)
def test_shapes_have_to_be_numbers_that_tell_them_apart(shapes) -> None:
    with pytest.raises(ValueError, match=r"zarrchive\.crop needs stored_shapes"):
        CropCodec(stored_shapes=shapes)
    padded = tuple(Padded(shape, (0,) * len(shape)) for shape in shapes)
    with pytest.raises(ValueError, match=r"zarrchive\.crop needs stored_shapes"):
        CropCodec(stored_shapes=shapes[:1], padded=padded)
