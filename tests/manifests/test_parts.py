"""Manifests of whole files that follow one another are put together when a column is asked for."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location.identity import SourceFile
from zarrchive.manifests import ChunkManifest, rearrange
from zarrchive.manifests.rearrange import joined, reshaped, taken

COLUMNS = ("path_id", "offset", "length")


def of_file(number: int, count: int, *, wide: bool = False, beside: int = 2) -> ChunkManifest:
    """Make a manifest of which one file holds all chunks."""
    size = count * beside
    lengths = np.full(size, 2**33 if wide else 7, dtype=np.uint64)
    if size:
        lengths[0] += number
    return ChunkManifest.of_file(
        (count, beside),
        SourceFile(f"/archive/{9 - number}.nc"),
        offset=np.arange(size, dtype=np.uint64) * 10 + number,
        length=lengths,
    )


def is_pending(manifest: ChunkManifest) -> bool:
    return "_parts" in vars(manifest)


@pytest.fixture(scope="module", autouse=True)
def _few_are_many_here():
    before = rearrange._FEW_CHUNKS
    rearrange._FEW_CHUNKS = 0
    yield
    rearrange._FEW_CHUNKS = before


def copied(manifests, axis=0, **options) -> ChunkManifest:
    """Join with a copy, as manifests of several files are."""
    before, rearrange._parts = rearrange._parts, lambda *_: None
    try:
        return joined(manifests, axis, **options)
    finally:
        rearrange._parts = before


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), min_size=1))
def test_joining_without_a_copy_is_joining(parts) -> None:
    manifests = [of_file(number, count, wide=wide) for number, count, wide in parts]
    whole, expected = joined(manifests, 0), copied(manifests)
    assert is_pending(whole) == (whole.size > 0)
    assert (whole.nrefs, whole.nstored, whole.ninlined) == (expected.nrefs, expected.nstored, 0)
    assert whole.files == expected.files
    again = joined([whole, of_file(1, 2), whole], 0)
    assert again == copied([expected, of_file(1, 2), expected])
    assert whole == expected
    assert not is_pending(whole)
    for name in COLUMNS:
        column = getattr(whole, name)
        assert column.dtype == getattr(expected, name).dtype
        assert column.shape == whole.grid_shape
        assert not column.flags.writeable
    assert pickle.loads(pickle.dumps(joined(manifests, 0))) == expected


@given(st.integers(1, 4), st.data())
def test_what_is_done_to_it_is_done_to_the_columns(count, data) -> None:
    manifests = [of_file(number, count) for number in range(3)]
    whole, expected = joined(manifests, 0), copied(manifests)
    grid = (1, *whole.grid_shape)
    assert is_pending(reshaped(whole, grid))
    assert reshaped(whole, grid) == reshaped(expected, grid)
    rows = np.array(data.draw(st.lists(st.integers(0, 3 * count - 1), max_size=4)), dtype=np.int64)
    assert taken(whole, [rows, slice(0, 1)]) == taken(expected, [rows, slice(0, 1)])
    stacked = joined(manifests, 0, as_new_axis=True)
    assert stacked == copied(manifests, as_new_axis=True)
    assert joined(manifests, 1) == copied(manifests, 1)
    assert whole.stored()[0].size == whole.nstored
    assert whole[(0, 1)] == expected[(0, 1)]


def test_few_chunks_a_file_are_copied_at_once() -> None:
    manifests = [of_file(number, 3) for number in range(4)]
    rearrange._FEW_CHUNKS = 64
    try:
        whole = joined(manifests, 0)
    finally:
        rearrange._FEW_CHUNKS = 0
    assert not is_pending(whole)
    assert whole == copied(manifests)


def test_files_with_missing_chunks_are_copied() -> None:
    sparse = ChunkManifest.from_columns(
        (2, 2),
        files=[SourceFile("/a.nc")],
        path_id=np.array([[2, 0], [2, 2]]),
        offset=np.zeros((2, 2)).astype(int),
        length=np.ones((2, 2)).astype(int),
    )
    whole = joined([of_file(0, 2), sparse], 0)
    assert not is_pending(whole)
    assert whole.nstored == 7


def test_several_threads_may_ask_at_once() -> None:
    manifests = [of_file(number, 50) for number in range(4)]
    expected = copied(manifests)
    for _ in range(50):
        whole = joined(manifests, 0)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(partial(getattr, whole), [*COLUMNS, *COLUMNS]))
        for name, column in zip([*COLUMNS, *COLUMNS], found, strict=True):
            np.testing.assert_array_equal(column, getattr(expected, name))


def test_other_names_are_no_columns() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = joined([of_file(0, 2)] * 2, 0).nothing
