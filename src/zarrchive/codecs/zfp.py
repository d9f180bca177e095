"""HDF5 filter 32013, zfp: blocks of 4 numbers a side, whose header HDF5 keeps for all chunks.

Follows H5Z-ZFP, and zfp 1.0 for the header: magic number (32 bits), type and sizes (52), mode
(12 or 64); bits count from the least significant one. See https://zfp.readthedocs.io.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Final, NamedTuple

import numpy as np

from zarrchive.codecs.filter_codec import SizedCodec, ZarrCodec, imagecodecs, is_number

__all__ = ["ZFP", "ZFPCodec"]

_MAGIC: Final = int.from_bytes(b"zfp", "little")
_SIZE_BITS: Final = {1: 48, 2: 24, 3: 16, 4: 12}
"""Bits of each size in the header, by number of dimensions."""


class _Header(NamedTuple):
    number: int
    """All bits."""
    nbits: int
    """How many there are."""
    itemsize: int
    shape: tuple[int, ...]
    """Fastest dimension first."""
    minbits: int
    """Bits that each block has at least."""


@dataclass(frozen=True, kw_only=True)
class ZFP(SizedCodec):
    """Zfp in any mode; values are those that were stored, exactly."""

    codec_id: ClassVar[str] = "zarrchive.zfp"
    header: tuple[int, ...]
    """The header of zfp in words of 32 bits, as HDF5 stores them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "header", tuple(self.header))
        header = self._header()
        self.check(prod(header.shape) * header.itemsize)
        if header.minbits > _most_bits(header):
            raise ValueError(f"{self.codec_id} cannot have {header.minbits} bits a block")

    def decoded(self, data: memoryview) -> bytes:
        header = self._header()
        # zfp trusts its input and reads on behind its end: what follows is zeros, as many as
        # blocks of that kind can take.
        blocks = prod(-(-size // 4) for size in header.shape)
        if 8 * len(data) < blocks * header.minbits:
            raise ValueError(f"{blocks} blocks take {blocks * header.minbits} bits at least")
        room = 32 + max(len(data), blocks * _most_bits(header) // 8)
        stream = np.zeros(room, dtype=np.uint8)
        start, bit = divmod(header.nbits, 8)
        stream[: start + 1] = np.frombuffer(header.number.to_bytes(start + 1, "little"), np.uint8)
        stored = np.frombuffer(data, np.uint8).astype(np.uint16) << bit
        stream[start : start + len(data)] |= stored.astype(np.uint8)
        stream[start + 1 : start + 1 + len(data)] |= (stored >> 8).astype(np.uint8)
        return bytes(imagecodecs().zfp_decode(stream).data.cast("B"))

    def _header(self) -> _Header:
        words = self.header
        if not 3 <= len(words) <= 8 or not all(is_number(w) and w < 2**32 for w in words):
            raise ValueError(f"{self.codec_id} needs a header of 3 to 8 words, found {words}")
        number = sum(word << 32 * place for place, word in enumerate(words))
        if number & 0xFFFFFF != _MAGIC:
            raise ValueError(f"{self.codec_id} has a header that does not begin with 'zfp'")
        kind, rank = number >> 32 & 3, (number >> 34 & 3) + 1
        width = _SIZE_BITS[rank]
        sizes = tuple((number >> 36 + axis * width & (1 << width) - 1) + 1 for axis in range(rank))
        mode = number >> 84 & 0xFFF
        is_long = mode == 0xFFF
        # Fixed rate is the mode that pads blocks: up to 2048 bits in the short form.
        minbits = (number >> 96 & 0x7FFF) + 1 if is_long else (mode + 1 if mode < 2048 else 1)
        nbits = 148 if is_long else 96
        kept = number & (1 << nbits) - 1
        return _Header(kept, nbits, 8 if kind & 1 else 4, sizes, minbits)


def _most_bits(header: _Header) -> int:
    """Return what a block takes at most: its exponent and all bit planes, each with its tests."""
    values: int = 4 ** len(header.shape)
    return 64 + values * (8 * header.itemsize + 1)


class ZFPCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = ZFP
