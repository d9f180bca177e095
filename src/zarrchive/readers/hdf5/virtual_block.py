"""The mappings of a virtual dataset as the file has them, in an object of a global heap.

Follows the HDF5 File Format Specification 3.0, §III.F (version 0), and 4.0 for version 1, which
HDF5 2.0 writes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.checksums import check_checksum
from zarrchive.readers.hdf5.global_heap import GlobalHeaps
from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.selections import parse_selection
from zarrchive.readers.hdf5.superblock import number
from zarrchive.readers.hdf5.virtual_mappings import Pattern

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.layout_message import Virtual
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["read_patterns"]

_FILE_SHARED, _DATASET_SHARED, _SAME_FILE = 1, 2, 4
"""Flags of version 1: a name is that of an earlier entry, or left out."""
_SMALLEST_ENTRY: Final = 32
"""Bytes of two selections."""


def read_patterns(superblock: Superblock, layout: Virtual) -> Steps[tuple[Pattern, ...]]:
    """Read the mappings of a virtual dataset. Raises `Damaged` or `NotUnderstood`."""
    if layout.heap is None:
        return ()
    heaps = GlobalHeaps(superblock)
    yield from heaps.load([layout.heap])
    return _parsed(heaps.object(layout.heap, layout.index), superblock.length_size)


@lru_cache(maxsize=64)
def _parsed(data: bytes, width: int) -> tuple[Pattern, ...]:
    version = number(data, 0, 1)
    if version > 1:
        raise unknown(f"the list of its mappings has version {version}")
    count, at = number(data, 1, width), 1 + width
    if count * _SMALLEST_ENTRY > len(data):
        raise Damaged(f"a list of {count} mappings has {len(data)} bytes")
    found: list[Pattern] = []
    for entry in range(count):
        flags = 0
        if version:
            flags, at = number(data, at, 1), at + 1
        names = []
        for axis, shared in enumerate((_FILE_SHARED, _DATASET_SHARED)):
            if not axis and flags & _SAME_FILE:
                names.append(".")
            elif flags & shared:
                earlier, at = number(data, at, width), at + width
                if earlier >= entry:
                    raise Damaged(f"mapping {entry} has the name of mapping {earlier}")
                names.append(found[earlier].names[axis])
            else:
                name, at = _name(data, at)
                names.append(name)
        source, at = parse_selection(data, at)
        virtual, at = parse_selection(data, at)
        found.append(Pattern(entry, (names[0], names[1]), virtual, source))
    check_checksum(data[: at + 4], "the list of its mappings")
    return tuple(found)


def _name(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise Damaged("the name of a source has no end")
    return data[at:end].decode("utf-8", "surrogateescape"), end + 1
