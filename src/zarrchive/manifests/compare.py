"""When two virtual arrays mean the same: how their bytes decode and what their values stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.manifests._zarr import (
    ArrayV3Metadata,
    chunk_lengths_of,
    codec_documents,
    same_but_attributes,
    same_scalar,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = [
    "DECODING_ATTRIBUTES",
    "GRID_MAPPING",
    "MEANING_ATTRIBUTES",
    "codecs_decode_alike",
    "decoding_differences",
    "identical_arrays",
    "meaning_differences",
    "same_attributes",
    "same_references",
]

DECODING_ATTRIBUTES: Final = (
    "scale_factor",
    "add_offset",
    "_FillValue",
    "missing_value",
    "_Unsigned",
    "units",
    "calendar",
)
"""Attributes without which the stored numbers mean something else (CF 1.11, 2.5, 3.1, 4.4, 8.1)."""

MEANING_ATTRIBUTES: Final = (
    "standard_name",
    "cell_methods",
    "positive",
    "flag_values",
    "flag_masks",
    "flag_meanings",
)
"""Attributes that say what values stand for (CF 1.11, 3.3, 3.5, 4.3, 7.3)."""
GRID_MAPPING: Final = "grid_mapping_name"
"""What a variable has whose attributes say where the places of others are."""

_TYPED: Final = frozenset({"scale_factor", "add_offset"})
"""Their data type decides in which precision values are unpacked (CF 1.11, 8.1)."""

_ENCODER_ONLY: Final[Mapping[str, frozenset[str] | None]] = {
    "gzip": frozenset({"level"}),
    "zstd": frozenset({"level", "checksum"}),
    "blosc": None,
    "numcodecs.gzip": frozenset({"level"}),
    "numcodecs.zlib": frozenset({"level"}),
    "numcodecs.zstd": frozenset({"level", "checksum"}),
    "numcodecs.bz2": frozenset({"level"}),
    "numcodecs.lz4": frozenset({"acceleration"}),
    "numcodecs.blosc": None,
}
"""Settings that only the encoder needs (None: all); the stored bytes tell the decoder the rest."""


def codecs_decode_alike(left: ArrayV3Metadata, right: ArrayV3Metadata) -> bool:
    """Whether the same bytes decode to the same values: compression levels do not matter."""
    if left.codecs is right.codecs or left.codecs == right.codecs:
        return True
    if len(left.codecs) != len(right.codecs):
        return False
    return _decoding_documents(left) == _decoding_documents(right)


def _decoding_documents(metadata: ArrayV3Metadata) -> list[tuple[str, dict[str, Any]]]:
    documents = []
    for document in codec_documents(metadata):
        name, configuration = document["name"], document.get("configuration") or {}
        ignored = _ENCODER_ONLY.get(name, frozenset())
        kept = (
            {} if ignored is None else {k: v for k, v in configuration.items() if k not in ignored}
        )
        documents.append((name, kept))
    return documents


def decoding_differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Return the names of `DECODING_ATTRIBUTES` in which two sets of attributes differ."""
    return [
        name
        for name in DECODING_ATTRIBUTES
        if (a := left.get(name)) is not (b := right.get(name))
        and not _same_value(a, b, typed=name in _TYPED)
    ]


def meaning_differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Return the names of attributes in which it differs what values stand for.

    Those are `MEANING_ATTRIBUTES`, and all attributes of a grid mapping (CF 1.11, 5.6).
    """
    names: Iterable[str] = MEANING_ATTRIBUTES
    if GRID_MAPPING in left or GRID_MAPPING in right:
        names = {**left, **right}
    return [name for name in names if not _same_value(left.get(name), right.get(name), typed=False)]


def _same_value(left: object, right: object, *, typed: bool) -> bool:
    if left is None or right is None:
        return left is right
    if type(left) is type(right) and isinstance(left, str | np.number) and left == right:
        return True
    if isinstance(left, str | bytes) or isinstance(right, str | bytes):
        return _as_text(left) == _as_text(right)
    mine, theirs = np.asarray(left).reshape(-1), np.asarray(right).reshape(-1)
    if typed and mine.dtype.newbyteorder("=") != theirs.dtype.newbyteorder("="):
        return False
    with_nan = mine.dtype.kind in "fc" and theirs.dtype.kind in "fc"
    return bool(np.array_equal(mine, theirs, equal_nan=with_nan))


def _as_text(value: object) -> object:
    array = np.asarray(value)
    value = array.reshape(-1)[0].item() if array.size == 1 and array.dtype != object else value
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def same_attributes(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether all attributes agree, in value and kind of number; NaN equals NaN."""
    if left.keys() != right.keys():
        return False
    return all(_identical_value(value, right[name]) for name, value in left.items())


def _identical_value(left: object, right: object) -> bool:
    if left is right:
        return True
    if isinstance(left, str | bytes) or isinstance(right, str | bytes):
        return type(left) is type(right) and left == right
    # A pickled array may come back in another byte order.
    mine, theirs = _native(np.asarray(left)), _native(np.asarray(right))
    if mine.dtype != theirs.dtype or mine.shape != theirs.shape:
        return False
    if mine.dtype == object:
        return bool(mine.tolist() == theirs.tolist())
    return mine.tobytes() == theirs.tobytes()


def _native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def same_references(left: ManifestArray, right: ManifestArray) -> bool:
    """Whether two arrays hold the same values because they refer to the same bytes.

    False means that they refer to different bytes, whose values may be equal all the same.
    """
    mine, theirs = left.metadata, right.metadata
    return left is right or (
        mine.shape == theirs.shape
        and mine.data_type == theirs.data_type
        and chunk_lengths_of(mine) == chunk_lengths_of(theirs)
        and codecs_decode_alike(mine, theirs)
        and not decoding_differences(mine.attributes, theirs.attributes)
        and left.manifest == right.manifest
        and (
            same_scalar(mine.fill_value, theirs.fill_value)
            or left.manifest.nstored == left.manifest.size
        )
    )


def identical_arrays(left: ManifestArray, right: ManifestArray) -> bool:
    """Whether two arrays agree in everything: metadata, attributes, dimensions and references."""
    return left is right or (
        same_but_attributes(left.metadata, right.metadata)
        and same_attributes(left.metadata.attributes, right.metadata.attributes)
        and left.manifest == right.manifest
    )
