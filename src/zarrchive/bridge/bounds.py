"""Bounds of times: without units of their own, their numbers count as those of the times do.

CF conventions 1.11, sections 7.1 (bounds) and 7.4 (climatology).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.replacing import with_variables
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.manifests.compare import decoding_differences

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

__all__ = ["REFERRING_TO_BOUNDS", "units_of_bounds", "with_units_stated"]

REFERRING_TO_BOUNDS: Final = ("bounds", "climatology")
"""Attributes of times that name their bounds."""


def units_of_bounds(
    dataset: xr.Dataset,
) -> Iterator[tuple[Hashable, str, dict[str, Any]]]:
    """Yield decoded times, the bounds that they name, and what these count in.

    Only bounds that are numbers without units of their own; loaded ones are times, mostly.
    """
    for name, variable in dataset.variables.items():
        if "units" not in variable.encoding:
            continue
        meaning = {k: variable.encoding[k] for k in ("units", "calendar") if k in variable.encoding}
        for key in REFERRING_TO_BOUNDS:
            bounds = variable.attrs.get(key)
            if not isinstance(bounds, str) or bounds not in dataset.variables:
                continue
            if _counts(dataset.variables[bounds]):
                yield name, bounds, meaning


def _counts(bounds: xr.Variable) -> bool:
    """Whether bounds are numbers that do not say what they count in."""
    array = virtual_array(bounds)
    if array is not None:
        return "units" not in array.attributes
    return bounds.dtype.kind in "iuf" and "units" not in {**bounds.attrs, **bounds.encoding}


def with_units_stated(datasets: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return datasets whose bounds say what they count in, where files do not agree in that."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for url, dataset in datasets.items():
        for _, bounds, meaning in units_of_bounds(dataset):
            found.setdefault(bounds, {})[url] = meaning
    result = dict(datasets)
    for bounds, meanings in found.items():
        first = next(iter(meanings.values()))
        if any(decoding_differences(first, one) for one in meanings.values()):
            made = {url: _stated(datasets[url], bounds, one) for url, one in meanings.items()}
            result = with_variables(result, bounds, made)
    return result


def _stated(dataset: xr.Dataset, bounds: str, meaning: Mapping[str, Any]) -> xr.Variable:
    old = dataset.variables[bounds]
    array = virtual_array(old)
    data: Any = old.data
    if array is not None:
        attributes = {**array.attributes, **meaning}
        metadata = changed_metadata(array.metadata, attributes=attributes)
        data = array.replaced(metadata, array.manifest)
    return xr.Variable(old.dims, data, {**old.attrs, **meaning}, old.encoding, fastpath=True)
