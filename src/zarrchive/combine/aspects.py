"""The properties in which arrays must agree to be joined, each as something to compare."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.combine.contents import dims_of
from zarrchive.combine.texts import codec_texts
from zarrchive.manifests.chunk_lengths import lengths_text
from zarrchive.manifests.compare import GRID_MAPPING, MEANING_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from zarrchive.manifests import ManifestArray

__all__ = ["ASPECTS", "Aspect", "is_time", "plain_value"]

_SAME_CALENDAR: Final = MappingProxyType(
    {"gregorian": "standard", "365_day": "noleap", "366_day": "all_leap"}
)
"""Other names of calendars (CF 1.11, 4.4.2)."""
_PACKING: Final = ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned")


_PRECISE: Final = frozenset({"scale_factor", "add_offset"})


@dataclass(frozen=True, slots=True)
class Aspect:
    """One property in which arrays must agree."""

    code: str
    says: str
    hint: str
    of: Callable[[ManifestArray, Collection[int]], Hashable]
    """Takes the axes along which arrays are joined as well."""
    only_virtual: bool = True
    """Whether loading the values solves it."""
    is_error: bool = True
    is_error_apart: bool = True
    """Whether it is one, too, where a variable is not joined but taken from one file."""
    may_be_repaired: bool = False
    """Whether values that differ in it alone can be stored as the others without a change."""


def _sizes_elsewhere(array: ManifestArray, axes: Collection[int]) -> Hashable:
    return " x ".join("*" if i in axes else str(n) for i, n in enumerate(array.shape)) or "scalar"


def _packing(array: ManifestArray, _axes: Collection[int]) -> Hashable:
    """Say what turns stored numbers into values; times count from a date."""
    names = (*_PACKING, "units", "calendar") if is_time(array) else _PACKING
    known = {key: array.attributes[key] for key in names if key in array.attributes}
    said = [
        f"{key}={plain_value(value)}{_precision(value) if key in _PRECISE else ''}"
        for key, value in known.items()
    ]
    return ", ".join(said) or "absent"


def _precision(value: object) -> str:
    """Say the data type of a factor, which decides in which precision values are unpacked."""
    dtype = np.asarray(value).dtype.newbyteorder("=")
    return "" if dtype == np.float64 else f" ({dtype})"


def _calendar(array: ManifestArray, _axes: Collection[int]) -> Hashable:
    """Say by which calendar times count; standard is what CF calls the mixed one, too."""
    if not is_time(array):
        return ""
    calendar = str(array.attributes.get("calendar", "standard")).lower()
    return _SAME_CALENDAR.get(calendar, calendar)


def _units(array: ManifestArray, _axes: Collection[int]) -> Hashable:
    return "" if is_time(array) else plain_value(array.attributes.get("units", "absent"))


def _meaning(array: ManifestArray, _axes: Collection[int]) -> Hashable:
    names = sorted(array.attributes) if GRID_MAPPING in array.attributes else MEANING_ATTRIBUTES
    known = {key: array.attributes.get(key) for key in names}
    said = [f"{key}={plain_value(value)}" for key, value in known.items() if value is not None]
    return ", ".join(said) or "not said"


def is_time(array: ManifestArray) -> bool:
    """Tell whether numbers count from a date."""
    return " since " in str(array.attributes.get("units", ""))


def plain_value(value: Any) -> str:  # noqa: ANN401 - an attribute
    """Return an attribute or fill value as text to compare."""
    return str(np.asarray(value).tolist())


def _codecs(array: ManifestArray, _axes: Collection[int]) -> Hashable:
    return " + ".join(codec_texts(array))


_LOAD_OR_LEAVE: Final = "put its values into the export, or leave the files out that differ"
_LEAVE: Final = "leave the files out that differ, or the variable"
ASPECTS: Final = (
    Aspect(
        "combine-dims",
        "the order of dimensions",
        "leave the variable or the files out that differ",
        lambda array, _: " x ".join(dims_of(array)) or "scalar",
        only_virtual=False,
    ),
    Aspect(
        "combine-shape",
        "the shape",
        "leave the variable or the files out that differ",
        _sizes_elsewhere,
        only_virtual=False,
    ),
    Aspect(
        "combine-dtype",
        "the type",
        _LOAD_OR_LEAVE,
        lambda array, _: str(array.dtype),
        may_be_repaired=True,
    ),
    Aspect(
        "combine-chunks",
        "the chunk shape",
        _LOAD_OR_LEAVE,
        lambda array, _: lengths_text(array.chunk_lengths),
        may_be_repaired=True,
    ),
    Aspect("combine-codecs", "the compression", _LOAD_OR_LEAVE, _codecs, may_be_repaired=True),
    Aspect(
        "combine-fill",
        "the fill value",
        _LOAD_OR_LEAVE,
        lambda array, _: plain_value(array.metadata.fill_value),
        may_be_repaired=True,
    ),
    Aspect(
        "combine-packing",
        "the packing",
        _LEAVE,
        _packing,
        only_virtual=False,
        may_be_repaired=True,
    ),
    Aspect("combine-calendar", "the calendar", _LEAVE, _calendar, only_virtual=False),
    Aspect("combine-units", "the unit", _LEAVE, _units, only_virtual=False, is_error_apart=False),
    Aspect(
        "combine-meaning",
        "what it stands for",
        "leave out the files that differ if it matters: the result says it of all values",
        _meaning,
        only_virtual=False,
        is_error=False,
    ),
)
