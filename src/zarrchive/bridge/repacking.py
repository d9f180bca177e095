"""Stored numbers of one packing as those of another, where no decoded value changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from zarrchive.manifests.compare import decoding_differences

if TYPE_CHECKING:
    from zarrchive.manifests import ManifestArray

__all__ = ["repacked"]

_PACKING: Final = frozenset(
    {"scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned"}
)
"""Attributes that say how stored numbers become values (CF 1.11, 2.5 and 8.1)."""


def repacked(
    stored: np.ndarray[Any, Any], array: ManifestArray, model: ManifestArray
) -> np.ndarray[Any, Any]:
    """Return numbers that mean by the attributes of `model` what `stored` means by its own.

    Parameters
    ----------
    stored
        Values of `array` as they are stored.
    array, model
        What the numbers are of, and what they are to be joined with.

    Raises
    ------
    ValueError
        If a value would change, or the attributes say what no other number can mean.
    """
    differences = set(decoding_differences(array.attributes, model.attributes))
    native = model.dtype.newbyteorder("=")
    if not differences:
        if not np.can_cast(stored.dtype, native, "safe"):
            raise ValueError(f"{stored.dtype} does not fit into {native}")
        return stored.astype(native)
    if not differences <= _PACKING:
        raise ValueError(f"{sorted(differences - _PACKING)} differ")
    meant = _decoded(stored, array)
    packed = _packed(meant.astype("f8"), model, native)
    if not np.array_equal(_decoded(packed, model).astype("f8"), meant.astype("f8"), equal_nan=True):
        raise ValueError("values would change")
    return packed


def _decoded(stored: np.ndarray[Any, Any], array: ManifestArray) -> np.ndarray[Any, Any]:
    """Return the values as xarray decodes them."""
    attributes = {key: value for key, value in array.attributes.items() if key in _PACKING}
    dims = tuple(f"d{axis}" for axis in range(stored.ndim))
    variable = xr.conventions.decode_cf_variable("values", xr.Variable(dims, stored, attributes))
    values = np.asarray(variable.values)
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{values.dtype} is no number")
    return values


def _packed(
    values: np.ndarray[Any, Any], model: ManifestArray, dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    """Pack float64 values; what does not come out exactly is noticed by decoding it again."""
    attributes = model.attributes
    scale = np.float64(attributes.get("scale_factor", 1))
    numbers = (values - np.float64(attributes.get("add_offset", 0))) / scale
    missing = np.isnan(numbers)
    if dtype.kind in "iu":
        numbers = np.rint(numbers)
        limits = np.iinfo(dtype)
        whole = numbers[~missing]
        if whole.size and (whole.min() < limits.min or whole.max() > limits.max):
            raise ValueError(f"values do not fit into {dtype}")
    fill = attributes.get("_FillValue", attributes.get("missing_value"))
    if missing.any() and dtype.kind in "iu":
        if fill is None or np.ndim(fill):
            raise ValueError("there is no number for missing values")
        numbers[missing] = np.float64(fill)
    return numbers.astype(dtype)
