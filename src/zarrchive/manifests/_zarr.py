"""The only module that imports names of zarr which zarr does not declare public."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.core.dtype import get_data_type_from_json, get_data_type_from_native_dtype
from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import ArrayV3Metadata, parse_codecs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zarr.abc.codec import Codec
    from zarr.core.dtype import ZDType

__all__ = ["ArrayV2Metadata", "ArrayV3Metadata", "array_metadata", "chunk_shape_of", "zarr_dtype"]

_KEY_ENCODING = {"name": "default", "configuration": {"separator": "/"}}


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
def _parsed_codecs(codecs_json: str) -> tuple[Codec, ...]:
    with warnings.catch_warnings():
        # numcodecs warns that its codecs are not part of the core specification.
        warnings.simplefilter("ignore")
        return tuple(parse_codecs(json.loads(codecs_json)))


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ArrayV3Metadata(
            shape=shape,
            data_type=zarr_dtype(dtype),
            chunk_grid={"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
            chunk_key_encoding=_KEY_ENCODING,
            fill_value=fill_value,
            codecs=_parsed_codecs(json.dumps(list(codecs))),
            attributes=dict(attributes),
            dimension_names=dimension_names,
        )


def chunk_shape_of(metadata: ArrayV3Metadata) -> tuple[int, ...]:
    """Return the chunk shape of a regular chunk grid."""
    grid: Any = metadata.chunk_grid
    return tuple(grid.chunk_shape)
