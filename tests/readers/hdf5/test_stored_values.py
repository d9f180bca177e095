"""Stored bytes become the values that HDF5 makes of them, whatever their type."""

from __future__ import annotations

from struct import pack

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t
from hypothesis import given, reject
from hypothesis import strategies as st

from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.readers.hdf5.stored_values import InexactError, decode, heap_references
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
    try:
        found = decode(message, raw, count)
    except InexactError:  # bits that mean different things to different standards
        reject()
    assert found.dtype == kind.dtype
    assert found.shape == expected.shape
    assert _canonical(found) == _canonical(expected)


def _canonical(values: np.ndarray) -> bytes:
    """Return all bits, but the same ones for each NaN: conversions differ in what they keep.

    HDF5 2.0 changes one part of a complex number where the other is infinite or NaN.
    """
    if values.dtype.names is not None:
        return b"".join(_canonical(values[name]) for name in values.dtype.names)
    if values.dtype.kind in "fc":
        values = values.copy()
        values[np.isnan(values) if values.dtype.kind == "f" else ~np.isfinite(values)] = np.nan
    return values.tobytes()


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


_EXTENDED = {
    "x87": h5t.NATIVE_LDOUBLE,
    "binary128": h5t.IEEE_F128LE,
    "big-endian binary128": h5t.IEEE_F128BE,
}


def _extended(tid, values: list[float]) -> bytes:
    """Let HDF5 write float64 in another layout."""
    buffer = np.zeros(16 * len(values), "u1")
    buffer[: 8 * len(values)].view("f8")[:] = values
    h5t.convert(h5t.NATIVE_DOUBLE, tid, len(values), buffer)
    return buffer.tobytes()


@pytest.mark.parametrize("name", _EXTENDED)
@given(values=st.lists(st.floats(allow_subnormal=True), min_size=1, max_size=5))
def test_long_doubles_that_float64_holds(name, values) -> None:
    tid = _EXTENDED[name]
    found = decode(tid.encode()[2:], _extended(tid, values), len(values))
    assert found.dtype.itemsize == 8
    np.testing.assert_array_equal(found, values)
    is_number = ~np.isnan(values)
    assert (np.signbit(found) == np.signbit(values))[is_number].all()


@pytest.mark.skipif(np.finfo(np.longdouble).nmant != 63, reason="long doubles are others here")
@given(raw=st.binary(min_size=10, max_size=10))
def test_long_doubles_are_exact_or_an_error(raw) -> None:
    (expected,) = np.frombuffer(raw + bytes(6), np.longdouble)
    with np.errstate(all="ignore"):
        is_exact = np.isnan(expected) or np.longdouble(np.float64(expected)) == expected
    try:
        (found,) = decode(h5t.NATIVE_LDOUBLE.encode()[2:], raw + bytes(6), 1)
    except InexactError:
        assert not is_exact or np.isnan(expected) or raw[7] < 128
    else:
        np.testing.assert_equal(found, np.float64(expected))


@pytest.mark.parametrize(
    ("exponent", "mantissa"),
    [(16383, 2**63 + 1), (16383, 2**62), (32000, 2**63), (100, 2**63), (0, 1), (32767, 1)],
    ids=["digits", "not normalised", "large", "small", "subnormal", "no number of the 8087"],
)
def test_long_doubles_that_float64_has_no_room_for(exponent, mantissa) -> None:
    one = pack("<QH6x", 2**63, 16383)
    with pytest.raises(InexactError, match="1 of 2"):
        decode(h5t.NATIVE_LDOUBLE.encode()[2:], one + pack("<QH6x", mantissa, exponent), 2)


@pytest.mark.parametrize("low", [1, 2**59])
def test_quadruple_precision_that_float64_has_no_room_for(low) -> None:
    one = int.from_bytes(_extended(h5t.IEEE_F128LE, [1.0]), "little")
    raw = (one | low).to_bytes(16, "little")
    with pytest.raises(InexactError, match="1 of 1"):
        decode(h5t.IEEE_F128LE.encode()[2:], raw, 1)


def _tiny(exponent_bits: int, mantissa_bits: int) -> bytes:
    """Return the message of a float of one byte."""
    tid = h5t.IEEE_F16LE.copy()
    top = exponent_bits + mantissa_bits
    tid.set_fields(top, mantissa_bits, exponent_bits, 0, mantissa_bits)
    tid.set_precision(top + 1)
    tid.set_size(1)
    tid.set_ebias(2 ** (exponent_bits - 1) - 1)
    return tid.encode()[2:]


def test_floats_of_eight_bits_whose_meaning_is_disputed() -> None:
    message = _tiny(4, 3)
    assert data_type(message).dtype == np.float16
    values = decode(message, bytes([0x00, 0x01, 0x38, 0x77, 0xB8, 0x7F]), 6)
    assert values[:5].tolist() == [0, 2**-9, 1, 240, -1]
    assert np.isnan(values[5])
    with pytest.raises(InexactError, match="OCP"):
        decode(message, b"\x78", 1)  # 256, or infinite
    assert np.isinf(decode(_tiny(5, 2), b"\x7c", 1))
    with pytest.raises(InexactError, match="OCP"):
        decode(_tiny(2, 1), b"\x07", 1)  # 6, or no number


def test_many_values_are_converted_in_blocks() -> None:
    tid = h5t.STD_I16LE.copy()
    tid.set_precision(12)
    raw = np.arange(200_000, dtype="<i2") % 2048
    assert (decode(tid.encode()[2:], raw.tobytes(), 200_000) == raw).all()
