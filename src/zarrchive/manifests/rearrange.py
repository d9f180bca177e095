"""Rearranging the chunk grid of manifests: join, take, permute; no chunk is looked at in Python."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zarrchive.manifests.canonical import FIRST_PATH, INLINE
from zarrchive.manifests.chunk_manifest import ChunkManifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["ChunkSelection", "joined", "permuted", "reshaped", "taken"]

_FEW_CHUNKS = 64
"""Chunks a manifest; below, a copy takes less memory than what is to be copied."""

ChunkSelection: TypeAlias = "slice | npt.NDArray[np.int64]"
"""Chunks along one axis: a slice with step 1 inside the grid, or chunk numbers in any order."""


def joined(
    manifests: Sequence[ChunkManifest], axis: int, *, as_new_axis: bool = False
) -> ChunkManifest:
    """Join manifests along an existing chunk axis, or along a new one.

    Parameters
    ----------
    manifests
        At least one; grids agree on all other axes.
    axis
        Not negative.
    as_new_axis
        Give every manifest a new axis of length 1 there first.
    """
    grids = [manifest.grid_shape for manifest in manifests]
    if as_new_axis:
        grids = [(*grid[:axis], 1, *grid[axis:]) for grid in grids]
    counts = [grid[axis] for grid in grids]
    grid_shape = (*grids[0][:axis], sum(counts), *grids[0][axis + 1 :])
    if (parts := _parts(manifests, grid_shape, axis)) is not None:
        whole = ChunkManifest.of_parts(grid_shape, parts)
        if whole.size < _FEW_CHUNKS * len(parts):
            whole.put_together()
        return whole
    files = [file for manifest in manifests for file in manifest.files]
    blobs = [blob for manifest in manifests for blob in manifest.inlined]
    first_file = _starts([len(manifest.files) for manifest in manifests])
    first_blob = _starts([len(manifest.inlined) for manifest in manifests])
    positions: npt.NDArray[np.uint64] | None = None
    if all(manifest.positions is None for manifest in manifests):
        columns = _joined_grids(manifests, axis, grids)
        sizes, side = counts, (-1, *(1,) * (len(grid_shape) - axis - 1))
    else:
        stored = [manifest.stored() for manifest in manifests]
        columns = [np.concatenate([part[i] for part in stored]) for i in (1, 2, 3)]
        sizes, side = [part.position.size for part in stored], (-1,)
        positions = _joined_positions([part.position for part in stored], axis, grids)
    ids, offsets, lengths = columns
    if len(manifests) > 1:
        ids += np.repeat(first_file, sizes).astype(np.uint32).reshape(side) * (ids >= FIRST_PATH)
    if blobs:
        offsets += np.repeat(first_blob, sizes).astype(np.uint64).reshape(side) * (ids == INLINE)
    return ChunkManifest.from_columns(
        grid_shape,
        files=files,
        inlined=blobs,
        positions=positions,
        path_id=ids,
        offset=offsets,
        length=lengths,
    )


def _parts(
    manifests: Sequence[ChunkManifest], grid_shape: tuple[int, ...], axis: int
) -> list[ChunkManifest] | None:
    """Return manifests as parts of one file each, as those of a series are; None: they are not."""
    if prod(grid_shape[:axis]) != 1 or not prod(grid_shape):
        return None
    found: list[ChunkManifest] = []
    for manifest in manifests:
        parts = manifest.parts()
        if parts is None:
            return None
        found += parts
    return found


def _starts(counts: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return where each run begins."""
    return np.array([0, *accumulate(counts)][:-1], dtype=np.int64)


def _joined_grids(
    manifests: Sequence[ChunkManifest], axis: int, grids: Sequence[tuple[int, ...]]
) -> list[npt.NDArray[Any]]:
    columns = [[m.path_id, m.offset, m.length] for m in manifests]
    if columns[0][0].shape != grids[0]:
        columns = [
            [column.reshape(grid) for column in three]
            for three, grid in zip(columns, grids, strict=True)
        ]
    return [np.concatenate(column, axis=axis) for column in zip(*columns, strict=True)]


def _joined_positions(
    positions: Sequence[npt.NDArray[np.uint64]], axis: int, grids: Sequence[tuple[int, ...]]
) -> npt.NDArray[np.uint64]:
    """Return the flat positions of all parts in the joined grid."""
    counts = [grid[axis] for grid in grids]
    inner, total = prod(grids[0][axis + 1 :]), sum(counts)
    moved = []
    for position, count, start in zip(positions, counts, _starts(counts).tolist(), strict=True):
        outer, rest = np.divmod(position, np.uint64(max(count * inner, 1)))
        moved.append(outer * np.uint64(total * inner) + rest + np.uint64(start * inner))
    return np.concatenate(moved)


def reshaped(manifest: ChunkManifest, grid_shape: tuple[int, ...]) -> ChunkManifest:
    """Insert or remove chunk axes of length 1; costs nothing."""
    if manifest.grid_shape == grid_shape:
        return manifest
    parts = manifest.parts()
    if parts is not None and len(parts) > 1:
        return ChunkManifest.of_parts(grid_shape, parts)
    if manifest.positions is not None:
        return replace(manifest, grid_shape=grid_shape)
    return replace(
        manifest,
        grid_shape=grid_shape,
        path_id=manifest.path_id.reshape(grid_shape),
        offset=manifest.offset.reshape(grid_shape),
        length=manifest.length.reshape(grid_shape),
    )


def taken(manifest: ChunkManifest, selection: Sequence[ChunkSelection]) -> ChunkManifest:
    """Take chunks along every axis (orthogonally, as `numpy.ix_` does); repeats are allowed."""
    grid_shape = tuple(
        chosen.stop - chosen.start if isinstance(chosen, slice) else chosen.size
        for chosen in selection
    )
    if manifest.positions is not None:
        rows, positions = _taken_positions(manifest, selection, grid_shape)
        stored = (manifest.path_id, manifest.offset, manifest.length)
        return _with_columns(manifest, grid_shape, [c[rows] for c in stored], positions)
    columns: list[npt.NDArray[Any]] = [manifest.path_id, manifest.offset, manifest.length]
    basic = tuple(chosen if isinstance(chosen, slice) else slice(None) for chosen in selection)
    columns = [column[basic] for column in columns]
    for axis, chosen in enumerate(selection):
        if not isinstance(chosen, slice):
            columns = [np.take(column, chosen, axis=axis) for column in columns]
    return _with_columns(manifest, grid_shape, columns, None)


def _taken_positions(
    manifest: ChunkManifest, selection: Sequence[ChunkSelection], grid_shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return which stored rows are taken, and their flat positions in the new grid."""
    stored = manifest.stored().position.astype(np.int64)
    coordinates = list(np.unravel_index(stored, manifest.grid_shape))
    rows = np.arange(stored.size)
    for axis, chosen in enumerate(selection):
        here = coordinates[axis]
        if isinstance(chosen, slice):
            keep = np.flatnonzero((here >= chosen.start) & (here < chosen.stop))
            moved = here[keep] - chosen.start
        else:
            order = np.argsort(chosen, kind="stable")
            first = np.searchsorted(chosen, here, side="left", sorter=order)
            count = np.searchsorted(chosen, here, side="right", sorter=order) - first
            keep = np.repeat(np.arange(here.size), count)
            within = np.arange(keep.size) - np.repeat(np.cumsum(count) - count, count)
            moved = order[first[keep] + within]
        rows = rows[keep]
        coordinates = [coordinate[keep] for coordinate in coordinates]
        coordinates[axis] = moved
    return rows, _raveled(coordinates, grid_shape, rows.size)


def _raveled(
    coordinates: Sequence[npt.NDArray[Any]], grid_shape: tuple[int, ...], size: int
) -> npt.NDArray[np.int64]:
    position = np.zeros(size, dtype=np.int64)
    for coordinate, count in zip(coordinates, grid_shape, strict=True):
        position = position * count + coordinate
    return position


def permuted(manifest: ChunkManifest, axes: tuple[int, ...]) -> ChunkManifest:
    """Put the chunk axes into another order; `axes` as in `numpy.transpose`."""
    grid_shape = tuple(manifest.grid_shape[axis] for axis in axes)
    columns: list[npt.NDArray[Any]] = [manifest.path_id, manifest.offset, manifest.length]
    if manifest.positions is None:
        columns = [column.transpose(axes) for column in columns]
        return _with_columns(manifest, grid_shape, columns, None)
    coordinates = np.unravel_index(manifest.positions.astype(np.int64), manifest.grid_shape)
    moved = [coordinates[axis] for axis in axes]
    positions = _raveled(moved, grid_shape, manifest.positions.size)
    return _with_columns(manifest, grid_shape, columns, positions)


def _with_columns(
    manifest: ChunkManifest,
    grid_shape: tuple[int, ...],
    columns: Sequence[npt.NDArray[Any]],
    positions: npt.NDArray[np.int64] | None,
) -> ChunkManifest:
    path_id, offset, length = columns
    return ChunkManifest.from_columns(
        grid_shape,
        files=manifest.files,
        inlined=manifest.inlined,
        positions=positions,
        path_id=path_id,
        offset=offset,
        length=length,
    )
