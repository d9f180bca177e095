"""Files that end within chunks, joined by stating the length of each chunk; NumPy is the judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import HAS_RECTILINEAR, changed_metadata
from zarrchive.manifests.compare import identical_arrays, same_references
from zarrchive.manifests.concat import concatenate, problems_of_concat, stack
from zarrchive.manifests.hierarchy import ManifestGroup
from zarrchive.manifests.packing import pack, unpack
from zarrchive.manifests.rectilinear import obstacle_to_lengths, with_lengths_stated
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import stored, stored_arrays

ZLIB = [{"name": "numcodecs.zlib", "configuration": {"level": 1}}]

needs_rectilinear = pytest.mark.skipif(
    not HAS_RECTILINEAR, reason="needs zarr 3.2, which the newer Python of the same run has"
)


def _check_refusal(error: ManifestError) -> None:
    codes = {"index-misaligned", "axis-codecs", "reverse-ragged", "array-needs-values"}
    assert error.problem.code in codes


def _encoded(values: np.ndarray, chunk_shape: tuple[int, ...], codecs=ZLIB) -> ManifestArray:
    return stored(values, chunk_shape, codecs=codecs).array


def _stated(arrays, axis: int) -> list[ManifestArray]:
    for array in arrays:
        assume(not obstacle_to_lengths(array, axis))
    return [with_lengths_stated(array, axis) for array in arrays]


@st.composite
def parts(draw, *, sides: tuple[int, ...], axis: int, chunk_shape=None):
    """Arrays of any length along `axis`, in chunks of one shape or of any."""
    found = []
    for _ in range(draw(st.integers(2, 4))):
        shape = (*sides[:axis], draw(st.integers(0, 6)), *sides[axis:])
        beside = chunk_shape or tuple(draw(st.integers(1, 4)) for _ in shape)
        found.append(draw(stored_arrays(shape=shape, chunk_shape=beside, dtype="<i4", codecs=ZLIB)))
    return found


@needs_rectilinear
@given(st.data())
def test_files_join_wherever_they_end(data) -> None:
    axis = data.draw(st.integers(0, 1))
    chunk = tuple(data.draw(st.integers(1, 4)) for _ in range(2))
    cases = data.draw(parts(sides=(5,), axis=axis, chunk_shape=chunk))
    arrays = _stated([case.array for case in cases], axis)
    joined = concatenate(arrays, axis=axis)
    truth = np.concatenate([case.truth for case in cases], axis=axis)
    assert joined.manifest.nrefs == sum(case.array.manifest.nrefs for case in cases)
    np.testing.assert_array_equal(values_of(joined), truth)


@needs_rectilinear
@given(st.data())
def test_chunks_may_be_of_unlike_length_in_each_file(data) -> None:
    """Beside the joined axis they are one; joined once more, the first result may come first."""
    beside = data.draw(st.integers(1, 4))
    cases = []
    for _ in range(3):
        shape, chunk = (data.draw(st.integers(1, 6)), 5), (data.draw(st.integers(1, 6)), beside)
        cases.append(
            data.draw(stored_arrays(shape=shape, chunk_shape=chunk, codecs=ZLIB, dtype="<i4"))
        )
    arrays = _stated([case.array for case in cases], 0)
    assume(not problems_of_concat(arrays, axis=0))
    joined = concatenate([concatenate(arrays[:2], axis=0), cases[2].array], axis=0)
    np.testing.assert_array_equal(values_of(joined), np.concatenate([c.truth for c in cases]))


@needs_rectilinear
@given(st.data())
def test_tiles_with_dangling_edges_join_along_both_axes(data) -> None:
    chunk = tuple(data.draw(st.integers(1, 4)) for _ in range(2))
    rows = [data.draw(st.integers(1, 6)) for _ in range(2)]
    columns = [data.draw(st.integers(1, 6)) for _ in range(2)]
    tiles = [
        [
            data.draw(stored_arrays(shape=(n, m), chunk_shape=chunk, codecs=ZLIB, dtype="<i4"))
            for m in columns
        ]
        for n in rows
    ]
    lines = [concatenate(_stated([t.array for t in line], 1), axis=1) for line in tiles]
    whole = concatenate(_stated(lines, 0), axis=0)
    np.testing.assert_array_equal(
        values_of(whole), np.block([[tile.truth for tile in line] for line in tiles])
    )


@needs_rectilinear
@given(st.data())
def test_what_is_joined_can_be_selected_moved_and_kept(data) -> None:
    """Everything that does not refuse has the values that NumPy has."""
    cases = data.draw(parts(sides=(4,), axis=0, chunk_shape=(3, 2)))
    array = concatenate(_stated([case.array for case in cases], 0), axis=0)
    truth = np.concatenate([case.truth for case in cases])
    start, stop = sorted(data.draw(st.integers(0, len(truth))) for _ in range(2))
    step = data.draw(st.sampled_from([1, 1, 1, 2, -1]))
    operations = {
        "slice": lambda one: one[start:stop:step],
        "row": lambda one: one[start] if start < len(truth) else one,
        "columns": lambda one: one[:, 2:],
        "transpose": lambda one: one.T,
        "new axis": lambda one: one[np.newaxis],
        "stack": lambda one: np.stack([one, one]),
        "twice": lambda one: np.concatenate([one, one]),
    }
    name = data.draw(st.sampled_from(sorted(operations)))
    try:
        result = operations[name](array)
    except ManifestError as error:
        _check_refusal(error)
        return
    np.testing.assert_array_equal(values_of(result), operations[name](truth))
    (kept,) = unpack(pack(ManifestGroup(arrays={"x": result}))).arrays.values()
    assert identical_arrays(kept, result.named(kept.name))
    assert same_references(kept, result)


@needs_rectilinear
def test_months_in_one_chunk_each_need_no_codec() -> None:
    months = [np.arange(n * 2, dtype="<i4").reshape(n, 2) for n in (31, 28, 31)]
    arrays = [_encoded(month, month.shape) for month in months]
    codes = {problem.code for problem in problems_of_concat(arrays, axis=0)}
    assert codes == {"concat-chunks"}
    year = concatenate([with_lengths_stated(array, 0) for array in arrays], axis=0)
    assert year.chunk_lengths == ((31, 28, 31), 2)
    assert year.metadata.codecs == arrays[0].metadata.codecs
    assert "chunks (28..31, 2)" in repr(year)
    np.testing.assert_array_equal(values_of(year), np.concatenate(months))
    np.testing.assert_array_equal(values_of(year[31:59]), months[1])
    assert year[31:59].chunk_shape == (28, 2)
    with pytest.raises(ManifestError, match="select from the start of a chunk"):
        year[1:31]
    with pytest.raises(ManifestError, match=r"the lengths \(\(31, 28, 31\), 2\)"):
        _ = year.chunk_shape


@needs_rectilinear
def test_what_is_not_stored_follows_in_any_chunks() -> None:
    values = np.arange(10, dtype="<i4").reshape(5, 2)
    array = _encoded(values, (3, 2))
    metadata = changed_metadata(array.metadata, shape=(4, 2), chunk_lengths=(1, 1))
    absent = ManifestArray(metadata, ChunkManifest.empty((4, 2)))
    joined = concatenate([with_lengths_stated(array, 0), absent, array], axis=0)
    expected = np.concatenate([values, np.zeros((4, 2)), values])
    np.testing.assert_array_equal(values_of(joined), expected)


@needs_rectilinear
def test_shapes_that_cannot_be_told_apart_are_refused() -> None:
    """Chunks of 2 x 6 and of 3 x 4 have as many elements."""
    arrays = [
        _encoded(np.zeros((5, 7), "<i4"), (2, 6)),
        _encoded(np.zeros((4, 7), "<i4"), (3, 4)),
    ]
    stated = [with_lengths_stated(with_lengths_stated(array, 0), 1) for array in arrays]
    codes = {problem.code for problem in problems_of_concat(stated, axis=0)}
    assert codes == {"concat-codecs", "concat-chunks"}


@needs_rectilinear
def test_codecs_that_do_not_know_where_elements_are_have_to_end_with_a_chunk() -> None:
    delta = [{"name": "numcodecs.delta", "configuration": {"dtype": "<i4", "astype": "<i4"}}]
    metadata = _encoded(np.zeros((5, 2), "<i4"), (3, 2)).metadata
    codecs = [*delta, {"name": "bytes", "configuration": {"endian": "little"}}, *ZLIB]
    array = _encoded(np.zeros((5, 2), "<i4"), (3, 2))
    odd = array.replaced(changed_metadata(metadata, codecs=codecs), array.manifest)
    assert "numcodecs.delta does not say" in obstacle_to_lengths(odd, 0)
    assert not obstacle_to_lengths(odd, 1)


@needs_rectilinear
def test_files_of_one_new_place_each_are_stacked_alike() -> None:
    values = np.arange(10, dtype="<i4").reshape(5, 2)
    array = concatenate([with_lengths_stated(_encoded(values, (5, 2)), 0)] * 2, axis=0)
    whole = stack([array, array], axis=0)
    assert whole.chunk_lengths == (1, (5, 5), 2)
    np.testing.assert_array_equal(values_of(whole), np.stack([np.concatenate([values] * 2)] * 2))
    short, long = (_encoded(np.zeros((n, 2), "<i4"), (n, 2)) for n in (4, 6))
    other = concatenate([with_lengths_stated(short, 0), long], axis=0)
    with pytest.raises(ManifestError, match=r"chunks are \(\(5, 5\), 2\) .* but \(\(4, 6\), 2\)"):
        stack([array, other], axis=0)


@pytest.mark.skipif(HAS_RECTILINEAR, reason="for zarr before 3.2, as on Python 3.11")
def test_an_older_zarr_is_named() -> None:
    array = _encoded(np.zeros((5, 2), "<i4"), (3, 2))
    assert "need zarr 3.2 or newer" in obstacle_to_lengths(array, 0)
    with pytest.raises(ValueError, match=r"chunks of unlike length need zarr >= 3\.2"):
        changed_metadata(array.metadata, chunk_lengths=((3, 2), 2))
