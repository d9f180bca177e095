"""How the values of a dataset are found in files that are alike, for the usual ways to store them.

What is stored in a rarer way is decided anew for each file.
"""

from __future__ import annotations

from math import prod
from operator import add
from struct import Struct, calcsize
from struct import error as StructError  # noqa: N812 - the struct module calls it error
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from zarrchive.codecs.hdf5 import decode
from zarrchive.codecs.skipped import stored_length
from zarrchive.errors import ZarrchiveError
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.readers.hdf5.chunk_btree import node_type
from zarrchive.readers.hdf5.chunk_table import grid_of
from zarrchive.readers.hdf5.layout_message import BTREE_V1, Chunked, Contiguous
from zarrchive.readers.hdf5.pipeline import codecs_of
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import PARSE_ERRORS
from zarrchive.readers.hdf5.storage import Inlined, Referenced

if TYPE_CHECKING:
    import mmap

    import numpy.typing as npt

    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.location.identity import SourceFile
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["HeldModel", "LeafModel", "OtherFile", "RunModel", "StoredModel", "stored_model"]

_ADDRESS = 8
"""Bytes of an address."""


class OtherFile(NamedTuple):
    """A file in which the values are looked for."""

    data: bytes | mmap.mmap
    file: SourceFile


class LeafModel(NamedTuple):
    """All chunks of a grid, listed by one node of a B-tree; none of them skipped a filter."""

    address: int
    """Of the node."""
    form: Struct
    head: bytes
    """Signature, type, level and number of entries (specification §III.A.1)."""
    starts: tuple[bytes, ...]
    """Filter mask and first element of each chunk."""
    last: bytes
    """The first element in the key behind."""
    nbytes: int | None
    """Stored bytes that each chunk must have; None where they differ from chunk to chunk."""

    def manifest(self, other: OtherFile, grid: tuple[int, ...], at: int) -> ChunkManifest | None:
        """Return the chunks that the node at byte `at` lists; None where it is not alike."""
        columns = self.columns(other, at)
        if columns is None:
            return None
        offset, length = np.array(columns[0], np.uint64), np.array(columns[1], np.uint32)
        return ChunkManifest.of_file(grid, other.file, offset=offset, length=length)

    def columns(self, other: OtherFile, at: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Return offset and length of each chunk; None where the node is not alike."""
        try:
            pieces = self.form.unpack_from(other.data, at)
        except (StructError, OverflowError):
            return None
        lengths, starts, addresses = pieces[1:-1:3], pieces[2:-1:3], pieces[3:-1:3]
        if (pieces[0], starts, pieces[-1]) != (self.head, self.starts, self.last):
            return None
        if self.nbytes is not None and lengths.count(self.nbytes) != len(lengths):
            return None
        if max(map(add, addresses, lengths)) > len(other.data):
            return None
        return addresses, lengths


class RunModel(NamedTuple):
    """Contiguous values, cut into chunks."""

    address: int
    steps: npt.NDArray[np.uint64]
    """Where each chunk begins, counted from the first."""
    lengths: npt.NDArray[np.uint32] | npt.NDArray[np.uint64]

    def manifest(self, other: OtherFile, grid: tuple[int, ...], at: int) -> ChunkManifest | None:
        """Return the chunks of the values at byte `at`; None where they are not all there."""
        if at + int(self.steps[-1]) + int(self.lengths[-1]) > len(other.data):
            return None
        offset = self.steps + np.uint64(at)
        return ChunkManifest.of_file(grid, other.file, offset=offset, length=self.lengths)


class HeldModel(NamedTuple):
    """Contiguous values that the manifest holds, as they are stored."""

    address: int
    nbytes: int

    def manifest(self, other: OtherFile, grid: tuple[int, ...], at: int) -> ChunkManifest | None:
        """Return the values at byte `at`; None where they are not all there."""
        data = other.data[at : at + self.nbytes]
        return ChunkManifest.of_bytes(grid, data) if len(data) == self.nbytes else None


class HeldLeafModel(NamedTuple):
    """Values along one dimension that the manifest holds, in chunks that a node lists."""

    address: int
    """Of the node."""
    leaf: LeafModel
    codecs: tuple[CodecDocument, ...]
    chunk_nbytes: int
    """Bytes of a decoded chunk."""
    nbytes: int
    """Bytes of all values; the last chunk may pass their end."""

    def manifest(self, other: OtherFile, grid: tuple[int, ...], at: int) -> ChunkManifest | None:
        """Return the values of the chunks that the node lists; None where it is not alike."""
        columns = self.leaf.columns(other, at)
        if columns is None:
            return None
        parts = []
        for offset, length in zip(*columns, strict=True):
            try:
                part = decode(self.codecs, other.data[offset : offset + length])
            except (ZarrchiveError, *PARSE_ERRORS):
                return None
            if len(part) != self.chunk_nbytes:
                return None
            parts.append(part)
        return ChunkManifest.of_bytes(grid, b"".join(parts)[: self.nbytes])


StoredModel: TypeAlias = LeafModel | RunModel | HeldModel | HeldLeafModel


def stored_model(facts: Facts, storage: Storage, data: bytes | mmap.mmap) -> StoredModel | None:
    """Return how values are found in files like this one; None where that is decided anew."""
    layout = facts.layout
    if isinstance(layout, Contiguous) and layout.address is not None:
        return _contiguous(layout.address, facts, storage, data)
    if (
        isinstance(layout, Chunked)
        and layout.index == BTREE_V1
        and layout.address is not None
        and not layout.has_raw_edges
        and facts.kind.reason is None
        and facts.kind.caution is None
        and facts.kind.dtype is not None
    ):
        nbytes = prod(layout.chunk_shape) * layout.element_size
        if isinstance(storage, Referenced):
            return _leaf(layout.address, facts, storage.codecs, nbytes, data)
        if isinstance(storage, Inlined) and len(layout.chunk_shape) == 1:
            return _held_leaf(layout.address, facts, nbytes, data)
    return None


def _contiguous(
    address: int, facts: Facts, storage: Storage, data: bytes | mmap.mmap
) -> RunModel | HeldModel | None:
    if isinstance(storage, Inlined) and storage.manifest.size == 1:
        (held,) = storage.manifest.inlined
        # What is converted is not as it is stored, or may be that by chance.
        is_plain = facts.kind.reason is None and facts.kind.caution is None
        is_as_stored = held == data[address : address + len(held)]
        return HeldModel(address, len(held)) if is_as_stored and is_plain else None
    if not isinstance(storage, Referenced):
        return None
    offset, length = storage.manifest.offset.reshape(-1), storage.manifest.length.reshape(-1)
    return RunModel(address, offset - np.uint64(address), length)


def _held_leaf(
    address: int, facts: Facts, chunk_nbytes: int, data: bytes | mmap.mmap
) -> HeldLeafModel | None:
    codecs = codecs_of(facts.filters, 0, chunk_nbytes)
    if isinstance(codecs, Reason):
        return None
    leaf = _leaf(address, facts, codecs, chunk_nbytes, data)
    if leaf is None:
        return None
    return HeldLeafModel(address, leaf, codecs, chunk_nbytes, facts.nbytes)


def _leaf(
    address: int,
    facts: Facts,
    codecs: tuple[CodecDocument, ...],
    chunk_nbytes: int,
    data: bytes | mmap.mmap,
) -> LeafModel | None:
    head = data[address : address + 8]
    count = int.from_bytes(head[6:8], "little")
    grid = grid_of(facts.shape or (), facts.chunk_shape or ())
    if head[:6] != b"TREE\x01\x00" or not count or count != prod(grid):
        return None
    start = 4 + 8 * (len(grid) + 1)  # filter mask, then a number for each dimension and the element
    used = f"<8s{2 * _ADDRESS}x{f'I{start}sQ' * count}8x{start - 4}s"
    # A node always has room for all entries that it may have, and the file has to have it.
    node = node_type(_ADDRESS, len(grid), facts.file.superblock.chunk_k)
    form = Struct(f"{used}{node.itemsize - calcsize(used)}x")
    pieces = form.unpack_from(data, address)
    starts = pieces[2:-1:3]
    if any(one[:4] != bytes(4) for one in starts):
        return None
    return LeafModel(address, form, head, starts, pieces[-1], stored_length(codecs, chunk_nbytes))
