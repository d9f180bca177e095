"""The attributes of an object as its messages say them, before any value is decoded.

Follows the HDF5 File Format Specification 3.0: the attribute message (§IV.A.2.m), the
attribute info message (§IV.A.2.v) and the B-tree of attributes by name (§III.A.2, type 8).
"""

from __future__ import annotations

from functools import lru_cache
from struct import unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.readers.hdf5.btree_v2 import read_records
from zarrchive.readers.hdf5.checksums import check_name
from zarrchive.readers.hdf5.dataspace import extent_of
from zarrchive.readers.hdf5.fractal_heap import heap_objects
from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.shared_message import body_of, shared_body
from zarrchive.readers.hdf5.superblock import number
from zarrchive.readers.hdf5.watched import note_unread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.readers.hdf5.dataspace import Extent
    from zarrchive.readers.hdf5.object_header import Message
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["AttributeMessage", "read_attribute_messages"]

_DATASPACE, _DATATYPE, _ATTRIBUTE, _ATTRIBUTE_INFO = 0x01, 0x03, 0x0C, 0x15
_BY_NAME: Final = 8
_RECORD_TAIL: Final = 9
"""Bytes of a record behind the heap ID: flags, order of creation, hash of the name."""
_SHARED: Final = 0x02
_SELF_CONTAINED: Final = frozenset({0, 1, 3})
"""Datatype classes (§IV.A.2.d) whose values are in the message: integers, floats, fixed text."""


class AttributeMessage(NamedTuple):
    """One attribute of an object header."""

    name: bytes
    datatype: bytes
    """Body of the datatype message."""
    extent: Extent
    data: bytes
    """Stored bytes of the value."""
    body: bytes | None
    """The whole message where its bytes alone tell the value; None where they point elsewhere.
    A series of files says the same of each variable in each file: equal bytes are an equal
    attribute, whatever the file."""


def read_attribute_messages(
    superblock: Superblock, messages: tuple[Message, ...]
) -> Steps[tuple[AttributeMessage, ...]]:
    """Return the attributes of the object whose header has `messages`, by name."""
    compact = _compact(messages, superblock.address_size, superblock.length_size)
    if compact is not None:
        return compact
    bodies: list[bytes] = []
    for message in messages:
        if message.kind == _ATTRIBUTE:
            bodies.append((yield from body_of(superblock, message)))
        elif message.kind == _ATTRIBUTE_INFO:
            bodies += yield from _dense(superblock, message.body)
    found: list[AttributeMessage] = []
    for body in bodies:
        if body[0] > 1 and body[1] & 3:
            found.append((yield from _with_shared_parts(superblock, body)))
        else:
            found.append(_parsed(body, superblock.length_size))
    return _by_name(found)


@lru_cache(maxsize=2**13)
def _compact(
    messages: tuple[Message, ...], address_size: int, length_size: int
) -> tuple[AttributeMessage, ...] | None:
    """Return attributes that are all in the object header, parsed once for equal headers.

    None where some are elsewhere.
    """
    found = []
    for message in messages:
        if message.kind == _ATTRIBUTE:
            body = message.body
            if message.flags & _SHARED or (body[0] > 1 and body[1] & 3):
                return None
            found.append(_parsed(body, length_size))
        elif message.kind == _ATTRIBUTE_INFO:
            at = 2 + (2 if number(message.body, 1, 1) & 1 else 0)
            if message.body[at : at + address_size] != b"\xff" * address_size:
                return None
    return _by_name(found)


def _by_name(found: list[AttributeMessage]) -> tuple[AttributeMessage, ...]:
    found.sort(key=lambda one: one.name)
    if len({one.name for one in found}) != len(found):
        raise Damaged("two of its attributes have one name")
    return tuple(found)


def _dense(superblock: Superblock, info: bytes) -> Steps[list[bytes]]:
    """Read the messages that an object keeps in a fractal heap, if it does."""
    if number(info, 0, 1):
        raise unknown(f"its attribute info message has version {info[0]}")
    at = 2 + (2 if number(info, 1, 1) & 1 else 0)
    heap = superblock.address(info, at)
    tree = superblock.address(info, at + superblock.address_size)
    note_unread(info, at + 2 * superblock.address_size)  # the tree in order of creation
    if superblock.undefined in (heap, tree):
        return []
    records = yield from read_records(superblock, tree, {_BY_NAME})
    rows = records.as_bytes()
    bodies: Sequence[bytes]
    if any(row[-_RECORD_TAIL] & _SHARED for row in rows):
        bodies = yield from _shared_in_heap(superblock, heap, rows)
    else:
        bodies = yield from heap_objects(superblock, heap, [row[:-_RECORD_TAIL] for row in rows])
    _check_names(tuple(bodies), tuple(row[-4:] for row in rows))
    return list(bodies)


@lru_cache(maxsize=2**12)
def _check_names(bodies: tuple[bytes, ...], stored: tuple[bytes, ...]) -> None:
    """Check the names of attributes against the hashes by which they are indexed."""
    for body, name_hash in zip(bodies, stored, strict=True):
        check_name(_split(body)[0], name_hash)


def _shared_in_heap(superblock: Superblock, heap: int, rows: list[bytes]) -> Steps[list[bytes]]:
    """Read attributes of which some are kept in the heap of shared messages."""
    own = [row[:-_RECORD_TAIL] for row in rows if not row[-_RECORD_TAIL] & _SHARED]
    kept = iter((yield from heap_objects(superblock, heap, own)))
    bodies = []
    for row in rows:
        if row[-_RECORD_TAIL] & _SHARED:
            reference = b"\x03\x01" + row[:-_RECORD_TAIL]
            bodies.append((yield from shared_body(superblock, _ATTRIBUTE, reference)))
        else:
            bodies.append(next(kept))
    return bodies


@lru_cache(maxsize=2**14)
def _parsed(body: bytes, length_size: int) -> AttributeMessage:
    """Parse a message whose datatype and dataspace are in it; equal ones are parsed once."""
    name, datatype, dataspace, data = _split(body)
    is_plain = datatype[0] & 0x0F in _SELF_CONTAINED
    extent = extent_of(dataspace, length_size)
    return AttributeMessage(name, datatype, extent, data, body if is_plain else None)


def _with_shared_parts(superblock: Superblock, body: bytes) -> Steps[AttributeMessage]:
    """Parse a message that refers to its datatype or its dataspace."""
    name, datatype, dataspace, data = _split(body)
    if body[1] & 1:
        datatype = yield from shared_body(superblock, _DATATYPE, datatype)
    if body[1] & 2:
        dataspace = yield from shared_body(superblock, _DATASPACE, dataspace)
    return AttributeMessage(
        name, datatype, extent_of(dataspace, superblock.length_size), data, None
    )


def _split(body: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return name, datatype, dataspace and data."""
    version, _, name_size, type_size, space_size = unpack_from("<BBHHH", body)
    if not 1 <= version <= 3:
        raise Damaged(f"an attribute message has version {version}")
    # Version 1 pads each part to a multiple of 8 bytes.
    unit = 8 if version == 1 else 1
    start = 8 if version < 3 else 9
    type_at = start + -(-name_size // unit) * unit
    space_at = type_at + -(-type_size // unit) * unit
    data_at = space_at + -(-space_size // unit) * unit
    name = body[start : start + max(0, name_size - 1)]  # the last byte ends it
    if not name or b"\0" in name or not type_size or not space_size or data_at > len(body):
        raise Damaged("the message of an attribute is cut off, or its name is")
    datatype = body[type_at : type_at + type_size]
    return name, datatype, body[space_at : space_at + space_size], body[data_at:]
