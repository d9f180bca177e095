"""HDF5 filter 2, shuffle, of data that end in a part of an element.

HDF5 leaves such a part where it is. The shuffle of numcodecs, which is used wherever there is
none, refuses these data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numcodecs import Shuffle

from zarrchive.codecs.filter_codec import FilterCodec, ZarrCodec, is_number

__all__ = ["TailedShuffle", "TailedShuffleCodec"]


@dataclass(frozen=True, kw_only=True)
class TailedShuffle(FilterCodec):
    """First bytes of all elements, second bytes, and so on; then what is left over."""

    codec_id: ClassVar[str] = "zarrchive.shuffle"
    elementsize: int

    def __post_init__(self) -> None:
        if not is_number(self.elementsize, least=1):
            raise ValueError(f"{self.codec_id} needs an elementsize, found {self.elementsize!r}")

    def decoded(self, data: memoryview) -> bytes:
        whole = len(data) - len(data) % self.elementsize
        head = bytes(Shuffle(self.elementsize).decode(data[:whole])) if whole else b""
        return head + data[whole:]

    def encoded(self, data: memoryview) -> bytes:
        whole = len(data) - len(data) % self.elementsize
        head = bytes(Shuffle(self.elementsize).encode(data[:whole])) if whole else b""
        return head + data[whole:]


class TailedShuffleCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = TailedShuffle
