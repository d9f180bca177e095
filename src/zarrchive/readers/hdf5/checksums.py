"""The checksum of HDF5's newer structures, Bob Jenkins' lookup3 (specification, appendix D)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numcodecs.jenkins import jenkins_lookup3

from zarrchive.readers.hdf5.requests import Damaged
from zarrchive.readers.hdf5.watched import note_seal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["check_checksum", "check_name", "check_rows"]


def check_checksum(data: bytes, name: str) -> None:
    """Raise `Damaged` unless the last four bytes of `data` are the checksum of the rest."""
    note_seal(data, len(data) - 4, len(data) - 4)
    found = int.from_bytes(data[-4:], "little")
    expected = jenkins_lookup3(data[:-4], 0)
    if found != expected:
        raise Damaged(f"the checksum of {name} is {found:#010x}, its bytes give {expected:#010x}")


def check_rows(rows: npt.NDArray[np.uint8], checksums: npt.NDArray[np.uint8], name: str) -> None:
    """Check each row of an array of shape (rows, bytes) by its checksum, shape (rows, 4)."""
    stored = checksums.view("<u4")[:, 0].tolist()
    for number, (row, found) in enumerate(zip(rows, stored, strict=True)):
        if jenkins_lookup3(row, 0) != found:
            raise Damaged(f"the checksum of {name} number {number} is not that of its bytes")


def check_name(name: bytes, stored: bytes) -> None:
    """Raise `Damaged` unless `stored` is the hash by which HDF5 finds `name`."""
    if jenkins_lookup3(name, 0) != int.from_bytes(stored, "little"):
        raise Damaged(f"the name {name!r} is not the one by which it is indexed")
