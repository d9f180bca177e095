"""Object headers as runs of messages, for the little that h5py does not tell, or tells slowly.

Follows the HDF5 File Format Specification 3.0: object headers (§IV.A.1) and the continuation
message (§IV.A.2.q).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.location.source import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["Message", "messages", "read_at"]

_CONTINUATION: Final = 0x10
_MOST_BLOCKS: Final = 256
"""Continuations followed; a damaged header may refer to itself."""
_FIRST_READ: Final = 1024
"""Bytes; holds most object headers."""


class Message(NamedTuple):
    """One header message."""

    kind: int
    flags: int
    """Bit 1: the body is kept elsewhere, shared by several objects."""
    body: bytes


def messages(file: OpenFile, address: int) -> Iterator[Message]:
    """Yield the messages of the object header at `address`, none where it is not understood.

    Costs one read of about 1 KB, rarely two; none where the file is held in memory.
    """
    start = read_at(file, address, _FIRST_READ)
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
        block = read_at(file, address + at, size)
    blocks = [block]
    for number, block in enumerate(blocks):
        for message in _split(block, is_new=is_new, header_flags=flags):
            if message.kind == _CONTINUATION and number < _MOST_BLOCKS:
                blocks.append(_continuation(file, message.body, is_new=is_new))
            yield message


def _split(block: bytes, *, is_new: bool, header_flags: int) -> Iterator[Message]:
    """Cut a block of an object header into its messages."""
    at, head = 0, (4 + (2 if header_flags & 4 else 0)) if is_new else 8
    while at + head <= len(block):
        if is_new:
            kind, size, flags = unpack_from("<BHB", block, at)
        else:
            kind, size, flags = unpack_from("<HHB", block, at)
        yield Message(kind, flags, block[at + head : at + head + size])
        at += head + size


def _continuation(file: OpenFile, body: bytes, *, is_new: bool) -> bytes:
    width = file.address_size
    offset = int.from_bytes(body[:width], "little")
    length = int.from_bytes(body[width : width + file.length_size], "little")
    block = read_at(file, offset, length)
    if not is_new:
        return block
    # A signature before, a checksum behind.
    return block[4:-4] if block[:4] == b"OCHK" else b""


def read_at(file: OpenFile, address: int, length: int) -> bytes:
    """Read up to `length` bytes at an HDF5 address; fewer at the end of the file."""
    offset = file.base + address
    length = min(length, file.source.size - offset)
    if length <= 0:
        return b""
    if file.content is not None:
        return file.content[offset : offset + length]
    return file.source.get_ranges([ByteRange(offset, length)])[0]
