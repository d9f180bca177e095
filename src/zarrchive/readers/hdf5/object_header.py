"""Object headers as runs of messages.

Follows the HDF5 File Format Specification 3.0: object headers (§IV.A.1) and the continuation
message (§IV.A.2.q).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.readers.hdf5.checksums import check_checksum
from zarrchive.readers.hdf5.requests import Damaged, NotUnderstood

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["Message", "read_header"]

_CONTINUATION: Final = 0x10
_NIL: Final = 0
_MUST_UNDERSTAND: Final = 0x80
_LAST_KNOWN: Final = 0x18
_FIRST_READ: Final = 512
"""Bytes; holds most object headers."""


class Message(NamedTuple):
    """One header message."""

    kind: int
    flags: int
    """Bit 1: the body says where the message is kept, because several objects share it."""
    body: bytes


def read_header(superblock: Superblock, address: int) -> Steps[list[Message]]:
    """Read all messages of the object header at `address`, continuations included."""
    start = yield superblock.upto(address, _FIRST_READ)
    is_new = start[:4] == b"OHDR"
    if is_new:
        flags = start[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(start[at : at + width], "little")
        at += width
        end = at + size + 4
    elif start[:1] == b"\x01" and len(start) >= 12:
        flags = 0
        (size,) = unpack_from("<I", start, 8)
        at, end = 16, 16 + size
    else:
        raise Damaged(f"there is no object header at address {address}")
    if end > len(start):
        start = yield superblock.at(address, end)
    if is_new:
        if start[4] != 2:
            raise NotUnderstood(f"its object header has version {start[4]}")
        check_checksum(start[:end], "its object header")
    messages: list[Message] = []
    pending = _split(start, at, at + size, flags if is_new else None, messages)
    seen: set[int] = set()
    while pending:
        body = pending.pop(0)
        block, length = (
            superblock.address(body, 0),
            superblock.length(body, superblock.address_size),
        )
        if block in seen:
            raise Damaged(f"its object header continues twice at address {block}")
        seen.add(block)
        data = yield superblock.at(block, length)
        begin, stop = 0, len(data)
        if is_new:
            if data[:4] != b"OCHK" or len(data) < 8:
                raise Damaged(f"its object header does not continue at address {block}")
            check_checksum(data, "a continuation of its object header")
            begin, stop = 4, len(data) - 4
        pending += _split(data, begin, stop, flags if is_new else None, messages)
    return messages


def _split(
    data: bytes, at: int, stop: int, flags: int | None, messages: list[Message]
) -> list[bytes]:
    """Add the messages of a block; return the bodies of the continuation messages.

    `flags` are those of a header of version 2, None in version 1.
    """
    continuations = []
    if flags is None:
        form, head = "<HHB", 8
    else:
        form, head = "<BHB", 6 if flags & 4 else 4
    while at + head <= stop:
        kind, size, message_flags = unpack_from(form, data, at)
        at += head
        if at + size > stop:
            raise Damaged(f"message {kind:#x} of its object header is cut off")
        if kind == _CONTINUATION:
            continuations.append(data[at : at + size])
        elif kind > _LAST_KNOWN and message_flags & _MUST_UNDERSTAND:
            raise NotUnderstood(f"its object header has a message of the unknown kind {kind:#x}")
        elif kind != _NIL:
            messages.append(Message(kind, message_flags, data[at : at + size]))
        at += size
    return continuations
