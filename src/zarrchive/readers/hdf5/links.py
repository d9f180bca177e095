"""The links of a group, whichever way it keeps them.

Follows the HDF5 File Format Specification 3.0: link message (§IV.A.2.g), link info message
(§IV.A.2.c), symbol table message (§IV.A.2.r), and the B-tree of links by name (§III.A.2, type 5).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.readers.hdf5.btree_v2 import read_records
from zarrchive.readers.hdf5.checksums import check_name
from zarrchive.readers.hdf5.fractal_heap import heap_objects
from zarrchive.readers.hdf5.requests import Damaged, NotUnderstood, unknown
from zarrchive.readers.hdf5.superblock import address_at, number
from zarrchive.readers.hdf5.symbol_table import read_symbol_table
from zarrchive.readers.hdf5.watched import note_unread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.readers.hdf5.object_header import Message
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["EXTERNAL", "HARD", "SOFT", "Link", "read_links"]

HARD, SOFT, EXTERNAL = 0, 1, 64
_LINK_INFO, _LINK, _SYMBOL_TABLE = 0x02, 0x06, 0x11
_LINKING: Final = frozenset({_LINK_INFO, _LINK, _SYMBOL_TABLE})
_LINKS_BY_NAME: Final = 5
_SHARED: Final = 2


class Link(NamedTuple):
    """One entry of a group."""

    name: bytes
    kind: int
    """`HARD`, `SOFT`, `EXTERNAL`, or the number of a user-defined type."""
    address: int = 0
    """Hard: address of the object header."""
    target: bytes = b""
    """Soft: path. External: path of the object in the other file."""
    file: bytes = b""
    """External: name of the other file."""
    order: int = -1
    """Order of creation, -1 where the group does not keep it."""


def read_links(superblock: Superblock, messages: Sequence[Message]) -> Steps[list[Link]]:
    """Return the links of the group whose object header has `messages`.

    They are in order of creation where the group keeps it, by name otherwise.
    """
    links: list[Link] = []
    for message in messages:
        if message.kind in _LINKING:
            if message.flags & _SHARED:
                raise NotUnderstood("the links of the group are in a shared message")
            links += yield from _links_of(superblock, message)
    if len({link.name for link in links}) != len(links):
        raise Damaged("two links of the group have one name")
    if all(link.order >= 0 for link in links):
        links.sort(key=lambda link: link.order)
    elif not any(message.kind == _SYMBOL_TABLE for message in messages):
        links.sort(key=lambda link: link.name)  # a symbol table is in this order
    return links


def _links_of(superblock: Superblock, message: Message) -> Steps[list[Link]]:
    """Return the links that one message holds or leads to."""
    body, width = message.body, superblock.address_size
    if message.kind == _LINK:
        return [_parsed(body, width)]
    if message.kind == _LINK_INFO:
        return (yield from _dense(superblock, body))
    tree, heap = superblock.address(body, 0), superblock.address(body, width)
    entries = yield from read_symbol_table(superblock, tree, heap)
    return [
        Link(name, HARD, address) if target is None else Link(name, SOFT, target=target)
        for name, address, target in entries
    ]


def _dense(superblock: Superblock, body: bytes) -> Steps[list[Link]]:
    """Read the links that a group keeps in a fractal heap, if it does."""
    if number(body, 0, 1):
        raise unknown(f"the link info message of the group has version {body[0]}")
    at = 2 + (8 if number(body, 1, 1) & 1 else 0)
    heap = superblock.address(body, at)
    tree = superblock.address(body, at + superblock.address_size)
    note_unread(body, at + 2 * superblock.address_size)  # the tree in order of creation
    if superblock.undefined in (heap, tree):
        return []
    records = yield from read_records(superblock, tree, {_LINKS_BY_NAME})
    # A record is the hash of the name, by which HDF5 looks it up, and the ID in the heap.
    rows = records.as_bytes()
    objects = yield from heap_objects(
        superblock, heap, [row[4:] for row in rows], may_be_filtered=True
    )
    links = [_parsed(one, superblock.address_size) for one in objects]
    for link, row in zip(links, rows, strict=True):
        check_name(link.name, row[:4])
    return links


@lru_cache(maxsize=2**13)
def _parsed(body: bytes, width: int) -> Link:
    """Parse a link message with addresses of `width` bytes; equal ones are parsed once."""
    if number(body, 0, 1) != 1:
        raise unknown(f"a link message of the group has version {body[0]}")
    flags, at, kind, order = number(body, 1, 1), 2, HARD, -1
    if flags & 0x08:
        kind, at = number(body, at, 1), at + 1
    if flags & 0x04:
        order, at = int.from_bytes(body[at : at + 8], "little", signed=True), at + 8
    if flags & 0x10:
        at += 1  # the character set: names are decoded as UTF-8, which ASCII is
    size = 1 << (flags & 3)
    length = number(body, at, size)
    at += size
    name = body[at : at + length].partition(b"\0")[0]
    at += length
    if not name or at > len(body):
        raise Damaged("the name of a link is cut off")
    if kind == HARD:
        return Link(name, HARD, address_at(body, at, width), order=order)
    size = number(body, at, 2)
    value = body[at + 2 : at + 2 + size]
    if len(value) != size:
        raise Damaged(f"the target of the link {name!r} is cut off")
    if kind == SOFT:
        return Link(name, SOFT, target=value.partition(b"\0")[0], order=order)
    if kind == EXTERNAL:
        # One byte of version and flags, then two strings that each end with NUL.
        file, _, path = value[1:].partition(b"\0")
        return Link(name, EXTERNAL, target=path.partition(b"\0")[0], file=file, order=order)
    return Link(name, kind, order=order)
