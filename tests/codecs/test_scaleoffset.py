"""Scale-offset: what h5py reads of integers and floats of all sizes, with any fill value."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from h5py import h5z
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zarrchive.codecs.scaleoffset import ScaleOffset

KINDS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
INTEGERS = [np.dtype(o + k) for o in "<>" for k in KINDS]
FLOATS = [np.dtype(o + k) for o in "<>" for k in ("f4", "f8")]


@st.composite
def integers(draw):
    """Integers in a narrow or wide range, perhaps with a fill value, perhaps one of them."""
    dtype = draw(st.sampled_from(INTEGERS))
    info = np.iinfo(dtype)
    low = draw(st.integers(info.min, info.max))
    high = min(info.max, low + draw(st.sampled_from([0, 1, 5, 300, 70_000, 2**33, 2**64])))
    shape = draw(st.sampled_from([(1,), (7,), (8,), (3, 5), (9, 11)]))
    values = draw(hnp.arrays(dtype, shape, elements=st.integers(low, high)))
    fill = draw(st.sampled_from([None, int(values.flat[0]), low, info.max, info.min]))
    return values, fill, draw(st.sampled_from([0, 0, 1, 3, 8 * dtype.itemsize - 1]))


@given(case=integers())
def test_integers(chunk_of, case) -> None:
    values, fill, bits = case
    chunk = chunk_of(values, scaleoffset=bits, fill=fill)
    assert chunk.decoded() == chunk.values.tobytes()
    if not bits:
        assert chunk.decoded() == values.tobytes()


@given(
    values=st.sampled_from(FLOATS).flatmap(
        lambda dtype: hnp.arrays(
            dtype, (5, 9), elements=st.floats(-1000, 1000, width=8 * dtype.itemsize)
        )
    ),
    decimals=st.integers(-3, 6),
    fill=st.sampled_from([None, 0, -999, 1e20]),
)
def test_floats(chunk_of, values, decimals, fill) -> None:
    chunk = chunk_of(values, set_filters=_floats(decimals, fill))
    assert chunk.decoded() == chunk.values.tobytes()


def _floats(decimals: int, fill=None):
    def set_filters(plist) -> None:
        # Not set_scaleoffset, which does not know negative numbers of decimals.
        plist.set_filter(h5z.FILTER_SCALEOFFSET, 0, (h5z.SO_FLOAT_DSCALE, decimals % 2**32))
        if fill is not None:
            plist.set_fill_value(np.array([fill], "f8"))

    return set_filters


@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
@pytest.mark.parametrize("decimals", range(-37, 39))
def test_powers_of_ten_are_those_of_the_library(chunk_of, dtype, decimals) -> None:
    """The power is computed again by every reader, and has to be the same to the last bit."""
    with np.errstate(over="ignore"):
        values = (np.linspace(0, 1000, 50) * np.float64(10) ** -decimals).astype(dtype)
    chunk = chunk_of(values, set_filters=_floats(decimals))
    assert chunk.decoded() == chunk.values.tobytes()


@pytest.mark.parametrize("dtype", ["i2", ">u4", "f4", ">f8"])
def test_full_range_is_stored_with_all_bits(chunk_of, dtype) -> None:
    values = np.random.default_rng(0).bytes(8 * 100)
    values = np.frombuffer(values, dtype)
    if values.dtype.kind == "f":
        values = np.array([-1e30, 1e30, 3.5], dtype)
    chunk = chunk_of(values, scaleoffset=2 if values.dtype.kind == "f" else 0)
    assert struct.unpack_from("<I", chunk.data)[0] == 8 * values.dtype.itemsize
    assert chunk.decoded() == chunk.values.tobytes()


def test_all_bits_asked_for_is_no_filter(chunk_of) -> None:
    chunk = chunk_of(np.arange(8, dtype="u2"), scaleoffset=16)
    assert chunk.codecs == ()
    assert chunk.data == chunk.values.tobytes()


@pytest.mark.parametrize("dtype", ["|u1", "<i2", ">i2", "<u4", ">f4", "<f8"])
def test_encoded_chunks_are_read_by_hdf5(chunk_of, dtype) -> None:
    """What is written here, in place of odd chunks, is exact."""
    values = np.frombuffer(np.random.default_rng(0).bytes(8 * 16), dtype)
    decimals = 2 if dtype[1] == "f" else None
    codec = ScaleOffset(nbytes=values.nbytes, dtype=dtype, decimals=decimals)
    encoded = codec.encode(values)
    assert bytes(codec.decode(encoded)) == values.tobytes()
    model = chunk_of(np.zeros(values.shape, dtype), scaleoffset=decimals or 0, direct=encoded)
    assert model.values.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dtype": "<f2", "decimals": 1}, "data type"),
        ({"dtype": "<f4"}, "decimals"),
        ({"dtype": "<i4", "decimals": 1}, "decimals"),
        ({"dtype": "<i4", "nbytes": 15}, "15 B"),
        ({"dtype": "<i4", "nbytes": "16"}, "'16' B"),
        ({"dtype": "<i4", "fill": 2**32}, "fill value"),
    ],
)
def test_settings_that_cannot_be(settings, words) -> None:
    with pytest.raises(ValueError, match=f"zarrchive.scaleoffset.*{words}"):
        ScaleOffset(**{"nbytes": 16, **settings})


@pytest.mark.parametrize(
    "data",
    [b"", b"\x0c", bytes(20), struct.pack("<IB16x", 33, 8), struct.pack("<IB16x", 2**31, 8),
     struct.pack("<IB16x", 32, 8) + bytes(15), struct.pack("<IB16x", 7, 8) + bytes(3)],
)  # fmt: skip
def test_damaged_data_name_the_codec(data) -> None:
    with pytest.raises(ValueError, match=r"zarrchive\.scaleoffset cannot decode"):
        ScaleOffset(nbytes=16, dtype="<i4").decode(data)
