"""Chunks that are stored longer or shorter than the chunk grid says, as at the edges of files.

HDF5 and TIFF store chunks at the edge whole, with padding behind the data. Where another file
follows, such a chunk lies within the joined array, and its chunk grid says how much of it shows.
A file that has fewer places than others along a dimension stores shorter chunks than they do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from zarr.abc.codec import ArrayBytesCodec
from zarr.codecs import BytesCodec

from zarrchive.codecs.filter_codec import is_number

if TYPE_CHECKING:
    from zarr.abc.buffer import Buffer, NDBuffer

__all__ = ["CropCodec", "Padded"]


@dataclass(frozen=True, slots=True)
class Padded:
    """Chunks that hold a part of what shows; the rest reads as the fill value of the array."""

    shape: tuple[int, ...]
    """As they are stored."""
    start: tuple[int, ...]
    """Where that part begins in the chunk that shows."""

    def document(self) -> dict[str, list[int]]:
        """Return it as JSON takes it."""
        return {"shape": list(self.shape), "start": list(self.start)}

    def place_in(self, wanted: tuple[int, ...]) -> tuple[slice, ...] | None:
        """Return where the part lies in a chunk of a shape; None where it does not fit."""
        if len(wanted) != len(self.shape):
            return None
        ends = [start + length for start, length in zip(self.start, self.shape, strict=True)]
        if any(end > length for end, length in zip(ends, wanted, strict=True)):
            return None
        return tuple(map(slice, self.start, ends))


@dataclass(frozen=True, kw_only=True)
class CropCodec(ArrayBytesCodec):
    """Elements as Zarr's ``bytes`` codec stores them, of which a part shows, or others are around.

    Zarr v3 only: in Zarr v2 all chunks have one shape.
    """

    codec_id: ClassVar[str] = "zarrchive.crop"
    is_fixed_size = False

    endian: str | None = None
    """As that of ``bytes``."""
    stored_shapes: tuple[tuple[int, ...], ...]
    """Shapes that a chunk may be stored in, beside its own, of which the first elements along
    each axis show; no two of them as many elements."""
    padded: tuple[Padded, ...] = ()
    """Shapes that show whole, with the fill value around; they count among the others."""

    def __post_init__(self) -> None:
        shapes = [*self.stored_shapes, *(one.shape for one in self.padded)]
        is_right = all(is_number(length, least=1) for shape in shapes for length in shape)
        if not is_right or len(set(map(prod, shapes))) < len(shapes):
            raise ValueError(
                f"{self.codec_id} needs stored_shapes of at least 1 along each axis, no two of "
                f"them with as many elements; found {tuple(shapes)!r}"
            )
        for one in self.padded:
            is_place = all(is_number(start, least=0) for start in one.start)
            if not is_place or len(one.start) != len(one.shape):
                raise ValueError(
                    f"{self.codec_id} needs a start of at least 0 along each axis; found "
                    f"{one.start!r} for the shape {one.shape!r}"
                )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        configuration = data.get("configuration") or {}
        return cls(
            endian=configuration.get("endian"),
            stored_shapes=tuple(tuple(shape) for shape in configuration["stored_shapes"]),
            padded=tuple(
                Padded(tuple(one["shape"]), tuple(one["start"]))
                for one in configuration.get("padded", ())
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        configuration: dict[str, Any] = {} if self.endian is None else {"endian": self.endian}
        configuration["stored_shapes"] = [list(shape) for shape in self.stored_shapes]
        if self.padded:
            configuration["padded"] = [one.document() for one in self.padded]
        return {"name": self.codec_id, "configuration": configuration}

    def compute_encoded_size(self, _input_byte_length: int, _chunk_spec: Any) -> int:  # noqa: ANN401 - zarr's type is private
        raise NotImplementedError

    def _decode_sync(self, chunk_data: Buffer, chunk_spec: Any) -> NDBuffer:  # noqa: ANN401 - zarr's type is private
        wanted = chunk_spec.shape
        itemsize = chunk_spec.dtype.to_native_dtype().itemsize
        padded = self._padded(len(chunk_data), itemsize, wanted)
        if padded is None:
            stored = self._stored_shape(len(chunk_data), itemsize, wanted)
            whole = self._decoded(chunk_data, replace(chunk_spec, shape=stored))
            return whole[tuple(slice(0, length) for length in wanted)]
        part = self._decoded(chunk_data, replace(chunk_spec, shape=padded.shape))
        around: NDBuffer = chunk_spec.prototype.nd_buffer.create(
            shape=wanted, dtype=part.dtype, fill_value=chunk_spec.fill_value
        )
        around[padded.place_in(wanted)] = part
        return around

    def _encode_sync(self, chunk_data: NDBuffer, chunk_spec: Any) -> Buffer | None:  # noqa: ANN401 - zarr's type is private
        return self._elements(chunk_spec)._encode_sync(chunk_data, chunk_spec)  # noqa: SLF001 - a codec of zarr

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: Any) -> NDBuffer:  # noqa: ANN401 - zarr's type is private
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: Any) -> Buffer | None:  # noqa: ANN401 - zarr's type is private
        return await asyncio.to_thread(self._encode_sync, chunk_data, chunk_spec)

    def _decoded(self, data: Buffer, chunk_spec: Any) -> NDBuffer:  # noqa: ANN401 - zarr's type is private
        return self._elements(chunk_spec)._decode_sync(data, chunk_spec)  # noqa: SLF001 - a codec of zarr

    def _elements(self, chunk_spec: Any) -> BytesCodec:  # noqa: ANN401 - zarr's type is private
        return BytesCodec(endian=self.endian).evolve_from_array_spec(chunk_spec)

    def _padded(self, nbytes: int, itemsize: int, wanted: tuple[int, ...]) -> Padded | None:
        """Return what has as many bytes and lies within the wanted shape; None: nothing."""
        if prod(wanted) * itemsize == nbytes:
            return None
        for one in self.padded:
            if prod(one.shape) * itemsize == nbytes and one.place_in(wanted) is not None:
                return one
        return None

    def _stored_shape(self, nbytes: int, itemsize: int, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """Return the only shape with as many bytes of which the wanted one is a part."""
        for shape in (wanted, *self.stored_shapes):
            is_part = len(shape) == len(wanted) and all(map(int.__le__, wanted, shape))
            if is_part and prod(shape) * itemsize == nbytes:
                return shape
        raise ValueError(
            f"{self.codec_id} cannot decode a chunk of {nbytes} bytes: it is neither "
            f"{wanted} elements of {itemsize} bytes, nor more of {self.stored_shapes}"
            + (f", nor a part of {tuple(one.shape for one in self.padded)}" if self.padded else "")
        )
