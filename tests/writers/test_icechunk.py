"""Icechunk repositories: made anew, and written into by a session, read by Icechunk itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import xarray as xr
import zarr

import zarrchive
from zarrchive.errors import WriteError
from zarrchive.manifests import ChunkEntry, ChunkManifest, ManifestGroup
from zarrchive.testing.sources import web_server
from zarrchive.writers.icechunk import IcechunkWriter
from zarrchive.writers.icechunk_places import prefixes_of
from zarrchive.writers.icechunk_references import put_chunks
from zarrchive.writers.kerchunk_parquet import KerchunkParquetWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITER = IcechunkWriter()
IS_NEW = sys.version_info >= (3, 12)
needs_icechunk = pytest.mark.skipif(
    not IS_NEW, reason="icechunk 2 needs Python 3.12, which the newer Python of the same run has"
)


@pytest.fixture
def group(make: Callable[..., Any]) -> ManifestGroup:
    return ManifestGroup(arrays={"x": make(np.arange(6.0), chunks=(2,)).array})


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where all files of these tests are."""
    return f"file://{tmp_path_factory.getbasetemp()}/"


def new_repository(folder: Path, *prefixes: str) -> Any:
    """Make a repository with containers for files below some folders."""
    import icechunk

    config = icechunk.RepositoryConfig.default()
    for prefix in prefixes:
        store = icechunk.local_filesystem_store(prefix.removeprefix("file://"))
        named = icechunk.VirtualChunkContainer(prefix, store, name="files")
        config.set_virtual_chunk_container(named)
    leave = dict.fromkeys(prefixes, icechunk.credentials.LocalFileSystemAccess)
    storage = icechunk.local_filesystem_storage(str(folder))
    return icechunk.Repository.create(storage, config=config, authorize_virtual_chunk_access=leave)


def refusal(store: Any, group: ManifestGroup, **options: Any) -> Any:
    with pytest.raises(WriteError) as caught:
        WRITER.write_into(group, store, **options)
    [problem] = caught.value.problems
    assert problem.hint
    return problem


@pytest.mark.skipif(IS_NEW, reason="for Python 3.11, which the same run has")
def test_older_ones_are_refused_by_name(group: ManifestGroup, tmp_path: Path) -> None:
    for refused in (
        lambda: WRITER.write(group, str(tmp_path / "repository")),
        lambda: WRITER.write_into(group, None),
    ):
        with pytest.raises(WriteError, match="icechunk-missing"):
            refused()
    assert not list(tmp_path.iterdir())


@needs_icechunk
def test_a_session_is_written_and_left_to_its_owner(
    make: Callable[..., Any], tmp_path: Path, place: str
) -> None:
    repository = new_repository(tmp_path / "repository", place)
    one, two = make(np.arange(6.0), chunks=(2,)), make(np.arange(4), inline=frozenset({(0,)}))
    group = ManifestGroup(arrays={"x": one.array, "y": two.array}, attributes={"title": "all"})
    session = repository.writable_session("main")
    done = []
    report = WRITER.write_into(
        group, session.store, path="a/b", progress=lambda *counts: done.append(counts)
    )
    assert (report.nrefs, report.ninlined, report.narrays) == (3, 1, 2)
    assert done[-1] == (4, 4)
    assert session.has_uncommitted_changes
    session.commit("ours")
    found = zarr.open_group(repository.readonly_session("main").store, mode="r")["a/b"]
    assert found.attrs["title"] == "all"
    np.testing.assert_array_equal(found["x"][:], one.values)
    np.testing.assert_array_equal(found["y"][:], two.values)


@needs_icechunk
def test_what_is_there_is_not_written_over(
    group: ManifestGroup, tmp_path: Path, place: str
) -> None:
    repository = new_repository(tmp_path / "repository", place)
    session = repository.writable_session("main")
    WRITER.write_into(group, session.store)
    problem = refusal(session.store, group)
    assert (problem.code, problem.variable) == ("icechunk-exists", "/x")
    assert WRITER.write_into(group, session.store, path="/other//").nrefs == 3
    assert refusal(session.store, group, path="x/below").variable == "/x"
    below = ManifestGroup(groups={"x": ManifestGroup()})
    assert "an array" in refusal(session.store, below).what
    above = ManifestGroup(arrays={"other": group.arrays["x"]})
    assert "a group" in refusal(session.store, above).what
    zarr.open_group(session.store, path="other", mode="r+").attrs["title"] = "theirs"
    ours = ManifestGroup(groups={"other": ManifestGroup(attributes={"title": "ours"})})
    assert "attributes of its own" in refusal(session.store, ours).what


@needs_icechunk
def test_places_that_nobody_could_read_are_refused(group: ManifestGroup, tmp_path: Path) -> None:
    session = new_repository(tmp_path / "repository", "file:///nowhere/").writable_session("main")
    problem = refusal(session.store, group)
    assert problem.code == "icechunk-container"
    assert "file:///nowhere/" in problem.what
    assert not session.has_uncommitted_changes


@needs_icechunk
@pytest.mark.parametrize(
    ("urls", "prefixes"),
    [
        (["/a/x/1.nc", "/a/y/2.nc"], ["file:///a/"]),
        (["/a/x/1.nc", "/a/x/2.nc"], ["file:///a/x/"]),
        (["/a/x y/1.nc", "/b/z/2.nc"], ["file:///a/", "file:///b/z/"]),
        (["https://host/a/1.nc", "https://host/b/2.nc"], ["https://host/"]),
        (["/my data/1.nc"], None),
        (["s3://bucket/1.nc"], None),
    ],
)
def test_containers_of_a_new_repository(urls: list[str], prefixes: list[str] | None) -> None:
    entries = {(n,): ChunkEntry(url, 0, 8) for n, url in enumerate(urls)}
    manifest = ChunkManifest.from_entries(entries, grid_shape=(len(urls),))
    if prefixes is None:
        with pytest.raises(WriteError, match="icechunk-container"):
            prefixes_of([manifest])
    else:
        assert prefixes_of([manifest]) == prefixes


@needs_icechunk
def test_other_stores_are_refused(group: ManifestGroup, tmp_path: Path, place: str) -> None:
    assert refusal(zarr.storage.MemoryStore(), group).code == "icechunk-no-store"
    store = new_repository(tmp_path / "repository", place).readonly_session("main").store
    assert refusal(store, group).code == "icechunk-read-only"


@needs_icechunk
@pytest.mark.parametrize("name", ["plain", "with space", "a#b", "a%20b", "what?", "über", "a+b&c"])
def test_paths_of_any_letters(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    paths = [folder / f"{name}.{n}.h5" for n in range(2)]
    for n, path in enumerate(paths):
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=np.arange(4) + n, chunks=(2,))
    virtual = [zarrchive.open_virtual_dataset(path) for path in paths]
    joined = xr.concat(virtual, dim="phony_dim_0")
    joined.virtual.to_icechunk(folder / "repository")
    found = read(str(folder / "repository"))["x"]
    assert found.values.tolist() == [0, 1, 2, 3, 1, 2, 3, 4]


@needs_icechunk
def test_a_file_that_changed_is_noticed(tmp_path: Path, read: Callable[..., Any]) -> None:
    import icechunk

    paths = [tmp_path / f"{n}.h5" for n in range(2)]
    for path in paths:
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=np.arange(4), chunks=(2,))
    joined = xr.concat([zarrchive.open_virtual_dataset(path) for path in paths], "phony_dim_0")
    joined.virtual.to_icechunk(tmp_path / "repository")
    assert read(str(tmp_path / "repository"))["x"].values.tolist() == [0, 1, 2, 3] * 2
    later = paths[0].stat().st_mtime + 5
    os.utime(paths[0], (later, later))
    with pytest.raises(icechunk.IcechunkError, match="has changed"):
        read(str(tmp_path / "repository"))["x"].load()


@needs_icechunk
def test_files_of_a_web_server(tmp_path: Path, read: Callable[..., Any]) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(4), chunks=(2,))
    with web_server({"a b/x%23.h5": path.read_bytes()}) as web:
        virtual = zarrchive.open_virtual_dataset(f"{web.url}a%20b/x%2523.h5")
        report = virtual.virtual.to_icechunk(tmp_path / "repository")
        assert [p.code for p in report.problems] == ["icechunk-unchecked"]
        assert read(str(tmp_path / "repository"))["x"].values.tolist() == [0, 1, 2, 3]


@needs_icechunk
def test_bits_of_a_nan_that_fills(
    make: Callable[..., Any], read_zarr: Callable[..., Any], tmp_path: Path
) -> None:
    fill = np.array(0x7FF00000000007A2, "<u8").view("<f8")[()]
    made = make(np.arange(4.0), chunks=(2,), fill=fill, missing=frozenset({(1,)}))
    WRITER.write(ManifestGroup(arrays={"x": made.array}), str(tmp_path / "repository"))
    assert read_zarr(str(tmp_path / "repository"))["x"][:].tobytes() == made.values.tobytes()


@needs_icechunk
def test_a_huge_grid_with_few_chunks(
    make: Callable[..., Any],
    read_zarr: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = {(7, 3), (90, 90), (99, 0)}
    missing = frozenset(index for index in np.ndindex(100, 100) if index not in stored)
    made = make(np.arange(40_000).reshape(200, 200), chunks=(2, 2), missing=missing)
    assert made.array.manifest.positions is not None
    for most in (2**24, 100):
        monkeypatch.setattr("zarrchive.writers.icechunk_references._MOST_ROWS", most)
        path = str(tmp_path / f"repository{most}")
        WRITER.write(ManifestGroup(arrays={"x": made.array}), path)
        np.testing.assert_array_equal(read_zarr(path)["x"][:], made.values)


@needs_icechunk
def test_a_repository_is_replaced_and_nothing_else(
    group: ManifestGroup, tmp_path: Path, read: Callable[..., Any]
) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "notes.txt").write_text("mine")
    with pytest.raises(WriteError, match="target-not-references"):
        WRITER.write(group, str(path))
    (path / "notes.txt").unlink()
    for _ in range(3):
        assert WRITER.write(group, str(path)).size > 0
    assert read(str(path))["x"].values.tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(WriteError, match="target-not-references"):
        KerchunkParquetWriter().write(group, str(path))


@needs_icechunk
@pytest.mark.parametrize("added", ["commit", "branch", "tag", "damage"])
def test_a_repository_that_holds_more_is_kept(
    group: ManifestGroup, tmp_path: Path, added: str
) -> None:
    import icechunk

    path = tmp_path / "out"
    WRITER.write(group, str(path))
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(path)))
    newest = repository.lookup_branch("main")
    if added == "commit":
        session = repository.writable_session("main")
        zarr.create_array(session.store, name="mine", data=np.arange(3))
        session.commit("work of a year")
    elif added == "branch":
        repository.create_branch("mine", newest)
    elif added == "tag":
        repository.create_tag("mine", newest)
    else:
        for file in path.rglob("*"):
            if file.is_file():
                file.write_bytes(b"damaged")
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with pytest.raises(WriteError, match="target-not-references"):
        WRITER.write(group, str(path))
    assert before == {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


@needs_icechunk
def test_an_interrupted_write_leaves_what_was_there(
    group: ManifestGroup, tmp_path: Path, read: Callable[..., Any]
) -> None:
    path = tmp_path / "out"
    WRITER.write(group, str(path))

    def cancel(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        WRITER.write(group, str(path), progress=cancel)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert read(str(path))["x"].values.tolist() == [0, 1, 2, 3, 4, 5]


@needs_icechunk
def test_choices_that_no_repository_has(group: ManifestGroup, tmp_path: Path) -> None:
    for options, path, code in (
        ({"zarr_format": 2}, str(tmp_path / "a"), "icechunk-zarr-format"),
        ({}, "s3://bucket/repository", "icechunk-not-local"),
    ):
        with pytest.raises(WriteError) as caught:
            WRITER.write(group, path, **options)
        assert [problem.code for problem in caught.value.problems] == [code]
        assert code in [p.code for p in WRITER.problems_of(group, path=path, **options)]


@needs_icechunk
def test_references_that_icechunk_refuses_are_an_error(group: ManifestGroup) -> None:
    class Refusing:
        def set_virtual_refs_arr(self, *_: object, **__: object) -> list[tuple[int]]:
            return [(1,)]

    with pytest.raises(WriteError, match="icechunk-refused"):
        put_chunks(Refusing(), "x", group.arrays["x"].manifest)


@needs_icechunk
def test_a_tree_and_its_groups(tmp_path: Path) -> None:
    path = tmp_path / "radar.h5"
    with h5py.File(path, "w") as file:
        for name in ("sweep_0", "sweep_1"):
            file[f"{name}/reflectivity"] = np.arange(6.0).reshape(2, 3)
    repository = new_repository(tmp_path / "repository", f"file://{tmp_path}/")
    session = repository.writable_session("main")
    zarrchive.open_virtual_datatree(path).virtual.to_icechunk(session.store, group="radar")
    session.commit("a tree")
    store = repository.readonly_session("main").store
    tree = xr.open_datatree(store, engine="zarr", consolidated=False, group="radar")
    assert tree["sweep_1/reflectivity"].values.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(WriteError, match="icechunk-group"):
        zarrchive.open_virtual_dataset(path).virtual.to_icechunk(tmp_path / "new", group="radar")
