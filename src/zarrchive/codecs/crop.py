"""Chunks that are stored longer than the chunk grid says, as at the edges of HDF5 datasets.

HDF5 and TIFF store chunks at the edge whole, with padding behind the data. Where another file
follows, such a chunk lies within the joined array, and its chunk grid says how much of it shows.
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

__all__ = ["CropCodec"]


@dataclass(frozen=True, kw_only=True)
class CropCodec(ArrayBytesCodec):
    """Elements as Zarr's ``bytes`` codec stores them, of which the first along each axis show.

    Zarr v3 only: in Zarr v2 all chunks have one shape.
    """

    codec_id: ClassVar[str] = "zarrchive.crop"
    is_fixed_size = False

    endian: str | None = None
    """As that of ``bytes``."""
    stored_shapes: tuple[tuple[int, ...], ...]
    """Shapes that a chunk may be stored in, beside its own; no two of them as many elements."""

    def __post_init__(self) -> None:
        shapes = self.stored_shapes
        is_right = all(is_number(length, least=1) for shape in shapes for length in shape)
        if not is_right or len(set(map(prod, shapes))) < len(shapes):
            raise ValueError(
                f"{self.codec_id} needs stored_shapes of at least 1 along each axis, no two of "
                f"them with as many elements; found {shapes!r}"
            )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        configuration = data.get("configuration") or {}
        shapes = tuple(tuple(shape) for shape in configuration["stored_shapes"])
        return cls(endian=configuration.get("endian"), stored_shapes=shapes)

    def to_dict(self) -> dict[str, Any]:
        configuration: dict[str, Any] = {} if self.endian is None else {"endian": self.endian}
        configuration["stored_shapes"] = [list(shape) for shape in self.stored_shapes]
        return {"name": self.codec_id, "configuration": configuration}

    def compute_encoded_size(self, _input_byte_length: int, _chunk_spec: Any) -> int:  # noqa: ANN401 - zarr's type is private
        raise NotImplementedError

    def _decode_sync(self, chunk_data: Buffer, chunk_spec: Any) -> NDBuffer:  # noqa: ANN401 - zarr's type is private
        itemsize = chunk_spec.dtype.to_native_dtype().itemsize
        stored = self._stored_shape(len(chunk_data), itemsize, chunk_spec.shape)
        spec = replace(chunk_spec, shape=stored)
        whole = self._elements(spec)._decode_sync(chunk_data, spec)  # noqa: SLF001 - a codec of zarr
        return whole[tuple(slice(0, length) for length in chunk_spec.shape)]

    def _encode_sync(self, chunk_data: NDBuffer, chunk_spec: Any) -> Buffer | None:  # noqa: ANN401 - zarr's type is private
        return self._elements(chunk_spec)._encode_sync(chunk_data, chunk_spec)  # noqa: SLF001 - a codec of zarr

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: Any) -> NDBuffer:  # noqa: ANN401 - zarr's type is private
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: Any) -> Buffer | None:  # noqa: ANN401 - zarr's type is private
        return await asyncio.to_thread(self._encode_sync, chunk_data, chunk_spec)

    def _elements(self, chunk_spec: Any) -> BytesCodec:  # noqa: ANN401 - zarr's type is private
        return BytesCodec(endian=self.endian).evolve_from_array_spec(chunk_spec)

    def _stored_shape(self, nbytes: int, itemsize: int, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """Return the only shape with as many bytes of which the wanted one is a part."""
        for shape in (wanted, *self.stored_shapes):
            is_part = len(shape) == len(wanted) and all(map(int.__le__, wanted, shape))
            if is_part and prod(shape) * itemsize == nbytes:
                return shape
        raise ValueError(
            f"{self.codec_id} cannot decode a chunk of {nbytes} bytes: it is neither "
            f"{wanted} elements of {itemsize} bytes, nor more of {self.stored_shapes}"
        )
