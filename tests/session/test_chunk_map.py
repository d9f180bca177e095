"""The picture of a chunk grid, against the manifest entry by entry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location import SourceFile
from zarrchive.manifests import ChunkEntry, ChunkManifest, InlineChunk, ManifestArray
from zarrchive.manifests._zarr import array_metadata
from zarrchive.session.chunk_map import chunk_map
from zarrchive.session.reading_cost import cost_of


def make_array(manifest: ChunkManifest) -> ManifestArray:
    grid = manifest.grid_shape
    metadata = array_metadata(
        shape=tuple(n * 2 for n in grid),
        dtype=np.dtype("f4"),
        chunk_shape=(2,) * len(grid),
        codecs=[{"name": "bytes", "configuration": {"endian": "little"}}],
        fill_value=0,
        dimension_names=[f"d{axis}" for axis in range(len(grid))],
        attributes={},
    )
    return ManifestArray(metadata, manifest)


@st.composite
def manifests(draw: st.DrawFn) -> ChunkManifest:
    grid = tuple(draw(st.lists(st.integers(1, 5), min_size=0, max_size=3)))
    entry = st.builds(ChunkEntry, st.just("/a.nc"), st.integers(0, 999), st.integers(1, 50))
    held = st.builds(InlineChunk, st.binary(min_size=1, max_size=5))
    indices = st.tuples(*(st.integers(0, n - 1) for n in grid))
    entries = draw(st.dictionaries(indices, entry | held, max_size=12))
    return ChunkManifest.from_entries(entries, grid_shape=grid)


@given(manifests())
def test_bytes_and_kinds_add_up(manifest: ChunkManifest) -> None:
    picture, (kinds, sizes) = chunk_map(make_array(manifest))
    cells = np.frombuffer(kinds, np.uint8)
    assert cells.size == np.prod(picture["grid"])
    stored = sum(
        entry.length if isinstance(entry, ChunkEntry) else len(entry.data)
        for _, entry in manifest.entries()
    )
    assert np.frombuffer(sizes, np.float32).sum() == stored
    assert (cells > 0).any() == (manifest.nstored > 0)


def test_two_dimensions_lie_where_they_are() -> None:
    entries = {(0, 1): ChunkEntry("/a.nc", 0, 10), (2, 0): InlineChunk(b"abc")}
    picture, (kinds, sizes) = chunk_map(
        make_array(ChunkManifest.from_entries(entries, grid_shape=(3, 2)))
    )
    assert picture["grid"] == [3, 2]
    assert picture["dims"] == ["d0", "d1"]
    assert np.frombuffer(kinds, np.uint8).reshape(3, 2).tolist() == [[0, 2], [0, 0], [1, 0]]
    assert np.frombuffer(sizes, np.float32).reshape(3, 2).tolist() == [[0, 10], [0, 0], [3, 0]]


@pytest.mark.parametrize("grid", [(10**12,), (10**6, 10**6), (0, 4), (1, 1, 1), ()])
def test_any_grid_is_at_most_200_by_200(grid: tuple[int, ...]) -> None:
    picture, (kinds, _) = chunk_map(make_array(ChunkManifest.empty(grid)))
    assert max(picture["grid"]) <= 200
    assert not any(kinds)


@given(manifests(), st.data())
def test_the_cost_of_a_selection_is_that_of_its_chunks(
    manifest: ChunkManifest, data: st.DataObject
) -> None:
    array = make_array(manifest)
    selection = [
        data.draw(st.integers(0, n - 1) | st.builds(slice, st.none(), st.none(), st.integers(1, 4)))
        for n in array.shape
    ]
    wanted = np.zeros(array.shape, bool)
    wanted[tuple(selection)] = True
    expected = [
        entry.length
        for index, entry in manifest.entries()
        if isinstance(entry, ChunkEntry)
        and wanted[tuple(slice(2 * i, 2 * i + 2) for i in index)].any()
    ]
    cost = cost_of(array, selection)
    assert (cost.nbytes, cost.requests) == (sum(expected), len(expected))


def test_files_are_those_of_the_manifest() -> None:
    manifest = ChunkManifest.from_entries({(): ChunkEntry("/a.nc", 0, 8)}, grid_shape=())
    assert manifest.files == (SourceFile("/a.nc"),)
    picture, (kinds, _) = chunk_map(make_array(manifest))
    assert (picture["grid"], list(kinds)) == ([1, 1], [2])
