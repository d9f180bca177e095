"""Groups as the first versions of HDF5 keep them: a B-tree of names in a local heap.

Follows the HDF5 File Format Specification 3.0: version 1 B-trees (§III.A.1), symbol table nodes
(§III.B), symbol table entries (§III.C) and local heaps (§III.D).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.requests import Damaged, all_of
from zarrchive.readers.hdf5.superblock import number
from zarrchive.readers.hdf5.watched import Watched, note_unread

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["heap_data", "heap_text", "read_symbol_table"]

_GROUP_NODE: Final = 0
_SOFT: Final = 2
"""Cache type of an entry that is a soft link."""


def read_symbol_table(
    superblock: Superblock, tree: int, heap: int
) -> Steps[list[tuple[bytes, int, bytes | None]]]:
    """Return name, address of the object header and, of a soft link, target of each entry."""
    # The names are most often beside the tree: a round of their own costs nothing.
    names = yield from heap_data(superblock, heap)
    entries = []
    for address, kind, name_at, target_at in (yield from _leaves(superblock, tree)):
        name = heap_text(names, name_at)
        target = heap_text(names, target_at) if kind == _SOFT else None
        entries.append((name, address, target))
    return entries


def heap_text(heap: bytes, at: int) -> bytes:
    """Return the name at a byte of the data of a local heap."""
    end = heap.find(b"\0", at)
    if at >= len(heap) or end < 0:
        raise Damaged(f"the name at byte {at} is not in its heap of {len(heap)} bytes")
    return heap[at:end]


def heap_data(superblock: Superblock, address: int) -> Steps[bytes]:
    """Read the data of a local heap."""
    o, n = superblock.address_size, superblock.length_size
    header = yield superblock.at(address, 8 + 2 * n + o)
    if header[:4] != b"HEAP" or header[4]:
        raise Damaged(f"there is no local heap at address {address}")
    data: bytes = yield superblock.at(superblock.address(header, 8 + 2 * n), number(header, 8, n))
    return data


def _leaves(superblock: Superblock, root: int) -> Steps[list[tuple[int, int, int, int]]]:
    """Read all symbol table nodes; return address, cache type, name and target of each entry."""
    addresses, level = [root], -1
    seen: set[int] = set()
    while level != 0:
        nodes = yield from all_of(_node(superblock, address) for address in addresses)
        found: list[int] = []
        levels = set()
        for node in nodes:
            levels.add(node[0])
            found += node[1]
        if len(levels) != 1 or (level > 0 and levels != {level - 1}):
            raise Damaged("the levels of the B-tree of the group do not follow one another")
        level, addresses = levels.pop(), found
        if len({*addresses}) != len(addresses) or seen & {*addresses}:
            raise Damaged("the B-tree of the group leads to one node twice")
        seen.update(addresses)
    parts = yield from all_of(_symbols(superblock, address) for address in addresses)
    return [entry for part in parts for entry in part]


def _node(superblock: Superblock, address: int) -> Steps[tuple[int, list[int]]]:
    """Read a node of the B-tree; return its level and its children."""
    o, n = superblock.address_size, superblock.length_size
    most = 2 * superblock.group_internal_k
    data = yield superblock.at(address, 8 + 2 * o + most * (n + o) + n)
    if data[:4] != b"TREE" or data[4] != _GROUP_NODE:
        raise Damaged(f"there is no node of a B-tree of the group at address {address}")
    level, count = data[5], number(data, 6, 2)
    if count > most:
        raise Damaged(f"a node of the B-tree of the group has {count} children, at most {most} fit")
    note_unread(data, 8 + 2 * o + count * (n + o) + n)
    first = 8 + 2 * o + n  # children stand between keys
    return level, [superblock.address(data, first + i * (n + o)) for i in range(count)]


def _symbols(superblock: Superblock, address: int) -> Steps[list[tuple[int, int, int, int]]]:
    o, n = superblock.address_size, superblock.length_size
    size, most = n + o + 24, 2 * superblock.group_leaf_k
    data = yield superblock.at(address, 8 + most * size)
    if data[:4] != b"SNOD" or data[4] != 1:
        raise Damaged(f"there is no symbol table node at address {address}")
    count = number(data, 6, 2)
    if count > most:
        raise Damaged(f"a symbol table node has {count} entries, at most {most} fit")
    if isinstance(data, Watched):
        _note_unread_symbols(data, count, n + o)
    return [
        (
            superblock.address(data, at + n),
            number(data, at + n + o, 4),
            superblock.length(data, at),
            number(data, at + n + o + 8, 4),
        )
        for at in range(8, 8 + count * size, size)
    ]


def _note_unread_symbols(data: Watched, count: int, head: int) -> None:
    """Take note of what is not used: entries that are free, and what a library remembers."""
    size = head + 24
    for at in range(8, 8 + count * size, size):
        if number(data, at + head, 4) != _SOFT:
            note_unread(data, at + head + 8, at + size)
    note_unread(data, 8 + count * size)
