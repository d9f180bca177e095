"""Global heaps: where values of varying length are kept.

Follows the HDF5 File Format Specification 3.0, §III.E.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.requests import Damaged, Trouble, together
from zarrchive.readers.hdf5.superblock import number
from zarrchive.readers.hdf5.watched import note_unread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["GlobalHeaps"]

_USUAL_SIZE: Final = 4096
"""Bytes that a collection has at least."""


@dataclass(slots=True)
class GlobalHeaps:
    """The collections of a file that were read so far, by address."""

    superblock: Superblock
    _read: dict[int, dict[int, tuple[int, bytes]] | Trouble] = field(default_factory=dict)
    """Where each object begins, counted from its collection, and its bytes, by index."""

    def load(self, addresses: Iterable[int]) -> Steps[None]:
        """Read the collections at `addresses`, in one round where they are small."""
        missing = sorted({*addresses} - self._read.keys())
        found = yield from together(self._collection(address) for address in missing)
        self._read.update(zip(missing, found, strict=True))

    def __contains__(self, address: int) -> bool:
        """Whether the collection at an address was loaded."""
        return address in self._read

    def object(self, address: int, index: int) -> bytes:
        """Return object `index` of a collection that was loaded; raises `Trouble`."""
        return self.placed(address, index)[1]

    def placed(self, address: int, index: int) -> tuple[int, bytes]:
        """Return the byte of the file at which an object begins, and the object."""
        collection = self._read.get(address)
        if isinstance(collection, Trouble):
            raise collection
        if collection is None or index not in collection:
            raise Damaged(f"the global heap at address {address} has no object {index}")
        start, data = collection[index]
        return self.superblock.base + address + start, data

    def _collection(self, address: int) -> Steps[dict[int, tuple[int, bytes]]]:
        width = self.superblock.length_size
        data = yield self.superblock.upto(address, _USUAL_SIZE)
        if data[:4] != b"GCOL" or data[4] != 1:
            raise Damaged(f"there is no global heap at address {address}")
        size = number(data, 8, width)
        if size > len(data):
            data = yield self.superblock.at(address, size)
        if size <= _USUAL_SIZE:
            return _remembered(data[:size], width)
        return _objects(data[:size], width)


@lru_cache(maxsize=256)
def _remembered(data: bytes, width: int) -> dict[int, tuple[int, bytes]]:
    """Return the objects of a small collection, which the files of a series often repeat."""
    return _objects(data, width)


def _objects(data: bytes, width: int) -> dict[int, tuple[int, bytes]]:
    """Return the objects of a collection by index, each with its first byte."""
    # The header is aligned to 8 bytes, as all objects are.
    at, size = _aligned(8 + width), len(data)
    objects: dict[int, tuple[int, bytes]] = {}
    while at + 8 + width <= size:
        index, length = number(data, at, 2), number(data, at + 8, width)
        if not index:
            note_unread(data, at + 2)
            break  # the rest is free space
        start = at + _aligned(8 + width)
        if start + length > size:
            raise Damaged(f"object {index} of a global heap is cut off")
        objects[index] = start, data[start : start + length]
        at = start + _aligned(length)
    return objects


def _aligned(size: int) -> int:
    return -(-size // 8) * 8
