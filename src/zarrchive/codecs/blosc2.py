"""HDF5 filter 32026, blosc2: a contiguous frame of Blosc2 chunks, of one or more dimensions.

Follows README_CFRAME_FORMAT, README_CHUNK_FORMAT and README_B2ND_METALAYER of c-blosc2: a header
of msgpack (big-endian), chunks, a chunk of the offsets of the chunks, a trailer. imagecodecs
decodes chunks; not every version of it knows frames.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Final, NamedTuple

import numpy as np

from zarrchive.codecs.filter_codec import SizedCodec, ZarrCodec, bytes_of, imagecodecs

__all__ = ["Blosc2", "Blosc2Codec"]

_METALAYERS: Final = 87
"""Byte at which the header names what was added to it."""
_ZEROS, _NANS = 1, 2
_MOST_PADDING: Final = 16
"""How many times larger than the data the padded chunks of several dimensions may be."""


class _Header(NamedTuple):
    length: int
    nbytes: int
    stored: int
    """Bytes of all chunks, compressed."""
    typesize: int
    chunksize: int
    """Bytes of a chunk, decoded."""


class _Shape(NamedTuple):
    whole: tuple[int, ...]
    chunk: tuple[int, ...]
    block: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of a chunk as it is stored: whole blocks."""
        pairs = zip(self.chunk, self.block, strict=True)
        return tuple(-(-chunk // block) * block for chunk, block in pairs)

    @property
    def grid(self) -> tuple[int, ...]:
        pairs = zip(self.whole, self.chunk, strict=True)
        return tuple(-(-size // chunk) for size, chunk in pairs)


@dataclass(frozen=True, kw_only=True)
class Blosc2(SizedCodec):
    """A contiguous frame of Blosc2."""

    codec_id: ClassVar[str] = "zarrchive.blosc2"

    def decoded(self, data: memoryview) -> bytes | memoryview:
        header = _header(data)
        shape = _shape(data, header)
        if shape is None:
            self.check(header.nbytes)
            return b"".join(_chunks(data, header))
        self.check(prod(shape.whole) * header.typesize)
        size = prod(shape.padded) * header.typesize
        if size != header.chunksize or header.nbytes > _MOST_PADDING * self.limit + 2**20:
            raise ValueError(f"its chunks of {shape} have {header.chunksize} bytes")
        return _joined(_chunks(data, header), shape, header.typesize)


def _header(frame: memoryview) -> _Header:
    if bytes(frame[1:10]) != b"\xa8b2frame\0" or len(frame) < _METALAYERS:
        raise ValueError("it does not begin as a frame of Blosc2 does")
    (length,) = struct.unpack_from(">i", frame, 11)
    nbytes, stored = struct.unpack_from(">qxq", frame, 30)
    typesize, chunksize = struct.unpack_from(">i6xi", frame, 48)
    if frame[26] & 0xF or min(length, nbytes, stored + 1, typesize, chunksize) < 1:
        raise ValueError("the header of its frame is damaged, or chunks are in other files")
    return _Header(length, nbytes, stored, typesize, chunksize)


def _shape(frame: memoryview, header: _Header) -> _Shape | None:
    """Return the shapes that the metalayer ``b2nd`` says; None where there is none."""
    (count,) = struct.unpack_from(">H", frame, _METALAYERS + 5)
    at = _METALAYERS + 7
    for _ in range(count):
        end = at + 1 + (frame[at] & 0x1F)
        name = bytes(frame[at + 1 : end])
        (place,) = struct.unpack_from(">i", frame[: header.length], end + 1)
        if name == b"b2nd":
            return _parsed_shape(frame[place + 5 : header.length])
        at = end + 5
    return None


def _parsed_shape(layer: memoryview) -> _Shape:
    rank = layer[2]
    whole = struct.unpack_from(">" + "xq" * rank, layer, 4)
    chunk = struct.unpack_from(">" + "xi" * rank, layer, 5 + 9 * rank)
    block = struct.unpack_from(">" + "xi" * rank, layer, 6 + 14 * rank)
    if rank < 1 or min(*whole, *chunk, *block) < 1:
        raise ValueError(f"it has {rank} dimensions of {whole}, in chunks of {chunk}")
    return _Shape(whole, chunk, block)


def _chunks(frame: memoryview, header: _Header) -> list[bytes]:
    """Decode all chunks."""
    count = -(-header.nbytes // header.chunksize)
    chunks = frame[header.length :]
    offsets = struct.unpack(f"<{count}q", _chunk(chunks, header.stored, 8 * count))
    sizes = [min(header.chunksize, header.nbytes - i * header.chunksize) for i in range(count)]
    return [
        _special(offset, size, header.typesize) if offset < 0 else _chunk(chunks, offset, size)
        for offset, size in zip(offsets, sizes, strict=True)
    ]


def _chunk(chunks: memoryview, offset: int, size: int) -> bytes:
    """Decode the chunk at `offset`, which must have `size` bytes then."""
    claimed, _block, stored = struct.unpack_from("<3i", chunks, offset + 4)
    data = chunks[offset : offset + stored]
    if claimed != size or len(data) != stored:
        raise ValueError(f"a chunk of it claims {claimed} bytes, not {size}")
    return bytes(imagecodecs().blosc2_decode(data, numthreads=1, out=size))


def _special(offset: int, size: int, typesize: int) -> bytes:
    """Return a chunk of one value, which is not stored."""
    kind = offset >> 56 & 7
    if kind == _ZEROS:
        return bytes(size)
    if kind == _NANS and typesize in {4, 8}:
        return np.full(size // typesize, np.nan, f"<f{typesize}").tobytes()
    raise ValueError(f"a chunk of it is of the unknown kind {kind}")


def _joined(chunks: list[bytes], shape: _Shape, typesize: int) -> memoryview:
    """Put chunks, which are stored block by block, side by side."""
    if len(chunks) != prod(shape.grid):
        raise ValueError(f"it has {len(chunks)} chunks, not {prod(shape.grid)}")
    rank = len(shape.whole)
    blocks = tuple(p // b for p, b in zip(shape.padded, shape.block, strict=True))
    axes = [axis for pair in zip(range(rank), range(rank, 2 * rank), strict=True) for axis in pair]
    whole = np.empty((*shape.whole, typesize), dtype=np.uint8)
    for index, raw in zip(np.ndindex(shape.grid), chunks, strict=True):
        stored = np.frombuffer(raw, np.uint8).reshape(*blocks, *shape.block, typesize)
        chunk = stored.transpose(*axes, 2 * rank).reshape(*shape.padded, typesize)
        places = tuple(
            slice(i * c, min((i + 1) * c, s))
            for i, c, s in zip(index, shape.chunk, shape.whole, strict=True)
        )
        whole[places] = chunk[tuple(slice(place.stop - place.start) for place in places)]
    return bytes_of(whole)


class Blosc2Codec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = Blosc2
