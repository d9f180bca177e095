"""Rows of a mapped file are its bytes, however they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location import open_source
from zarrchive.readers.hdf5.file_bytes import FetchedBytes, HeldBytes, file_bytes
from zarrchive.readers.hdf5.file_rows import RowsOfFile, split
from zarrchive.readers.hdf5.requests import Table

SIZE = 3 * 2**20


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "file"
    data = np.random.default_rng(0).bytes(SIZE)
    path.write_bytes(data)
    return path, data


@given(
    length=st.integers(1, 3000),
    steps=st.lists(
        st.integers(0, 0) | st.integers(0, 5000) | st.integers(0, 100_000) | st.integers(-6000, 0),
        min_size=1,
        max_size=40,
    ),
    rest=st.data(),
)
def test_rows_are_bytes_of_the_file(content, length, steps, rest) -> None:
    path, data = content
    start = rest.draw(st.integers(0, SIZE - length))
    offsets = start + np.cumsum([length + step for step in steps])
    offsets = offsets[(offsets >= 0) & (offsets + length <= SIZE)]
    if rest.draw(st.booleans()):
        offsets = rest.draw(st.permutations(offsets.tolist()).map(np.array))
    offsets = offsets.astype(np.int64)
    with open_source(path) as source:
        rows = file_bytes(source).answer(Table(offsets, length))
        assert isinstance(rows, RowsOfFile)
        assert len(rows) == len(offsets)
        cut = rest.draw(st.integers(0, len(offsets)))
        for first, last in ((0, cut), (cut, len(offsets))):
            block = rows.block(first, last)
            assert block.shape == (last - first, length)
            expected = b"".join(data[at : at + length] for at in offsets[first:last])
            assert block.tobytes() == expected


@given(
    length=st.integers(2, 3000),
    count=st.integers(0, 80),
    gap=st.just(0) | st.integers(0, 5000),
    rest=st.data(),
)
def test_rows_are_split_however_the_file_is_read(content, length, count, gap, rest) -> None:
    path, data = content
    n_tail = rest.draw(st.integers(1, length - 1))
    start = rest.draw(st.integers(0, SIZE - count * (length + gap)))
    offsets = start + np.arange(count) * (length + gap)
    with open_source(path) as source:
        for file in (file_bytes(source), HeldBytes(data, SIZE), FetchedBytes(source)):
            heads = np.zeros((count, length - n_tail), np.uint8)
            tails = np.zeros((count, n_tail), np.uint8)
            split(file.answer(Table(offsets, length)), heads, tails)
            found = np.concatenate([heads, tails], axis=1).tobytes()
            assert found == b"".join(data[at : at + length] for at in offsets.tolist())
