"""Virtual datasets and trees as ordinary lazy ones, without any export.

xarray decodes by the attributes as the file has them: JSON would take the width from their
numbers, and with it the precision in which xarray unpacks values.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.datatree import from_datatree, join_tree
from zarrchive.bridge.encoding import from_dataset
from zarrchive.bridge.notes import notes_of
from zarrchive.manifests import ManifestStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zarrchive.manifests import ManifestGroup

__all__ = ["open_dataset", "open_datatree", "quiet_zarr", "restore_attributes"]

_DECODING: Final = (
    "concat_characters",
    "decode_coords",
    "decode_timedelta",
    "decode_times",
    "drop_variables",
    "mask_and_scale",
    "use_cftime",
)


def open_dataset(
    dataset: xr.Dataset,
    *,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - as xarray.open_zarr takes them
) -> xr.Dataset:
    """Return an ordinary Dataset with the data of a virtual one; values are read when needed."""
    group = from_dataset(dataset)
    store = ManifestStore(group, storage_options=storage_options)
    options.setdefault("decode_times", notes_of(dataset).decode_times)
    return _opened(store, group, "/", dataset, options)


def open_datatree(
    tree: xr.DataTree,
    *,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - as xarray.open_zarr takes them
) -> xr.DataTree:
    """Return an ordinary DataTree with the data of a virtual one; see `open_dataset`."""
    root = from_datatree(tree)
    store = ManifestStore(root, storage_options=storage_options)
    options.setdefault("decode_times", notes_of(tree).decode_times)
    names: list[str] = []
    datasets: list[xr.Dataset] = []
    parents: list[int | None] = []
    pending: list[tuple[str, xr.DataTree, ManifestGroup, int | None]] = [("/", tree, root, None)]
    while pending:
        path, node, group, parent = pending.pop()
        names.append(path.rpartition("/")[2])
        parents.append(parent)
        virtual = node.to_dataset(inherit=False)
        datasets.append(_opened(store, group, path, virtual, options))
        at, base = len(names) - 1, path.rstrip("/")
        pending.extend(
            (f"{base}/{name}", child, group.groups[name], at)
            for name, child in reversed(list(node.children.items()))
        )
    return join_tree(names, datasets, parents)


def restore_attributes(opened: xr.Dataset, group: ManifestGroup) -> None:
    """Put attributes as the file has them in place of those that came through JSON."""
    opened.attrs = dict(group.attributes)
    for name, variable in opened.variables.items():
        variable.attrs = dict(group.arrays[str(name)].attributes)


def _opened(
    store: ManifestStore,
    group: ManifestGroup,
    path: str,
    virtual: xr.Dataset,
    options: Mapping[str, Any],
) -> xr.Dataset:
    decoding = {key: value for key, value in options.items() if key in _DECODING}
    others = {key: value for key, value in options.items() if key not in _DECODING}
    is_decoded = others.pop("decode_cf", True)
    others.setdefault("chunks", None)
    with quiet_zarr():
        opened = xr.open_zarr(
            store,
            group=path.lstrip("/") or None,
            zarr_format=3,
            consolidated=False,
            decode_cf=False,
            **others,
        )
    restore_attributes(opened, group)
    if not is_decoded:
        raw: xr.Dataset = opened
        return raw
    return _restored(xr.decode_cf(opened, **decoding), virtual)


def _restored(opened: xr.Dataset, virtual: xr.Dataset) -> xr.Dataset:
    """Have the coordinates and indexes that the virtual dataset has."""
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
    return opened.drop_indexes(unindexed) if unindexed else opened


@contextmanager
def quiet_zarr() -> Iterator[None]:
    """Silence what zarr says of data types and codecs without a final specification."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Zarr V3 specification.*")
        warnings.filterwarnings("ignore", message=".*Zarr format 3 specification.*")
        warnings.filterwarnings("ignore", message=".*Zarr version 3 specification.*")
        yield
