"""HDF5 filters by their registered id, and the Zarr codecs that undo them.

Ids are those of the HDF Group's registry of filter plug-ins,
https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md. Names are
never derived from one another: zlib-wrapped deflate, for example, is not Zarr's ``gzip``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numcodecs
import numcodecs.abc

from zarrchive.codecs import client_data
from zarrchive.codecs.client_data import Size
from zarrchive.codecs.filter_codec import DECODING_ERRORS, CodecDocument
from zarrchive.errors import ZarrchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "FILTERS",
    "CodecDocument",
    "FilterKind",
    "Size",
    "codec_document",
    "decode",
    "encode",
    "numcodec",
    "size_behind",
]


@dataclass(frozen=True, slots=True)
class FilterKind:
    """One registered HDF5 filter."""

    name: str
    document: Callable[[Sequence[int], Size], CodecDocument | None] | None = None
    """The codec for the filter's client data values and the size of the data before it (see
    `client_data`). None where there is no codec."""
    needs_plugin: bool = True
    """Whether the HDF5 library itself cannot undo it; the package hdf5plugin has most."""


def codec_document(filter_id: int, values: Sequence[int], size: Size) -> CodecDocument | None:
    """Return the Zarr codec of an HDF5 filter, or None if nothing has to be undone.

    Parameters
    ----------
    filter_id
        As registered.
    values
        Client data.
    size
        Of the data before the filter is applied.

    Raises
    ------
    ValueError
        With the cause in words, where no codec undoes the filter.
    """
    kind = FILTERS.get(filter_id)
    if kind is None:
        raise ValueError("it is not a registered filter that is known here")
    if kind.document is None:
        raise ValueError("no Zarr codec undoes it")
    return kind.document(values, size)


def size_behind(document: CodecDocument | None, size: Size) -> Size:
    """Return the size of data of `size` bytes once the codec of `document` has encoded them."""
    if document is None:
        return size
    added = _ADDED.get(document["name"])
    if document["name"] == "zarrchive.bitshuffle" and "compression" not in _settings(document):
        added = 0
    if added is None:
        # Filters that save nothing are left out, or add little: this bounds damaged data only.
        return Size(2 * size.nbytes + 2**16, is_exact=False)
    return Size(size.nbytes + added, size.is_exact)


_ADDED: Final = {
    "numcodecs.shuffle": 0,
    "zarrchive.shuffle": 0,
    "zarrchive.reverse": 0,
    "numcodecs.fletcher32": 4,
}
"""Codecs that make any data longer by the same number of bytes."""


def decode(documents: Sequence[CodecDocument], data: bytes) -> bytes:
    """Undo `documents`, which were applied in the order given, as numcodecs does it.

    Raises ValueError, which names the codec, where the data are damaged.
    """
    for document in reversed(documents):
        try:
            data = bytes(numcodec(document).decode(data))
        except DECODING_ERRORS as error:
            if isinstance(error, ZarrchiveError) or document["name"].startswith("zarrchive."):
                raise  # a package is missing; and a codec of ours has named itself
            raise ValueError(f"{document['name']} cannot decode a chunk: {error}") from error
    return data


def encode(documents: Sequence[CodecDocument], data: bytes) -> bytes:
    """Apply `documents` in the order given.

    Raises ValueError where there is a codec for reading only.
    """
    for document in documents:
        data = bytes(numcodec(document).encode(data))
    return data


def numcodec(document: CodecDocument) -> numcodecs.abc.Codec:
    """Return the numcodecs codec of a document that `codec_document` returned."""
    name, configuration = document["name"], _settings(document)
    if name == "blosc":
        shuffles = ("noshuffle", "shuffle", "bitshuffle")
        configuration["shuffle"] = shuffles.index(configuration["shuffle"])
    return numcodecs.get_codec({"id": name.removeprefix("numcodecs."), **configuration})


def _settings(document: CodecDocument) -> dict[str, Any]:
    return dict(document["configuration"])


FILTERS: Final[Mapping[int, FilterKind]] = {
    1: FilterKind("deflate", client_data.deflate, needs_plugin=False),
    2: FilterKind("shuffle", client_data.shuffle, needs_plugin=False),
    3: FilterKind("fletcher32", client_data.fletcher32, needs_plugin=False),
    4: FilterKind("szip", client_data.szip, needs_plugin=False),
    5: FilterKind("nbit", client_data.nbit, needs_plugin=False),
    6: FilterKind("scaleoffset", client_data.scaleoffset, needs_plugin=False),
    305: FilterKind("lzo"),
    307: FilterKind("bzip2", client_data.bzip2),
    32000: FilterKind("lzf", client_data.lzf, needs_plugin=False),  # h5py brings it
    32001: FilterKind("blosc", client_data.blosc),
    32002: FilterKind("mafisc"),
    32003: FilterKind("snappy"),
    32004: FilterKind("lz4", client_data.lz4),
    32005: FilterKind("apax"),
    32006: FilterKind("cbf"),
    32007: FilterKind("jpeg-xr"),
    32008: FilterKind("bitshuffle", client_data.bitshuffle),
    32009: FilterKind("spdp"),
    32010: FilterKind("lpc-rice"),
    32011: FilterKind("ccsds-123"),
    32012: FilterKind("jpeg-ls"),
    32013: FilterKind("zfp", client_data.zfp),
    32014: FilterKind("fpzip"),
    32015: FilterKind("zstd", client_data.zstd),
    32016: FilterKind("b3d"),
    32017: FilterKind("sz"),
    32018: FilterKind("fcidecomp"),
    32019: FilterKind("jpeg"),
    32020: FilterKind("vbz"),
    32021: FilterKind("fapec"),
    32022: FilterKind("bitgroom", client_data.quantized),
    32023: FilterKind("granular bitround", client_data.quantized),
    32024: FilterKind("sz3"),
    32025: FilterKind("delta-rice"),
    32026: FilterKind("blosc2", client_data.blosc2),
    32027: FilterKind("flac"),
    32028: FilterKind("sperr"),
    32029: FilterKind("terse/prolix"),
    32030: FilterKind("ffmpeg"),
    32033: FilterKind("htj2k"),
}
"""Every filter that is known by name; those without a codec are told apart for messages."""
