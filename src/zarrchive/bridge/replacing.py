"""Putting another variable in the place of one, in datasets by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from zarrchive.manifests import ManifestArray

__all__ = ["like", "with_variables"]


def like(pattern: xr.Variable, array: ManifestArray) -> xr.Variable:
    """Return a variable of `array`, with dimensions, attributes and encoding of another one."""
    return xr.Variable(pattern.dims, array, pattern.attrs, pattern.encoding, fastpath=True)


def with_variables(
    datasets: Mapping[str, xr.Dataset], name: Hashable, made: Mapping[str, xr.Variable]
) -> dict[str, xr.Dataset]:
    """Return datasets in which some have another variable of that name; encodings stay."""
    result = dict(datasets)
    for url, variable in made.items():
        encoding = result[url].encoding
        result[url] = result[url].assign({name: variable})
        result[url].encoding = encoding
    return result
