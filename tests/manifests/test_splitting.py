"""Uncompressed chunks are cut by their byte ranges, judged by the values that are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.manifests.concat import concatenate, stack
from zarrchive.manifests.cut_lengths import Run, longest_cut
from zarrchive.manifests.splitting import split_chunks
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import stored, stored_arrays


def _check_impossible(error: ManifestError, array: ManifestArray, lengths) -> None:
    assert error.problem.code == "split-impossible"
    assert lengths != array.chunk_shape


@given(stored_arrays(), st.data())
def test_the_values_stay_whatever_the_cut(case, data) -> None:
    array = case.array
    assume(array.ndim)
    lengths = tuple(data.draw(st.integers(1, chunk)) for chunk in array.chunk_shape)
    try:
        cut = split_chunks(array, lengths)
    except ManifestError as error:
        _check_impossible(error, array, lengths)
        return
    assert cut.chunk_shape == lengths
    assert cut.shape == array.shape
    np.testing.assert_array_equal(values_of(cut), case.truth)


@given(st.data())
def test_rows_of_raw_chunks_can_always_be_cut_apart(data) -> None:
    case = data.draw(stored_arrays(shape=(6, 4), codecs=[]))
    chunk = case.array.chunk_shape
    length = data.draw(st.sampled_from([n for n in range(1, chunk[0] + 1) if chunk[0] % n == 0]))
    cut = split_chunks(case.array, (length, chunk[1]))
    assert cut.chunk_shape == (length, chunk[1])
    np.testing.assert_array_equal(values_of(cut), case.truth)


RUNS = st.builds(
    lambda start, size, chunk: Run(start, start + size, chunk),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(1, 8),
)


@given(st.lists(RUNS, min_size=1, max_size=3), st.integers(0, 12))
def test_the_longest_cut_is_found(runs: list[Run], divisor: int) -> None:
    """Against trying all lengths."""

    def fits(length: int) -> bool:
        return all(
            first // run.chunk == (first + length - 1) // run.chunk
            for run in runs
            for first in range(run.start, run.stop, length)
        )

    most = max((run.stop - run.start for run in runs), default=1) or 1
    lengths = [n for n in range(1, max(most, divisor) + 1) if fits(n)]
    lengths = [n for n in lengths if (divisor % n == 0 if divisor else n <= most)]
    assert longest_cut(runs, divisor_of=divisor) == max(lengths)


@given(st.data())
def test_uncompressed_arrays_join_whatever_their_chunks(data) -> None:
    """Months of unlike lengths, each in one chunk: what everybody has."""
    beside = data.draw(st.sampled_from([(), (3,)]))
    parts = []
    for _ in range(data.draw(st.integers(2, 4))):
        length = data.draw(st.integers(1, 6))
        chunk = tuple(data.draw(st.integers(1, 6)) for _ in range(1 + len(beside)))
        shape = (length, *beside)
        parts.append(
            data.draw(stored_arrays(shape=shape, chunk_shape=chunk, dtype="<i4", codecs=[]))
        )
    joined = concatenate([part.array for part in parts], axis=0)
    np.testing.assert_array_equal(values_of(joined), np.concatenate([p.truth for p in parts]))


@given(st.data())
def test_uncompressed_arrays_stack_whatever_their_chunks(data) -> None:
    parts = [data.draw(stored_arrays(shape=(4, 6), dtype="<i4", codecs=[])) for _ in range(3)]
    axis = data.draw(st.integers(0, 2))
    whole = stack([part.array for part in parts], axis=axis)
    np.testing.assert_array_equal(values_of(whole), np.stack([p.truth for p in parts], axis))


def test_what_is_not_stored_fits_to_any_chunks_and_codecs() -> None:
    zlib = [{"name": "numcodecs.zlib", "configuration": {"level": 1}}]
    case = stored(np.arange(12, dtype="<i4").reshape(4, 3), (2, 3), codecs=zlib)
    metadata = changed_metadata(stored(np.zeros((6, 3), "<i4"), (1, 1)).array.metadata)
    absent = ManifestArray(metadata, ChunkManifest.empty((6, 3)))
    for arrays in ([case.array, absent], [absent, case.array]):
        joined = concatenate(arrays, axis=0)
        assert joined.manifest.nrefs == 2
        expected = [case.truth if one is case.array else np.zeros((6, 3)) for one in arrays]
        np.testing.assert_array_equal(values_of(joined), np.concatenate(expected))


@pytest.mark.parametrize("lengths", [(2, 3), (4, 2), (0, 3), (4,)])
def test_parts_that_are_no_ranges_are_refused_with_the_reason(lengths) -> None:
    case = stored(np.arange(24).reshape(4, 6), (4, 6))
    with pytest.raises(ManifestError, match="cannot be cut into"):
        split_chunks(case.array, lengths)
