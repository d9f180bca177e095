"""HDF5 filter 32004, lz4: LZ4 blocks with a header of their own, unlike LZ4 frames.

The size of the data (8 bytes), that of a block (4), then each block behind its size (4), all
big-endian; a block that LZ4 does not make smaller is stored as it is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from zarrchive.codecs.filter_codec import SizedCodec, ZarrCodec, imagecodecs

__all__ = ["LZ4", "LZ4Codec"]


@dataclass(frozen=True, kw_only=True)
class LZ4(SizedCodec):
    """LZ4 as HDF5 frames it."""

    codec_id: ClassVar[str] = "zarrchive.lz4"

    def decoded(self, data: memoryview) -> bytes:
        size, block = struct.unpack_from(">QI", data)
        if not block:
            raise ValueError("its blocks have 0 bytes")
        return bytes(imagecodecs().lz4h5_decode(data, out=self.check(size)))

    def encoded(self, data: memoryview) -> bytes:
        return bytes(imagecodecs().lz4h5_encode(data))


class LZ4Codec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = LZ4
