"""Fractal heaps: where groups and objects with many links or attributes keep them.

Follows the HDF5 File Format Specification 3.0, fractal heaps (§III.G).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from numcodecs.jenkins import jenkins_lookup3

from zarrchive.codecs.hdf5 import decode
from zarrchive.readers.hdf5.btree_v2 import read_records
from zarrchive.readers.hdf5.checksums import check_checksum
from zarrchive.readers.hdf5.creation_messages import filters_in
from zarrchive.readers.hdf5.pipeline import codecs_of
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import Damaged, NotUnderstood, all_of
from zarrchive.readers.hdf5.superblock import address_at, number
from zarrchive.readers.hdf5.watched import note_seal, note_unread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.readers.hdf5.pipeline import Filter
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["heap_objects"]

_MANAGED, _HUGE, _TINY = 0, 1, 2
_LARGEST_KEPT: Final = 1 << 15
"""Bytes of the blocks of a heap that are still remembered: no more than 16 MiB in all."""
_LARGEST_FILTERED: Final = 1 << 24
"""Bytes of all blocks of a heap that is compressed."""
_HUGE_INDIRECT: Final = 1
"""Type of the B-tree of huge objects that are not filtered and found by a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heap:
    """The header of a heap."""

    address: int
    id_length: int
    largest_managed: int
    huge_tree: int
    width: int
    """Columns of the doubling table."""
    start: int
    """Bytes of the blocks of the first two rows."""
    largest_direct: int
    heap_bits: int
    """Bits of an offset in the space of the heap."""
    root: int
    rows: int
    """Rows of the root indirect block; 0: the root is a direct block."""
    has_checksums: bool
    filters: tuple[Filter, ...] = ()
    root_stored: tuple[int, int] = (0, 0)
    """Of a filtered heap whose root is a direct block: its bytes in the file, and its mask."""

    @property
    def offset_width(self) -> int:
        """Bytes of an offset in the space of the heap."""
        return (self.heap_bits + 7) // 8

    @property
    def length_width(self) -> int:
        """Bytes of the length in the ID of a managed object."""
        largest = min(self.largest_direct, self.largest_managed)
        return (largest.bit_length() - 1) // 8 + 1

    @property
    def direct_rows(self) -> int:
        """Rows of an indirect block whose blocks are direct ones."""
        return self.largest_direct.bit_length() - self.start.bit_length() + 2

    def block_size(self, row: int) -> int:
        """Bytes of the heap's space that each block of a row covers."""
        return self.start << max(0, row - 1)

    def rows_below(self, row: int) -> int:
        """Rows of an indirect block that is in `row` of another."""
        covered = self.block_size(row)
        first = self.start * self.width
        return int(covered.bit_length() - first.bit_length()) + 1


def heap_objects(
    superblock: Superblock, address: int, ids: Sequence[bytes], *, may_be_filtered: bool = False
) -> Steps[tuple[bytes, ...]]:
    """Return the objects with `ids` of the heap at `address`, in the order given.

    Only heaps of links are ever filtered; any other that says so is damaged.
    """
    if not ids:
        return ()
    heap = yield from _header(superblock, address, may_be_filtered=may_be_filtered)
    kinds = {one[0] >> 4 & 3 for one in ids} if all(ids) else {3}
    if any(one[0] >> 6 for one in ids) or 3 in kinds:
        raise Damaged("the ID of an object of a fractal heap is of an unknown kind")
    blocks: tuple[tuple[int, bytes], ...] = ()
    if _MANAGED in kinds:
        blocks = tuple((yield from _direct_blocks(superblock, heap)))
    if kinds == {_MANAGED}:
        return _managed_objects(heap, blocks, tuple(ids))
    huge: dict[bytes, bytes] = {}
    if _HUGE in kinds and heap.filters:
        raise NotUnderstood("an object outside of the blocks of its fractal heap is filtered")
    if _HUGE in kinds:
        huge = yield from _huge_objects(
            superblock, heap, {one for one in ids if one[0] >> 4 & 3 == _HUGE}
        )
    found: list[bytes] = []
    for one in ids:
        kind = one[0] >> 4 & 3
        if kind == _MANAGED:
            found += _managed_objects(heap, blocks, (one,))
        elif kind == _HUGE:
            found.append(huge[one])
        else:
            found.append(_tiny(heap, one))
    return tuple(found)


def _header(superblock: Superblock, address: int, *, may_be_filtered: bool) -> Steps[_Heap]:
    o, n = superblock.address_size, superblock.length_size
    data = yield superblock.at(address, 26 + 12 * n + 3 * o)
    if data[:4] == b"FRHP" and (length := number(data, 7, 2)):
        if not may_be_filtered:
            raise Damaged("its fractal heap is filtered, and only those of links are")
        # Behind the usual fields: stored size and mask of the root block, and the filters.
        data = yield superblock.at(address, len(data) + n + 4 + length)
    return _parsed(data, address, o, n)


@lru_cache(maxsize=1024)
def _parsed(data: bytes, address: int, o: int, n: int) -> _Heap:
    """Parse the header of a heap; the files of a series often repeat it."""
    fixed = 14 + 10 * n + 2 * o  # the fields before the doubling table
    if data[:4] != b"FRHP" or data[4]:
        raise Damaged(f"there is no fractal heap at address {address}")
    check_checksum(data, "a fractal heap")
    note_unread(data, 14 + n + o, fixed)  # free space, and how much is used
    filters: tuple[Filter, ...] = ()
    stored = (0, 0)
    if length := number(data, 7, 2):
        end = 22 + 12 * n + 3 * o
        stored = number(data, end, n), number(data, end + n, 4)
        filters = filters_in(data[end + n + 4 : end + n + 4 + length])
    heap = _Heap(
        address=address,
        id_length=number(data, 5, 2),
        has_checksums=bool(data[9] & 2),
        largest_managed=number(data, 10, 4),
        huge_tree=number(data, 14 + n, o),
        width=number(data, fixed, 2),
        start=number(data, fixed + 2, n),
        # 64 KiB is usual, and is written as 0 where lengths have two bytes.
        largest_direct=number(data, fixed + 2 + n, n) or 1 << 8 * n,
        heap_bits=number(data, fixed + 2 + 2 * n, 2),
        root=address_at(data, fixed + 6 + 2 * n, o),
        rows=number(data, fixed + 6 + 2 * n + o, 2),
        filters=filters,
        root_stored=stored,
    )
    powers = (heap.width, heap.start, heap.largest_direct)
    if any(value <= 0 or value & (value - 1) for value in powers):
        raise Damaged("the doubling table of its fractal heap has sizes that are no powers of two")
    if heap.start > heap.largest_direct or heap.heap_bits > 64 or heap.rows > 64:
        raise Damaged("the doubling table of its fractal heap has absurd sizes")
    return heap


def _direct_blocks(superblock: Superblock, heap: _Heap) -> Steps[list[tuple[int, bytes]]]:
    """Read all direct blocks; return offset in the heap and bytes, in order of the offsets."""
    if heap.root == superblock.undefined:
        return []
    places: list[_Place] = []
    level = [(0, heap.rows, heap.root)]
    if not heap.rows:
        stored, mask = heap.root_stored if heap.filters else (heap.start, 0)
        places, level = [_Place(0, heap.start, heap.root, stored, mask)], []
    n_indirect = 0
    while level:
        n_indirect += len(level)
        if n_indirect * heap.width * superblock.address_size > superblock.size:
            raise Damaged("its fractal heap has more indirect blocks than the file holds")
        tables = yield from all_of(_indirect(superblock, heap, *one) for one in level)
        level = []
        for table in tables:
            for row, place in table:
                if row < heap.direct_rows:
                    places.append(place)
                else:
                    level.append((place.offset, heap.rows_below(row), place.address))
    if sum(one.stored for one in places) > superblock.size:
        raise Damaged("the blocks of its fractal heap are larger than the file")
    if sum(one.size for one in places) > max(superblock.size, _LARGEST_FILTERED):
        raise Damaged("the blocks of its filtered fractal heap are larger than any")
    return sorted((yield from all_of(_direct(superblock, heap, one) for one in places)))


class _Place(NamedTuple):
    """Where a block is."""

    offset: int
    """In the space of the heap."""
    size: int
    """Bytes of the block."""
    address: int
    stored: int
    """Bytes in the file."""
    mask: int
    """Bit i set: filter i was skipped."""


def _indirect(
    superblock: Superblock, heap: _Heap, offset: int, rows: int, address: int
) -> Steps[list[tuple[int, _Place]]]:
    """Read an indirect block; return row and place of each of its children."""
    o, n = superblock.address_size, superblock.length_size
    head = 5 + o + heap.offset_width
    count = rows * heap.width
    if not 0 < rows <= 64:
        raise Damaged(f"an indirect block of its fractal heap has {rows} rows")
    direct = min(rows, heap.direct_rows) * heap.width
    more = n + 4 if heap.filters else 0  # stored size and mask of direct blocks
    data = yield superblock.at(address, head + count * o + direct * more + 4)
    if data[:4] != b"FHIB" or number(data, 5 + o, heap.offset_width) != offset:
        raise Damaged(f"there is no indirect block of its fractal heap at address {address}")
    check_checksum(data, "an indirect block of a fractal heap")
    children, covered, at = [], offset, head
    for place in range(count):
        row = place // heap.width
        size = heap.block_size(row)
        child, stored, mask = superblock.address(data, at), size, 0
        at += o
        if more and row < heap.direct_rows:
            stored, mask = number(data, at, n), number(data, at + n, 4)
            at += more
        if child != superblock.undefined:
            children.append((row, _Place(covered, size, child, stored, mask)))
        covered += size
    return children


def _direct(superblock: Superblock, heap: _Heap, place: _Place) -> Steps[tuple[int, bytes]]:
    head = 5 + superblock.address_size
    data = yield superblock.at(place.address, place.stored)
    if heap.filters:
        data = _unfiltered(data, heap, place)
    if data[:4] != b"FHDB" or number(data, head, heap.offset_width) != place.offset:
        raise Damaged(f"there is no block of its fractal heap at address {place.address}")
    note_unread(data, 5, head)  # the address of the heap, which led here
    if heap.has_checksums:
        at = head + heap.offset_width
        note_seal(data, len(data), at)
        blank = data[:at] + bytes(4) + data[at + 4 :]
        if jenkins_lookup3(blank, 0) != number(data, at, 4):
            raise Damaged("the checksum of a block of a fractal heap is not that of its bytes")
    return place.offset, data


def _unfiltered(data: bytes, heap: _Heap, place: _Place) -> bytes:
    """Undo the filters of a block."""
    codecs = codecs_of(heap.filters, place.mask, place.size)
    if isinstance(codecs, Reason):
        raise NotUnderstood(f"a block of its fractal heap is filtered: {codecs.what}")
    decoded = decode(codecs, data)
    if len(decoded) != place.size:
        raise Damaged(f"a block of its fractal heap has {len(decoded)} bytes, not {place.size}")
    return decoded


def _managed_objects(
    heap: _Heap, blocks: tuple[tuple[int, bytes], ...], ids: tuple[bytes, ...]
) -> tuple[bytes, ...]:
    """Return objects that are in the blocks; files of a series often repeat whole blocks."""
    if sum(len(data) for _, data in blocks) > _LARGEST_KEPT:
        return _cut_out(heap, blocks, ids)
    return _cut_out_once(heap, blocks, ids)


def _cut_out(
    heap: _Heap, blocks: tuple[tuple[int, bytes], ...], ids: tuple[bytes, ...]
) -> tuple[bytes, ...]:
    starts = [start for start, _ in blocks]
    found = []
    for one in ids:
        offset = number(one, 1, heap.offset_width)
        length = number(one, 1 + heap.offset_width, heap.length_width)
        at = bisect_right(starts, offset) - 1
        start, data = blocks[at] if at >= 0 else (0, b"")
        if offset + length > start + len(data):
            raise Damaged(f"{length} bytes at offset {offset} are in no block of its fractal heap")
        found.append(data[offset - start : offset - start + length])
    return tuple(found)


_cut_out_once = lru_cache(maxsize=512)(_cut_out)


def _tiny(heap: _Heap, one: bytes) -> bytes:
    if heap.id_length <= 18:
        length, at = (one[0] & 0x0F) + 1, 1
    else:
        length, at = ((one[0] & 0x0F) << 8 | one[1]) + 1, 2
    if at + length > len(one):
        raise Damaged(f"a tiny object of its fractal heap has {length} bytes")
    return one[at : at + length]


def _huge_objects(
    superblock: Superblock, heap: _Heap, ids: set[bytes]
) -> Steps[dict[bytes, bytes]]:
    """Read objects that lie outside of the blocks, by their address or by their number."""
    o, n = superblock.address_size, superblock.length_size
    places: dict[bytes, tuple[int, int]] = {}
    if heap.id_length - 1 >= o + n:
        places = {one: (number(one, 1, o), number(one, 1 + o, n)) for one in ids}
    else:
        records = yield from read_records(superblock, heap.huge_tree, {_HUGE_INDIRECT})
        known = {
            number(record, o + n, n): (number(record, 0, o), number(record, o, n))
            for record in records.as_bytes()
        }
        width = min(n, heap.id_length - 1)
        for one in ids:
            place = known.get(number(one, 1, width))
            if place is None:
                raise Damaged("a huge object of its fractal heap is not in its index")
            places[one] = place
    found = {}
    for one, (address, length) in places.items():
        found[one] = yield superblock.at(address, length)
    return found
