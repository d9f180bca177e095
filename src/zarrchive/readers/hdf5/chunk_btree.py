"""Chunk indexes that are B-trees of version 1, which most files have.

Follows the HDF5 File Format Specification 3.0: version 1 B-trees (§III.A.1, node type 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import prod
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.readers.hdf5.chunk_table import ChunkTable
from zarrchive.readers.hdf5.key_order import Bounds, is_less
from zarrchive.readers.hdf5.requests import Damaged, Table

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.layout_message import Chunked
    from zarrchive.readers.hdf5.requests import Rows, Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["btree_v1_chunks", "forest_chunks", "node_type"]

_CHUNK_NODE: Final = 1
_BLOCK: Final = 512
"""Leaves that are decoded at a time, so that they stay in the processor's cache."""
_LOWER_HALF: Final = np.uint64(0xFFFFFFFF)
_INTEGERS: Final = {2: "H", 4: "I", 8: "Q"}


def btree_v1_chunks(
    superblock: Superblock, layout: Chunked, grid: tuple[int, ...]
) -> Steps[ChunkTable]:
    """Read all chunks of a version 1 B-tree, a whole level at a time."""
    node = node_type(superblock.address_size, len(grid), superblock.chunk_k)
    root = yield superblock.at(layout.address or 0, node.itemsize)
    if root[:6] == b"TREE\x01\x00":
        return _one_leaf(superblock, layout, grid, root)
    roots = np.array([layout.address or 0], dtype=np.uint64)
    return (yield from _all_leaves(superblock, layout, grid, roots))


def forest_chunks(
    superblock: Superblock, layout: Chunked, grid: tuple[int, ...], addresses: list[int]
) -> Steps[list[ChunkTable]]:
    """Read all chunks of several version 1 B-trees, all of them a level at a time.

    Parameters
    ----------
    superblock
        Of the file.
    layout, grid
        Of each of the datasets, but for the address.
    addresses
        Of the roots.

    Raises
    ------
    Damaged
        Where something is wrong with one of them, or they have unlike levels: read them one by
        one then.
    """
    roots = np.array(addresses, dtype=np.uint64)
    table = yield from _all_leaves(superblock, layout, grid, roots)
    size = prod(grid)
    starts = np.arange(len(roots) + 1) * size
    cuts = starts if table.position is None else np.searchsorted(table.position, starts)
    return [
        _part(table, slice(first, last), start, size)
        for first, last, start in zip(cuts[:-1], cuts[1:], starts.tolist(), strict=False)
    ]


def _part(table: ChunkTable, part: slice, start: int, size: int) -> ChunkTable:
    """Return the chunks of one of several datasets of `size` chunks; `start` come before them."""
    offset, length, mask = table.offset[part].copy(), table.length[part], table.mask
    mask = None if mask is None else mask[part].copy()
    length = length.copy() if length.strides[0] else length
    position = None
    if table.position is not None and len(offset) < size:
        position = table.position[part] - start
    return ChunkTable(position, offset, length, mask if mask is not None and mask.any() else None)


def _all_leaves(
    superblock: Superblock,
    layout: Chunked,
    grid: tuple[int, ...],
    roots: npt.NDArray[np.uint64],
) -> Steps[ChunkTable]:
    """Read the chunks of trees one after the other, as if they had one grid of one more axis."""
    node = node_type(superblock.address_size, len(grid), superblock.chunk_k)
    offsets, tree = roots, np.arange(len(roots))
    level, bounds = -1, Bounds(None, None)
    while True:
        if int(offsets.max()) > superblock.size:
            raise Damaged("a node of its chunk index is beyond the end of the file")
        rows = yield Table(offsets.astype(np.int64) + superblock.base, node.itemsize)
        first = rows.block(0, 1).view(node)[0, 0]
        if level >= 0 and int(first["level"]) != level - 1:
            raise Damaged("the levels of its chunk index do not follow one another")
        level = int(first["level"])
        if not level:
            break
        nodes = _checked(rows.block(0, len(rows)).view(node)[:, 0], level)
        bounds = _bounds_below(_keys(nodes, layout), nodes["count"], bounds)
        offsets = nodes["entries"]["address"][_used(nodes)].reshape(-1).astype(np.uint64)
        tree = np.repeat(tree, nodes["count"])
    columns = _Columns(layout, grid, len(roots))
    _read_leaves(columns, (rows, node), tree, bounds)
    return columns.table(superblock.base)


@lru_cache(maxsize=64)
def node_type(address_size: int, rank: int, chunk_k: int) -> np.dtype[Any]:
    """Return what a node of a version 1 B-tree of chunks looks like."""
    address = f"<u{address_size}"
    # The key before each child: stored bytes and filter mask, which are looked at as one number
    # (the mask is its upper half), and the first element along each dimension.
    key = [("stored", "<u8"), ("start", "<u8", (rank,)), ("zero", "<u8")]
    entry = np.dtype([*key, ("address", address)])  # and one more key behind the last child
    return np.dtype(
        [
            ("signature", "S4"),
            ("type", "u1"),
            ("level", "u1"),
            ("count", "<u2"),
            ("siblings", address, (2,)),
            ("entries", entry, (2 * chunk_k,)),
            ("last", np.dtype(key)),
        ]
    )


def _checked(nodes: npt.NDArray[Any], level: int) -> npt.NDArray[Any]:
    if (nodes["signature"] != b"TREE").any() or (nodes["type"] != _CHUNK_NODE).any():
        raise Damaged("a node of its chunk index is not where the index says")
    if (nodes["level"] != level).any() or nodes["count"].max() > nodes["entries"].shape[1]:
        raise Damaged("a node of its chunk index has another level, or more entries, than fit")
    return nodes


def _keys(nodes: npt.NDArray[Any], layout: Chunked) -> npt.NDArray[np.uint64]:
    """Return the keys of nodes as chunk indexes, shape (nodes, keys, dimensions and element)."""
    sizes = np.array([*layout.chunk_shape, layout.element_size], dtype=np.uint64)
    return _all_starts(nodes, len(sizes)) // sizes


def _all_starts(nodes: npt.NDArray[Any], n_sizes: int) -> npt.NDArray[np.uint64]:
    """Return the first elements in all keys of nodes, the one behind the last entry included."""
    entries = nodes["entries"]
    count, most = entries.shape
    return np.ndarray(
        (count, most + 1, n_sizes),
        "<u8",
        nodes.data,
        nodes.dtype.fields["entries"][1] + entries.dtype.fields["start"][1],  # type: ignore[index]
        (nodes.strides[0], entries.dtype.itemsize, 8),
    )


def _bounds_below(
    keys: npt.NDArray[np.uint64], count: npt.NDArray[np.uint16], bounds: Bounds
) -> Bounds:
    """Return between which keys a search comes to each child of inner nodes."""
    node, place = np.nonzero(np.arange(keys.shape[1] - 1) < count[:, None])
    low, high = keys[node, place], keys[node, place + 1]
    if not count.all() or not is_less(low, high).all():
        raise Damaged("the keys of its chunk index are not in order")
    return bounds.below(node, low, high)


def _used(nodes: npt.NDArray[Any]) -> Any:  # noqa: ANN401 - what NumPy indexes with
    """Return what selects the used entries of nodes, in order, from a field of all entries."""
    count, most = nodes["count"], nodes["entries"].shape[1]
    least = int(count.min())
    if least == int(count.max()):
        return (slice(None), slice(least))  # the usual case: a library fills all nodes alike
    return np.arange(most) < count[:, None]


def _one_leaf(
    superblock: Superblock, layout: Chunked, grid: tuple[int, ...], data: bytes
) -> ChunkTable:
    """Decode the only node of a small index, without the cost of arrays for each field."""
    o, rank = superblock.address_size, len(grid)
    form, key = _leaf_forms(o, rank)
    count, head = int.from_bytes(data[6:8], "little"), 8 + 2 * o
    if head + count * form.size > len(data):
        raise Damaged("a node of its chunk index has more entries than fit")
    if not count:
        return _nothing()
    rows = list(form.iter_unpack(data[head : head + count * form.size]))
    length, mask, *_, zero, offset = zip(*rows, strict=True)
    places = [_position(row[2:-2], layout.chunk_shape, grid) for row in rows]
    sizes = (*layout.chunk_shape, layout.element_size)
    behind = key.unpack_from(data, head + count * form.size + 8)
    last = tuple(start // size for start, size in zip(rows[-1][2:-1], sizes, strict=True))
    end = tuple(start // size for start, size in zip(behind, sizes, strict=True))
    if last >= end or any(zero) or any(one >= other for one, other in pairwise(places)):
        raise Damaged("the keys of its chunk index are not in order")
    return ChunkTable(
        None if count == prod(grid) else np.array(places, dtype=np.int64),
        np.array(offset, dtype=np.uint64) + np.uint64(superblock.base),
        np.array(length, dtype=np.uint32),
        np.array(mask, dtype=np.uint32) if any(mask) else None,
    )


@lru_cache(maxsize=64)
def _leaf_forms(address_size: int, rank: int) -> tuple[Struct, Struct]:
    """Return what an entry of a leaf looks like, and the first elements in a key."""
    return Struct(f"<II{rank}QQ{_INTEGERS[address_size]}"), Struct(f"<{rank + 1}Q")


def _position(start: tuple[int, ...], chunk_shape: tuple[int, ...], grid: tuple[int, ...]) -> int:
    """Return the flat index in the grid of the chunk that begins at element `start`."""
    position = 0
    for element, chunk, size in zip(start, chunk_shape, grid, strict=True):
        index, rest = divmod(element, chunk)
        if rest or index >= size:
            raise Damaged(f"its index lists a chunk at {start}, which is none of a grid of {grid}")
        position = position * size + index
    return position


def _read_leaves(
    columns: _Columns,
    leaves: tuple[Rows, np.dtype[Any]],
    tree: npt.NDArray[np.intp],
    bounds: Bounds,
) -> None:
    """Decode the leaves block by block; `tree` is the number of the tree that each is of."""
    rows, node = leaves
    columns.make_room(len(rows) * node["entries"].shape[0])
    ends = []
    for start in range(0, len(rows), _BLOCK):
        stop = min(start + _BLOCK, len(rows))
        nodes = _checked(rows.block(start, stop).view(node)[:, 0], 0)
        ends.append(_ends(nodes, len(columns.grid) + 1))
        columns.add(nodes, tree[start:stop])
    _check_ends(np.concatenate(ends, axis=1), columns.layout, bounds)


def _ends(nodes: npt.NDArray[Any], n_sizes: int) -> npt.NDArray[np.uint64]:
    """Return the first elements in the first and the last key of leaves, and in the key behind."""
    count = nodes["count"].astype(np.intp)
    if not count.all():
        raise Damaged("a node of its chunk index has no entries")
    starts, row = _all_starts(nodes, n_sizes), np.arange(len(nodes))
    return np.stack([starts[row, at] for at in (0, count - 1, count)])


def _check_ends(ends: npt.NDArray[np.uint64], layout: Chunked, bounds: Bounds) -> None:
    """Check that leaves are where a search looks; the order within them is checked later."""
    sizes = np.array([*layout.chunk_shape, layout.element_size], dtype=np.uint64)
    first, last, behind = ends // sizes
    bounds.check(first, last)
    if not is_less(last, behind).all():
        raise Damaged("the keys of its chunk index are not in order")


@dataclass(slots=True)
class _Columns:
    """The chunks decoded so far, in columns that are as long as they may become."""

    layout: Chunked
    grid: tuple[int, ...]
    n_trees: int
    """Datasets with that grid, one after the other."""
    offset: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    length: npt.NDArray[np.uint32] | None = None
    """None as long as all chunks have as many bytes as the first."""
    nbytes: int = 0
    """Stored bytes of the first chunk."""
    position: npt.NDArray[np.int64] | None = None
    """None as long as chunk n is at position n."""
    mask: npt.NDArray[np.uint32] | None = None
    """None as long as no chunk skipped a filter."""
    done: int = 0

    def make_room(self, most: int) -> None:
        """Make room for as many entries, or for as many as there may be."""
        self.offset = np.empty(min(most, self.n_trees * prod(self.grid)), dtype=np.uint64)

    def add(self, nodes: npt.NDArray[Any], tree: npt.NDArray[np.intp]) -> None:
        """Add the entries of leaves, and the number of the tree that each leaf is of."""
        entries, used = nodes["entries"], _used(nodes)
        most, start = len(self.offset), self.done
        end = start + int(nodes["count"].sum(dtype=np.int64))
        if end > most:
            raise Damaged(f"its index lists more chunks than its grid of {self.grid} has")
        here = _positions(entries["start"], used, self.layout.chunk_shape, self.grid)
        if self.n_trees > 1:
            here = here + np.repeat(tree * prod(self.grid), nodes["count"])
        if self.position is None and not (here == np.arange(start, end)).all():
            self.position = np.arange(most)
        if self.position is not None:
            self.position[start:end] = here
        self.offset[start:end] = entries["address"][used].reshape(-1)
        self._add_lengths(entries["stored"][used].reshape(-1))
        if entries["zero"][used].any():
            raise Damaged("its index lists a chunk that begins within an element")
        self.done = end

    def _add_lengths(self, stored: npt.NDArray[np.uint64]) -> None:
        """Add stored bytes and, in the upper half of each number, the filter mask."""
        most, start = len(self.offset), self.done
        end = start + len(stored)
        if self.length is None:
            self.nbytes = self.nbytes if start else int(stored[0])
            if self.nbytes <= int(_LOWER_HALF) and (stored == np.uint64(self.nbytes)).all():
                return
            self.length = np.full(most, self.nbytes & int(_LOWER_HALF), dtype=np.uint32)
        self.length[start:end] = stored & _LOWER_HALF
        if self.mask is None and int(stored.max()) > int(_LOWER_HALF):
            self.mask = np.zeros(most, dtype=np.uint32)
        if self.mask is not None:
            self.mask[start:end] = stored >> np.uint64(32)

    def table(self, base: int) -> ChunkTable:
        """Return all chunks; addresses count from byte `base` of the file."""
        offset, mask, done = self.offset, self.mask, self.done
        if self.length is None:
            length = np.broadcast_to(np.uint32(self.nbytes), done)
        else:
            length = self.length if done == len(offset) else self.length[:done].copy()
        if done < len(offset):
            offset = offset[:done].copy()
            mask = None if mask is None else mask[:done].copy()
        if base:
            offset += np.uint64(base)
        if self.position is None and done == self.n_trees * prod(self.grid):
            return ChunkTable(None, offset, length, mask)
        position = np.arange(done) if self.position is None else self.position[:done]
        if not (position[1:] > position[:-1]).all():
            raise Damaged("the keys of its chunk index are not in order")
        return ChunkTable(position, offset, length, mask)


def _positions(
    starts: npt.NDArray[np.uint64],
    used: Any,  # noqa: ANN401 - what NumPy indexes with
    chunk_shape: tuple[int, ...],
    grid: tuple[int, ...],
) -> npt.NDArray[np.int64]:
    """Return the flat index in the grid of the chunks that begin at elements `starts`."""
    position: Any = 0
    for axis, (chunk, size) in enumerate(zip(chunk_shape, grid, strict=True)):
        index = starts[..., axis][used].reshape(-1)
        if chunk > 1:
            start = index
            index = start // np.uint64(chunk)
            if (index * np.uint64(chunk) != start).any():
                raise Damaged(f"its index lists a chunk that begins within another, on axis {axis}")
        if index.size and int(index.max()) >= size:
            at = int(index.max())
            raise Damaged(
                f"its index lists a chunk at {at} along axis {axis}, outside of the grid of {grid}"
            )
        position = index if axis == 0 else position * np.uint64(size) + index
    placed_at: npt.NDArray[np.int64] = position.view(np.int64)
    return placed_at


def _nothing() -> ChunkTable:
    none = np.zeros(0, dtype=np.uint64)
    return ChunkTable(none.astype(np.int64), none, none)
