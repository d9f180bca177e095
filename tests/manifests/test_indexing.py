"""Selecting and rearranging whole chunks, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests import ChunkEntry, ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import array_metadata
from zarrchive.manifests.rearrange import permuted, taken
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import chunk_manifests, stored, stored_arrays

RAW = [{"name": "bytes", "configuration": {"endian": "little"}}]
ZLIB = [{"name": "numcodecs.zlib", "configuration": {"level": 1}}]


@st.composite
def basic_keys(draw: st.DrawFn, shape: tuple[int, ...]):
    """Anything that numpy.ndarray takes without arrays, most of it misaligned."""
    key = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        bounds = st.none() | st.integers(-size - 1, size + 1)
        slices = st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 1, 1, 2, -1]))
        key.append(draw(slices | st.integers(-size, size - 1) if size else slices))
    for _ in range(draw(st.integers(0, 2))):
        key.insert(draw(st.integers(0, len(key))), None)
    if draw(st.booleans()):
        key.insert(draw(st.integers(0, len(key))), Ellipsis)
    return tuple(key)


def _check_refusal(
    error: ManifestError, array: ManifestArray, *codes: str, possible: bool = True
) -> None:
    """Only parts of chunks that are encoded cannot be had."""
    assert error.problem.code in (codes or {"index-misaligned", "reverse-ragged"})
    assert possible
    assert max(array.chunk_shape) > 1
    assert len(array.metadata.codecs) > 1


@given(st.data(), stored_arrays())
def test_basic_indexing_is_numpys_or_refused(data: st.DataObject, case) -> None:
    key = data.draw(basic_keys(case.array.shape))
    try:
        # Nothing can be selected from an axis of size 0 by an integer before an Ellipsis.
        expected = case.truth[key]
    except IndexError:
        with pytest.raises(IndexError):
            case.array[key]
        return
    try:
        result = case.array[key]
    except ManifestError as error:
        _check_refusal(error, case.array)
        return
    assert result.shape == expected.shape
    np.testing.assert_array_equal(values_of(result), expected)


@given(st.data(), st.integers(0, 6), st.integers(1, 3))
def test_vectors_select_whole_chunks_in_any_order(data, size: int, chunk: int) -> None:
    case = stored(np.arange(size * 2).reshape(2, size), (1, chunk), codecs=ZLIB)
    starts = data.draw(st.lists(st.sampled_from(range(0, max(size, 1), chunk)), max_size=4))
    vector = np.array([i for s in starts for i in range(s, min(s + chunk, size))], dtype=int)
    cut = data.draw(st.integers(0, max(vector.size, 0)))
    key = (slice(None), vector[:cut] - data.draw(st.sampled_from([0, size])))
    try:
        result = case.array[key]
    except ManifestError as error:
        # Only a chunk at the edge may be short, and only at the end.
        _check_refusal(error, case.array, "index-misaligned", possible=size % chunk > 0)
        return
    np.testing.assert_array_equal(values_of(result), case.truth[key])


@given(stored_arrays(shape=(3, 4), chunk_shape=(1, 1), dtype="<i2"), st.data())
def test_chunks_of_one_allow_everything_orthogonal(case, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(-3, 2), max_size=4))
    columns = data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=4))
    mask = np.array([True, False, True])
    for key in [
        np.ix_(np.array(rows, dtype=int), columns),
        (np.array(rows, dtype=int),),
        (mask, slice(None, None, -2)),
        (1, columns),
        (np.array(1), slice(1, 3)),
        (None, np.array(rows, dtype=int), ..., None),
    ]:
        np.testing.assert_array_equal(values_of(case.array[key]), case.truth[key])


@given(st.data(), stored_arrays())
def test_broadcasts_as_numpy_does(data: st.DataObject, case) -> None:
    array, truth = case
    stretched = tuple(data.draw(st.integers(1, 3)) if size == 1 else size for size in array.shape)
    shape = (*data.draw(st.lists(st.integers(0, 3), max_size=2)), *stretched)
    try:
        result = np.broadcast_to(array, shape)
    except ManifestError as error:
        _check_refusal(error, array)
        return
    np.testing.assert_array_equal(values_of(result), np.broadcast_to(truth, shape))


@given(st.data(), stored_arrays())
def test_new_axes_come_and_go(data: st.DataObject, case) -> None:
    axis = data.draw(st.integers(-case.array.ndim - 1, case.array.ndim))
    expanded = np.expand_dims(case.array, axis)
    np.testing.assert_array_equal(values_of(expanded), np.expand_dims(case.truth, axis))
    squeezed = np.squeeze(expanded, axis=axis)
    assert squeezed.shape == case.array.shape
    assert squeezed.manifest == case.array.manifest


@given(chunk_manifests(st.sampled_from([(70, 70), (10**6, 10**6), (3, 10**5, 4)])), st.data())
def test_sparse_grids_follow_the_same_rules(manifest: ChunkManifest, data) -> None:
    """A model in plain Python: a dictionary of entries."""
    selection, picked = [], []
    for axis, count in enumerate(manifest.grid_shape):
        seen = [index[axis] for index, _ in manifest.entries()] or [0]
        if data.draw(st.booleans()):
            numbers = data.draw(st.lists(st.sampled_from(seen), max_size=3))
            selection.append(np.array(numbers, dtype=np.int64))
        else:
            start = data.draw(st.sampled_from([0, *seen]))
            selection.append(slice(start, count))
            numbers = range(start, count)
        picked.append(numbers)
    result = taken(manifest, selection)
    assert result.grid_shape == tuple(map(len, picked))
    expected = {}
    for index, entry in manifest.entries():
        places = [
            [j for j, n in enumerate(p) if n == i]
            if not isinstance(p, range)
            else ([i - p.start] if i in p else [])
            for i, p in zip(index, picked, strict=True)
        ]
        for place in np.ndindex(*map(len, places)):
            expected[tuple(p[k] for p, k in zip(places, place, strict=True))] = entry
    assert dict(result.entries()) == expected
    axes = data.draw(st.permutations(range(len(manifest.grid_shape))))
    swapped = permuted(manifest, tuple(axes))
    assert dict(swapped.entries()) == {
        tuple(index[axis] for axis in axes): entry for index, entry in manifest.entries()
    }


CASE = stored(np.arange(24).reshape(4, 6), (1, 3), codecs=ZLIB)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ((slice(None), 1), "index-misaligned"),
        ((slice(None), slice(1, None)), "index-misaligned"),
        ((slice(None), slice(None, None, 2)), "index-misaligned"),
        ((slice(None), slice(4, None, -1)), "index-misaligned"),
        ((slice(None), [1, 2, 3]), "index-misaligned"),
        ((slice(None), [0, 2, 1]), "index-misaligned"),
        (([0, 1], [0, 1]), "array-needs-values"),
        ((0, slice(None), None, True), "array-needs-values"),
        (np.ones((4, 6), dtype=bool), "array-needs-values"),
        (np.zeros((2, 2), dtype=int), "array-needs-values"),
        ((np.array([[0], [1]]), slice(None)), "array-needs-values"),
    ],
)
def test_what_would_cut_chunks_is_refused(key, code: str) -> None:
    with pytest.raises(ManifestError) as caught:
        CASE.array[key]
    assert caught.value.problem.code == code
    assert "ds.virtual.open()" in caught.value.problem.hint


@pytest.mark.parametrize("key", [4, -5, (0, 0, 0), ([4],), ([-5],), (..., ...), ([0.5],), "time"])
def test_what_does_not_exist_is_an_index_error(key) -> None:
    with pytest.raises(IndexError):
        CASE.array[key]


def test_an_integer_and_an_array_apart_are_refused() -> None:
    cube = stored(np.arange(8).reshape(2, 2, 2), (1, 1, 1))
    with pytest.raises(ManifestError, match="apart"):
        cube.array[0, :, [0, 1]]
    np.testing.assert_array_equal(values_of(cube.array[:, 0, [1, 0]]), cube.truth[:, 0, [1, 0]])


def test_a_selection_may_end_within_a_chunk() -> None:
    np.testing.assert_array_equal(values_of(CASE.array[:, 3:4]), CASE.truth[:, 3:4])


def test_codecs_that_depend_on_axes_keep_them() -> None:
    sharded = {"chunk_shape": [1, 2], "codecs": RAW, "index_codecs": RAW}
    metadata = array_metadata(
        shape=(1, 2),
        dtype=np.dtype("<i2"),
        chunk_shape=(1, 2),
        codecs=[{"name": "sharding_indexed", "configuration": sharded}],
        fill_value=0,
        dimension_names=None,
        attributes={},
    )
    manifest = ChunkManifest.from_entries({(0, 0): ChunkEntry("/a", 0, 4)}, grid_shape=(1, 1))
    array = ManifestArray(metadata, manifest)
    for change in (lambda: array[0], lambda: array[None], lambda: array.T):
        with pytest.raises(ManifestError, match="axis-codecs"):
            change()


RAW_CASE = stored(np.arange(48, dtype="<i4").reshape(4, 12), (2, 6))


@pytest.mark.parametrize(
    ("key", "n_chunks"),
    [
        (np.s_[:, :], 4),
        (np.s_[0:2], 2),
        (np.s_[:, 0:6], 2),
        (np.s_[1:3], 4),  # rows are runs of bytes, as far as their chunks go
        (np.s_[1:2, 2:5], 1),
        (np.s_[3, 9], 1),
        (np.s_[::2, 6:], 2),
    ],
)
def test_parts_of_raw_chunks_are_as_few_ranges_as_can_be(key, n_chunks: int) -> None:
    part = RAW_CASE.array[key]
    np.testing.assert_array_equal(values_of(part), RAW_CASE.truth[key])
    assert part.manifest.nrefs == n_chunks
    assert not part.manifest.inlined


def test_what_would_take_more_references_than_values_is_refused() -> None:
    metadata = array_metadata(
        shape=(1, 4000, 4000),
        dtype=np.dtype("<f4"),
        chunk_shape=(1, 4000, 4000),
        codecs=RAW,
        fill_value=0,
        dimension_names=None,
        attributes={},
    )
    entries = {(0, 0, 0): ChunkEntry("/a", 0, 64_000_000)}
    manifest = ChunkManifest.from_entries(entries, grid_shape=(1, 1, 1))
    array = ManifestArray(metadata, manifest)
    with pytest.raises(ManifestError, match="cut-too-fine"):
        array[:, :, ::2]
    assert array[:, ::2].manifest.nrefs == 2000


CHANGES = {
    "broadcast another length": lambda a: np.broadcast_to(a, (5, 6)),
    "broadcast to fewer axes": lambda a: np.broadcast_to(a, (6,)),
    "a new axis too far": lambda a: np.expand_dims(a, 5),
    "a new axis twice": lambda a: np.expand_dims(a, (0, 0)),
    "squeeze a long axis": lambda a: np.squeeze(a, axis=0),
    "transpose to one axis twice": lambda a: a.transpose(0, 0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_shapes_that_do_not_fit(change) -> None:
    with pytest.raises(IndexError):
        change(CASE.array)
