"""Files as ordinary lazy xarray objects, read through references: what the engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray.backends import ZarrBackendEntrypoint

import zarrchive.bridge.accessor  # noqa: F401 - ds.virtual.problems
from zarrchive.bridge.datatree import from_datatree, join_tree
from zarrchive.bridge.encoding import from_dataset
from zarrchive.bridge.notes import Notes, set_notes
from zarrchive.bridge.open import StrPath, open_virtual_dataset, open_virtual_datatree
from zarrchive.bridge.opening import quiet_zarr
from zarrchive.manifests import ManifestGroup, ManifestStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import xarray as xr

    from zarrchive.readers import Reader

__all__ = ["lazy_dataset", "lazy_groups", "tree_of"]


def lazy_dataset(  # noqa: PLR0913 - the options of the engine
    url: StrPath,
    *,
    group: str | None,
    reader: str | Reader | None,
    storage_options: Mapping[str, Any] | None,
    drop_variables: str | Iterable[str] | None,
    decoding: Mapping[str, Any],
) -> xr.Dataset:
    """Open one group of a file; `decoding` are options of xarray's zarr engine."""
    virtual = open_virtual_dataset(
        url,
        group=group,
        reader=reader,
        loadable_variables=(),
        drop_variables=drop_variables,
        storage_options=storage_options,
    )
    found = from_dataset(virtual)
    store = ManifestStore(found, storage_options=storage_options)
    return _opened(store, found, None, decoding)


def lazy_groups(  # noqa: PLR0913 - the options of the engine
    url: StrPath,
    *,
    group: str | None,
    reader: str | Reader | None,
    storage_options: Mapping[str, Any] | None,
    drop_variables: str | Iterable[str] | None,
    decoding: Mapping[str, Any],
) -> dict[str, xr.Dataset]:
    """Open a group of a file and all below it, by path, parents first."""
    virtual = open_virtual_datatree(
        url,
        group=group,
        reader=reader,
        loadable_variables=(),
        drop_variables=drop_variables,
        storage_options=storage_options,
    )
    found = from_datatree(virtual)
    store = ManifestStore(found, storage_options=storage_options)
    return {path: _opened(store, node, path, decoding) for path, node in found.walk()}


def tree_of(groups: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """Join groups by path, parents first, to a tree."""
    at = {path: index for index, path in enumerate(groups)}
    names = [path.rpartition("/")[2] for path in groups]
    parents = [None if path == "/" else at[path.rpartition("/")[0] or "/"] for path in groups]
    return join_tree(names, list(groups.values()), parents)


def _opened(
    store: ManifestStore, group: ManifestGroup, path: str | None, decoding: Mapping[str, Any]
) -> xr.Dataset:
    with quiet_zarr():
        dataset = ZarrBackendEntrypoint().open_dataset(
            store,  # type: ignore[arg-type] # xarray's types know paths only
            group=None if path in {None, "/"} else str(path).lstrip("/"),
            consolidated=False,
            zarr_format=3,
            **decoding,
        )
    set_notes(dataset, Notes(problems=group.problems))
    return dataset
