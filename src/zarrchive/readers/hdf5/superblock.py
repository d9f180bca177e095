"""The superblock: where an HDF5 file begins, and how its numbers are written.

Follows the HDF5 File Format Specification 3.0: superblock (§II.A), superblock extension (§II.C),
B-tree 'K' values message (§IV.A.2.t) and shared message table message (§IV.A.2.p).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import unpack_from
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.checksums import check_checksum
from zarrchive.readers.hdf5.requests import Bytes, Damaged, NotUnderstood, Upto, unknown
from zarrchive.readers.hdf5.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.readers.hdf5.requests import Steps

__all__ = [
    "SIGNATURE",
    "Superblock",
    "address_at",
    "number",
    "read_superblock",
    "with_extension",
]

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_LONGEST: Final = 128
"""Bytes that hold a superblock of any version."""
_WRITING: Final = 0x05
"""Flags of version 3: open for writing, or for writing while others read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superblock:
    """What all other structures of a file need to be read."""

    version: int
    base: int
    """Byte of the file from which addresses count."""
    address_size: int
    length_size: int
    size: int
    """Bytes of the file."""
    root: int
    """Address of the object header of the root group."""
    extension: int | None = None
    """Address of the object header of the superblock extension."""
    group_leaf_k: int = 4
    group_internal_k: int = 16
    chunk_k: int = 32
    """Half of the entries that a node of the B-tree of chunks has at most."""
    shared_messages: tuple[int, int] | None = None
    """Address of the table of shared messages, and the number of its indexes."""

    @property
    def undefined(self) -> int:
        """The address that says that there is nothing."""
        return (1 << 8 * self.address_size) - 1

    def at(self, address: int, length: int) -> Bytes:
        """Ask for `length` bytes at an address of the file."""
        return Bytes(self.base + address, length)

    def upto(self, address: int, length: int) -> Upto:
        """Ask for up to `length` bytes at an address of the file."""
        return Upto(self.base + address, length)

    def address(self, data: bytes, at: int) -> int:
        """Return the address at byte `at` of `data`."""
        return address_at(data, at, self.address_size)

    def length(self, data: bytes, at: int) -> int:
        """Return the length at byte `at` of `data`."""
        return number(data, at, self.length_size)


def number(data: bytes, at: int, width: int) -> int:
    """Return the little-endian number of `width` bytes at byte `at`; never one cut off."""
    end = at + width
    if end > len(data):
        raise Damaged(f"a number of {width} bytes at byte {at} of a structure of {len(data)}")
    return int.from_bytes(data[at:end], "little")


def address_at(data: bytes, at: int, width: int) -> int:
    """Return the address at byte `at` of `data`."""
    value = number(data, at, width)
    if type(data) is Watched:
        data.note_address(at, value)
    return value


def read_superblock(size: int) -> Steps[Superblock]:
    """Find and read the superblock of a file of `size` bytes.

    Raises `Damaged` where there is none or the file is shorter than it says, `NotUnderstood`
    where it is of a kind that only the HDF5 library reads.
    """
    place, head = 0, b""
    while head[:8] != SIGNATURE:
        place = max(512, 2 * place) if head else 0
        if place >= size:
            raise Damaged("it has no HDF5 signature at byte 0, 512, 1024 and so on")
        head = yield Upto(place, _LONGEST)
    if len(head) < 48:
        raise Damaged(f"its superblock at byte {place} is cut off after {len(head)} bytes")
    version = head[8]
    if version > 3:
        raise unknown(f"its superblock has version {version}")
    parse = _old if version < 2 else _new
    superblock, stated_base, end = parse(head, place, size)
    if end + place - stated_base > size:
        raise Damaged(f"its superblock says that it ends at byte {end + place - stated_base}")
    return superblock


def _widths(address_size: int, length_size: int) -> None:
    for width in (address_size, length_size):
        if width not in {2, 4, 8}:
            raise NotUnderstood(f"its addresses or lengths have {width} bytes")


def _old(head: bytes, place: int, size: int) -> tuple[Superblock, int, int]:
    """Parse version 0 or 1; return also the base address and the end that it states."""
    version, address_size, length_size = head[8], head[13], head[14]
    _widths(address_size, length_size)
    leaf_k, internal_k = unpack_from("<HH", head, 16)
    at, chunk_k = 24, 32
    if version == 1:
        (chunk_k,) = unpack_from("<H", head, 24)
        at = 28
    if not (leaf_k and internal_k and chunk_k):
        raise Damaged("its superblock says that B-trees have nodes without entries")
    stated_base = number(head, at, address_size)
    end = number(head, at + 2 * address_size, address_size)
    driver = number(head, at + 3 * address_size, address_size)
    if driver != (1 << 8 * address_size) - 1:
        if driver + place >= size:
            raise Damaged(f"its superblock names a driver block at byte {driver}, behind its end")
        raise NotUnderstood("it is one of several files of a family, or split into two files")
    # The symbol table entry of the root group: offset of its name (a length), then its header.
    root = number(head, at + 4 * address_size + length_size, address_size)
    superblock = Superblock(
        version=version,
        base=place,
        address_size=address_size,
        length_size=length_size,
        size=size,
        root=root,
        group_leaf_k=leaf_k,
        group_internal_k=internal_k,
        chunk_k=chunk_k,
    )
    return superblock, stated_base, end


def _new(head: bytes, place: int, size: int) -> tuple[Superblock, int, int]:
    """Parse version 2 or 3; return also the base address and the end that it states."""
    version, address_size, length_size, flags = head[8:12]
    _widths(address_size, length_size)
    check_checksum(head[: 12 + 4 * address_size + 4], "the superblock")
    if version == 3 and flags & _WRITING:
        raise NotUnderstood("it is marked as open for writing")
    stated_base, extension, end, root = (
        number(head, 12 + n * address_size, address_size) for n in range(4)
    )
    superblock = Superblock(
        version=version,
        base=place,
        address_size=address_size,
        length_size=length_size,
        size=size,
        root=root,
        extension=None if extension == (1 << 8 * address_size) - 1 else extension,
    )
    return superblock, stated_base, end


def with_extension(
    superblock: Superblock, messages: Sequence[tuple[int, int, bytes]]
) -> Superblock:
    """Add what the messages (kind, flags, body) of the superblock extension say."""
    for kind, _, body in messages:
        if kind == _K_VALUES:
            chunk_k, internal_k, leaf_k = unpack_from("<HHH", body, 1)
            if not (leaf_k and internal_k and chunk_k):
                raise Damaged("its B-trees have nodes without entries")
            superblock = replace(
                superblock, chunk_k=chunk_k, group_internal_k=internal_k, group_leaf_k=leaf_k
            )
        elif kind == _SHARED_TABLE:
            table = superblock.address(body, 1)
            count = number(body, 1 + superblock.address_size, 1)
            superblock = replace(superblock, shared_messages=(table, count))
        elif kind == _DRIVER:
            raise NotUnderstood("it is one of several files of a family, or split into two files")
        elif kind == _CACHE_IMAGE:
            address = superblock.address(body, 2) if len(body) > 2 else superblock.undefined
            if address != superblock.undefined:
                raise NotUnderstood("its metadata are in a cache image")
    return superblock


_K_VALUES, _DRIVER, _SHARED_TABLE, _CACHE_IMAGE = 0x13, 0x14, 0x0F, 0x18
