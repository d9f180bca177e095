"""The shape of a virtual dataset that grows with its sources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.layout_message import Virtual
from zarrchive.readers.hdf5.requests import NotUnderstood
from zarrchive.readers.hdf5.virtual_block import read_patterns
from zarrchive.readers.hdf5.virtual_mappings import MOST_BLOCKS
from zarrchive.readers.hdf5.virtual_sources import SourceError, dataset_in, source_file

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.virtual_mappings import Mapping, Pattern

__all__ = ["current", "patterns_of"]


def patterns_of(facts: Facts) -> tuple[Pattern, ...]:
    """Read the mappings of a virtual dataset.

    Raises `Damaged` or `NotUnderstood`.
    """
    if not isinstance(facts.layout, Virtual) or facts.is_told_by_h5py:
        raise NotUnderstood("only HDF5 understands its mappings, and that follows names anywhere")
    return run(read_patterns(facts.file.superblock, facts.layout), facts.file.data)


def current(facts: Facts) -> Facts:
    """Return what is known of a dataset with the shape that its sources give it now.

    Only virtual datasets may change, along dimensions with an unlimited mapping. HDF5 would tell
    the same, but follows names anywhere, and takes the first missing file of a series for its
    end.

    Raises `SourceError` where a source is missing, `Misfit` where a mapping makes no sense, and
    what `patterns_of` does.
    """
    if not isinstance(facts.layout, Virtual) or facts.shape is None:
        return facts
    patterns = patterns_of(facts)
    ends: dict[int, list[int]] = {}
    for pattern in patterns:
        axis = pattern.unlimited_axis
        if axis is not None and axis < len(facts.shape):
            ends.setdefault(axis, []).append(_end(facts.file, pattern, axis))
    found = list(facts.shape)
    for axis, known in ends.items():
        fixed = [p.end(axis) for p in patterns if p.unlimited_axis != axis]
        found[axis] = max(*known, *fixed, 0)
    return replace(facts, shape=tuple(found))


def _end(file: OpenFile, pattern: Pattern, axis: int) -> int:
    if not pattern.is_printf:
        return pattern.end(axis, source_shape=_source_shape(file, pattern.mapping()))
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
        return current(dataset_in(other, mapping.path)).shape or ()
