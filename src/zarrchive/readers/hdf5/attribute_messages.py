"""Attributes by the bytes of their messages, so that equal ones are read by h5py only once.

A series of files says the same of each variable in each file. The message of an attribute of
fixed-size numbers or text holds its name, type, shape and values, and points nowhere: equal
bytes mean an equal attribute, whatever the file.

Follows the HDF5 File Format Specification 3.0: the attribute message (§IV.A.2.m) and the
attribute info message (§IV.A.2.v).
"""

from __future__ import annotations

from struct import error as StructError  # noqa: N812 - the struct module calls it error
from struct import unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.readers.hdf5.dense_attributes import dense_attribute_messages
from zarrchive.readers.hdf5.object_header import messages

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["AttributeMessage", "attribute_messages"]

_ATTRIBUTE: Final = 0x0C
_ATTRIBUTE_INFO: Final = 0x15
_SHARED: Final = 0x02
_SELF_CONTAINED: Final = frozenset({0, 1, 3})
"""Datatype classes (§IV.A.2.d) whose values are in the message: integers, floats, fixed text."""


class AttributeMessage(NamedTuple):
    """One attribute of an object header."""

    name: bytes
    body: bytes | None
    """The whole message where its bytes alone tell the value; None where they point elsewhere."""


def attribute_messages(file: OpenFile, address: int) -> list[AttributeMessage] | None:
    """Return the attributes of the object whose header is at `address`, by name.

    None where anything is not understood: h5py then lists them.
    """
    found: list[AttributeMessage] = []
    try:
        for message in messages(file, address):
            if message.kind == _ATTRIBUTE_INFO and _is_dense(file, message.body):
                dense = dense_attribute_messages(file, message.body)
                if dense is None:
                    return None
                found.extend(map(_parsed, dense))
            if message.kind == _ATTRIBUTE:
                if message.flags & _SHARED:
                    return None
                found.append(_parsed(message.body))
    except (StructError, IndexError, ValueError):
        return None
    found.sort(key=lambda one: one.name)
    return found if len({one.name for one in found}) == len(found) else None


def _is_dense(file: OpenFile, body: bytes) -> bool:
    """Say whether attributes lie in a fractal heap: its address is not the undefined one."""
    at = 2 + (2 if body[1] & 1 else 0)
    return body[at : at + file.address_size] != b"\xff" * file.address_size


def _parsed(body: bytes) -> AttributeMessage:
    version, flags, name_size, type_size, space_size = unpack_from("<BBHHH", body)
    if not 1 <= version <= 3 or not name_size:
        raise ValueError(version)
    at = 8 if version < 3 else 9
    name = body[at : at + name_size].partition(b"\0")[0]
    at += _padded(name_size) if version == 1 else name_size
    ends = at + type_size + space_size
    is_shared = version > 1 and flags & 3
    plain = not is_shared and body[at] & 0x0F in _SELF_CONTAINED and ends <= len(body)
    return AttributeMessage(name, body if plain else None)


def _padded(size: int) -> int:
    return -(-size // 8) * 8
