"""HDF5 filter 32000, lzf, which h5py brings: one LZF block without a header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zarrchive.codecs.filter_codec import SizedCodec, ZarrCodec, imagecodecs

__all__ = ["LZF", "LZFCodec"]


@dataclass(frozen=True, kw_only=True)
class LZF(SizedCodec):
    """LZF, where the size of the data stands in the configuration."""

    codec_id: ClassVar[str] = "zarrchive.lzf"

    def decoded(self, data: memoryview) -> bytes:
        return bytes(imagecodecs().lzf_decode(data, out=self.limit))

    def encoded(self, data: memoryview) -> bytes:
        return bytes(imagecodecs().lzf_encode(data))


class LZFCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = LZF
