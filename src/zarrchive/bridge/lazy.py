"""Files as ordinary lazy xarray objects, read through references: what the engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr
from xarray.backends import ZarrBackendEntrypoint

import zarrchive.bridge.accessor  # noqa: F401 - ds.virtual.problems
from zarrchive.bridge.datatree import join_tree
from zarrchive.bridge.dimensions import with_named_dimensions
from zarrchive.bridge.notes import Notes, set_notes
from zarrchive.bridge.opening import quiet_zarr, restore_attributes
from zarrchive.location import normalise, redact
from zarrchive.manifests import ManifestGroup, ManifestStore
from zarrchive.readers import read_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.bridge.open import StrPath
    from zarrchive.readers import Reader

__all__ = ["lazy_dataset", "lazy_groups", "tree_of"]


def lazy_dataset(
    url: StrPath,
    *,
    group: str | None,
    reader: str | Reader | None,
    storage_options: Mapping[str, Any] | None,
    decoding: Mapping[str, Any],
) -> xr.Dataset:
    """Open one group of a file; `decoding` are options of xarray's decoder."""
    whole = read_group(url, reader=reader, group=group, storage_options=storage_options)
    alone = ManifestGroup(arrays=whole.arrays, attributes=whole.attributes, problems=whole.problems)
    found = with_named_dimensions(alone, where=redact(normalise(url)))
    store = ManifestStore(found, storage_options=storage_options)
    return _opened(store, found, "/", decoding)


def lazy_groups(
    url: StrPath,
    *,
    group: str | None,
    reader: str | Reader | None,
    storage_options: Mapping[str, Any] | None,
    decoding: Mapping[str, Any],
) -> dict[str, xr.Dataset]:
    """Open a group of a file and all below it, by path, parents first."""
    whole = read_group(url, reader=reader, group=group, storage_options=storage_options)
    found = with_named_dimensions(whole, where=redact(normalise(url)))
    store = ManifestStore(found, storage_options=storage_options)
    return {path: _opened(store, node, path, decoding) for path, node in found.walk()}


def tree_of(groups: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """Join groups by path, parents first, to a tree."""
    at = {path: index for index, path in enumerate(groups)}
    names = [path.rpartition("/")[2] for path in groups]
    parents = [None if path == "/" else at[path.rpartition("/")[0] or "/"] for path in groups]
    return join_tree(names, list(groups.values()), parents)


def _opened(
    store: ManifestStore, group: ManifestGroup, path: str, decoding: Mapping[str, Any]
) -> xr.Dataset:
    with quiet_zarr():
        raw = ZarrBackendEntrypoint().open_dataset(
            store,  # type: ignore[arg-type] # xarray's types know paths only
            group=path.lstrip("/") or None,
            consolidated=False,
            zarr_format=3,
            mask_and_scale=False,
            decode_times=False,
            decode_timedelta=False,
            concat_characters=False,
            decode_coords=False,
        )
    restore_attributes(raw, group)
    variables, attributes, names = xr.conventions.decode_cf_variables(
        raw.variables, raw.attrs, **decoding
    )
    coords = {n: v for n, v in variables.items() if n in names or v.dims == (n,)}
    data_vars = {n: v for n, v in variables.items() if n not in coords}
    # Whether coordinates get an index is for xarray to decide, which calls this.
    dataset = xr.Dataset(data_vars, coords=xr.Coordinates(coords, indexes={}), attrs=attributes)
    dataset.set_close(store.close)
    set_notes(dataset, Notes(problems=group.problems))
    return dataset
