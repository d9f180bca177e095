"""Chunks that are read backwards along one axis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.reverse import Reverse


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), st.data())
def test_an_axis_is_turned_round_as_numpy_does(shape: tuple[int, ...], data) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(["u1", "<i2", ">f8", "S3"])))
    axis = data.draw(st.integers(0, len(shape) - 1))
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    nbytes = dtype.itemsize * int(np.prod(shape[axis + 1 :]))
    codec = Reverse(count=shape[axis], nbytes=nbytes)
    turned = codec.decode(values.tobytes())
    assert bytes(turned) == np.flip(values, axis).tobytes()
    assert bytes(codec.encode(turned)) == values.tobytes()


@pytest.mark.parametrize("settings", [(0, 4), (2, 0), (-1, 4), ("2", 4), (2, None)])
def test_settings_have_to_be_numbers(settings) -> None:
    with pytest.raises(ValueError, match=r"zarrchive\.reverse needs count and nbytes"):
        Reverse(count=settings[0], nbytes=settings[1])


def test_data_of_another_length_are_damage() -> None:
    with pytest.raises(ValueError, match="no whole groups of 2 times 3 bytes"):
        Reverse(count=2, nbytes=3).decode(b"abcdefg")
