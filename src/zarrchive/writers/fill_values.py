"""What stands in ``fill_value`` of Zarr v2 metadata, and what unwritten chunks become.

xarray takes ``fill_value`` of a v2 array for the attribute ``_FillValue``: every element equal to
it becomes missing. So it is written only where the source has a ``_FillValue``, and is null
elsewhere. Readers return zeros (False, empty strings) for an unwritten chunk where it is null.
Where that, or ``_FillValue``, is not what the source says about unwritten chunks, they become
inline chunks that hold the right values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.codecs.filter_codec import CannotEncodeError
from zarrchive.codecs.zarr_v2 import V2Encoding, encode_v2
from zarrchive.errors import Problem, WriteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.manifests import ManifestArray

__all__ = ["FILL_LIMIT", "V2Fill", "v2_fill"]

FILL_LIMIT: Final = 2**23
"""Bytes that the unwritten chunks of one array may take in the output."""
_LARGEST_CHUNK: Final = 2**28
"""Bytes of a decoded chunk that is still encoded here."""


@dataclass(frozen=True, slots=True)
class V2Fill:
    """How one array of Zarr v2 says what is missing and what is unwritten."""

    fill_value: Any = None
    """``fill_value`` of the ``.zarray`` document, as JSON."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """``{"_FillValue": ...}`` (values as the file has them) where `fill_value` cannot say it."""
    chunk: bytes | None = None
    """Encoded chunk to store in place of each unwritten one."""
    problems: tuple[Problem, ...] = ()
    """Warnings."""


def v2_fill(array: ManifestArray, encoding: V2Encoding, *, where: str, variable: str) -> V2Fill:
    """Decide how missing values and unwritten chunks of `array` are said in Zarr v2.

    Raises
    ------
    WriteError
        ``v2-fill-too-large``: unwritten chunks would have to be stored, and take too much or
        have a codec for reading only.
    """
    mask_attribute = array.attributes.get("_FillValue")
    if mask_attribute is not None and array.dtype.fields is not None:
        # xarray cannot open a dataset in which a struct has a _FillValue.
        warning = Problem(
            code="v2-struct-fill",
            where=where,
            variable=variable,
            what=f"the struct has _FillValue {mask_attribute!r}, which xarray cannot decode; "
            "it is left out",
            hint="compare the elements with that value yourself after opening",
            severity="warning",
        )
        return V2Fill(
            chunk=_chunk_for_unwritten(array, encoding, None, where=where, variable=variable),
            problems=(warning,),
        )
    mask = None if mask_attribute is None else _as_element(mask_attribute, array)
    if mask is None:
        attributes = {} if mask_attribute is None else {"_FillValue": mask_attribute}
        chunk = _chunk_for_unwritten(array, encoding, None, where=where, variable=variable)
        return V2Fill(attributes=attributes, chunk=chunk)
    try:
        chunk = _chunk_for_unwritten(array, encoding, mask, where=where, variable=variable)
    except WriteError:
        if not (_is_default(array) and array.dtype.kind in "iuf"):
            raise
        # With fill_value null the unwritten chunks read as the zeros that they are, and
        # xarray finds the mask among the attributes.
        return V2Fill(attributes={"_FillValue": np.asarray(mask)[()]})
    fill_value = array.metadata.data_type.to_json_scalar(mask, zarr_format=2)
    return V2Fill(fill_value=fill_value, chunk=chunk)


def _chunk_for_unwritten(
    array: ManifestArray, encoding: V2Encoding, mask: object, *, where: str, variable: str
) -> bytes | None:
    """Return the encoded chunk that unwritten chunks must become; None: they can stay unwritten.

    `mask` is what readers return for an unwritten chunk; None: zeros.
    """
    missing = array.manifest.size - array.manifest.nstored
    fill = array.metadata.fill_value
    if missing == 0 or (_is_default(array) if mask is None else _same(mask, fill, array)):
        return None
    decoded = prod(array.chunk_shape) * max(array.dtype.itemsize, 1)
    why = f"to store them takes more than {FILL_LIMIT} bytes"
    limit = FILL_LIMIT if encoding.compressor is None else _LARGEST_CHUNK * missing
    if decoded <= _LARGEST_CHUNK and decoded * missing <= limit:
        is_text = encoding.dtype == "|O"
        dtype = np.dtype(object) if is_text else _stored_dtype(encoding)
        values = np.full(array.chunk_shape, fill, dtype=dtype)
        try:
            chunk = encode_v2(values, encoding)
        except CannotEncodeError as error:
            why = str(error)
        else:
            if len(chunk) * missing <= FILL_LIMIT:
                return chunk
    read_as = "0" if mask is None else f"the _FillValue {mask}"
    raise WriteError(
        Problem(
            code="v2-fill-too-large",
            where=where,
            variable=variable,
            what=f"{missing} unwritten chunks read as {fill}, but as {read_as} with Zarr v2 "
            f"metadata, and {why}",
            hint="choose zarr_format=3, or leave this variable out",
        )
    )


def _stored_dtype(encoding: V2Encoding) -> np.dtype[Any]:
    def parsed(name: str | list[Any]) -> np.dtype[Any]:
        if isinstance(name, str):
            return np.dtype(name)
        return np.dtype([(str(key), parsed(value)) for key, value in name])

    return parsed(encoding.dtype)


def _as_element(value: object, array: ManifestArray) -> Any:  # noqa: ANN401 - a scalar of any type
    """Return `value` as one element of the array, or None where that would alter it."""
    given = np.asarray(value)
    if given.size != 1:
        return None
    item: Any = given.reshape(())[()]
    dtype = array.dtype
    if dtype.kind == "S":
        text = item.encode() if isinstance(item, str) else item
        fits = isinstance(text, bytes) and len(text) <= dtype.itemsize
        return np.bytes_(text) if fits else None
    if dtype.kind in "UTO":
        fits = isinstance(item, str) and (dtype.kind != "U" or len(item) <= dtype.itemsize // 4)
        return item if fits else None
    if dtype.kind not in "biufc" or given.dtype.kind not in "biufc":
        return None
    with np.errstate(all="ignore"):
        cast = given.reshape(()).astype(dtype.newbyteorder("="), casting="unsafe")[()]
    same = cast.item() == item.item() or (cast != cast and item != item)  # noqa: PLR0124 - NaN
    return cast if same else None


def _same(mask: object, fill: object, array: ManifestArray) -> bool:
    if isinstance(mask, str):
        return str(fill) == mask
    dtype = array.dtype.newbyteorder("=")
    left, right = np.asarray(mask, dtype), np.asarray(fill, dtype)
    if left.tobytes() == right.tobytes():
        return True
    return dtype.kind in "fc" and bool(np.isnan(left) and np.isnan(right))


def _is_default(array: ManifestArray) -> bool:
    """Tell whether the fill value is what readers return where ``fill_value`` is null."""
    fill = array.metadata.fill_value
    if isinstance(fill, str | bytes):
        return not fill
    data = np.asarray(fill, array.dtype)
    # zarr reads NaT, others 1970, for unwritten times.
    return data.dtype.kind not in "Mm" and not any(data.tobytes())
