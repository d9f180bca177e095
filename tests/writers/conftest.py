"""Virtual arrays over real bytes, encoded by zarr and not by the code under test."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

from zarrchive.location.identity import SourceFile
from zarrchive.manifests import ChunkEntry, ChunkManifest, InlineChunk, ManifestArray
from zarrchive.manifests._zarr import array_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = itertools.count()


class Made(NamedTuple):
    """A virtual array and the values that it stands for."""

    array: ManifestArray
    values: np.ndarray


def make_array(
    folder: Path,
    values: Any,
    *,
    chunks: tuple[int, ...] | None = None,
    fill: Any = None,
    codecs: tuple[dict[str, Any], ...] = (),
    attributes: dict[str, Any] | None = None,
    dims: tuple[str, ...] | None = None,
    missing: frozenset[tuple[int, ...]] = frozenset(),
    inline: frozenset[tuple[int, ...]] = frozenset(),
    file_name: str | None = None,
) -> Made:
    """Store `values` in a new file of `folder`; the `missing` chunks are left out."""
    is_text = isinstance(values, list) and all(isinstance(v, str) for v in values)
    values = np.array(values, dtype=object if is_text else None)
    dtype = "string" if is_text else values.dtype
    endian = "big" if values.dtype.byteorder == ">" else "little"
    serializer: dict[str, Any] = {"name": "bytes"}
    if is_text:
        serializer = {"name": "vlen-utf8"}
    elif values.dtype.itemsize > 1 and values.dtype.kind not in "SV":
        serializer["configuration"] = {"endian": endian}
    if fill is None:
        fill = "" if is_text else np.zeros((), values.dtype)[()]
    chunks = values.shape if chunks is None else chunks
    serial = next(NAMES)
    metadata = array_metadata(
        shape=values.shape,
        dtype=dtype,
        chunk_shape=tuple(max(size, 1) for size in chunks),
        codecs=(serializer, *codecs),
        fill_value=fill,
        dimension_names=dims or tuple(f"v{serial}_{i}" for i in range(values.ndim)),
        attributes=attributes or {},
    )
    encoded = _encoded(metadata, values)
    grid = tuple(-(-n // max(c, 1)) for n, c in zip(values.shape, chunks, strict=True))
    path = folder / (file_name or f"data {serial}.bin")
    entries: dict[tuple[int, ...], ChunkEntry | InlineChunk] = {}
    expected = values.copy()
    with path.open("wb") as file:
        file.write(b"some header")
        for index in np.ndindex(*grid):
            where = tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, chunks, strict=True))
            if index in missing:
                expected[where] = fill
            elif index in inline:
                entries[index] = InlineChunk(encoded[index])
            else:
                entries[index] = ChunkEntry(str(path), file.tell(), len(encoded[index]))
                file.write(encoded[index])
    identity = SourceFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    manifest = ChunkManifest.from_entries(entries, grid_shape=grid, files=[identity])
    return Made(ManifestArray(metadata, manifest), expected)


def _encoded(metadata: Any, values: np.ndarray) -> dict[tuple[int, ...], bytes]:
    """Let zarr encode every chunk."""
    document = {**metadata.to_dict(), "attributes": {}}
    store = MemoryStore({"zarr.json": _buffer(json.dumps(document).encode())})
    with zarr.config.set({"array.write_empty_chunks": True}):
        array = zarr.open_array(store, mode="r+")
        array[...] = values
    keys = [key for key in store._store_dict if key != "zarr.json"]
    return {
        tuple(int(i) for i in key.split("/")[1:]): store._store_dict[key].to_bytes() for key in keys
    }


def _buffer(data: bytes) -> Any:
    from zarr.core.buffer import default_buffer_prototype

    return default_buffer_prototype().buffer.from_bytes(data)


def icechunk_store(path: str) -> Any:
    """Return the newest version in a local Icechunk repository, with leave to read files."""
    import icechunk

    storage = icechunk.local_filesystem_storage(path)
    containers = icechunk.Repository.open(storage).config.virtual_chunk_containers or {}
    access = icechunk.credentials
    leave = {
        prefix: access.LocalFileSystemAccess if prefix.startswith("file:") else access.HttpAccess
        for prefix in containers
    }
    repository = icechunk.Repository.open(storage, authorize_virtual_chunk_access=leave)
    return repository.readonly_session("main").store


def read_back(path: str, **options: Any) -> xr.DataTree:
    """Open a reference set with xarray through fsspec, and a repository through Icechunk."""
    if (Path(path) / "snapshots").is_dir():
        store = icechunk_store(path)
        return xr.open_datatree(store, engine="zarr", consolidated=False, **options)
    storage = {"fo": path, "remote_protocol": "file"}
    return xr.open_datatree("reference://", engine="zarr", storage_options=storage, **options)


@pytest.fixture(scope="session")
def read_zarr() -> Callable[..., zarr.Group]:
    def opened(path: str) -> zarr.Group:
        if (Path(path) / "snapshots").is_dir():
            return zarr.open_group(icechunk_store(path), mode="r")
        options = {"fo": path, "remote_protocol": "file"}
        return zarr.open_group("reference://", mode="r", storage_options=options)

    return opened


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Made]:
    folder = tmp_path_factory.mktemp("sources")

    def build(values: Any, **options: Any) -> Made:
        return make_array(folder, values, **options)

    return build


@pytest.fixture(scope="session")
def read() -> Callable[..., xr.DataTree]:
    return read_back
