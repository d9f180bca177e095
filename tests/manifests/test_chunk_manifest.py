"""Laws of ChunkManifest."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.location.identity import SourceFile
from zarrchive.manifests import ChunkEntry, ChunkManifest, InlineChunk
from zarrchive.testing.strategies import chunk_manifests

A, B = SourceFile("/data/a.nc", 10), SourceFile("/data/b.nc", 20)


def columns_of(manifest: ChunkManifest) -> list[np.ndarray]:
    columns = [manifest.positions, manifest.path_id, manifest.offset, manifest.length]
    return [column for column in columns if column is not None]


@given(chunk_manifests())
def test_entries_round_trip(manifest: ChunkManifest) -> None:
    entries = dict(manifest.entries())
    rebuilt = ChunkManifest.from_entries(
        entries, grid_shape=manifest.grid_shape, files=manifest.files
    )
    assert rebuilt == manifest
    assert list(entries) == sorted(entries)


@given(chunk_manifests(), st.randoms(use_true_random=False))
def test_form_does_not_depend_on_how_it_was_built(manifest: ChunkManifest, random) -> None:
    stored = manifest.stored()
    order = list(range(stored.position.size))
    random.shuffle(order)
    files = [B, *reversed(manifest.files), A]
    row = {file: at for at, file in enumerate(files)}
    ids = [
        2 + row[manifest.files[number - 2]] if number >= 2 else number
        for number in stored.path_id.tolist()
    ]
    rebuilt = ChunkManifest.from_columns(
        manifest.grid_shape,
        files=files,
        inlined=manifest.inlined,
        positions=stored.position[order],
        path_id=np.array(ids, dtype=int)[order],
        offset=stored.offset[order],
        length=stored.length[order],
    )
    assert rebuilt == manifest
    pairs = zip(columns_of(rebuilt), columns_of(manifest), strict=True)
    assert all(a.dtype == b.dtype and a.shape == b.shape for a, b in pairs)


@given(chunk_manifests())
def test_lookup_agrees_with_iteration(manifest: ChunkManifest) -> None:
    for index, entry in manifest.entries():
        assert manifest[index] == entry
        file = manifest.file_of(index)
        assert (file is None) == isinstance(entry, InlineChunk)
        assert file is None or file.url == entry.url
    assert manifest.nrefs + manifest.ninlined == manifest.nstored == len(dict(manifest.entries()))


@given(chunk_manifests())
def test_renaming_files_keeps_missing_chunks_missing(manifest: ChunkManifest) -> None:
    moved = manifest.map_files(lambda file: SourceFile("s3://new/" + file.url[-4:], file.size))
    assert [i for i, _ in moved.entries()] == [i for i, _ in manifest.entries()]
    for index, entry in moved.entries():
        old = manifest[index]
        if isinstance(entry, ChunkEntry):
            assert entry.url.startswith("s3://new/")
            assert (entry.offset, entry.length) == (old.offset, old.length)
        else:
            assert entry == old


@given(chunk_manifests(), chunk_manifests())
def test_equality_is_that_of_the_entries(left: ChunkManifest, right: ChunkManifest) -> None:
    same = (
        left.grid_shape == right.grid_shape
        and dict(left.entries()) == dict(right.entries())
        and left.files == right.files
    )
    assert (left == right) is same
    assert left == left.map_files(lambda file: file)


@given(chunk_manifests())
def test_pickles_and_stays_read_only(manifest: ChunkManifest) -> None:
    for copy in (manifest, pickle.loads(pickle.dumps(manifest))):
        assert copy == manifest
        for column in columns_of(copy):
            assert not column.flags.writeable
            if column.size:
                with pytest.raises(ValueError, match="read-only"):
                    column[...] = 1


@given(chunk_manifests(), st.data())
def test_indices_outside_the_grid_are_refused(manifest: ChunkManifest, data: st.DataObject) -> None:
    index = data.draw(st.sampled_from([(-1,), (10**9,), (0, 0, 0, 0)]))
    with pytest.raises(IndexError, match="outside the grid"):
        manifest[index]


def test_sixteen_bytes_a_reference() -> None:
    n = 100_000
    manifest = ChunkManifest.from_columns(
        (n,),
        files=[A, B],
        path_id=np.arange(n) % 2 + 2,
        offset=np.arange(n) * 100,
        length=np.full(n, 100),
    )
    assert manifest.nbytes == 16 * n
    assert manifest.nrefs == n


def test_lengths_beyond_4_gib_are_kept() -> None:
    entry = ChunkEntry("/a", 2**63, 2**40)
    manifest = ChunkManifest.from_entries({(1,): entry}, grid_shape=(2,))
    assert manifest[(1,)] == entry
    assert manifest[(0,)] is None


def test_a_huge_empty_grid_costs_nothing() -> None:
    tracemalloc.start()
    manifest = ChunkManifest.empty((10**6, 10**6))
    with_one = ChunkManifest.from_entries({(5, 7): InlineChunk(b"x")}, grid_shape=(10**6, 10**6))
    same = manifest == ChunkManifest.empty((10**6, 10**6))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert same
    assert manifest.size == 10**12
    assert with_one[(5, 7)] == InlineChunk(b"x")
    assert with_one[(7, 5)] is None
    assert peak < 100_000


def test_the_callers_array_cannot_change_the_manifest() -> None:
    base = np.arange(8, dtype=np.uint64)
    view = base[:4]
    manifest = ChunkManifest.from_columns(
        (4,), files=[A], path_id=np.full(4, 2), offset=view, length=np.ones(4, int)
    )
    base[0] = 99
    assert manifest[(0,)] == ChunkEntry(A.url, 0, 1)


def test_missing_chunks_ignore_what_stands_in_their_columns() -> None:
    manifest = ChunkManifest.from_columns(
        (2,), files=[A, B], path_id=[0, 2], offset=[123, 4], length=[2**40, 5]
    )
    assert manifest == ChunkManifest.from_entries(
        {(1,): ChunkEntry(A.url, 4, 5)}, grid_shape=(2,), files=[A]
    )
    assert manifest.files == (A,)
    assert manifest.length.dtype == np.uint32
    assert manifest.stored_nbytes == 5


def test_two_identities_of_one_url_stay_apart() -> None:
    newer = SourceFile(A.url, 11)
    manifest = ChunkManifest.from_columns(
        (2,), files=[newer, A], path_id=[2, 3], offset=[0, 0], length=[1, 1]
    )
    assert [manifest.file_of((i,)) for i in range(2)] == [newer, A]


def build(**changes: object) -> ChunkManifest:
    columns = {"files": [A], "path_id": [2, 2], "offset": [0, 5], "length": [5, 5]} | changes
    return ChunkManifest.from_columns(columns.pop("grid_shape", (2,)), **columns)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"length": [-1, 5]}, "manifest-negative"),
        ({"offset": [2**64, 0]}, "manifest-negative"),
        ({"offset": [0.5, 0]}, "manifest-negative"),
        ({"path_id": [2**32 + 2, 2]}, "manifest-negative"),
        ({"path_id": [3, 2]}, "manifest-path-id"),
        ({"path_id": [1, 2]}, "manifest-path-id"),
        ({"offset": [0, 5, 6]}, "manifest-shape-mismatch"),
        ({"grid_shape": (1, 2)}, "manifest-shape-mismatch"),
        ({"positions": [[0], [1]]}, "manifest-shape-mismatch"),
        ({"positions": [1, 1]}, "manifest-position"),
        ({"positions": [0, 2]}, "manifest-position"),
        ({"grid_shape": (2**40, 2**40)}, "manifest-grid-too-large"),
        ({"grid_shape": (-1,)}, "manifest-grid-too-large"),
    ],
)
def test_wrong_columns_are_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(ManifestError) as caught:
        build(**changes)
    assert caught.value.problem.code == code


def test_describes_itself() -> None:
    manifest = ChunkManifest.from_entries(
        {(0, 0): ChunkEntry("/a", 0, 1), (1, 0): InlineChunk(b"")}, grid_shape=(2, 2)
    )
    assert repr(manifest) == (
        "<ChunkManifest 2 x 2: 1 references to 1 files, 1 inlined, 2 missing>"
    )
    assert (manifest == "something else") is False
