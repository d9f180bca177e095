"""The message that says in which other files the values of a dataset are.

Follows the HDF5 File Format Specification 3.0, §IV.A.2.h (external data files) and §III.D (local
heaps, which hold their names).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.superblock import number
from zarrchive.readers.hdf5.symbol_table import heap_data, heap_text

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["ExternalFile", "read_external_files"]

_UNLIMITED: Final = 2**64 - 1


class ExternalFile(NamedTuple):
    """A part of the values, in the order of which they follow each other."""

    name: str
    offset: int
    """Where it begins in the file."""
    size: int | None
    """Bytes; None: all that the dataset may need."""


def read_external_files(superblock: Superblock, body: bytes) -> Steps[list[ExternalFile]]:
    """Read the list of parts. Raises `Damaged` or `NotUnderstood`."""
    version, used = number(body, 0, 1), number(body, 6, 2)
    if version != 1:
        raise unknown(f"its message of external files has version {version}")
    n, at = superblock.length_size, 8 + superblock.address_size
    if at + 3 * n * used > len(body):
        raise Damaged(f"its list of {used} external files is cut off")
    names = yield from heap_data(superblock, superblock.address(body, 8))
    unlimited = _UNLIMITED >> 8 * (8 - n)
    found = []
    for start in range(at, at + 3 * n * used, 3 * n):
        name, offset, size = (number(body, start + i * n, n) for i in range(3))
        text = heap_text(names, name).decode("utf-8", "surrogateescape")
        found.append(ExternalFile(text, offset, None if size == unlimited else size))
    return found
