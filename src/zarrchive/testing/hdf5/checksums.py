"""Checksums of HDF5 metadata: found in a file, and made right again after a change.

A changed byte in a structure of newer versions of the format is noticed by its checksum, and
nothing behind that check is ever tested. Where a structure ends depends on much; here its length
is found by trying all, since only the right one has the checksum that follows it.

Jenkins' lookup3, as the HDF5 File Format Specification 3.0 §III names it.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from zarrchive.testing.hdf5.superblock import superblock_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from zarrchive.location.source import ByteRange
    from zarrchive.testing.hdf5.superblock import Superblock

__all__ = ["Checked", "checked_blocks", "checksum", "repair"]

_AT_END: Final = re.compile(
    rb"OHDR|OCHK|FRHP|FHIB|FSHD|FSSE|BTHD|BTIN|BTLF|SMTB|SMLI|EAHD|EAIB|EASB|EADB|FAHD|FADB"
    rb"|\x89HDF\r\n\x1a\n[\x02\x03]"
)
_LENGTHS: Final = (300, 1200, 4200, 15_000)
"""Tried one after the other: most structures are short."""
_WORD: Final = 0xFFFFFFFF
_ROTATIONS: Final = (4, 6, 8, 16, 19, 4)
_LAST_ROTATIONS: Final = (14, 11, 25, 16, 4, 14, 24)


class Checked(NamedTuple):
    """A run of bytes, and where its checksum is."""

    start: int
    length: int
    at: int
    """Where the checksum is: behind the run, or inside of it (where it counts as zeros)."""


def checksum(data: bytes) -> int:
    """Return lookup3 of `data`, beginning at zero."""
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    padded = data + bytes(-len(data) % 12)
    words = struct.unpack(f"<{len(padded) // 4}I", padded)
    for at in range(0, len(words), 3):
        a, b, c = a + words[at] & _WORD, b + words[at + 1] & _WORD, c + words[at + 2] & _WORD
        if at + 3 == len(words):
            break
        for bits in _ROTATIONS:
            a = ((a - c) ^ (c << bits | c >> (32 - bits))) & _WORD
            a, b, c = b, (c + b) & _WORD, a
    for bits in _LAST_ROTATIONS if words else ():
        c = ((c ^ b) - (b << bits & _WORD | b >> (32 - bits))) & _WORD
        a, b, c = b, c, a
    return b


def checked_blocks(data: bytes) -> list[Checked]:
    """Find every structure with a checksum, however it is laid out."""
    found: list[Checked] = []
    superblock = superblock_of(data)
    if superblock is None:
        return found
    for match in _AT_END.finditer(data):
        start = match.start()
        length = _length_at(data, start)
        if length:
            found.append(Checked(start, length, start + length))
            if match[0] in {b"FADB", b"EADB"}:
                found.extend(_pages(data, found[-1], superblock))
    for match in re.finditer(b"FHDB", data):
        found.extend(_direct_block(data, match.start(), superblock))
    return found


def repair(
    data: bytearray, blocks: Iterable[Checked], changed: Iterable[ByteRange | tuple[int, int]]
) -> None:
    """Make the checksums of all blocks right that overlap with changed bytes."""
    ranges = [(offset, offset + length) for offset, length in changed]
    for start, length, at in blocks:
        end = start + length
        if at + 4 <= len(data) and any(low < end and high > start for low, high in ranges):
            run = data[start:end]
            if start <= at < end:
                run[at - start : at - start + 4] = bytes(4)
            data[at : at + 4] = checksum(bytes(run)).to_bytes(4, "little")


def _length_at(data: bytes, start: int) -> int:
    """Return the length of the structure at `start` whose checksum follows it, or 0."""
    low = 5
    for most in _LENGTHS:
        run = np.frombuffer(data, np.uint8, min(most + 4, len(data) - start), start)
        if len(run) < low + 4:
            return 0
        sums = _checksums(run[:-4], low)
        stored = np.lib.stride_tricks.sliding_window_view(run, 4)[low:].copy().view("<u4")[:, 0]
        hits = np.flatnonzero(sums == stored)
        if hits.size:
            return low + int(hits[0])
        low = len(run) - 3
    return 0


def _pages(data: bytes, block: Checked, superblock: Superblock) -> Iterator[Checked]:
    """Yield the pages behind the data block of an array, if it has any: §VII.C and §VII.D."""
    header = superblock.address(data, block.start + 6)
    if data[header : header + 4] not in {b"FAHD", b"EAHD"} or header + 12 > len(data):
        return
    is_fixed = data[header : header + 4] == b"FAHD"
    prefix = 6 + superblock.address_size
    if is_fixed:
        entries = int.from_bytes(data[header + 8 : header + 8 + superblock.length_size], "little")
        is_paged = entries > 1 << data[header + 7]
    else:
        is_paged = block.length == prefix + (data[header + 7] + 7) // 8
    if not is_paged:
        return
    length = data[header + 6] << data[header + (7 if is_fixed else 11)]
    for start in range(block.at + 4, len(data), length + 4):
        page = Checked(start, length, start + length)
        if not _is_right(data, page):
            return  # also a page that was never used
        yield page


def _direct_block(data: bytes, start: int, superblock: Superblock) -> Iterator[Checked]:
    """Yield a direct block of a fractal heap, whose checksum is inside of it: §III.G."""
    header = superblock.address(data, start + 5)
    size = superblock.length_size
    at = header + 16 + 10 * size + 2 * superblock.address_size
    if data[header : header + 4] != b"FRHP" or at + 2 * size + 2 > len(data):
        return
    length = int.from_bytes(data[at : at + size], "little")
    most = int.from_bytes(data[at + size : at + 2 * size], "little")
    bits = int.from_bytes(data[at + 2 * size : at + 2 * size + 2], "little")
    place = start + 5 + superblock.address_size + (bits + 7) // 8
    while 0 < length <= most and start + length <= len(data):
        block = Checked(start, length, place)
        if _is_right(data, block):
            yield block
            return
        length *= 2


def _is_right(data: bytes, block: Checked) -> bool:
    run = bytearray(data[block.start : block.start + block.length])
    if block.at < block.start + block.length:
        run[block.at - block.start : block.at - block.start + 4] = bytes(4)
    return checksum(bytes(run)).to_bytes(4, "little") == data[block.at : block.at + 4]


def _checksums(run: npt.NDArray[np.uint8], shortest: int) -> npt.NDArray[np.uint32]:
    """Return lookup3 of ``run[:n]`` for every n from `shortest` (at least 1) to its length."""
    lengths = np.arange(shortest, len(run) + 1)
    padded = np.zeros(len(run) + 24, np.uint8)
    padded[: len(run)] = run
    words = padded[: len(padded) // 12 * 12].view("<u4").reshape(-1, 3)
    a = (lengths + 0xDEADBEEF).astype(np.uint32)
    b, c = a.copy(), a.copy()
    for number in range((len(run) - 1) // 12):
        # Of longer runs only this is not the last block.
        longer = slice(max(0, 12 * (number + 1) + 1 - shortest), None)
        x, y, z = a[longer], b[longer], c[longer]
        x += words[number, 0]
        y += words[number, 1]
        z += words[number, 2]
        _mix(x, y, z)
    start = (lengths - 1) // 12 * 12
    places = start[:, None] + np.arange(12)
    last = np.where(places < lengths[:, None], padded[places], np.uint8(0)).view("<u4")
    a += last[:, 0]
    b += last[:, 1]
    c += last[:, 2]
    return _finished(a, b, c)


def _mix(a: npt.NDArray[np.uint32], b: npt.NDArray[np.uint32], c: npt.NDArray[np.uint32]) -> None:
    for number, bits in enumerate(_ROTATIONS):
        x, y, z = ((a, c, b), (b, a, c), (c, b, a))[number % 3]
        x -= y
        x ^= _rotated(y, bits)
        y += z


def _finished(
    a: npt.NDArray[np.uint32], b: npt.NDArray[np.uint32], c: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    for number, bits in enumerate(_LAST_ROTATIONS):
        x, y = ((c, b), (a, c), (b, a))[number % 3]
        x ^= y
        x -= _rotated(y, bits)
    return c


def _rotated(x: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint32]:
    return (x << np.uint32(bits)) | (x >> np.uint32(32 - bits))
