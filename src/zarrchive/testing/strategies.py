"""Hypothesis strategies for virtual Zarr values, alone and with the NumPy array that they mean."""

from __future__ import annotations

import zlib
from hashlib import sha256
from itertools import product
from math import prod
from typing import Any, Final, NamedTuple

import fsspec
import numpy as np
from hypothesis import strategies as st

from zarrchive.location.identity import SourceFile
from zarrchive.manifests import (
    ChunkEntry,
    ChunkManifest,
    InlineChunk,
    ManifestArray,
    ManifestGroup,
)
from zarrchive.manifests._zarr import array_metadata

__all__ = [
    "StoredArray",
    "attribute_values",
    "chunk_entries",
    "chunk_manifests",
    "grid_shapes",
    "inline_chunks",
    "manifest_arrays",
    "manifest_groups",
    "names",
    "source_files",
    "stored",
    "stored_arrays",
    "urls",
]

_URLS: Final = [
    "/data/a.nc",
    "/data/with space #1?.nc",
    "s3://bucket/b.nc",
    "https://example.org/c%20d.nc",
    "memory://e.nc",
]
_SPARSE_GRIDS: Final = [(5000,), (70, 70), (10**6, 10**6), (3, 10**5, 4)]
_DTYPES: Final = ["<i2", ">i4", "<f4", ">f8", "|u1", "|b1", "|S3", "<c8"]
_CODECS: Final = [
    [],
    [{"name": "numcodecs.zlib", "configuration": {"level": 1}}],
    [{"name": "gzip", "configuration": {"level": 6}}],
]


def urls() -> st.SearchStrategy[str]:
    """Locations of files, local and remote, with letters that need care."""
    return st.sampled_from(_URLS)


def names() -> st.SearchStrategy[str]:
    """Names of variables and groups, also such that look like keys of a store."""
    return st.sampled_from(["air", "c", "0", "zarr", "a b", "größe", "x"])


def source_files() -> st.SearchStrategy[SourceFile]:
    """Files with any part of their identity unknown."""
    return st.builds(
        SourceFile,
        urls(),
        st.none() | st.integers(0, 2**40),
        st.none() | st.integers(0, 2**62),
        st.none() | st.sampled_from(['"v1"', '"v2"']),
    )


def chunk_entries() -> st.SearchStrategy[ChunkEntry]:
    """Byte ranges, some beyond 4 GiB."""
    lengths = st.integers(0, 2**20) | st.integers(2**32, 2**33)
    return st.builds(ChunkEntry, urls(), st.integers(0, 2**63), lengths)


def inline_chunks() -> st.SearchStrategy[InlineChunk]:
    """Few different contents, so that they repeat."""
    return st.builds(InlineChunk, st.sampled_from([b"", b"\0", b"abc", b"\xff" * 9]))


def grid_shapes(*, max_rank: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    """Small chunk grids of rank 0 and more, empty axes included."""
    return st.lists(st.integers(0, 3), max_size=max_rank).map(tuple)


@st.composite
def chunk_manifests(
    draw: st.DrawFn, grids: st.SearchStrategy[tuple[int, ...]] | None = None
) -> ChunkManifest:
    """Manifests, dense and sparse, whose chunks are missing, inline or in one of several files."""
    any_grids = grid_shapes() | st.sampled_from(_SPARSE_GRIDS)
    shape = draw(any_grids if grids is None else grids)
    chunk = chunk_entries() | inline_chunks()
    if not prod(shape):
        return ChunkManifest.empty(shape)
    index = st.tuples(*(st.integers(0, count - 1) for count in shape))
    entries = draw(st.dictionaries(index, chunk, max_size=12))
    known = draw(st.lists(source_files(), max_size=3, unique_by=lambda file: file.url))
    return ChunkManifest.from_entries(entries, grid_shape=shape, files=known)


def attribute_values() -> st.SearchStrategy[Any]:
    """Attributes as readers find them."""
    return (
        st.text(max_size=5)
        | st.integers(-9, 9)
        | st.sampled_from(
            [
                np.float32(np.nan),
                np.int16(-999),
                np.array([1, 2], dtype=">i4"),
                np.array(["a", "b"], dtype=object),
                np.bytes_(b"units"),
            ]
        )
    )


@st.composite
def manifest_arrays(draw: st.DrawFn) -> ManifestArray:
    """Arrays of any rank whose manifests point anywhere: their values cannot be read."""
    manifest = draw(chunk_manifests(grid_shapes()))
    chunk_shape = tuple(draw(st.integers(1, 4)) for _ in manifest.grid_shape)
    shape = tuple(
        count * chunk - draw(st.integers(0, chunk - 1)) if count else 0
        for count, chunk in zip(manifest.grid_shape, chunk_shape, strict=True)
    )
    dtype = np.dtype(draw(st.sampled_from(_DTYPES)))
    attributes = draw(st.dictionaries(names(), attribute_values(), max_size=2))
    metadata = array_metadata(
        shape=shape,
        dtype=dtype,
        chunk_shape=chunk_shape,
        codecs=[_bytes_codec(dtype), *draw(st.sampled_from(_CODECS))],
        fill_value=np.zeros((), dtype)[()],
        dimension_names=[f"d{axis}" for axis in range(len(shape))],
        attributes=attributes,
    )
    return ManifestArray(metadata, manifest, name=draw(names()))


def manifest_groups(*, max_leaves: int = 4) -> st.SearchStrategy[ManifestGroup]:
    """Trees of groups."""

    def group(children: st.SearchStrategy[ManifestGroup]) -> st.SearchStrategy[ManifestGroup]:
        return st.builds(
            _group,
            st.dictionaries(names(), manifest_arrays(), max_size=2),
            st.dictionaries(names(), children, max_size=2),
            st.dictionaries(names(), attribute_values(), max_size=2),
        )

    return st.recursive(group(st.nothing()), group, max_leaves=max_leaves)


def _group(arrays: Any, groups: Any, attributes: Any) -> ManifestGroup:
    # A path is either an array or a group.
    groups = {name: group for name, group in groups.items() if name not in arrays}
    return ManifestGroup(arrays=arrays, groups=groups, attributes=attributes)


class StoredArray(NamedTuple):
    """A virtual array whose bytes exist, and the values that they mean."""

    array: ManifestArray
    truth: np.ndarray[Any, Any]


@st.composite
def stored_arrays(
    draw: st.DrawFn,
    *,
    shape: tuple[int, ...] | None = None,
    chunk_shape: tuple[int, ...] | None = None,
    dtype: str | None = None,
    codecs: list[dict[str, Any]] | None = None,
) -> StoredArray:
    """Small arrays that can be read: chunks lie in a file in memory, are inline, or missing."""
    if shape is None:
        shape = draw(st.lists(st.integers(0, 6), max_size=3).map(tuple))
    if chunk_shape is None:
        chunk_shape = tuple(draw(st.integers(1, max(size, 1) + 1)) for size in shape)
    dtype = draw(st.sampled_from(_DTYPES)) if dtype is None else dtype
    start = draw(st.integers(0, 50))
    values = (start + np.arange(prod(shape))).reshape(shape)
    grid = [range(-(-size // chunk)) for size, chunk in zip(shape, chunk_shape, strict=True)]
    n_chunks = prod(map(len, grid))
    states = draw(st.lists(st.sampled_from("fffim"), min_size=n_chunks, max_size=n_chunks))
    return stored(
        values.astype(dtype),
        chunk_shape,
        codecs=draw(st.sampled_from(_CODECS)) if codecs is None else codecs,
        states="".join(states),
    )


def stored(  # noqa: PLR0913 - what an array on disk may look like
    values: np.ndarray[Any, Any],
    chunk_shape: tuple[int, ...],
    *,
    codecs: list[dict[str, Any]] | None = None,
    states: str = "",
    attributes: dict[str, Any] | None = None,
    fill_value: object = None,
    name: str = "air",
) -> StoredArray:
    """Encode an array as chunks in a file in memory.

    Parameters
    ----------
    values
        What the array holds; where a chunk is missing, the fill value takes their place.
    chunk_shape
        Chunks at the edge are stored whole.
    codecs
        After the bytes; none, zlib or gzip.
    states
        A letter a chunk, in C order: ``f`` in the file, ``i`` inline, ``m`` missing. Chunks
        beyond its end lie in the file.
    """
    codecs = codecs or []
    fill = np.asarray(0 if fill_value is None else fill_value).astype(values.dtype)[()]
    truth, content = values.copy(), b"padding"
    entries: dict[tuple[int, ...], ChunkEntry | InlineChunk] = {}
    grid_shape = tuple(
        -(-size // chunk) for size, chunk in zip(values.shape, chunk_shape, strict=True)
    )
    places: list[tuple[tuple[int, ...], int, int]] = []
    for number, index in enumerate(product(*map(range, grid_shape))):
        where = tuple(
            slice(i * chunk, (i + 1) * chunk) for i, chunk in zip(index, chunk_shape, strict=True)
        )
        state = states[number : number + 1] or "f"
        if state == "m":
            truth[where] = fill
            continue
        # What lies beyond the edge of the array is in the file, and must never be seen.
        chunk = np.full(chunk_shape, np.asarray(77).astype(values.dtype))
        part = values[where]
        chunk[tuple(map(slice, part.shape))] = part
        data = _encoded(chunk, codecs)
        if state == "i":
            entries[index] = InlineChunk(data)
        else:
            places.append((index, len(content), len(data)))
            content += data
    file = _in_memory(content)
    for index, offset, length in places:
        entries[index] = ChunkEntry(file.url, offset, length)
    metadata = array_metadata(
        shape=values.shape,
        dtype=values.dtype,
        chunk_shape=chunk_shape,
        codecs=[_bytes_codec(values.dtype), *codecs],
        fill_value=fill,
        dimension_names=[f"d{axis}" for axis in range(values.ndim)],
        attributes=attributes or {},
    )
    manifest = ChunkManifest.from_entries(entries, grid_shape=grid_shape, files=[file])
    return StoredArray(ManifestArray(metadata, manifest, name=name), truth)


def _bytes_codec(dtype: np.dtype[Any]) -> dict[str, Any]:
    if dtype.byteorder == "|":
        return {"name": "bytes"}
    return {
        "name": "bytes",
        "configuration": {"endian": "big" if dtype.byteorder == ">" else "little"},
    }


def _encoded(chunk: np.ndarray[Any, Any], codecs: list[dict[str, Any]]) -> bytes:
    data = chunk.tobytes()
    for codec in codecs:
        # 31 asks zlib for the header of gzip.
        bits = 31 if codec["name"] == "gzip" else 15
        compressor = zlib.compressobj(codec["configuration"]["level"], wbits=bits)
        data = compressor.compress(data) + compressor.flush()
    return data


def _in_memory(content: bytes) -> SourceFile:
    """Put bytes where fsspec finds them, under a name that is theirs alone."""
    url = f"memory://zarrchive-testing/{sha256(content).hexdigest()}.bin"
    fsspec.filesystem("memory").pipe_file(url, content)
    return SourceFile(url, len(content))
