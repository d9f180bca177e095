"""ManifestStore: every method of a zarr Store, and files that are not what they were."""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.buffer import default_buffer_prototype

from zarrchive.errors import LocationError, ManifestError, StaleSourceError
from zarrchive.location.identity import SourceFile
from zarrchive.location.source import ByteRange
from zarrchive.manifests import (
    ChunkEntry,
    ChunkManifest,
    InlineChunk,
    ManifestArray,
    ManifestGroup,
    ManifestStore,
)
from zarrchive.manifests._zarr import array_metadata
from zarrchive.manifests.source_pool import SourcePool
from zarrchive.testing.strategies import manifest_groups, stored, stored_arrays

PROTOTYPE = default_buffer_prototype()
RAW = [{"name": "bytes", "configuration": {"endian": "little"}}]


def in_a_loop(coroutine):
    """Run a coroutine on a thread of its own: this one may have a loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def run(awaitable):
    async def main():
        return await awaitable

    return in_a_loop(main())


def listed(iterator) -> list[str]:
    async def main() -> list[str]:
        return [key async for key in iterator]

    return in_a_loop(main())


def read(store: ManifestStore, key: str, request=None) -> bytes | None:
    value = run(store.get(key, PROTOTYPE, request))
    return None if value is None else value.to_bytes()


def raw(values: np.ndarray, path: Path, *, chunks: int = 2, offset: int = 3) -> ManifestArray:
    """Write a 1-D array of chunks without compression, and refer to it."""
    path.write_bytes(b"\xff" * offset + values.tobytes())
    status = path.stat()
    metadata = array_metadata(
        shape=values.shape,
        dtype=values.dtype,
        chunk_shape=(chunks,),
        codecs=RAW,
        fill_value=0,
        dimension_names=["x"],
        attributes={},
    )
    size = chunks * values.itemsize
    entries = {
        (i,): ChunkEntry(str(path), offset + i * size, size) for i in range(len(values) // chunks)
    }
    file = SourceFile(str(path), status.st_size, status.st_mtime_ns)
    manifest = ChunkManifest.from_entries(entries, grid_shape=(len(entries),), files=[file])
    return ManifestArray(metadata, manifest)


@pytest.fixture
def store(tmp_path: Path) -> ManifestStore:
    array = raw(np.arange(6, dtype="<i4"), tmp_path / "a #1?.bin")
    inline = stored(np.arange(4, dtype="<i2").reshape(2, 2), (1, 2), states="im").array
    scalar = stored(np.array(7, dtype="<i4"), (), states="i").array
    below = ManifestGroup(arrays={"c": inline, "scalar": scalar}, attributes={"level": 2})
    return ManifestStore(
        ManifestGroup(arrays={"a": array}, groups={"c": below}, attributes={"title": "x"})
    )


@given(stored_arrays())
def test_zarr_reads_what_numpy_holds(case) -> None:
    group = ManifestGroup(arrays={"air": case.array})
    with ManifestStore(group) as store:
        values = zarr.open_group(store, mode="r", zarr_format=3)["air"][...]
    np.testing.assert_array_equal(values, case.truth)


@given(manifest_groups())
def test_listing_agrees_with_itself(group: ManifestGroup) -> None:
    store = ManifestStore(group)
    keys = listed(store.list())
    assert len(set(keys)) == len(keys)
    n_chunks = sum(array.manifest.nstored for _, array in group.walk_arrays())
    n_nodes = sum(1 for _ in group.walk()) + sum(1 for _ in group.walk_arrays())
    assert len(keys) == n_chunks + n_nodes
    found: list[str] = []
    pending = [""]
    while pending:
        prefix = pending.pop()
        names = listed(store.list_dir(prefix))
        assert len(set(names)) == len(names)
        for name in names:
            path = f"{prefix}/{name}" if prefix else name
            if run(store.exists(path)):
                found.append(path)
            if name != "zarr.json" or listed(store.list_dir(path)):
                pending.append(path)
        below = [key for key in keys if key.startswith(f"{prefix}/")] if prefix else keys
        assert listed(store.list_prefix(f"{prefix}/" if prefix else "")) == below
    assert sorted(found) == sorted(keys)


@given(manifest_groups())
def test_pickles_to_an_equal_store(group: ManifestGroup) -> None:
    store = ManifestStore(group, storage_options={"anon": True}, verify="off")
    again = pickle.loads(pickle.dumps(store))
    assert again == store
    assert again.group == group
    assert again != ManifestStore(group)
    assert again.with_read_only(read_only=True) == store


def test_keys_and_names(store: ManifestStore) -> None:
    assert listed(store.list()) == [
        "zarr.json",
        "a/zarr.json",
        "a/c/0",
        "a/c/1",
        "a/c/2",
        "c/zarr.json",
        "c/c/zarr.json",
        "c/c/c/0/0",
        "c/scalar/zarr.json",
        "c/scalar/c",
    ]
    assert listed(store.list_dir("")) == ["zarr.json", "c", "a"]
    assert listed(store.list_dir("a/")) == ["zarr.json", "c"]
    assert listed(store.list_dir("a/c")) == ["0", "1", "2"]
    assert listed(store.list_dir("c/c/c")) == ["0"]
    assert listed(store.list_dir("c/scalar")) == ["zarr.json", "c"]
    assert listed(store.list_dir("c/scalar/c")) == []
    assert listed(store.list_dir("nowhere")) == []
    assert listed(store.list_prefix("a/c/1")) == ["a/c/1"]
    assert run(store.is_empty("nowhere"))
    assert not run(store.is_empty(""))


@pytest.mark.parametrize(
    "key",
    ["", "a", "a/c", "a/c/3", "a/c/00", "a/c/-1", "a/c/0/0", "a/c/x", "a/c/9" * 9, "a/d/0",
     "b/zarr.json", "zarr.json/zarr.json", ".zgroup", "a/.zarray", "c/c/c/1/1", "a/c/\u0661"],
)  # fmt: skip
def test_other_keys_do_not_exist(store: ManifestStore, key: str) -> None:
    assert read(store, key) is None
    assert not run(store.exists(key))
    with pytest.raises(FileNotFoundError):
        run(store.getsize(key))


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (None, slice(None)),
        (RangeByteRequest(2, 5), slice(2, 5)),
        (RangeByteRequest(2, 99), slice(2, None)),
        (RangeByteRequest(9, 99), slice(8, 8)),
        (RangeByteRequest(3, 3), slice(3, 3)),
        (OffsetByteRequest(6), slice(6, None)),
        (OffsetByteRequest(99), slice(8, 8)),
        (SuffixByteRequest(3), slice(-3, None)),
        (SuffixByteRequest(99), slice(None)),
    ],
    ids=str,
)
@pytest.mark.parametrize("key", ["a/c/1", "a/zarr.json"])
def test_parts_of_values(store: ManifestStore, key: str, request_, part: slice) -> None:
    """A chunk of 8 bytes, and a document of which the first 8 bytes are looked at."""
    if key == "a/c/1":
        whole = np.array([2, 3], dtype="<i4").tobytes()
        assert read(store, key, request_) == whole[part]
        assert run(store.getsize(key)) == 8
    else:
        whole = read(store, key)
        start, stop, _ = part.indices(8)
        assert read(store, key, RangeByteRequest(start, stop)) == whole[start:stop]
        assert run(store.getsize(key)) == len(whole)


def test_partial_values_of_many_keys(store: ManifestStore) -> None:
    requests = [
        ("a/c/2", RangeByteRequest(0, 4)),
        ("nowhere", None),
        ("c/scalar/c", None),
        ("a/c/0", SuffixByteRequest(4)),
        ("a/c/2", None),
    ]
    values = run(store.get_partial_values(PROTOTYPE, requests))
    found = [None if v is None else np.frombuffer(v.to_bytes(), "<i4").tolist() for v in values]
    assert found == [[4], None, [7], [1], [4, 5]]
    with pytest.raises(TypeError, match="byte request"):
        read(store, "a/c/0", "everything")


def test_xarray_opens_groups_and_trees(store: ManifestStore) -> None:
    with xr.open_zarr(store, consolidated=False, chunks=None) as ds:
        assert ds.a.values.tolist() == [0, 1, 2, 3, 4, 5]
        assert ds.attrs == {"title": "x"}
    tree = xr.open_datatree(store, engine="zarr", consolidated=False, chunks=None)
    assert tree["c"].scalar.item() == 7
    assert tree["c"]["c"].values.tolist() == [[0, 1], [0, 0]]
    assert tree["c"].attrs == {"level": 2}


@pytest.mark.parametrize("name", ["set", "delete", "delete_dir", "clear"])
def test_writing_is_refused(store: ManifestStore, name: str) -> None:
    value = PROTOTYPE.buffer.from_bytes(b"")
    arguments = {"set": ("a/c/0", value), "clear": ()}.get(name, ("a",))
    with pytest.raises(ManifestError) as caught:
        run(getattr(store, name)(*arguments))
    assert caught.value.problem.code == "store-read-only"
    with pytest.raises(ManifestError):
        store.with_read_only(read_only=False)
    assert store.read_only
    assert not store.supports_writes
    assert not store.supports_deletes
    assert not store.supports_partial_writes
    assert store.supports_listing


def test_a_huge_sparse_grid_lists_at_once() -> None:
    entries = {(5, 7): InlineChunk(b"\1\0"), (10**6 - 1, 0): InlineChunk(b"\2\0")}
    metadata = array_metadata(
        shape=(10**6, 10**6),
        dtype=np.dtype("<i2"),
        chunk_shape=(1, 1),
        codecs=RAW,
        fill_value=-1,
        dimension_names=None,
        attributes={},
    )
    manifest = ChunkManifest.from_entries(entries, grid_shape=(10**6, 10**6))
    store = ManifestStore(ManifestGroup(arrays={"a": ManifestArray(metadata, manifest)}))
    assert listed(store.list_dir("a/c")) == ["5", "999999"]
    assert listed(store.list_dir("a/c/5")) == ["7"]
    assert listed(store.list_dir("a/c/6")) == []
    assert len(listed(store.list())) == 4
    opened = zarr.open_array(store, path="a", mode="r", zarr_format=3)
    assert opened[5, 6:9].tolist() == [-1, 1, -1]


def test_a_changed_file_is_named_before_a_value_is_returned(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    group = ManifestGroup(arrays={"a": raw(np.arange(4, dtype="<i4"), path)})
    path.write_bytes(path.read_bytes() + b"more")
    with ManifestStore(group) as store, pytest.raises(StaleSourceError) as caught:
        read(store, "a/c/0")
    problem = caught.value.problem
    assert problem.code == "source-changed"
    assert problem.where == str(path)
    assert "size 19" in problem.what
    assert "23 now" in problem.what
    with ManifestStore(group, verify="off") as store:
        assert read(store, "a/c/0") == np.arange(2, dtype="<i4").tobytes()


def test_a_missing_and_a_short_file_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    group = ManifestGroup(arrays={"a": raw(np.arange(4, dtype="<i4"), path)})
    path.write_bytes(path.read_bytes()[:-1])
    with ManifestStore(group, verify="off") as store:
        with pytest.raises(LocationError, match="source-short-read"):
            read(store, "a/c/1")
        with pytest.raises(LocationError, match="source-short-read"):
            zarr.open_array(store, path="a", mode="r", zarr_format=3)[...]
    path.unlink()
    with ManifestStore(group) as store, pytest.raises(LocationError, match=str(path)):
        read(store, "a/c/0")


def test_few_files_stay_open_and_all_are_closed(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("no /proc on this system")
    arrays = {f"a{i}": raw(np.arange(2, dtype="<i4"), tmp_path / f"{i}.bin") for i in range(99)}

    def n_open() -> int:
        return sum(1 for _ in descriptors.iterdir())

    before = n_open()
    store = ManifestStore(ManifestGroup(arrays=arrays))
    for name in arrays:
        assert len(read(store, f"{name}/c/0")) == 8
    assert n_open() - before <= 64
    store.close()
    assert n_open() <= before + 1
    assert len(read(store, "a0/c/0")) == 8
    del store
    assert n_open() <= before + 1


def test_one_source_serves_many_threads(tmp_path: Path) -> None:
    values = np.arange(2000, dtype="<i4")
    group = ManifestGroup(arrays={"a": raw(values, tmp_path / "a.bin")})
    with ManifestStore(group) as store:

        async def everything() -> list[bytes]:
            chunks = [store.get(f"a/c/{i}", PROTOTYPE) for i in range(1000)]
            return [chunk.to_bytes() for chunk in await asyncio.gather(*chunks)]

        assert b"".join(in_a_loop(everything())) == values.tobytes()


def test_a_source_that_returns_too_little_is_an_error(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123")

    class Short:
        file = SourceFile(str(path), 4)

        def get_ranges(self, ranges):
            return [b"01" for _ in ranges]

        def close(self) -> None:
            pass

    monkeypatch.setattr("zarrchive.manifests.source_pool.open_source", lambda *_, **__: Short())
    with pytest.raises(LocationError) as caught:
        SourcePool().read(SourceFile(str(path), 4), [ByteRange(0, 4)])
    assert caught.value.problem.code == "source-short-read"


def test_fields_of_another_byte_order_are_not_served_as_other_numbers() -> None:
    dtype = np.dtype([("a", ">i4"), ("b", "<f4")])
    metadata = array_metadata(
        shape=(1,),
        dtype=dtype,
        chunk_shape=(1,),
        codecs=[{"name": "bytes"}],
        fill_value=np.zeros((), dtype)[()],
        dimension_names=None,
        attributes={},
    )
    array = ManifestArray(metadata, ChunkManifest.empty((1,)))
    with pytest.raises(ManifestError) as caught:
        read(ManifestStore(ManifestGroup(arrays={"table": array})), "table/zarr.json")
    assert caught.value.problem.code == "metadata-not-json"
    assert caught.value.problem.variable == "table"
