"""What each tool does with one HDF5 file, and how many references are in the result.

Two levels are compared: what a tool's reader alone gives, and the xarray objects that people use.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import zarrchive
from zarrchive.location import open_source
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.readers.netcdf3 import NetCDF3Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

__all__ = [
    "CLASSIC_DATASET",
    "CLASSIC_READER",
    "DATASET",
    "INDEX",
    "READER",
    "TREE",
    "Tool",
    "h5py_chunks",
    "with_counts",
]

warnings.filterwarnings("ignore")


@dataclass(frozen=True)
class Tool:
    """One way to look at a file."""

    name: str
    does: str
    """What is in the result, and what is not."""
    run: Callable[[str], Any]
    count: Callable[[Any], int | None]
    """References in a result; None where it cannot be asked."""


def registry(url: str) -> Any:
    """Return what VirtualiZarr finds the store of a path or URL in."""
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import HTTPStore, LocalStore

    if url.startswith("http"):
        root = url.rpartition("/")[0]
        return ObjectStoreRegistry(
            {root: HTTPStore.from_url(root, client_options={"allow_http": True})}
        )
    return ObjectStoreRegistry({"file://": LocalStore()})


def with_counts(dataset: xr.Dataset) -> int:
    """Count the references of a virtual dataset of VirtualiZarr."""
    return sum(
        _nonempty(variable.data.manifest)
        for variable in dataset.variables.values()
        if hasattr(variable.data, "manifest")
    )


def _nonempty(manifest: Any) -> int:
    return int(np.count_nonzero(manifest._paths != ""))


def _zarrchive_reader(path: str) -> Any:
    with open_source(path) as source:
        return HDF5Reader().read(source)


def _zarrchive_classic(path: str) -> Any:
    with open_source(path) as source:
        return NetCDF3Reader().read(source)


def _zarrchive_count(group: Any) -> int:
    return sum(array.manifest.nrefs for _, array in group.walk_arrays())


def _virtualizarr_parser(path: str) -> Any:
    from virtualizarr.parsers import HDFParser

    return HDFParser()(_url(path), registry(path))


def _virtualizarr_dataset(path: str) -> xr.Dataset:
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import HDFParser

    return open_virtual_dataset(_url(path), registry=registry(path), parser=HDFParser())


def _virtualizarr_tree(path: str) -> xr.DataTree:
    from virtualizarr import open_virtual_datatree
    from virtualizarr.parsers import HDFParser

    return open_virtual_datatree(_url(path), registry=registry(path), parser=HDFParser())


def _url(path: str) -> str:
    return path if path.startswith("http") else f"file://{path}"


def _parser_count(store: Any) -> int:
    pending, found = [store._group], 0
    while pending:
        group = pending.pop()
        pending.extend(group.groups.values())
        found += sum(_nonempty(array.manifest) for array in group.arrays.values())
    return found


def _kerchunk(path: str) -> dict[str, Any]:
    from kerchunk.hdf import SingleHdf5ToZarr

    return SingleHdf5ToZarr(path, inline_threshold=0).translate()


def _hidefix(path: str) -> Any:
    import hidefix

    return hidefix.Index(path)


def h5py_chunks(path: str) -> dict[str, list[Any]]:
    """List the chunks of all datasets as h5py tells them, one call of Python for each."""
    import h5py

    found: dict[str, list[Any]] = {}

    def take(name: str, dataset: Any) -> None:
        if isinstance(dataset, h5py.Dataset) and dataset.chunks:
            dataset.id.chunk_iter(found.setdefault(name, []).append)

    with h5py.File(path, "r") as file:
        file.visititems(take)
    return found


def _classic_parser(path: str) -> Any:
    from virtualizarr.parsers import NetCDF3Parser

    return NetCDF3Parser()(_url(path), registry(path))


def _classic_dataset(path: str) -> xr.Dataset:
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import NetCDF3Parser

    return open_virtual_dataset(_url(path), registry=registry(path), parser=NetCDF3Parser())


def _classic_kerchunk(path: str) -> dict[str, Any]:
    from kerchunk.netCDF3 import NetCDF3ToZarr

    return NetCDF3ToZarr(path, inline_threshold=0).translate()


READER = (
    Tool(
        "zarrchive",
        "groups with Zarr metadata, all attributes, byte ranges",
        _zarrchive_reader,
        _zarrchive_count,
    ),
    Tool(
        "VirtualiZarr",
        "HDFParser: groups with Zarr metadata, attributes, a path and a range for each chunk",
        _virtualizarr_parser,
        _parser_count,
    ),
    Tool(
        "kerchunk",
        "SingleHdf5ToZarr: a dict of documents and [path, offset, length], with attributes",
        _kerchunk,
        lambda refs: sum(isinstance(value, list) for value in refs["refs"].values()),
    ),
)
"""Of one file, without xarray."""
INDEX = (
    Tool(
        "hidefix",
        "Index: byte ranges of chunked datasets only; no attributes, no types, no paths",
        _hidefix,
        lambda _: None,
    ),
    Tool(
        "h5py",
        "chunk_iter: byte ranges only, as a list",
        h5py_chunks,
        lambda found: sum(map(len, found.values())),
    ),
)
"""Less than a reader."""
DATASET = (
    Tool(
        "zarrchive",
        "open_virtual_dataset, dimension coordinates loaded",
        zarrchive.open_virtual_dataset,
        lambda dataset: dataset.virtual.nrefs,
    ),
    Tool(
        "VirtualiZarr",
        "open_virtual_dataset, dimension coordinates loaded",
        _virtualizarr_dataset,
        with_counts,
    ),
)
CLASSIC_READER = (
    Tool(
        "zarrchive",
        "groups with Zarr metadata, all attributes, byte ranges",
        _zarrchive_classic,
        _zarrchive_count,
    ),
    Tool(
        "VirtualiZarr",
        "NetCDF3Parser: groups with Zarr metadata, attributes, a path and a range for each chunk",
        _classic_parser,
        _parser_count,
    ),
    Tool(
        "kerchunk",
        "NetCDF3ToZarr: a dict of documents and [path, offset, length], with attributes",
        _classic_kerchunk,
        READER[2].count,
    ),
)
CLASSIC_DATASET = (
    DATASET[0],
    Tool(
        "VirtualiZarr",
        "open_virtual_dataset, dimension coordinates loaded",
        _classic_dataset,
        with_counts,
    ),
)
TREE = (
    Tool(
        "zarrchive",
        "open_virtual_datatree",
        zarrchive.open_virtual_datatree,
        lambda tree: tree.virtual.nrefs,
    ),
    Tool(
        "VirtualiZarr",
        "open_virtual_datatree",
        _virtualizarr_tree,
        lambda tree: sum(with_counts(node.dataset) for node in tree.subtree),
    ),
)
