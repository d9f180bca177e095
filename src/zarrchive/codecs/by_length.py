"""Chunks of one array of which some skipped a compressor: told apart by their length.

HDF5 leaves out a filter that fails on a chunk, as compressors do where they save nothing, and
marks it in the chunk index. Zarr has one chain of codecs for all chunks. Where a chunk has the
length of its undecoded data if and only if the compressor was left out, this codec is exact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numcodecs

from zarrchive.codecs.filter_codec import DECODING_ERRORS, SizedCodec, ZarrCodec, bytes_of

__all__ = ["UnlessRaw", "UnlessRawCodec"]

_HARMLESS: Final = frozenset({"zlib", "bz2", "zstd", "blosc", "shuffle", "fletcher32"})
"""Those of numcodecs that HDF5 has. References come from anywhere, and numcodecs has a codec that
runs what a chunk says; zarr refuses that one where it sees it."""


@dataclass(frozen=True, kw_only=True)
class UnlessRaw(SizedCodec):
    """Data of exactly `nbytes` bytes pass unchanged, others go through `codecs`."""

    codec_id: ClassVar[str] = "zarrchive.unless_raw"
    codecs: tuple[Any, ...]
    """numcodecs configurations, in the order of encoding."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "codecs", tuple(dict(codec) for codec in self.codecs))
        if self.nbytes is None or not self.codecs:
            raise ValueError(f"{self.codec_id} needs nbytes, and codecs")
        self._chain()

    def __hash__(self) -> int:
        return hash((self.nbytes, json.dumps(self.codecs, sort_keys=True)))

    def decoded(self, data: memoryview) -> memoryview:
        if len(data) == self.nbytes:
            return data
        for codec in reversed(self._chain()):
            data = bytes_of(codec.decode(data))
        return data

    def encoded(self, data: memoryview) -> bytes:
        """Leave the data as they are, which is how a chunk may be stored."""
        self.check(len(data))
        return bytes(data)

    def _chain(self) -> list[Any]:
        names = [str(codec.get("id")) for codec in self.codecs]
        if not all(name in _HARMLESS or name.startswith("zarrchive.") for name in names):
            raise ValueError(f"{self.codec_id} has nothing to do with codecs {names}")
        try:
            return [numcodecs.get_codec(dict(codec)) for codec in self.codecs]
        except DECODING_ERRORS as error:
            raise ValueError(f"{self.codec_id} cannot use {self.codecs}: {error}") from error


class UnlessRawCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = UnlessRaw
