"""HDF5 filters by their registered id, and the Zarr codecs that undo them.

Ids are those of the HDF Group's registry of filter plug-ins. Names are never derived from one
another: zlib-wrapped deflate, for example, is not Zarr's ``gzip``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numcodecs
import numcodecs.abc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["FILTERS", "CodecDocument", "FilterKind", "codec_document", "decode", "encode"]

CodecDocument: TypeAlias = "Mapping[str, Any]"
"""A codec of a Zarr v3 array document: ``{"name": ..., "configuration": {...}}``."""


@dataclass(frozen=True, slots=True)
class FilterKind:
    """One registered HDF5 filter."""

    name: str
    document: Callable[[Sequence[int]], CodecDocument] | None = None
    """Codec for the filter's client data values; raises ValueError where Zarr cannot undo it.
    None where there is no codec."""
    needs_plugin: bool = True
    """Whether the HDF5 library itself cannot undo it; the package hdf5plugin has most."""


def codec_document(filter_id: int, values: Sequence[int]) -> CodecDocument:
    """Return the Zarr codec of an HDF5 filter with the client data `values`.

    Raises ValueError, with the cause in words, where there is none.
    """
    kind = FILTERS.get(filter_id)
    if kind is None:
        raise ValueError("it is not a registered filter that is known here")
    if kind.document is None:
        raise ValueError("no Zarr codec undoes it")
    return kind.document(values)


def decode(documents: Sequence[CodecDocument], data: bytes) -> bytes:
    """Undo `documents`, which were applied in the order given, as numcodecs does it.

    Raises ValueError where the data are damaged.
    """
    for document in reversed(documents):
        try:
            data = bytes(_numcodec(document).decode(data))
        except (RuntimeError, SystemError, zlib.error) as error:
            raise ValueError(f"{document['name']} cannot decode a chunk: {error}") from error
    return data


def encode(documents: Sequence[CodecDocument], data: bytes) -> bytes:
    """Apply `documents` in the order given."""
    for document in documents:
        data = bytes(_numcodec(document).encode(data))
    return data


def _numcodec(document: CodecDocument) -> numcodecs.abc.Codec:
    name, configuration = document["name"], dict(document["configuration"])
    if name == "blosc":
        configuration["shuffle"] = _BLOSC_SHUFFLES.index(configuration["shuffle"])
    return numcodecs.get_codec({"id": name.removeprefix("numcodecs."), **configuration})


def _at(values: Sequence[int], index: int, default: int) -> int:
    return values[index] if index < len(values) else default


def _deflate(values: Sequence[int]) -> CodecDocument:
    return {"name": "numcodecs.zlib", "configuration": {"level": min(_at(values, 0, 6), 9)}}


def _shuffle(values: Sequence[int]) -> CodecDocument:
    size = _at(values, 0, 0)
    if size < 1:
        raise ValueError("the file does not say for which element size it was applied")
    return {"name": "numcodecs.shuffle", "configuration": {"elementsize": size}}


def _fletcher32(values: Sequence[int]) -> CodecDocument:  # noqa: ARG001 - it has no parameters
    return {"name": "numcodecs.fletcher32", "configuration": {}}


def _zstd(values: Sequence[int]) -> CodecDocument:
    level = _at(values, 0, 3)
    if level >= 2**31:  # stored as unsigned, meant as signed
        level -= 2**32
    # The level matters for writing only; 1 to 22 are the levels that every reader accepts.
    return {"name": "zstd", "configuration": {"level": min(max(level, 1), 22), "checksum": False}}


_BLOSC_NAMES: Final = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")
_BLOSC_SHUFFLES: Final = ("noshuffle", "shuffle", "bitshuffle")


def _blosc(values: Sequence[int]) -> CodecDocument:
    # Values: filter revision, blosc version, type size, chunk size, level, shuffle, compressor.
    compressor = _at(values, 6, 0)
    if compressor >= len(_BLOSC_NAMES) or _BLOSC_NAMES[compressor] == "snappy":
        raise ValueError(f"its compressor number {compressor} is not part of numcodecs")
    return {
        "name": "blosc",
        "configuration": {
            "typesize": max(1, _at(values, 2, 1)),
            "cname": _BLOSC_NAMES[compressor],
            "clevel": min(_at(values, 4, 5), 9),
            "shuffle": _BLOSC_SHUFFLES[min(_at(values, 5, 1), 2)],
            "blocksize": 0,
        },
    }


FILTERS: Final[Mapping[int, FilterKind]] = {
    1: FilterKind("deflate", _deflate, needs_plugin=False),
    2: FilterKind("shuffle", _shuffle, needs_plugin=False),
    3: FilterKind("fletcher32", _fletcher32, needs_plugin=False),
    4: FilterKind("szip", needs_plugin=False),
    5: FilterKind("nbit", needs_plugin=False),
    6: FilterKind("scaleoffset", needs_plugin=False),
    307: FilterKind("bzip2"),
    32000: FilterKind("lzf", needs_plugin=False),  # h5py brings it
    32001: FilterKind("blosc", _blosc),
    32004: FilterKind("lz4"),
    32008: FilterKind("bitshuffle"),
    32013: FilterKind("zfp"),
    32014: FilterKind("fpzip"),
    32015: FilterKind("zstd", _zstd),
    32017: FilterKind("sz"),
    32018: FilterKind("fcidecomp"),
    32019: FilterKind("jpeg"),
    32024: FilterKind("sz3"),
    32026: FilterKind("blosc2"),
    32028: FilterKind("sperr"),
    32030: FilterKind("tthresh"),
    32034: FilterKind("granular bitround"),
    32768: FilterKind("jpeg-xs"),
}
"""Every filter that is known by name; those without a codec are told apart for messages."""
