"""Attributes that HDF5 keeps in a heap, because an object has more than eight or large ones.

Follows the HDF5 File Format Specification 3.0: version 2 B-trees (§III.A.2, type 8: attribute
name), fractal heaps (§III.G) and the attribute info message (§IV.A.2.v). What is rare (deep
trees, filtered heaps, huge or tiny objects) is left to h5py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.object_header import read_at

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["dense_attribute_messages"]

_NAME_INDEX: Final = 8
_RECORD_TAIL: Final = 9
"""Bytes of a record behind the heap ID: flags, order of creation, hash of the name."""
_SHARED: Final = 0x02
_MOST_BLOCKS: Final = 64


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Little-endian numbers one after the other."""

    data: bytes

    def number(self, at: int, width: int) -> int:
        if at + width > len(self.data):
            raise ValueError(at)
        return int.from_bytes(self.data[at : at + width], "little")


@dataclass(frozen=True, slots=True)
class _Heap:
    """The blocks of a fractal heap, and how its IDs are cut into offset and length."""

    blocks: tuple[tuple[int, bytes], ...]
    """Offset in the space of the heap, and bytes, of each direct block."""
    offset_width: int
    length_width: int

    def object(self, heap_id: bytes) -> bytes | None:
        """Return a managed object; None if the ID is of another kind."""
        if heap_id[0] & 0xF0:
            return None
        cursor = _Cursor(heap_id)
        offset = cursor.number(1, self.offset_width)
        length = cursor.number(1 + self.offset_width, self.length_width)
        for start, data in self.blocks:
            if start <= offset and offset + length <= start + len(data):
                return data[offset - start : offset - start + length]
        return None


def dense_attribute_messages(file: OpenFile, info: bytes) -> list[bytes] | None:
    """Return the attribute messages that the attribute info message `info` leads to.

    None where this is one of the rare forms. Raises ValueError or IndexError where the
    structures are damaged.
    """
    at = 2 + (2 if info[1] & 1 else 0)
    width = file.address_size
    cursor = _Cursor(info)
    heap = _heap(file, cursor.number(at, width))
    if heap is None:
        return None
    records = _records(file, cursor.number(at + width, width))
    found = []
    for record in records or ():
        body = None if record[-_RECORD_TAIL] & _SHARED else heap.object(record[:-_RECORD_TAIL])
        if body is None:
            return None
        found.append(body)
    return None if records is None else found


def _records(file: OpenFile, address: int) -> list[bytes] | None:
    """Return the records of a version 2 B-tree that is one leaf."""
    width, lengths = file.address_size, file.length_size
    header = _Cursor(read_at(file, address, 22 + width + lengths))
    root, count = header.number(16, width), header.number(16 + width, 2)
    size, depth = header.number(10, 2), header.number(12, 2)
    total = header.number(18 + width, lengths)
    if header.data[:4] != b"BTHD" or header.data[5] != _NAME_INDEX or depth or count != total:
        return None
    leaf = read_at(file, root, 6 + count * size)
    if leaf[:4] != b"BTLF" or len(leaf) != 6 + count * size or size <= _RECORD_TAIL:
        return None
    return [leaf[6 + n * size : 6 + (n + 1) * size] for n in range(count)]


def _heap(file: OpenFile, address: int) -> _Heap | None:
    """Read a fractal heap whose blocks are all direct ones."""
    width, lengths = file.address_size, file.length_size
    fixed = 14 + 10 * lengths + 2 * width
    header = _Cursor(read_at(file, address, fixed + 10 + 2 * lengths + width))
    if header.data[:4] != b"FRHP" or header.number(7, 2):  # filtered
        return None
    largest_object = header.number(10, 4)
    columns, start = header.number(fixed, 2), header.number(fixed + 2, lengths)
    largest_block = header.number(fixed + 2 + lengths, lengths)
    offset_width = (header.number(fixed + 2 + 2 * lengths, 2) + 7) // 8
    root = header.number(fixed + 6 + 2 * lengths, width)
    rows = header.number(fixed + 6 + 2 * lengths + width, 2)
    if rows * columns > _MOST_BLOCKS:
        return None
    if not rows:
        blocks = [(0, start, root)]
    else:
        children = 5 + width + offset_width
        table = _Cursor(read_at(file, root, children + rows * columns * width))
        addresses = [table.number(children + n * width, width) for n in range(rows * columns)]
        blocks = _placed(addresses, columns, start)
        if table.data[:4] != b"FHIB" or any(size > largest_block for _, size, _ in blocks):
            return None
    unset = (1 << 8 * width) - 1
    held = [(at, read_at(file, where, size)) for at, size, where in blocks if where != unset]
    if any(data[:4] != b"FHDB" for _, data in held):
        return None
    largest = min((largest_block.bit_length() - 1 + 7) // 8, (largest_object.bit_length() + 7) // 8)
    return _Heap(tuple(held), offset_width, largest)


def _placed(addresses: list[int], columns: int, start: int) -> list[tuple[int, int, int]]:
    """Return offset in the heap, size and address of blocks: sizes double from the third row."""
    placed, offset = [], 0
    for number, address in enumerate(addresses):
        size = start << max(0, number // columns - 1)
        placed.append((offset, size, address))
        offset += size
    return placed
