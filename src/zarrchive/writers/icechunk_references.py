"""The chunks of one array in an Icechunk session."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.errors import Problem, WriteError
from zarrchive.manifests._zarr import put_bytes
from zarrchive.manifests.chunk_manifest import FIRST_PATH, INLINE
from zarrchive.writers.icechunk_places import location_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.location.identity import SourceFile
    from zarrchive.manifests import ChunkManifest

__all__ = ["checksum_of", "put_chunks"]

_MOST_ROWS: Final = 2**24
"""Chunks of a grid that are listed with those that are missing; larger grids are sparse."""


def put_chunks(store: Any, path: str, manifest: ChunkManifest) -> None:  # noqa: ANN401 - an IcechunkStore
    """Put all chunks of the array at `path`, whose document is there already.

    Raises `WriteError` where Icechunk refuses some.
    """
    stored = manifest.stored()
    for row in np.flatnonzero(stored.path_id == INLINE).tolist():
        index = np.unravel_index(int(stored.position[row]), manifest.grid_shape or (1,))
        numbers = [*map(str, map(int, index))] if manifest.grid_shape else []
        data = manifest.inlined[int(stored.offset[row])]
        put_bytes(store, "/".join([path, "c", *numbers]), data)
    if not manifest.nrefs:
        return
    if manifest.positions is None or manifest.size <= _MOST_ROWS:
        failed = _put_whole_grid(store, path, manifest)
    else:
        failed = _put_listed(store, path, manifest)
    if failed:
        raise WriteError(
            Problem(
                code="icechunk-refused",
                where="Icechunk",
                variable=f"/{path}",
                what=f"it does not take {len(failed)} references, the first for chunk {failed[0]}",
                hint="check the containers of the repository; discard the changes of the session",
            )
        )


def _put_whole_grid(store: Any, path: str, manifest: ChunkManifest) -> Any:  # noqa: ANN401 - as above
    stored = manifest.stored()
    row = np.zeros(manifest.size, dtype=np.intp)
    offset = np.zeros(manifest.size, dtype=np.uint64)
    length = np.zeros(manifest.size, dtype=np.uint64)
    is_reference = stored.path_id >= FIRST_PATH
    position = stored.position[is_reference].astype(np.intp)
    row[position] = stored.path_id[is_reference] - (FIRST_PATH - 1)
    offset[position], length[position] = stored.offset[is_reference], stored.length[is_reference]
    # An empty location is a chunk that is not here.
    table = np.array(["", *(location_of(file.url) for file in manifest.files)], dtype=object)
    return store.set_virtual_refs_arr(
        f"/{path}",
        manifest.grid_shape,
        table[row].tolist(),
        offset,
        length,
        checksum=checksum_of(manifest.files),
    )


def _put_listed(store: Any, path: str, manifest: ChunkManifest) -> Any:  # noqa: ANN401 - as above
    """Put the few references of a very large grid one by one."""
    spec = import_module("icechunk").VirtualChunkSpec
    stored = manifest.stored()
    checksum = checksum_of(manifest.files)
    etag, moment = (checksum, None) if isinstance(checksum, str) else (None, checksum)
    locations = [location_of(file.url) for file in manifest.files]
    index = np.stack(np.unravel_index(stored.position.astype(np.int64), manifest.grid_shape), 1)
    columns = (index.tolist(), stored.path_id, stored.offset.tolist(), stored.length.tolist())
    chunks = [
        spec(place, locations[int(row) - FIRST_PATH], offset, length, etag, moment)
        for place, row, offset, length in zip(*columns, strict=True)
        if row >= FIRST_PATH
    ]
    return store.set_virtual_refs(f"/{path}", chunks)


def checksum_of(files: Sequence[SourceFile]) -> str | datetime | None:
    """Return what tells later that one of the files has changed since it was scanned.

    Icechunk takes one moment for all references of a call, in whole seconds. A file that changes
    after it was scanned is younger than all files were then: the youngest decides. None where
    nothing is known that Icechunk can compare: it sends entity tags without their quotes, which
    web servers take for others.
    """
    moments = [file.mtime_ns for file in files if file.mtime_ns is not None]
    if moments and len(moments) == len(files):
        return datetime.fromtimestamp(-(-max(moments) // 10**9), tz=UTC)
    if len(files) == 1 and not files[0].url.startswith(("http://", "https://")):
        return files[0].etag
    return None
