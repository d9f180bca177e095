"""Rows of a mapped file are its bytes, however they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location import open_source
from zarrchive.readers.hdf5.file_bytes import file_bytes
from zarrchive.readers.hdf5.file_rows import RowsOfFile
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
