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
    """Yield decoded times, the virtual bounds that they name, and what these count in.

    Only bounds without units of their own.
    """
    for name, variable in dataset.variables.items():
        if "units" not in variable.encoding:
            continue
        meaning = {k: variable.encoding[k] for k in ("units", "calendar") if k in variable.encoding}
        for key in REFERRING_TO_BOUNDS:
            bounds = variable.attrs.get(key)
            if not isinstance(bounds, str) or bounds not in dataset.variables:
                continue
            array = virtual_array(dataset.variables[bounds])
            if array is not None and "units" not in array.attributes:
                yield name, bounds, meaning


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
    array = old.data
    attributes = {**array.attributes, **meaning}
    stated = array.replaced(changed_metadata(array.metadata, attributes=attributes), array.manifest)
    return xr.Variable(old.dims, stated, {**old.attrs, **meaning}, old.encoding, fastpath=True)
