"""The data layout message of one dataset: what h5py does not tell about a chunk index.

Follows the HDF5 File Format Specification 3.0: object headers (§IV.A.1), the data layout
message (§IV.A.2.i) and the continuation message (§IV.A.2.q).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.location.source import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["EXTENSIBLE_ARRAY", "ChunkLayout", "chunk_layout"]

EXTENSIBLE_ARRAY: Final = 4
"""Chunk index type of layout version 4: one unlimited dimension."""

_LAYOUT, _CONTINUATION = 0x08, 0x10
_MOST_BLOCKS: Final = 256
"""Continuations followed; a damaged header may refer to itself."""
_FIRST_READ: Final = 1024
"""Bytes; holds most object headers."""


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """What the layout message says about a chunked dataset."""

    version: int
    index_type: int | None
    """1 single chunk, 2 implicit, 3 fixed array, 4 extensible array, 5 version 2 B-tree;
    None in versions before 4, which know the version 1 B-tree only."""
    has_raw_edges: bool
    """Whether filters were not applied to chunks that pass the edge of the dataset."""


class _Message(NamedTuple):
    kind: int
    body: bytes


def chunk_layout(file: OpenFile, address: int) -> ChunkLayout | None:
    """Read the layout of the chunked dataset whose object header is at `address`.

    None where the header is not understood. Costs one read of about 1 KB, rarely two.
    """
    for message in _messages(file, address):
        if message.kind == _LAYOUT:
            return _parsed(message.body)
    return None


def _parsed(body: bytes) -> ChunkLayout | None:
    if len(body) < 2 or not 1 <= body[0] <= 5:
        return None
    version = body[0]
    if version < 4:
        return ChunkLayout(version, index_type=None, has_raw_edges=False)
    if len(body) < 5 or body[1] != 2:  # not chunked
        return None
    flags, rank, width = body[2], body[3], body[4]
    at = 5 + rank * width
    if at >= len(body):
        return None
    return ChunkLayout(version, index_type=body[at], has_raw_edges=bool(flags & 1))


def _messages(file: OpenFile, address: int) -> Iterator[_Message]:
    start = _read(file, address, _FIRST_READ)
    is_new = start[:4] == b"OHDR"
    if is_new:
        flags = start[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(start[at : at + width], "little")
        at += width
    elif start[:1] == b"\x01":
        flags = 0
        (size,) = unpack_from("<I", start, 8)
        at = 16
    else:
        return
    block = start[at : at + size]
    if len(block) < size:
        block = _read(file, address + at, size)
    blocks = [block]
    for number, block in enumerate(blocks):
        for message in _split(block, is_new=is_new, flags=flags):
            if message.kind == _CONTINUATION and number < _MOST_BLOCKS:
                blocks.append(_continuation(file, message.body, is_new=is_new))
            yield message


def _split(block: bytes, *, is_new: bool, flags: int) -> Iterator[_Message]:
    """Cut a block of an object header into its messages."""
    at, head = 0, (4 + (2 if flags & 4 else 0)) if is_new else 8
    while at + head <= len(block):
        if is_new:
            kind, size = unpack_from("<BH", block, at)
        else:
            kind, size = unpack_from("<HH", block, at)
        yield _Message(kind, block[at + head : at + head + size])
        at += head + size


def _continuation(file: OpenFile, body: bytes, *, is_new: bool) -> bytes:
    width = file.address_size
    offset = int.from_bytes(body[:width], "little")
    length = int.from_bytes(body[width : width + file.length_size], "little")
    block = _read(file, offset, length)
    if not is_new:
        return block
    # A signature before, a checksum behind.
    return block[4:-4] if block[:4] == b"OCHK" else b""


def _read(file: OpenFile, address: int, length: int) -> bytes:
    """Read up to `length` bytes at an HDF5 address; fewer at the end of the file."""
    offset = file.base + address
    length = min(length, file.source.size - offset)
    if length <= 0:
        return b""
    return file.source.get_ranges([ByteRange(offset, length)])[0]
