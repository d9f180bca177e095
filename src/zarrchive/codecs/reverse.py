"""Chunks in which one axis runs backwards, as where files disagree about the order of latitudes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zarrchive.codecs.filter_codec import FilterCodec, ZarrCodec, is_number

__all__ = ["Reverse", "ReverseCodec"]


@dataclass(frozen=True, kw_only=True)
class Reverse(FilterCodec):
    """Runs of `nbytes` bytes in groups of `count`; each group comes in reverse order.

    It undoes itself. For an axis of a chunk, `count` is its length, and `nbytes` the size of
    what lies behind it: an element times the lengths of all axes that vary faster.
    """

    codec_id: ClassVar[str] = "zarrchive.reverse"
    count: int
    nbytes: int

    def __post_init__(self) -> None:
        if not (is_number(self.count, least=1) and is_number(self.nbytes, least=1)):
            raise ValueError(
                f"{self.codec_id} needs count and nbytes of at least 1, found {self.count!r} and "
                f"{self.nbytes!r}"
            )

    def decoded(self, data: memoryview) -> bytes:
        if len(data) % (self.count * self.nbytes):
            raise ValueError(f"it has no whole groups of {self.count} times {self.nbytes} bytes")
        runs = np.frombuffer(data, np.uint8).reshape(-1, self.count, self.nbytes)
        return runs[:, ::-1].tobytes()

    def encoded(self, data: memoryview) -> bytes:
        return self.decoded(data)


class ReverseCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = Reverse
