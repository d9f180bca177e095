"""The only module that imports names of zarr which zarr does not declare public."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import zarr
from zarr.abc.codec import BytesBytesCodec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.dtype import get_data_type_from_json, get_data_type_from_native_dtype
from zarr.core.metadata import v3
from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import ArrayV3Metadata, parse_codecs
from zarr.core.sync import sync

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests.naming import shortened

# None: zarr before 3.2
RectilinearChunkGridMetadata: Any = getattr(v3, "RectilinearChunkGridMetadata", None)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zarr.abc.codec import Codec
    from zarr.abc.store import Store
    from zarr.core.dtype import ZDType

__all__ = [
    "HAS_RECTILINEAR",
    "ArrayV2Metadata",
    "ArrayV3Metadata",
    "ChunkLengths",
    "allow_rectilinear",
    "array_document",
    "array_metadata",
    "changed_metadata",
    "chunk_lengths_of",
    "chunk_shape_of",
    "codec_documents",
    "document_at",
    "is_empty",
    "put_bytes",
    "put_document",
    "same_but_attributes",
    "same_scalar",
    "see_no_axes",
    "zarr_dtype",
]

ChunkLengths: TypeAlias = "tuple[int | tuple[int, ...], ...]"
"""For each axis, the length of all its chunks, or that of each: those of a rectilinear grid."""

HAS_RECTILINEAR: Final = RectilinearChunkGridMetadata is not None
"""Whether this zarr knows chunk grids with chunks of unlike length."""

_KEY_ENCODING: Final[dict[str, Any]] = {"name": "default", "configuration": {"separator": "/"}}

_RANK_FREE: Final = frozenset(
    {"bytes", "vlen-utf8", "vlen-bytes", "numcodecs.delta", "numcodecs.fixedscaleoffset"}
)
"""Codecs before the bytes that see a chunk as a flat run of elements."""


@lru_cache(maxsize=1024)
def zarr_dtype(dtype: np.dtype[Any] | str) -> ZDType[Any, Any]:
    """Return zarr's data type for a NumPy dtype, or for ``"string"`` (variable-length UTF-8).

    Raises ValueError or TypeError where Zarr v3 has no such type.
    """
    with warnings.catch_warnings():
        # zarr warns that byte strings and structs have no final specification yet.
        warnings.simplefilter("ignore")
        if isinstance(dtype, str):
            return get_data_type_from_json(dtype, zarr_format=3)
        return get_data_type_from_native_dtype(dtype)


@lru_cache(maxsize=1024)
def _template(
    dtype: np.dtype[Any] | str, chunk_shape: tuple[int, ...], codecs_json: str
) -> ArrayV3Metadata:
    """Metadata of one whole chunk: zarr validates data type and codecs once, not once an array."""
    with warnings.catch_warnings():
        # numcodecs warns that its codecs are not part of the core specification.
        warnings.simplefilter("ignore")
        data_type = zarr_dtype(dtype)
        return ArrayV3Metadata(
            shape=chunk_shape,
            data_type=data_type,
            chunk_grid={"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
            chunk_key_encoding=_KEY_ENCODING,
            fill_value=data_type.default_scalar(),
            codecs=tuple(parse_codecs(json.loads(codecs_json))),
            attributes={},
            dimension_names=None,
        )


def array_metadata(  # noqa: PLR0913 - these are the fields of a Zarr array document
    *,
    shape: tuple[int, ...],
    dtype: np.dtype[Any] | str,
    chunk_shape: tuple[int, ...],
    codecs: Sequence[Mapping[str, Any]],
    fill_value: object,
    dimension_names: Sequence[str | None] | None,
    attributes: Mapping[str, Any],
) -> ArrayV3Metadata:
    """Build validated Zarr v3 metadata; data types and codec chains are parsed once each.

    Parameters
    ----------
    shape, chunk_shape
        Elements along each dimension; chunks at the edge are stored whole.
    dtype
        NumPy dtype (byte order is that of the stored bytes), or ``"string"``.
    codecs
        Codec documents ``{"name": ..., "configuration": {...}}``, array to bytes first.
    fill_value
        Scalar that unwritten chunks read as.
    dimension_names
        One name per dimension.
    attributes
        Values as the file has them (NumPy scalars and arrays allowed).

    Raises
    ------
    ValueError, TypeError, KeyError
        If Zarr cannot say it: zarr's own words are in the exception.
    """
    key = dtype, tuple(int(size) for size in chunk_shape), json.dumps(list(codecs))
    if isinstance(fill_value, np.number):
        fill = _cast(*key, fill_value.dtype, fill_value.tobytes())
    else:
        fill = _template(*key).data_type.cast_scalar(fill_value)
    return changed_metadata(
        _template(*key),
        shape=shape,
        fill_value=fill,
        dimension_names=dimension_names,
        attributes=attributes,
    )


@lru_cache(maxsize=1024)
def _cast(
    dtype: np.dtype[Any] | str,
    chunk_shape: tuple[int, ...],
    codecs_json: str,
    fill_dtype: np.dtype[Any],
    fill: bytes,
) -> object:
    """Return a fill value as a scalar of the array's data type."""
    scalar = np.frombuffer(fill, dtype=fill_dtype)[0]
    return _template(dtype, chunk_shape, codecs_json).data_type.cast_scalar(scalar)


def changed_metadata(metadata: ArrayV3Metadata, **changes: Any) -> ArrayV3Metadata:  # noqa: ANN401 - one field each
    """Return a copy with other fields; zarr's own constructor would parse all codecs again.

    Parameters
    ----------
    metadata
        What to copy.
    **changes
        Any of `shape`, `chunk_lengths` (`ChunkLengths`), `fill_value` (a scalar of the data
        type), `codecs` (the whole chain, as documents), `dimension_names` and `attributes`.

    Raises
    ------
    ValueError
        If ranks differ, a size is negative, or chunks of unlike length do not fill an axis.
    """
    fields = dict(metadata.__dict__)
    lengths = changes.pop("chunk_lengths", None)
    if lengths is not None:
        fields["chunk_grid"] = _chunk_grid(lengths)
    lengths = chunk_lengths_of(metadata) if lengths is None else tuple(lengths)
    if "codecs" in changes:
        chunks = tuple(n if isinstance(n, int) else max(n) for n in lengths)
        fields["codecs"] = _codecs(metadata, chunks, changes.pop("codecs"))
    fields |= changes
    fields["shape"] = tuple(int(size) for size in fields["shape"])
    fields["attributes"] = dict(fields["attributes"])
    names = fields["dimension_names"]
    fields["dimension_names"] = None if names is None else tuple(names)
    rank = len(fields["shape"])
    if len(lengths) != rank or len(names or fields["shape"]) != rank:
        raise ValueError(
            f"shape {fields['shape']}, chunks {lengths} and dimensions {names} must have one rank"
        )
    for length, size in zip(lengths, fields["shape"], strict=True):
        if isinstance(length, tuple) and sum(length) != size:
            raise ValueError(f"chunks have {sum(length)} elements along an axis of {size}")
    if any(size < 0 for size in fields["shape"]):
        raise ValueError(f"shape must not be negative, found {fields['shape']}")
    copy = object.__new__(type(metadata))
    copy.__dict__.update(fields)
    return copy


def _codecs(
    metadata: ArrayV3Metadata, chunk_shape: tuple[int, ...], documents: Sequence[Mapping[str, Any]]
) -> tuple[Codec, ...]:
    """Parse codecs, unless they are those that `metadata` has."""
    if documents == codec_documents(metadata):
        return metadata.codecs
    dtype = metadata.data_type.to_native_dtype()
    return _template(dtype, chunk_shape, json.dumps(documents)).codecs


def _chunk_grid(lengths: Sequence[int | tuple[int, ...]]) -> Any:  # noqa: ANN401 - of zarr
    """Return a regular chunk grid where each axis has chunks of one length, else a rectilinear."""
    if any(isinstance(one, tuple) for one in lengths):
        if RectilinearChunkGridMetadata is None:
            raise ValueError(f"chunks of unlike length need zarr >= 3.2, found {zarr.__version__}")
        return RectilinearChunkGridMetadata(chunk_shapes=tuple(lengths))
    regular: Any = _regular_grid()
    return regular(chunk_shape=tuple(int(n) for n in lengths if not isinstance(n, tuple)))


@lru_cache(maxsize=1)
def _regular_grid() -> Any:  # noqa: ANN401 - a class that was renamed
    return type(_template(np.dtype("u1"), (1,), '[{"name": "bytes"}]').chunk_grid)


def chunk_shape_of(metadata: ArrayV3Metadata) -> tuple[int, ...]:
    """Return the chunk shape of a regular chunk grid.

    Raises
    ------
    ManifestError
        ``chunks-rectilinear`` where chunks have no one shape.
    """
    grid: Any = metadata.chunk_grid
    try:
        shape: tuple[int, ...] = grid.chunk_shape
    except AttributeError:
        lengths = shortened(str(grid.chunk_shapes))
        raise ManifestError(
            Problem(
                code="chunks-rectilinear",
                where="array metadata",
                what=f"chunks have no one shape, but the lengths {lengths}",
                hint="use ds.virtual.open(), which gives a lazy dataset of the same data",
            )
        ) from None
    return shape


def chunk_lengths_of(metadata: ArrayV3Metadata) -> ChunkLengths:
    """Return the lengths of chunks along each axis, of a regular or a rectilinear grid."""
    grid: Any = metadata.chunk_grid
    found = getattr(grid, "chunk_shapes", None)
    lengths: ChunkLengths = grid.chunk_shape if found is None else found
    return lengths


def allow_rectilinear() -> None:
    """Have zarr read and write rectilinear grids, which it does only when asked to.

    It stays so for this process: zarr asks whenever a document is read, in whatever thread.
    """
    if HAS_RECTILINEAR:
        zarr.config.set({"array.rectilinear_chunks": True})


def codec_documents(metadata: ArrayV3Metadata) -> list[dict[str, Any]]:
    """Return the codec chain as Zarr v3 documents, array to bytes first."""
    documents: list[dict[str, Any]] = []
    for codec in metadata.codecs:
        document: Any = codec.to_dict()
        documents.append({"name": document["name"], **document})
    return documents


def see_no_axes(codecs: Sequence[Codec]) -> bool:
    """Whether chunks decode alike when axes of length 1 come, go or move."""
    return all(isinstance(codec, BytesBytesCodec) or _name(codec) in _RANK_FREE for codec in codecs)


def _name(codec: Codec) -> str:
    document: Any = codec.to_dict()
    name: str = document["name"]
    return name


def same_but_attributes(left: ArrayV3Metadata, right: ArrayV3Metadata) -> bool:
    """Whether two metadata documents agree in all fields but the attributes; NaN equals NaN."""
    mine, theirs = dict(left.__dict__), dict(right.__dict__)
    fills = [np.asarray(fields.pop("fill_value")) for fields in (mine, theirs)]
    for fields in (mine, theirs):
        fields.pop("attributes")
    return mine == theirs and same_scalar(*fills)


def same_scalar(left: object, right: object) -> bool:
    """Whether two fill values are the same bits in the same data type; NaN equals NaN."""
    if isinstance(left, np.generic) and type(left) is type(right):
        return left.tobytes() == right.tobytes() and left.dtype == right.dtype
    mine, theirs = np.asarray(left), np.asarray(right)
    return mine.dtype == theirs.dtype and mine.tobytes() == theirs.tobytes()


def array_document(metadata: ArrayV3Metadata, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``zarr.json`` document of an array, with `attributes` ready for JSON.

    Raises
    ------
    ValueError
        If the fields of a structured data type are big-endian: Zarr v3 names no byte order
        for them, so that they would be read as other numbers.
    """
    dtype: np.dtype[Any] = metadata.data_type.to_native_dtype()
    if dtype.fields and dtype.newbyteorder("<") != dtype:
        raise ValueError(f"Zarr v3 cannot say that fields are big-endian, found {dtype}")
    with warnings.catch_warnings():
        # zarr warns that byte strings and structs have no final specification yet.
        warnings.simplefilter("ignore")
        document: dict[str, Any] = dict(metadata.to_dict())
    document["attributes"] = dict(attributes)
    if dtype.kind == "f":
        document["fill_value"] = _exact_nan(metadata.fill_value, document["fill_value"])
    return document


def is_empty(store: Store, prefix: str) -> bool:
    """Whether a store holds nothing below a prefix, asked from code that is not asynchronous."""
    return bool(sync(store.is_empty(prefix)))


def document_at(store: Store, key: str) -> dict[str, Any] | None:
    """Return a metadata document of a store; None if it has no such key."""
    found = sync(store.get(key, default_buffer_prototype()))
    if found is None:
        return None
    document: dict[str, Any] = json.loads(found.to_bytes())
    return document


def put_bytes(store: Store, key: str, data: bytes) -> None:
    """Put a value into a store."""
    sync(store.set(key, default_buffer_prototype().buffer.from_bytes(data)))


def put_document(store: Store, key: str, document: Mapping[str, Any]) -> None:
    """Put a metadata document into a store."""
    put_bytes(store, key, json.dumps(dict(document)).encode())


def _exact_nan(fill_value: object, said: object) -> object:
    """Return the bits of a NaN that is not the usual one, as the Zarr v3 core says them.

    R tells values that are not available from those that are no numbers by such bits.
    """
    value = np.asarray(fill_value)
    if not np.isnan(value) or value.tobytes() == np.asarray(np.nan, value.dtype).tobytes():
        return said
    return f"0x{value.astype(value.dtype.newbyteorder('>')).tobytes().hex()}"
