"""Version 2 B-trees: all records of a tree, a whole level at a time.

Follows the HDF5 File Format Specification 3.0, §III.A.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from zarrchive.readers.hdf5.checksums import check_checksum
from zarrchive.readers.hdf5.key_order import Bounds, is_less
from zarrchive.readers.hdf5.requests import Damaged, Table, all_of
from zarrchive.readers.hdf5.superblock import address_at, number

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["KeysOf", "Records", "read_records"]

KeysOf: TypeAlias = "Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint64]]"

_PREFIX = 6
"""Bytes of a node before its records: signature, version, type."""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a tree, in no particular order."""

    kind: int
    size: int
    """Bytes of a record; at least 1."""
    data: bytes
    """All records, one behind the other."""

    @property
    def rows(self) -> npt.NDArray[np.uint8]:
        """The records as an array of shape (records, bytes of a record)."""
        return np.frombuffer(self.data, dtype=np.uint8).reshape(-1, self.size)

    def as_bytes(self) -> list[bytes]:
        """Return each record as bytes."""
        data, size = self.data, self.size
        return [data[at : at + size] for at in range(0, len(data), size)]


class _Header(NamedTuple):
    """The header of a tree."""

    kind: int
    node_size: int
    record_size: int
    depth: int
    root: int
    n_root: int
    total: int


@dataclass(frozen=True, slots=True)
class _Level:
    """How nodes of one depth are laid out; depth 0 are the leaves."""

    pointer_size: int
    """Bytes of the pointer to a child; 0 in leaves."""
    most_records: int
    count_width: int
    """Bytes of the number of records of a child."""


def read_records(
    superblock: Superblock, address: int, kinds: set[int], keys_of: KeysOf | None = None
) -> Steps[Records]:
    """Read all records of the tree at `address`, whose type must be one of `kinds`.

    Where `keys_of` returns the keys of an array of records, they have to be in order.
    """
    o, n = superblock.address_size, superblock.length_size
    header = _header((yield superblock.at(address, 22 + o + n)), o, n)
    if header is None:
        raise Damaged(f"there is no B-tree of version 2 at address {address}")
    kind, size = header.kind, max(1, header.record_size)
    if kind not in kinds:
        raise Damaged(f"the B-tree at address {address} is of type {kind}, not of {sorted(kinds)}")
    if not header.record_size or not header.total:
        return Records(kind, size, b"")
    if header.total * size > superblock.size:
        raise Damaged(f"its B-tree claims {header.total} records, more than the file holds")
    levels = _levels(header.node_size, size, header.depth, o)
    if keys_of is not None:
        rows = yield from _all_levels(superblock, levels, header, keys_of)
        data = rows.tobytes()
    else:
        data = yield from _walked(superblock, levels, header)
    if len(data) != header.total * size:
        count = len(data) // size
        raise Damaged(f"its B-tree says that it has {header.total} records, but it has {count}")
    return Records(kind, size, data)


@lru_cache(maxsize=1024)
def _header(data: bytes, o: int, n: int) -> _Header | None:
    """Parse the header of a tree; the files of a series often repeat it."""
    if data[:4] != b"BTHD" or data[4]:
        return None
    check_checksum(data, "a B-tree")
    return _Header(
        kind=data[5],
        node_size=number(data, 6, 4),
        record_size=number(data, 10, 2),
        depth=number(data, 12, 2),
        root=address_at(data, 16, o),
        n_root=number(data, 16 + o, 2),
        total=number(data, 18 + o, n),
    )


def _walked(superblock: Superblock, levels: list[_Level], header: _Header) -> Steps[bytes]:
    """Read the records of a tree of links or attributes, node by node: there are few."""
    found: list[bytes] = []
    nodes = [(header.root, header.n_root)]
    for depth in range(len(levels) - 1, -1, -1):
        if sum(count for _, count in nodes) > header.total:
            raise Damaged(f"its B-tree has more records than the {header.total} that it states")
        parts = yield from all_of(_node(superblock, levels[depth], header, node) for node in nodes)
        nodes = []
        for records, children in parts:
            found.append(records)
            nodes += children
    return b"".join(found)


def _node(
    superblock: Superblock, level: _Level, header: _Header, node: tuple[int, int]
) -> Steps[tuple[bytes, list[tuple[int, int]]]]:
    """Return the records of a node; address and number of records of its children."""
    address, count = node
    if count > level.most_records:
        raise Damaged("a node of its B-tree claims more records than it has room for")
    behind = _PREFIX + count * header.record_size
    end = behind + (count + 1) * level.pointer_size
    data: bytes = yield superblock.at(address, end + 4)
    signature = b"BTIN" if level.pointer_size else b"BTLF"
    if data[:4] != signature:
        raise Damaged(f"a node of its B-tree does not begin with {signature.decode()}")
    check_checksum(data, "a node of a B-tree")
    width = superblock.address_size
    children = [
        (superblock.address(data, at), number(data, at + width, level.count_width))
        for at in (range(behind, end, level.pointer_size) if level.pointer_size else ())
    ]
    return data[_PREFIX:behind], children


def _levels(node_size: int, record_size: int, depth: int, address_size: int) -> list[_Level]:
    """Compute the layout of the nodes of each depth, leaves first (§III.A.2)."""
    most = (node_size - _PREFIX - 4) // record_size
    if most < 1 or depth > 64:
        raise Damaged(f"its B-tree has nodes of {node_size} bytes and depth {depth}")
    count_width = _width(most)
    levels = [_Level(0, most, count_width)]
    cumulative, total_width = most, 0
    for level in range(1, depth + 1):
        pointer = address_size + count_width + (0 if level == 1 else total_width)
        here = (node_size - _PREFIX - 4 - pointer) // (record_size + pointer)
        if here < 1:
            raise Damaged(f"its B-tree has nodes of {node_size} bytes and depth {depth}")
        levels.append(_Level(pointer, here, count_width))
        cumulative = (here + 1) * cumulative + here
        total_width = _width(cumulative)
    return levels


def _width(most: int) -> int:
    """Return the bytes in which the library writes numbers up to `most`."""
    return (most.bit_length() + 7) // 8


def _all_levels(
    superblock: Superblock,
    levels: list[_Level],
    header: _Header,
    keys_of: KeysOf,
) -> Steps[npt.NDArray[np.uint8]]:
    node_size, record_size = header.node_size, header.record_size
    addresses = np.array([header.root], dtype=np.uint64)
    counts = np.array([header.n_root], dtype=np.int64)
    found = []
    bounds = Bounds(None, None)
    for depth in range(len(levels) - 1, -1, -1):
        if int(counts.max()) > levels[depth].most_records:
            raise Damaged("a node of its B-tree claims more records than it has room for")
        if int(addresses.max()) > superblock.size:
            raise Damaged("a node of its B-tree is beyond the end of the file")
        offsets = addresses.astype(np.int64) + superblock.base
        table = yield Table(offsets, node_size)
        nodes = table.block(0, len(offsets))
        signature = b"BTIN" if depth else b"BTLF"
        if (nodes[:, :4] != np.frombuffer(signature, np.uint8)).any():
            raise Damaged(f"a node of its B-tree does not begin with {signature.decode()}")
        pointer_size = levels[depth].pointer_size
        used = _PREFIX + counts * record_size + (counts + 1) * pointer_size
        _check_nodes(nodes, used)
        found.append(_records(nodes, counts, record_size))
        bounds = _ordered(keys_of(found[-1]), counts, bounds)
        if depth:
            addresses, counts = _children(
                superblock, nodes, counts, record_size=record_size, level=levels[depth]
            )
    return found[0] if len(found) == 1 else np.concatenate(found)


def _ordered(keys: npt.NDArray[np.uint64], counts: npt.NDArray[np.int64], bounds: Bounds) -> Bounds:
    """Check that the keys of the nodes of a level are in order; return the bounds of children."""
    node = np.repeat(np.arange(len(counts)), counts)
    is_first = np.diff(node, prepend=-1) > 0
    if (~is_less(keys[:-1], keys[1:]) & ~is_first[1:]).any() or not counts.all():
        raise Damaged("the keys of its chunk index are not in order")
    ends = np.cumsum(counts)
    bounds.check(keys[ends - counts], keys[ends - 1])
    # A child before each record, and one behind the last of a node.
    below = np.repeat(np.arange(len(counts)), counts + 1)
    place = np.arange(len(below)) - below
    is_leftmost = np.diff(below, prepend=-1) > 0
    is_rightmost = np.diff(below, append=len(counts)) > 0
    low, high = keys[np.maximum(place - 1, 0)], keys[np.minimum(place, len(keys) - 1)]
    low[is_leftmost], high[is_rightmost] = 0, np.iinfo(np.uint64).max
    return bounds.below(below, low, high)


def _check_nodes(nodes: npt.NDArray[np.uint8], used: npt.NDArray[np.int64]) -> None:
    """Verify the checksum of each node, which stands behind what it uses."""
    data, size = nodes.tobytes(), nodes.shape[1]
    for start, length in zip(range(0, len(data), size), used.tolist(), strict=True):
        check_checksum(data[start : start + length + 4], "a node of a B-tree")


def _records(
    nodes: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64], record_size: int
) -> npt.NDArray[np.uint8]:
    most = int(counts.max())
    body = nodes[:, _PREFIX : _PREFIX + most * record_size]
    rows = body.reshape(len(nodes), most, record_size)
    if (counts == most).all():
        return rows.reshape(-1, record_size)
    selected: npt.NDArray[np.uint8] = rows[np.arange(most) < counts[:, None]]
    return selected


def _children(
    superblock: Superblock,
    nodes: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int64],
    *,
    record_size: int,
    level: _Level,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return addresses and numbers of records of all children, in order."""
    size, o = level.pointer_size, superblock.address_size
    starts = _PREFIX + counts * record_size
    most = int(counts.max()) + 1
    places = starts[:, None] + np.arange(most) * size
    node, place = np.nonzero(np.arange(most) <= counts[:, None])
    at = places[node, place]
    addresses = _numbers(nodes, node, at, o)
    return addresses, _numbers(nodes, node, at + o, level.count_width).astype(np.int64)


def _numbers(
    nodes: npt.NDArray[np.uint8],
    node: npt.NDArray[np.intp],
    at: npt.NDArray[np.int64],
    width: int,
) -> npt.NDArray[np.uint64]:
    """Return the little-endian numbers of `width` bytes at byte `at` of each named node."""
    padded = np.zeros((len(node), 8), dtype=np.uint8)
    for byte in range(width):
        padded[:, byte] = nodes[node, at + byte]
    return padded.view("<u8")[:, 0]
