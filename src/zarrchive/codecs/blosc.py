"""HDF5 filter 32001, blosc, with the compressor snappy, which the blosc of numcodecs lacks."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from zarrchive.codecs.filter_codec import SizedCodec, ZarrCodec, imagecodecs

__all__ = ["Blosc", "BloscCodec"]


@dataclass(frozen=True, kw_only=True)
class Blosc(SizedCodec):
    """Blosc 1 with any compressor."""

    codec_id: ClassVar[str] = "zarrchive.blosc"

    def decoded(self, data: memoryview) -> bytes:
        # Versions, flags and type size (4 bytes), then the sizes of data, block and buffer.
        size, _block, stored = struct.unpack_from("<III", data, 4)
        if stored > len(data):
            raise ValueError(f"{stored} bytes should be there")
        return bytes(imagecodecs().blosc_decode(data, numthreads=1, out=self.check(size)))


class BloscCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = Blosc
