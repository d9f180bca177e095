"""Stored numbers of one packing as those of another, where no decoded value changes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from zarrchive.manifests.compare import decoding_differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.manifests import ManifestArray

__all__ = ["repacked"]

_PACKING: Final = frozenset(
    {"scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned"}
)
"""Attributes that say how stored numbers become values (CF 1.11, 2.5 and 8.1)."""
_COUNTING: Final = frozenset({"units", "calendar"})
"""Attributes that say from which date times count, and how (CF 1.11, 4.4)."""


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
    if differences <= _COUNTING:
        return _recounted(stored, array, model, native)
    if not differences <= _PACKING:
        raise ValueError(f"{sorted(differences - _PACKING)} differ")
    meant = _decoded(stored, array)
    packed = _packed(meant.astype("f8"), model, native)
    if not np.array_equal(_decoded(packed, model).astype("f8"), meant.astype("f8"), equal_nan=True):
        raise ValueError("values would change")
    return packed


def _recounted(
    stored: np.ndarray[Any, Any],
    array: ManifestArray,
    model: ManifestArray,
    dtype: np.dtype[Any],
) -> np.ndarray[Any, Any]:
    """Have times count from the date that the model counts from."""
    times = _times(stored, array.attributes)
    keys = ("units", "calendar", "_FillValue", "missing_value")
    encoding = {key: model.attributes[key] for key in keys if key in model.attributes}
    variable = xr.Variable(_dims(stored), times, {}, {**encoding, "dtype": dtype})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # xarray warns where numbers cannot be exact
        try:
            counted = np.asarray(xr.conventions.encode_cf_variable(variable).values)
        except Warning as warning:
            raise ValueError(str(warning)) from warning
    if counted.dtype != dtype or not _same_times(_times(counted, model.attributes), times):
        raise ValueError("times would change")
    return counted


def _times(stored: np.ndarray[Any, Any], attributes: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return times as xarray decodes them."""
    known = {key: attributes[key] for key in (*_PACKING, *_COUNTING) if key in attributes}
    if " since " not in str(known.get("units")) or {"scale_factor", "add_offset"} & known.keys():
        raise ValueError(f"numbers of {known} are no plain times")
    raw = xr.Variable(_dims(stored), stored, known)
    times = np.asarray(xr.conventions.decode_cf_variable("values", raw).values)
    if times.dtype.kind not in "MO":
        raise ValueError(f"{times.dtype} is no time")
    return times


def _same_times(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    if left.dtype != right.dtype:
        return False
    if left.dtype.kind == "O":
        return bool(np.all((left == right) | ((left != left) & (right != right))))  # noqa: PLR0124 - NaN
    return left.tobytes() == right.tobytes()


def _dims(values: np.ndarray[Any, Any]) -> tuple[str, ...]:
    return tuple(f"d{axis}" for axis in range(values.ndim))


def _decoded(stored: np.ndarray[Any, Any], array: ManifestArray) -> np.ndarray[Any, Any]:
    """Return the values as xarray decodes them."""
    attributes = {key: value for key, value in array.attributes.items() if key in _PACKING}
    raw = xr.Variable(_dims(stored), stored, attributes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # xarray says that there are two missing values
        variable = xr.conventions.decode_cf_variable("values", raw)
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
