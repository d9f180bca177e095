"""N-bit: what h5py reads of numbers that use only some of their bits, alone and in compounds."""

from __future__ import annotations

import numpy as np
import pytest
from h5py import h5t
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.nbit import NBit, runs_of_type

RANDOM = np.random.default_rng(2)


def number(size: int, precision: int, offset: int, *, big: bool):
    """Return an unsigned integer type of which `precision` bits at bit `offset` are used."""
    base = {1: h5t.STD_U8LE, 2: h5t.STD_U16LE, 4: h5t.STD_U32LE, 8: h5t.STD_U64LE}
    tid = base.get(size, h5t.STD_U64LE).copy()
    if size not in base:
        tid.set_size(size)
    tid.set_precision(precision)
    tid.set_offset(offset)
    tid.set_order(h5t.ORDER_BE if big else h5t.ORDER_LE)
    return tid


def set_nbit(plist) -> None:
    plist.set_filter(5)


def stored(chunk_of, tid, count: int):
    """Write random bytes as elements of `tid`; the unused bits are what HDF5 makes of them."""
    size = tid.get_size()
    values = np.frombuffer(RANDOM.bytes(count * size), f"V{size}")
    return chunk_of(values, tid=tid, memory=tid, set_filters=set_nbit)


@st.composite
def numbers(draw):
    size = draw(st.sampled_from([1, 2, 3, 4, 8]))
    # HDF5 2 does not create a dataset of numbers of which less than half is used.
    precision = draw(st.integers(1 if size == 1 else 4 * size + 1, 8 * size))
    return number(
        size, precision, draw(st.integers(0, 8 * size - precision)), big=draw(st.booleans())
    )


@given(tid=numbers(), count=st.sampled_from([1, 2, 7, 8, 9, 50]))
def test_numbers(chunk_of, tid, count) -> None:
    chunk = stored(chunk_of, tid, count)
    assert chunk.decoded() == chunk.values.tobytes()
    if chunk.codecs:
        codec = NBit(**chunk.codecs[0]["configuration"])
        assert codec.encode(chunk.values) == chunk.data


@given(
    members=st.lists(
        st.tuples(numbers(), st.integers(0, 3), st.sampled_from([(), (2,), (2, 3)])),
        min_size=1,
        max_size=4,
    ),
    is_nested=st.booleans(),
)
def test_compounds(chunk_of, members, is_nested) -> None:
    """Fields with gaps between them, arrays in fields, a string, a compound in a compound."""
    parts, size = [(h5t.C_S1.copy(), 0)], 1
    for tid, gap, shape in members:
        part = h5t.array_create(tid, shape) if shape else tid
        parts.append((part, size + gap))
        size += gap + part.get_size()
    compound = h5t.create(h5t.COMPOUND, size)
    for place, (part, offset) in enumerate(parts):
        compound.insert(b"%d" % place, offset, part)
    if is_nested:
        outer = h5t.create(h5t.COMPOUND, size + 3)
        outer.insert(b"inner", 2, compound)
        compound = h5t.array_create(outer, (2,))
    chunk = stored(chunk_of, compound, 9)
    # What HDF5 reads between the fields are zeros, as it does not store them.
    assert chunk.decoded() == chunk.values.tobytes()


def test_large_chunks_are_handled_in_parts(chunk_of) -> None:
    chunk = stored(chunk_of, number(4, 19, 5, big=False), 100_001)
    assert chunk.decoded() == chunk.values.tobytes()
    assert NBit(**chunk.codecs[0]["configuration"]).encode(chunk.values) == chunk.data


def test_runs_of_a_twelve_bit_integer() -> None:
    assert runs_of_type((1, 2, 0, 12, 0)) == (2, ((12, 4), (0, 8)))
    assert runs_of_type((1, 2, 1, 12, 4)) == (2, ((0, 12),))
    # An array of three is three elements.
    assert runs_of_type((2, 6, 1, 2, 0, 12, 0)) == (2, ((12, 4), (0, 8)))


@pytest.mark.parametrize(
    "parameters",
    [
        (),
        (1,),
        (1, 2, 0, 12),
        (1, 2, 0, 12, 5),
        (1, 2, 0, 0, 0),
        (1, 2**31, 0, 2**31, 0),
        (7, 2),
        (2, 7, 1, 2, 0, 12, 0),
        (2, 4, 2, 0, 1, 2, 0, 12, 0),
        (3, 4, 1, 3, 1, 2, 0, 12, 0),
        (3, 2**30, 1, 0, 2, 2**30, 1, 1, 0, 3, 0),
        (3, 2**30, 2**30, *(0, 4, 1) * 3),
        (2, 8) * 500,
        (3, 8, 1, 0) * 200,
    ],
)
def test_damaged_parameters(parameters) -> None:
    with pytest.raises(ValueError, match="n-bit"):
        runs_of_type(parameters)


@pytest.mark.parametrize(
    "settings",
    [
        {"itemsize": 0},
        {"nbytes": 5},
        {"runs": []},
        {"runs": [[0, 17]]},
        {"runs": [[0, 8], [0, 9]]},
        {"runs": [["0", 8]]},
        {"nbytes": 80_000, "itemsize": 40_000, "runs": [[0, 320_000]]},
    ],
)
def test_settings_that_cannot_be(settings) -> None:
    with pytest.raises(ValueError, match=r"zarrchive\.nbit"):
        NBit(**{"nbytes": 4, "itemsize": 2, "runs": [[4, 12]], **settings})


def test_cut_data_name_the_codec() -> None:
    codec = NBit(nbytes=4, itemsize=2, runs=[[4, 12]])
    assert bytes(codec.decode(b"\xab\xcd\xef")) == b"\x0a\xbc\x0d\xef"
    with pytest.raises(ValueError, match=r"zarrchive\.nbit cannot decode a chunk of 2 bytes"):
        codec.decode(b"\xab\xcd")
