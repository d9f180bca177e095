"""Virtual datasets and trees as ordinary lazy ones, without any export."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.datatree import from_datatree, join_tree
from zarrchive.bridge.encoding import from_dataset
from zarrchive.bridge.notes import notes_of
from zarrchive.manifests import ManifestStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["open_dataset", "open_datatree", "quiet_zarr"]


def open_dataset(
    dataset: xr.Dataset,
    *,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - as xarray.open_zarr takes them
) -> xr.Dataset:
    """Return an ordinary Dataset with the data of a virtual one; values are read when needed."""
    store = ManifestStore(from_dataset(dataset), storage_options=storage_options)
    options.setdefault("decode_times", notes_of(dataset).decode_times)
    with quiet_zarr():
        opened = xr.open_zarr(
            store, zarr_format=3, consolidated=False, chunks=options.pop("chunks", None), **options
        )
    return _restored(opened, dataset)


def open_datatree(
    tree: xr.DataTree,
    *,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - as xarray.open_zarr takes them
) -> xr.DataTree:
    """Return an ordinary DataTree with the data of a virtual one; see `open_dataset`."""
    store = ManifestStore(from_datatree(tree), storage_options=storage_options)
    options.setdefault("decode_times", notes_of(tree).decode_times)
    names: list[str] = []
    datasets: list[xr.Dataset] = []
    parents: list[int | None] = []
    pending: list[tuple[str, xr.DataTree, int | None, str]] = [("", tree, None, "")]
    while pending:
        name, node, parent, path = pending.pop()
        names.append(name)
        parents.append(parent)
        with quiet_zarr():
            opened = xr.open_zarr(
                store,
                group=path or None,
                zarr_format=3,
                consolidated=False,
                chunks=None,
                **options,
            )
        datasets.append(_restored(opened, node.to_dataset(inherit=False)))
        at = len(names) - 1
        pending.extend(
            (child_name, child, at, f"{path}/{child_name}".lstrip("/"))
            for child_name, child in reversed(list(node.children.items()))
        )
    return join_tree(names, datasets, parents)


def _restored(opened: xr.Dataset, virtual: xr.Dataset) -> xr.Dataset:
    """Give back what the way through Zarr has lost: coordinates, and the types of attributes."""
    coordinates = [name for name in virtual.coords if name in opened.data_vars]
    if coordinates:
        opened = opened.set_coords(coordinates)
    unindexed = [
        name
        for name in opened.xindexes
        if name in virtual.variables
        and name not in virtual.xindexes
        and virtual_array(virtual.variables[name]) is None
    ]
    if unindexed:
        opened = opened.drop_indexes(unindexed)
    opened.attrs.update({k: v for k, v in virtual.attrs.items() if k in opened.attrs})
    for name, variable in virtual.variables.items():
        attributes = opened.variables[name].attrs
        attributes.update({k: v for k, v in variable.attrs.items() if k in attributes})
    return opened


@contextmanager
def quiet_zarr() -> Iterator[None]:
    """Silence what zarr says of data types and codecs without a final specification."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Zarr V3 specification.*")
        warnings.filterwarnings("ignore", message=".*Zarr format 3 specification.*")
        warnings.filterwarnings("ignore", message=".*Zarr version 3 specification.*")
        yield
