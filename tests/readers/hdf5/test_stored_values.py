"""Stored bytes become the values that HDF5 makes of them, whatever their type."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.readers.hdf5.stored_values import decode, heap_references
from zarrchive.testing.hdf5_types import fixed_size_types, memory_type


def _read_by_hdf5(tid, raw: bytes, dtype, inner) -> np.ndarray:
    """Let HDF5 read elements that are stored as `raw`."""
    count = len(raw) // tid.get_size()
    with h5py.File("any", "w", driver="core", backing_store=False, libver="latest") as file:
        dataset = h5d.create(file.id, b"x", tid, h5s.create_simple((count,)))
        dataset.write(h5s.ALL, h5s.ALL, np.frombuffer(raw, "u1").copy(), tid)
        values = np.zeros((count, *inner), dtype)
        dataset.read(h5s.ALL, h5s.ALL, values, memory_type(tid, dtype, inner))
        return values


@given(tid=fixed_size_types(), data=st.data())
def test_values_are_those_that_hdf5_reads(tid, data) -> None:
    message = tid.encode()[2:]
    kind = data_type(message)
    seed, count = data.draw(st.integers(0, 2**32)), data.draw(st.integers(1, 5))
    random = np.random.default_rng(seed)
    raw = random.choice([0, 32, 127, 128, 255, *random.integers(0, 256, 4)], count * tid.get_size())
    raw = raw.astype("u1").tobytes()
    if kind.dtype is None:
        with pytest.raises(ValueError, match=r"\w"):
            decode(message, raw, count)
        return
    expected = _read_by_hdf5(tid, raw, kind.dtype, kind.inner)
    found = decode(message, raw, count)
    assert found.dtype == kind.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("address_size", [4, 8])
def test_places_in_the_heap(address_size) -> None:
    places = [(3, 4096, 1), (0, 0, 0), (70000, 2**31, 65535)]
    raw = b"".join(
        length.to_bytes(4, "little") + at.to_bytes(address_size, "little") + n.to_bytes(4, "little")
        for length, at, n in places
    )
    found = heap_references(raw + b"more", 3, address_size=address_size)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == places
    with pytest.raises(ValueError, match="4 elements take"):
        heap_references(raw, 4, address_size=address_size)


def test_too_few_bytes() -> None:
    message = h5t.STD_I32LE.encode()[2:]
    assert decode(message, bytes(8), 2).tolist() == [0, 0]
    assert decode(message, memoryview(bytes(11)), 2).tolist() == [0, 0]
    assert decode(message, b"", 0).shape == (0,)
    with pytest.raises(ValueError, match="3 elements take 12 bytes, but 11 are there"):
        decode(message, bytes(11), 3)


@pytest.mark.parametrize("precision", [1, 7, 8, 12, 15])
@pytest.mark.parametrize("name", ["STD_I16BE", "STD_U16BE", "STD_I16LE", "STD_U16LE"])
def test_padding_bits_are_passed_over_in_both_byte_orders(name, precision) -> None:
    tid = getattr(h5t, name).copy()
    tid.set_precision(precision)
    raw = np.random.default_rng(0).bytes(200)
    found = decode(tid.encode()[2:], raw, 100)
    expected = _read_by_hdf5(tid, raw, found.dtype, ())
    assert found.tolist() == expected.tolist()
