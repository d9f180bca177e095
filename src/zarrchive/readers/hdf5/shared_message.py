"""Header messages that several objects share, and are kept elsewhere.

Follows the HDF5 File Format Specification 3.0: shared messages (§IV.A.2, "Shared Message") and
the shared object header message table (§III.F).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.checksums import check_checksum
from zarrchive.readers.hdf5.fractal_heap import heap_objects
from zarrchive.readers.hdf5.object_header import read_header
from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.superblock import number

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.object_header import Message
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["body_of", "shared_body"]

_SHARED = 2
_IN_HEAP = 1


def body_of(superblock: Superblock, message: Message) -> Steps[bytes]:
    """Return the body of a message, wherever it is kept."""
    if message.flags & _SHARED:
        return (yield from shared_body(superblock, message.kind, message.body))
    return message.body


def shared_body(superblock: Superblock, kind: int, reference: bytes) -> Steps[bytes]:
    """Return the message of `kind` that the bytes of a shared message refer to."""
    version, place = number(reference, 0, 1), number(reference, 1, 1)
    if version not in {1, 2, 3}:
        raise unknown(f"a shared message has version {version}")
    if version == 3 and place == _IN_HEAP:
        heap = yield from _heap_of(superblock, kind)
        (body,) = yield from heap_objects(superblock, heap, [reference[2:10]])
        if not body:
            raise Damaged("a message in the heap of shared messages is empty")
        return body
    address = superblock.address(reference, 8 if version == 1 else 2)
    messages = yield from read_header(superblock, address)
    for message in messages:
        if message.kind == kind:
            if message.flags & _SHARED:
                # A committed datatype says so of itself where messages of its kind are in a heap.
                heap_reference = message.body
                if heap_reference[:2] == bytes([3, _IN_HEAP]):
                    return (yield from shared_body(superblock, kind, heap_reference))
                raise Damaged(f"a shared message at address {address} is shared itself")
            if message.body:
                return message.body
    raise Damaged(f"there is no message of kind {kind:#x} to share at address {address}")


def _heap_of(superblock: Superblock, kind: int) -> Steps[int]:
    """Return the address of the heap in which messages of `kind` are shared."""
    if superblock.shared_messages is None:
        raise Damaged("a message is shared, but the file has no table of shared messages")
    address, count = superblock.shared_messages
    o = superblock.address_size
    size = 14 + 2 * o
    table = yield superblock.at(address, 4 + count * size + 4)
    if table[:4] != b"SMTB":
        raise Damaged(f"there is no table of shared messages at address {address}")
    check_checksum(table, "the table of shared messages")
    for at in range(4, 4 + count * size, size):
        if number(table, at + 2, 2) >> kind & 1:
            return superblock.address(table, at + 14 + o)
    raise Damaged(f"messages of kind {kind:#x} are not shared in this file")
