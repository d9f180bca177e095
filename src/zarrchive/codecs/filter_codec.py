"""What all codecs of this package have in common: one implementation, for numcodecs and for zarr.

A codec is a frozen dataclass whose fields are its configuration. Its subclass of `FilterCodec`
is what numcodecs knows (Zarr v2, kerchunk references); a subclass of `ZarrCodec` shows the same
to zarr (Zarr v3). Both have the same name and the same configuration.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeAlias

import numcodecs.abc
import numpy as np
from numcodecs.compat import ensure_contiguous_ndarray, ndarray_copy
from zarr.abc.codec import BytesBytesCodec

from zarrchive.errors import ZarrchiveError
from zarrchive.optional import require

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from zarr.abc.buffer import Buffer

__all__ = [
    "DECODING_ERRORS",
    "CannotEncodeError",
    "CodecDocument",
    "FilterCodec",
    "SizedCodec",
    "ZarrCodec",
    "bytes_of",
    "imagecodecs",
    "is_number",
]

CodecDocument: TypeAlias = "Mapping[str, Any]"
"""A codec of a Zarr v3 array document: ``{"name": ..., "configuration": {...}}``."""

DECODING_ERRORS: Final = (
    ValueError,
    TypeError,
    RuntimeError,  # those of imagecodecs and numcodecs
    SystemError,
    OSError,  # that of bz2
    EOFError,
    LookupError,
    ArithmeticError,
    MemoryError,  # a damaged size that was believed
    struct.error,
    zlib.error,
)
"""What decoders raise on damaged data."""


class CannotEncodeError(ValueError):
    """There is nothing that encodes a chunk."""


class FilterCodec(numcodecs.abc.Codec):  # type: ignore[misc] # numcodecs has no types
    """A codec from bytes to bytes; subclasses are frozen dataclasses."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    codec_id: ClassVar[str]

    def decoded(self, data: memoryview) -> bytes | memoryview:
        """Decode one chunk; any of `DECODING_ERRORS` says that it is damaged."""
        raise NotImplementedError

    def encoded(self, data: memoryview) -> bytes:  # noqa: ARG002 - for subclasses
        """Encode one chunk exactly; CannotEncodeError says that nothing does."""
        raise CannotEncodeError(f"chunks of {self.codec_id} can be read only, not written")

    def check(self, size: int) -> int:
        """Return the decoded size that data claim or have; ValueError says that it is wrong."""
        return size

    def decode(self, buf: Any, out: Any = None) -> Any:  # noqa: ANN401 - the interface of numcodecs
        data = bytes_of(buf)
        try:
            decoded = self.decoded(data)
            self.check(memoryview(decoded).nbytes)
        except ZarrchiveError:
            raise  # a package is missing: that is not the fault of the data
        except DECODING_ERRORS as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"{self.codec_id} cannot decode a chunk of {len(data)} bytes: {words}"
            ) from error
        return decoded if out is None else ndarray_copy(decoded, out)

    def encode(self, buf: Any) -> bytes:  # noqa: ANN401 - the interface of numcodecs
        return self.encoded(bytes_of(buf))

    def get_config(self) -> dict[str, Any]:
        return {"id": self.codec_id, **self.configuration}

    @property
    def configuration(self) -> dict[str, Any]:
        """What the codec was made from, as JSON has it; what is None is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    @property
    def document(self) -> CodecDocument:
        """The codec as a Zarr v3 array document names it."""
        return {"name": self.codec_id, "configuration": self.configuration}


@dataclass(frozen=True, kw_only=True)
class SizedCodec(FilterCodec):
    """A codec that knows how much it decodes to, and holds damaged data to it."""

    nbytes: int | None = None
    """Bytes of the decoded data."""
    max_nbytes: int | None = None
    """Bytes of the decoded data at most, where their number is not known before."""

    def __post_init__(self) -> None:
        given = [size for size in (self.nbytes, self.max_nbytes) if size is not None]
        if len(given) != 1 or not is_number(given[0], least=1):
            raise ValueError(
                f"{self.codec_id} needs either nbytes or max_nbytes, at least 1; found "
                f"{self.nbytes!r} and {self.max_nbytes!r}"
            )

    @property
    def limit(self) -> int:
        """Bytes of the decoded data at most."""
        return self.nbytes or self.max_nbytes or 0

    def check(self, size: int) -> int:
        if size != self.nbytes and (self.nbytes is not None or not 0 <= size <= self.limit):
            most = "" if self.nbytes is not None else "at most "
            raise ValueError(f"it decodes to {size} bytes, not to {most}{self.limit}")
        return size


@dataclass(frozen=True)
class ZarrCodec(BytesBytesCodec):
    """A `FilterCodec` as a codec of Zarr v3."""

    codec: FilterCodec
    implementation: ClassVar[type[FilterCodec]]
    is_fixed_size = False

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(cls.implementation.from_config(data.get("configuration") or {}))

    def to_dict(self) -> dict[str, Any]:
        return dict(self.codec.document)

    def compute_encoded_size(self, _input_byte_length: int, _chunk_spec: Any) -> int:  # noqa: ANN401 - zarr's type is private
        raise NotImplementedError

    def _decode_sync(self, chunk_data: Buffer, chunk_spec: Any) -> Buffer:  # noqa: ANN401 - zarr's type is private
        return _buffer(self.codec.decode(chunk_data.as_numpy_array()), chunk_spec)

    def _encode_sync(self, chunk_data: Buffer, chunk_spec: Any) -> Buffer:  # noqa: ANN401 - zarr's type is private
        return _buffer(self.codec.encode(chunk_data.as_numpy_array()), chunk_spec)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: Any) -> Buffer:  # noqa: ANN401 - zarr's type is private
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)

    async def _encode_single(self, chunk_data: Buffer, chunk_spec: Any) -> Buffer:  # noqa: ANN401 - zarr's type is private
        return await asyncio.to_thread(self._encode_sync, chunk_data, chunk_spec)


def is_number(value: object, *, least: int = 0) -> bool:
    """Whether a setting, which JSON may have as anything, is a whole number of at least `least`."""
    return isinstance(value, int) and value >= least


def imagecodecs() -> ModuleType:
    """Import the package that has most decoders."""
    return require("imagecodecs", purpose="reading this HDF5 filter", extra="codecs")


def bytes_of(data: Any) -> memoryview:  # noqa: ANN401 - whatever has a buffer
    """Return the bytes of a buffer, without a copy."""
    array = ensure_contiguous_ndarray(data)
    return memoryview(array.reshape(-1).view(np.uint8))


def _buffer(data: bytes | memoryview, chunk_spec: Any) -> Buffer:  # noqa: ANN401 - zarr's type is private
    buffer: Buffer = chunk_spec.prototype.buffer.from_bytes(data)
    return buffer


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
