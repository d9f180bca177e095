"""Object headers as runs of messages.

Follows the HDF5 File Format Specification 3.0: object headers (§IV.A.1) and the continuation
message (§IV.A.2.q).
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from zarrchive.readers.hdf5.checksums import check_checksum
from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.superblock import number
from zarrchive.readers.hdf5.watched import note_unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = [
    "CONTINUATION",
    "NIL",
    "TIMES",
    "Message",
    "heads_in",
    "read_blocks",
    "read_header",
    "split",
]

T = TypeVar("T")
Split: TypeAlias = "Callable[[bytes, int | None], tuple[tuple[T, ...], tuple[bytes, ...], int]]"

_OLD_HEAD: Final = Struct("<HHB").unpack_from
_NEW_HEAD: Final = Struct("<BHB").unpack_from
"""Kind, size and flags of a message."""
CONTINUATION: Final = 0x10
NIL: Final = 0
TIMES: Final = frozenset({0x0E, 0x12})
"""Messages that say when an object was changed."""
_MUST_UNDERSTAND: Final = 0x80
_LAST_KNOWN: Final = 0x18
_SHAREABLE: Final = frozenset({0x01, 0x03, 0x04, 0x05, 0x0B, 0x0C})
_FIRST_READ: Final = 512
"""Bytes; holds most object headers."""


class Message(NamedTuple):
    """One header message."""

    kind: int
    flags: int
    """Bit 1: the body says where the message is kept, because several objects share it."""
    body: bytes


@lru_cache(maxsize=2**13)
def split(
    data: bytes, tracks_order: int | None
) -> tuple[tuple[Message, ...], tuple[bytes, ...], int]:
    """Return the messages of a block, the bodies of its continuations, and how many there are.

    `tracks_order` is None in version 1, and in version 2 whether messages have an order of
    creation. The files of a series repeat most blocks: equal ones are split once.
    """
    messages, continuations = [], []
    head_of, head = _heads(tracks_order)
    at, stop, count, has_nil = 0, len(data), 0, False
    while at + head <= stop:
        kind, size, flags = head_of(data, at)
        at += head
        count += 1
        if at + size > stop:
            raise Damaged(f"message {kind:#x} of its object header is cut off")
        if kind == CONTINUATION:
            continuations.append(data[at : at + size])
        elif flags & 0x66 and _contradicts_itself(kind, flags):
            raise Damaged(f"message {kind:#x} of its object header has flags {flags:#x}")
        elif kind > _LAST_KNOWN and flags & _MUST_UNDERSTAND:
            raise unknown(f"its object header has a message of the unknown kind {kind:#x}")
        elif kind != NIL:
            messages.append(Message(kind, flags, data[at : at + size]))
        if kind == NIL or kind in TIMES:
            note_unread(data, at, at + size)
        has_nil = has_nil or kind == NIL
        at += size
    if at != stop and (tracks_order is None or has_nil):
        raise Damaged(f"{stop - at} bytes of its object header are no message")
    return tuple(messages), tuple(continuations), count


def heads_in(data: bytes, tracks_order: int | None) -> Iterator[tuple[int, int, int, int]]:
    """Yield bytes of the head, kind, flags and bytes of the body of each message of a block."""
    head_of, head = _heads(tracks_order)
    at = 0
    while at + head <= len(data):
        kind, size, flags = head_of(data, at)
        yield head, kind, flags, size
        at += head + size


def read_header(superblock: Superblock, address: int) -> Steps[tuple[Message, ...]]:
    """Read all messages of the object header at `address`, continuations included."""
    return read_blocks(superblock, address, split)


def read_blocks(
    superblock: Superblock, address: int, split_block: Split[T]
) -> Steps[tuple[T, ...]]:
    """Read an object header; `split_block` makes of the bytes of a block what `split` does."""
    start = yield superblock.upto(address, _FIRST_READ)
    at, size, kind, count = _prefix(start, address)
    end = at + size + (0 if kind is None else 4)  # newer headers have a checksum behind
    if end > len(start):
        start = yield superblock.at(address, end)
    if kind is not None:
        check_checksum(start[:end], "its object header")
    messages, pending, n_split = split_block(start[at : at + size], kind)
    found, waiting = list(messages), list(pending)
    seen: set[int] = set()
    while waiting:
        body = waiting.pop(0)
        block = superblock.address(body, 0)
        length = superblock.length(body, superblock.address_size)
        if block in seen:
            raise Damaged(f"its object header continues twice at address {block}")
        seen.add(block)
        data = yield superblock.at(block, length)
        more, pending, n_more = split_block(data if kind is None else _continued(data, block), kind)
        found += more
        waiting += pending
        n_split += n_more
    if count is not None and n_split != count:
        raise Damaged(f"its object header has {n_split} messages, and says that it has {count}")
    return tuple(found) if seen else messages


def _prefix(start: bytes, address: int) -> tuple[int, int, int | None, int | None]:
    """Return where the messages begin, their bytes, the kind of header for `split`.

    And, of headers of version 1, the number of messages.
    """
    if start[:4] == b"OHDR":
        if start[4] != 2:
            raise unknown(f"its object header has version {start[4]}")
        flags = start[5]
        if flags & 0xC0:
            raise Damaged(f"its object header has flags {flags:#x} that do not exist")
        if flags & 0x20:
            note_unread(start, 6, 22)  # times of access and of changes
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        return at + width, number(start, at, width), flags & 4, None
    if start[:1] == b"\x01" and len(start) >= 12:
        return 16, number(start, 8, 4), None, number(start, 2, 2)
    raise Damaged(f"there is no object header at address {address}")


def _continued(data: bytes, block: int) -> bytes:
    """Return the messages of a continuation block of a newer header."""
    if data[:4] != b"OCHK" or len(data) < 8:
        raise Damaged(f"its object header does not continue at address {block}")
    check_checksum(data, "a continuation of its object header")
    return data[4:-4]


def _heads(tracks_order: int | None) -> tuple[Callable[..., tuple[Any, ...]], int]:
    """Return what unpacks kind, size and flags of a message, and the bytes of a head."""
    if tracks_order is None:
        return _OLD_HEAD, 8
    return _NEW_HEAD, 6 if tracks_order else 4


def _contradicts_itself(kind: int, flags: int) -> bool:
    """Whether flags of a message exclude one another, or do not exist for its kind (§IV.A.1).

    Shared and not to be shared; was unknown, but must not be, or was not to be marked; to be
    shared, though messages of its kind never are.
    """
    is_odd = flags & 0x06 == 0x06 or flags & 0x28 == 0x28 or flags & 0x30 == 0x20
    return is_odd or (bool(flags & 0x40) and kind <= _LAST_KNOWN and kind not in _SHAREABLE)
