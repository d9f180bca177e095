"""Gaps between chunks: reindexing, padding and masks, judged by NumPy."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests.missing_chunks import kept_where, padded, reindexed
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import stored, stored_arrays

ZLIB = [{"name": "numcodecs.zlib", "configuration": {"level": 1}}]


def _check_refusal(error: ManifestError) -> None:
    assert error.problem.code in {"reindex-misaligned", "fill-differs", "cut-too-fine"}


def _expected(truth: np.ndarray, axis: int, indexer: np.ndarray, fill: object) -> np.ndarray:
    if not truth.shape[axis]:
        shape = (*truth.shape[:axis], indexer.size, *truth.shape[axis + 1 :])
        return np.full(shape, fill, truth.dtype)
    found = np.take(truth, np.where(indexer < 0, 0, indexer), axis=axis)
    found[(slice(None),) * axis + (indexer < 0,)] = fill
    return found


@given(st.data())
def test_gaps_read_as_missing(data) -> None:
    """Any indexer: what does not refuse is right."""
    case = data.draw(stored_arrays(shape=(6, 5), dtype=data.draw(st.sampled_from(["<i2", ">f4"]))))
    axis = data.draw(st.integers(0, 1))
    size = case.array.shape[axis]
    numbers = st.lists(st.integers(-1, size - 1), max_size=8)
    blocks = st.sampled_from([[-1], [-1, -1], list(range(size)), [0, 1], [2, 3]])
    runs = st.lists(blocks, max_size=4).map(lambda lists: list(chain.from_iterable(lists)))
    indexer = np.array(data.draw(st.one_of(numbers, runs)), dtype=np.int64)
    fill = data.draw(st.sampled_from([0, -9]))
    try:
        result = reindexed(case.array, axis, indexer, fill)
    except ManifestError as error:
        _check_refusal(error)
        return
    np.testing.assert_array_equal(values_of(result), _expected(case.truth, axis, indexer, fill))


@given(st.data())
def test_whole_chunks_and_what_is_uncompressed_always_move(data) -> None:
    """Levels that some files lack."""
    is_raw = data.draw(st.booleans())
    length = data.draw(st.integers(1, 3)) if is_raw else 1
    truth = np.arange(24, dtype="<f4").reshape(4, 6)
    array = stored(truth, (2, length), codecs=[] if is_raw else ZLIB).array
    levels = data.draw(st.lists(st.sampled_from([-1, *range(6)]), max_size=9))
    result = reindexed(array, 1, np.array(levels, dtype=np.int64), np.nan)
    expected = _expected(truth, 1, np.array(levels, dtype=np.int64), np.nan)
    np.testing.assert_array_equal(values_of(result), expected)


@given(st.data())
def test_padding_is_that_of_numpy(data) -> None:
    case = data.draw(stored_arrays(shape=(4, 3), dtype="<i4"))
    widths = [(data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))) for _ in range(2)]
    try:
        result = np.pad(case.array, widths, constant_values=7)
    except ManifestError as error:
        _check_refusal(error)
        return
    np.testing.assert_array_equal(values_of(result), np.pad(case.truth, widths, constant_values=7))


@given(st.data())
def test_masks_that_keep_whole_chunks_are_those_of_numpy(data) -> None:
    case = data.draw(stored_arrays(shape=(4, 5), dtype="<i4"))
    rows = np.array(data.draw(st.lists(st.booleans(), min_size=4, max_size=4)))[:, np.newaxis]
    chunk = case.array.chunk_shape[0]
    whole = rows[::chunk].repeat(chunk, axis=0)[:4]
    mask = data.draw(st.sampled_from([rows, whole, np.broadcast_to(whole, (4, 5))]))
    try:
        result = np.where(mask, case.array, np.int32(0))
        other = np.where(~mask, np.int32(0), case.array)
    except ManifestError as error:
        _check_refusal(error)
        return
    np.testing.assert_array_equal(values_of(result), np.where(mask, case.truth, 0))
    np.testing.assert_array_equal(values_of(other), np.where(mask, case.truth, 0))


def test_xarray_pads_and_reindexes_by_references() -> None:
    truth = np.arange(12, dtype="<f4").reshape(4, 3)
    array = stored(truth, (1, 3), codecs=ZLIB).array
    virtual = xr.Dataset({"t": (("time", "x"), array)}, {"time": [0, 1, 2, 3]})
    loaded = xr.Dataset({"t": (("time", "x"), truth)}, {"time": [0, 1, 2, 3]})
    for operation in (
        lambda ds: ds.pad(time=(1, 2)),
        lambda ds: ds.pad(x=(0, 0), time=(0, 1)),
        lambda ds: ds.reindex(time=[5, 0, 2, 7]),
        lambda ds: ds.reindex(time=[0, 1, 2, 3]),
        lambda ds: ds.shift(time=1),
        lambda ds: ds.where(ds.time > 1),
    ):
        found, expected = operation(virtual), operation(loaded)
        np.testing.assert_array_equal(values_of(found.t.data), expected.t)
        assert found.t.data.manifest.nrefs <= 4


def test_what_refuses_says_why() -> None:
    array = stored(np.arange(6, dtype="<i2"), (4,), codecs=ZLIB).array
    with pytest.raises(ManifestError, match="no run of whole chunks of 4 out of 6"):
        padded(array, [(1, 0)], 0)
    with pytest.raises(ManifestError, match=r"gaps cannot read as 0\.5: int16 cannot hold it"):
        padded(array, [(4, 0)], 0.5)
    missing = stored(np.arange(6, dtype="<i2"), (4,), codecs=ZLIB, states="mf").array
    with pytest.raises(ManifestError, match="as 9: chunks that are not stored read as 0"):
        padded(missing, [(4, 0)], 9)
    with pytest.raises(ManifestError, match="whole chunks of 4"):
        kept_where(array, np.arange(6) > 1, 0)
    with pytest.raises(ManifestError, match="pad with mode 'edge'"):
        np.pad(array, 4, mode="edge")
