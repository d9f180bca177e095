"""HDF5 filter 4, szip: extended Rice coding of CCSDS 121.0-B behind the size of the data."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar

from zarrchive.codecs.filter_codec import SizedCodec, ZarrCodec, imagecodecs, is_number

__all__ = ["SZip", "SZipCodec"]


@dataclass(frozen=True, kw_only=True)
class SZip(SizedCodec):
    """Szip with its four parameters, as HDF5 stores them."""

    codec_id: ClassVar[str] = "zarrchive.szip"
    options_mask: int
    pixels_per_block: int
    bits_per_pixel: int
    pixels_per_scanline: int

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = list(self._parameters().values())
        # The greatest that szip has; more would only be memory for damaged data.
        if not all(map(is_number, numbers)) or any(map(int.__gt__, numbers, (255, 128, 64, 4096))):
            raise ValueError(f"{self.codec_id} has no such parameters: {numbers}")

    def decoded(self, data: memoryview) -> bytes:
        (size,) = struct.unpack_from("<I", data)
        return bytes(
            imagecodecs().szip_decode(data[4:], out=self.check(size), **self._parameters())
        )

    def encoded(self, data: memoryview) -> bytes:
        return bytes(imagecodecs().szip_encode(data, header=True, **self._parameters()))

    def _parameters(self) -> dict[str, Any]:
        return {
            "options_mask": self.options_mask,
            "pixels_per_block": self.pixels_per_block,
            "bits_per_pixel": self.bits_per_pixel,
            "pixels_per_scanline": self.pixels_per_scanline,
        }


class SZipCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = SZip
