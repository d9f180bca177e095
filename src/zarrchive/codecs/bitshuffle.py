"""HDF5 filter 32008, bitshuffle: bits of one weight side by side, then perhaps LZ4 or zstd.

Where it compresses, the data begin with their size (8 bytes) and that of a block (4), and each
block stands behind its compressed size (4), all big-endian. What is left of less than eight
elements follows as it is. See https://github.com/kiyo-masui/bitshuffle.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from zarrchive.codecs.filter_codec import SizedCodec, ZarrCodec, imagecodecs, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Bitshuffle", "BitshuffleCodec"]

_COMPRESSIONS: Final = ("lz4", "zstd")
_BLOCK: Final = 8192
"""Bytes of a block that this codec writes; any are read."""


@dataclass(frozen=True, kw_only=True)
class Bitshuffle(SizedCodec):
    """Bitshuffle, with or without compression."""

    codec_id: ClassVar[str] = "zarrchive.bitshuffle"
    itemsize: int
    """Bytes of an element."""
    blocksize: int | None = None
    """Elements of a block, where there is no compression; None: the usual number."""
    compression: str | None = None
    """``lz4`` or ``zstd``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compression not in {None, *_COMPRESSIONS}:
            raise ValueError(f"{self.codec_id} does not know compression {self.compression!r}")
        if not is_number(self.itemsize, least=1):
            raise ValueError(f"{self.codec_id} needs an itemsize, found {self.itemsize!r}")
        if self.blocksize is not None and (not is_number(self.blocksize) or self.blocksize % 8):
            raise ValueError(f"{self.codec_id} cannot have blocks of {self.blocksize!r} elements")

    def decoded(self, data: memoryview) -> bytes:
        if self.compression is None:
            return self._unshuffled(data, self.blocksize or 0)
        size, block = struct.unpack_from(">QI", data)
        if not block or block % (8 * self.itemsize):
            raise ValueError(f"its blocks have {block} bytes, no multiple of 8 elements")
        shuffled = bytearray(self.check(size))
        decode = getattr(imagecodecs(), f"{self.compression}_decode")
        at = 12
        for first, last in self._blocks(size, block):
            (length,) = struct.unpack_from(">I", data, at)
            at += 4
            stored = data[at : at + length]
            at += length
            piece = decode(stored, out=last - first)
            if len(stored) != length or len(piece) != last - first:
                raise ValueError(f"a block decodes to {len(piece)} bytes, not to {last - first}")
            shuffled[first:last] = piece
        left = size % (8 * self.itemsize)
        if len(data) - at != left:
            raise ValueError(f"{len(data) - at} bytes follow the last block, not {left}")
        shuffled[size - left :] = data[at:]
        return self._unshuffled(memoryview(shuffled), block // self.itemsize)

    def encoded(self, data: memoryview) -> bytes:
        if self.compression is None:
            return self._shuffled(data, self.blocksize or 0)
        unit = 8 * self.itemsize
        block = max(_BLOCK - _BLOCK % unit, unit)
        shuffled = self._shuffled(data, block // self.itemsize)
        encode = getattr(imagecodecs(), f"{self.compression}_encode")
        parts = [struct.pack(">QI", len(data), block)]
        for first, last in self._blocks(len(data), block):
            piece = bytes(encode(shuffled[first:last]))
            parts += [struct.pack(">I", len(piece)), piece]
        return b"".join([*parts, shuffled[len(data) - len(data) % unit :]])

    def _blocks(self, size: int, block: int) -> Iterator[tuple[int, int]]:
        """Yield where each block of shuffled data begins and ends."""
        whole = size - size % (8 * self.itemsize)
        for first in range(0, whole, block):
            yield first, min(first + block, whole)

    def _unshuffled(self, data: memoryview, blocksize: int) -> bytes:
        decode = imagecodecs().bitshuffle_decode
        return bytes(decode(data, itemsize=self.itemsize, blocksize=blocksize))

    def _shuffled(self, data: memoryview, blocksize: int) -> bytes:
        encode = imagecodecs().bitshuffle_encode
        return bytes(encode(data, itemsize=self.itemsize, blocksize=blocksize))


class BitshuffleCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = Bitshuffle
