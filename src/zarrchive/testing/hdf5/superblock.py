"""What the superblock of an HDF5 file says, read from its bytes (specification §II.A)."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["Superblock", "superblock_of"]

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"


class Superblock(NamedTuple):
    """Sizes, and the places of the fields that matter to damage."""

    start: int
    """Where it begins: addresses count from here."""
    version: int
    address_size: int
    length_size: int
    end_at: int
    """Where the address of the end of the file is."""

    def address(self, data: bytes | bytearray, at: int) -> int:
        """Return the byte in the file that the address at `at` means."""
        return self.start + int.from_bytes(data[at : at + self.address_size], "little")


def superblock_of(data: bytes | bytearray) -> Superblock | None:
    """Find the superblock, behind a user block or not; None where there is none."""
    start = data.find(_SIGNATURE)
    if start < 0 or len(data) < start + 48:
        return None
    version = data[start + 8]
    if version < 2:
        address, length = data[start + 13], data[start + 14]
        return Superblock(start, version, address, length, start + 24 + 4 * version + 2 * address)
    address, length = data[start + 9], data[start + 10]
    return Superblock(start, version, address, length, start + 12 + 2 * address)
