"""Shuffle of data that are no whole number of elements, as after scale-offset and n-bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numcodecs import Shuffle

from zarrchive.codecs.shuffle import TailedShuffle


@given(data=st.binary(max_size=200), size=st.integers(1, 20))
def test_decode_undoes_encode(data, size) -> None:
    codec = TailedShuffle(elementsize=size)
    encoded = codec.encode(data)
    assert codec.decode(encoded) == data
    whole = len(data) // size * size
    assert encoded[whole:] == data[whole:]
    if whole:
        assert encoded[:whole] == bytes(Shuffle(size).encode(data[:whole]))


@given(
    count=st.integers(1, 60),
    most=st.sampled_from([3, 500, 10**6]),
    keywords=st.sampled_from([{}, {"compression": 4}, {"compression": "lzf"}]),
)
@pytest.mark.parametrize("dtype", ["i2", ">i4", "u8"])
def test_what_hdf5_shuffled_after_scaleoffset(chunk_of, dtype, count, most, keywords) -> None:
    values = np.random.default_rng(count).integers(0, most % 2**15, count).astype(dtype)
    chunk = chunk_of(values, scaleoffset=0, shuffle=True, **keywords)
    assert chunk.decoded() == values.tobytes()


@pytest.mark.parametrize("size", [0, -1, "4", None])
def test_element_size_has_to_be_a_number(size) -> None:
    with pytest.raises(ValueError, match=r"zarrchive\.shuffle needs an elementsize"):
        TailedShuffle(elementsize=size)
