"""The shape of a virtual dataset that grows with its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.layout_message import Virtual
from zarrchive.readers.hdf5.virtual_mappings import MOST_BLOCKS, patterns_of
from zarrchive.readers.hdf5.virtual_sources import SourceError, dataset_in, source_file

if TYPE_CHECKING:
    from h5py import h5p

    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.virtual_mappings import Mapping, Pattern

__all__ = ["current_shape"]


def current_shape(file: OpenFile, plist: h5p.PropDCID, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a virtual dataset as its sources are now.

    Dimensions without an unlimited mapping keep that of `shape`, which the file has. HDF5 would
    tell the same, but follows names anywhere, and takes the first missing file of a series for
    its end.

    Raises `SourceError` where a source is missing, and `Misfit` where a mapping makes no sense.
    """
    patterns = list(patterns_of(plist))
    found = list(shape)
    ends: dict[int, list[int]] = {}
    for pattern in patterns:
        axis = pattern.unlimited_axis
        if axis is not None:
            ends.setdefault(axis, []).append(_end(file, pattern, axis))
    for axis, known in ends.items():
        fixed = [p.end(axis) for p in patterns if p.unlimited_axis != axis]
        found[axis] = max(*known, *fixed, 0)
    return tuple(found)


def _end(file: OpenFile, pattern: Pattern, axis: int) -> int:
    if not pattern.is_printf:
        shape = _source_shape(file, pattern.mapping())
        return pattern.end(axis, source_shape=shape)
    return pattern.end(axis, block=_last_block(file, pattern))


def _last_block(file: OpenFile, pattern: Pattern) -> int:
    """Return the number of the last block of a series that is there."""
    for block in range(MOST_BLOCKS):
        try:
            _source_shape(file, pattern.mapping(block))
        except SourceError as error:
            if not error.is_missing or not block:
                raise
            _check_gap(file, pattern, block, error)
            return block - 1
    return MOST_BLOCKS - 1


def _check_gap(file: OpenFile, pattern: Pattern, block: int, missing: SourceError) -> None:
    """Raise `SourceError` where a series goes on behind a missing block."""
    after = pattern.mapping(block + 1)
    try:
        _source_shape(file, after)
    except SourceError:
        return
    raise SourceError(f"{missing.what}, though {after.path!r} in {after.file!r} is", missing.hint)


def _source_shape(file: OpenFile, mapping: Mapping) -> tuple[int, ...]:
    with source_file(file, mapping.file) as other:
        source = dataset_in(other, mapping.path)
        if isinstance(source.layout, Virtual):
            return current_shape(other, source.plist, source.shape or ())
        return source.shape or ()
