"""The last resort for a variable that files store in ways that do not fit: its decoded values."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import xarray as xr

from zarrchive.bridge.replacing import with_variables
from zarrchive.errors import ZarrchiveError
from zarrchive.manifests.compare import decoding_differences
from zarrchive.manifests.concat import problems_of_concat
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from zarrchive.bridge.repairs import Repairs
    from zarrchive.manifests import ManifestArray

__all__ = ["Given", "loaded_decoded"]

_OF_STORAGE: Final = frozenset(
    {
        "concat-attributes",
        "concat-chunks",
        "concat-codecs",
        "concat-dtype",
        "concat-fill-value",
        "concat-ragged",
    }
)
"""What has to do with how numbers are stored, which decoding them undoes."""
_PACKING: Final = frozenset(
    {"scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned"}
)


class Given(NamedTuple):
    """A variable that does not fit."""

    name: Hashable
    arrays: dict[str, ManifestArray]
    """By file."""
    axes: list[int]
    """Along which it is joined."""


def loaded_decoded(
    datasets: Mapping[str, xr.Dataset], given: Given, repairs: Repairs
) -> dict[str, xr.Dataset] | None:
    """Put the decoded values of all files into the dataset, as xarray decodes each by itself.

    Returns
    -------
    dict of Dataset
        None where that is too much, where values are no numbers, and where files differ in more
        than how numbers are stored, such as in units.
    """
    name, arrays, axes = given
    first, *others = arrays.values()
    reasons = problems_of_concat(list(arrays.values()), axis=axes[0])
    if not {reason.code for reason in reasons} <= _OF_STORAGE:
        return None
    differing = {
        key for one in others for key in decoding_differences(first.attributes, one.attributes)
    }
    if not differing <= _PACKING or any(one.dtype.kind not in "iuf" for one in arrays.values()):
        return None
    if sum(array.size for array in arrays.values()) * 8 > repairs.limit:
        return None
    made: dict[str, xr.Variable] = {}
    for url, array in arrays.items():
        try:
            made[url] = _decoded(datasets[url].variables[name], name, array, repairs)
        except (ZarrchiveError, OSError, ValueError, TypeError, RuntimeError):
            return None
    nbytes = sum(variable.nbytes for variable in made.values())
    repairs.limit -= nbytes
    what = (
        f"did not fit ({reasons[0].what}) and cannot be stored alike without a change; its "
        f"decoded values in all files, {nbytes} bytes, are in the dataset"
    )
    repairs.note(name, list(arrays), len(datasets), what, "the files themselves are not changed")
    return with_variables(datasets, name, made)


def _decoded(
    old: xr.Variable, name: Hashable, array: ManifestArray, repairs: Repairs
) -> xr.Variable:
    values = values_of(array, storage_options=repairs.storage_options)
    packing = {key: array.attributes[key] for key in _PACKING if key in array.attributes}
    raw = xr.Variable(old.dims, values, {**old.attrs, **packing})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # xarray says that there are two missing values
        found: Any = xr.conventions.decode_cf_variable(
            name, raw, concat_characters=False, mask_and_scale=True, decode_times=False
        )
    kept = {
        key: old.encoding[key] for key in ("coordinates", "grid_mapping") if key in old.encoding
    }
    return xr.Variable(old.dims, found.values, found.attrs, kept)
