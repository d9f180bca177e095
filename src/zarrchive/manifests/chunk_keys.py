"""Store keys of a hierarchy: ``a/zarr.json``, ``a/c/0/1``, and ``a/c`` for a scalar."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from zarrchive.manifests.chunk_manifest import ChunkIndex, ChunkManifest
    from zarrchive.manifests.hierarchy import ManifestGroup
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["DOCUMENT", "NodeKey", "chunk_keys", "chunk_names", "locate", "node_keys"]

DOCUMENT: Final = "zarr.json"
_BLOCK: Final = 65536
"""Chunks whose keys are made at a time."""


class NodeKey(NamedTuple):
    """What a key, or a prefix of keys, stands for."""

    group: ManifestGroup
    """The group, or the group of the array."""
    array: ManifestArray | None = None
    document: bool = False
    """Whether it is the ``zarr.json`` of the group or array."""
    chunk: ChunkIndex | None = None
    """Leading part of a chunk index; the whole of it where the key is a chunk."""


def locate(root: ManifestGroup, key: str) -> NodeKey | None:
    """Find what a key stands for; None if nothing can be there.

    Whether a chunk is stored is left open.
    """
    if not key:
        return NodeKey(root)
    group, parts = root, key.split("/")
    for at, part in enumerate(parts):
        rest = parts[at + 1 :]
        if part in group.groups:
            group = group.groups[part]
        elif part in group.arrays:
            return _locate_in_array(group, group.arrays[part], rest)
        elif part == DOCUMENT and not rest:
            return NodeKey(group, document=True)
        else:
            return None
    return NodeKey(group)


def _locate_in_array(group: ManifestGroup, array: ManifestArray, rest: list[str]) -> NodeKey | None:
    if not rest:
        return NodeKey(group, array)
    if rest == [DOCUMENT]:
        return NodeKey(group, array, document=True)
    numbers = rest[1:]
    grid_shape = array.manifest.grid_shape
    if rest[0] != "c" or len(numbers) > len(grid_shape):
        return None
    index = []
    for number, count in zip(numbers, grid_shape, strict=False):
        # "01", "+1" and digits of other scripts are other keys.
        if not (number.isascii() and number.isdigit()) or (number[0] == "0" and number != "0"):
            return None
        if len(number) > 19 or int(number) >= count:
            return None
        index.append(int(number))
    return NodeKey(group, array, chunk=tuple(index))


def node_keys(root: ManifestGroup, prefix: str) -> Iterator[str]:
    """Iterate over the keys that begin with `prefix`: documents, then chunks in C order."""
    for path, group in root.walk():
        base = path.strip("/")
        base = f"{base}/" if base else ""
        if not _may_hold(base, prefix):
            continue
        if f"{base}{DOCUMENT}".startswith(prefix):
            yield f"{base}{DOCUMENT}"
        for name, array in group.arrays.items():
            here = f"{base}{name}/"
            if not _may_hold(here, prefix):
                continue
            if f"{here}{DOCUMENT}".startswith(prefix):
                yield f"{here}{DOCUMENT}"
            if _may_hold(f"{here}c", prefix):
                keys = (f"{here}{key}" for key in chunk_keys(array.manifest))
                yield from (key for key in keys if key.startswith(prefix))


def _may_hold(base: str, prefix: str) -> bool:
    """Whether keys that begin with `base` can begin with `prefix`."""
    return base.startswith(prefix) or prefix.startswith(base)


def chunk_keys(manifest: ChunkManifest) -> Iterator[str]:
    """Iterate over the keys of the stored chunks in C order, a block at a time."""
    if not manifest.grid_shape:
        if manifest.nstored:
            yield "c"
        return
    for positions in _stored_blocks(manifest):
        columns = [axis.tolist() for axis in np.unravel_index(positions, manifest.grid_shape)]
        for index in zip(*columns, strict=True):
            yield f"c/{'/'.join(map(str, index))}"


def _stored_blocks(manifest: ChunkManifest) -> Iterator[npt.NDArray[np.int64]]:
    """Iterate over the flat positions of the stored chunks."""
    if manifest.positions is not None:
        for start in range(0, manifest.positions.size, _BLOCK):
            yield manifest.positions[start : start + _BLOCK].astype(np.int64)
        return
    ids = manifest.path_id.reshape(-1)
    for start in range(0, ids.size, _BLOCK):
        yield np.flatnonzero(ids[start : start + _BLOCK]) + start


def chunk_names(manifest: ChunkManifest, leading: ChunkIndex) -> Iterator[str]:
    """Iterate over the next part of the keys below the chunk index `leading`.

    Only as much memory as one axis has stored chunks; nothing for chunks that are missing.
    """
    grid_shape = manifest.grid_shape
    if len(leading) >= len(grid_shape):
        return
    if manifest.positions is None:
        below = manifest.path_id[leading]
        stored = below.any(axis=tuple(range(1, below.ndim)))
        yield from map(str, np.flatnonzero(stored).tolist())
        return
    stride = prod(grid_shape[len(leading) + 1 :])
    span = stride * grid_shape[len(leading)]
    first = 0
    for number, count in zip(leading, grid_shape, strict=False):
        first = first * count + number
    low, high = np.searchsorted(
        manifest.positions, np.array([first * span, (first + 1) * span], dtype=np.uint64)
    )
    numbers = (manifest.positions[low:high] - np.uint64(first * span)) // np.uint64(stride)
    keep = np.ones(numbers.size, dtype=bool)
    keep[1:] = numbers[1:] != numbers[:-1]
    yield from map(str, numbers[keep].tolist())
