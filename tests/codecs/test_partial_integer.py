"""Integers of fewer bits than their bytes have: what h5py makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from h5py import h5t
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.partial_integer import PartialInteger

ORDERS = {"<": h5t.ORDER_LE, ">": h5t.ORDER_BE}


@st.composite
def settings(draw):
    size = draw(st.integers(1, 8))
    precision = draw(st.integers(1, 8 * size))
    wide = draw(st.sampled_from([n for n in (1, 2, 4, 8) if 8 * n >= precision]))
    # Between byte orders HDF5 may only swap bytes, and leave unused bits in the values.
    order = draw(st.sampled_from("<>")) if size > 1 and wide > 1 else "<"
    return {
        "itemsize": size,
        "order": order,
        "precision": precision,
        "offset": draw(st.integers(0, 8 * size - precision)),
        "dtype": f"{'|' if wide == 1 else order}{draw(st.sampled_from('iu'))}{wide}",
    }


def integer(made: dict):
    """Return the HDF5 datatype."""
    tid = (h5t.STD_I64LE if made["dtype"][1] == "i" else h5t.STD_U64LE).copy()
    tid.set_precision(made["precision"])
    tid.set_offset(0)
    tid.set_size(made["itemsize"])
    tid.set_offset(made["offset"])
    tid.set_order(ORDERS[made["order"]])
    return tid


@given(made=settings(), data=st.binary(min_size=1, max_size=100))
def test_conversion_is_that_of_hdf5(made, data) -> None:
    data = data[: len(data) // made["itemsize"] * made["itemsize"]]
    count = len(data) // made["itemsize"]
    buffer = np.zeros(8 * count, np.uint8)
    buffer[: len(data)] = np.frombuffer(data, np.uint8)
    if count:
        h5t.convert(integer(made), h5t.py_create(np.dtype(made["dtype"])), count, buffer)
    codec = PartialInteger(**made)
    decoded = bytes(codec.decode(data))
    assert decoded == buffer.tobytes()[: count * np.dtype(made["dtype"]).itemsize]
    assert bytes(codec.decode(codec.encode(decoded))) == decoded


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"itemsize": 9}, "more bits than bytes"),
        ({"precision": 17}, "no integers of"),
        ({"precision": 0}, "no integers of"),
        ({"precision": "8"}, "no integers of"),
        ({"offset": 9}, "more bits than bytes"),
        ({"order": "="}, "does not decode '='"),
        ({"dtype": "<f4"}, "to '<f4'"),
    ],
)
def test_settings_that_cannot_be(changed, words) -> None:
    made = {"itemsize": 2, "order": "<", "precision": 12, "offset": 0, "dtype": "<i2"}
    with pytest.raises(ValueError, match=words):
        PartialInteger(**{**made, **changed})


def test_part_of_an_integer_is_damage() -> None:
    codec = PartialInteger(itemsize=2, order="<", precision=12, offset=0, dtype="<i2")
    with pytest.raises(ValueError, match=r"partial_integer cannot decode a chunk of 3 bytes"):
        codec.decode(bytes(3))
