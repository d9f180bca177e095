"""What each tool does for each workload; every function returns how many references it made."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

import zarrchive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CONCATENATE", "DATASETS", "MANY", "TREE"]

warnings.filterwarnings("ignore")

_COORDINATES = {"time", "latitude", "longitude", "azimuth"}  # the other tools load these


def _registry() -> object:
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore

    return ObjectStoreRegistry({"file://": LocalStore()})


def _zarrchive_datasets(paths: Sequence[str]) -> int:
    return sum(zarrchive.open_virtual_dataset(path).virtual.nrefs for path in paths)


def _virtualizarr_datasets(paths: Sequence[str]) -> int:
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import HDFParser

    registry, parser = _registry(), HDFParser()
    found = (
        open_virtual_dataset(f"file://{path}", registry=registry, parser=parser) for path in paths
    )
    return sum(_virtualizarr_nrefs(dataset) for dataset in found)


def _virtualizarr_nrefs(dataset: xr.Dataset) -> int:
    return sum(
        int(np.count_nonzero(variable.data.manifest._paths != ""))
        for variable in dataset.variables.values()
        if hasattr(variable.data, "manifest")
    )


def _kerchunk_datasets(paths: Sequence[str]) -> int:
    return sum(len(_data_keys(_kerchunk_one(path))) for path in paths)


def _kerchunk_one(path: str) -> dict[str, object]:
    from kerchunk.hdf import SingleHdf5ToZarr

    return SingleHdf5ToZarr(path, inline_threshold=0).translate()


def _data_keys(references: dict[str, object]) -> list[str]:
    refs = references["refs"]
    assert isinstance(refs, dict)
    arrays = ((key.rpartition("/")[0].rpartition("/")[2], key) for key in refs)
    return [key for name, key in arrays if name not in _COORDINATES and isinstance(refs[key], list)]


def _xarray_many(paths: Sequence[str]) -> int:
    with xr.open_mfdataset(
        list(paths), combine="by_coords", data_vars="minimal", coords="minimal", compat="override"
    ) as dataset:
        return int(dataset.sizes["time"])


def _zarrchive_many(paths: Sequence[str]) -> int:
    return int(zarrchive.open_virtual_mfdataset(list(paths)).sizes["time"])


def _virtualizarr_many(paths: Sequence[str]) -> int:
    from virtualizarr import open_virtual_mfdataset
    from virtualizarr.parsers import HDFParser

    dataset = open_virtual_mfdataset(
        [f"file://{path}" for path in paths],
        registry=_registry(),
        parser=HDFParser(),
        data_vars="minimal",
        coords="minimal",
        compat="override",
    )
    return int(dataset.sizes["time"])


def _kerchunk_many(paths: Sequence[str]) -> int:
    import json

    from kerchunk.combine import MultiZarrToZarr

    combined = MultiZarrToZarr(
        [_kerchunk_one(path) for path in paths],
        concat_dims=["time"],
        identical_dims=["latitude", "longitude"],
        coo_map={"time": "cf:time"},
    ).translate()
    return int(json.loads(combined["refs"]["time/.zarray"])["shape"][0])


def _zarrchive_tree(paths: Sequence[str]) -> int:
    return sum(zarrchive.open_virtual_datatree(path).virtual.nrefs for path in paths)


def _virtualizarr_tree(paths: Sequence[str]) -> int:
    from virtualizarr import open_virtual_datatree
    from virtualizarr.parsers import HDFParser

    registry, parser = _registry(), HDFParser()
    trees = (
        open_virtual_datatree(f"file://{path}", registry=registry, parser=parser) for path in paths
    )
    return sum(_virtualizarr_nrefs(node.dataset) for tree in trees for node in tree.subtree)


def _zarrchive_concatenate(parts: int, refs: int) -> Callable[[], int]:
    from zarrchive.location.identity import SourceFile
    from zarrchive.manifests import ChunkManifest, ManifestArray
    from zarrchive.manifests._zarr import array_metadata

    metadata = array_metadata(
        shape=(refs, 4),
        dtype=np.dtype("f4"),
        chunk_shape=(1, 4),
        codecs=[{"name": "bytes", "configuration": {"endian": "little"}}],
        fill_value=0.0,
        dimension_names=("t", "x"),
        attributes={},
    )
    arrays = [
        ManifestArray(
            metadata,
            ChunkManifest.from_columns(
                (refs, 1),
                files=[SourceFile(f"/archive/of/a/model/run/file_{part:05d}.nc")],
                path_id=np.full((refs, 1), 2, "u4"),
                offset=(np.arange(refs, dtype="u8") * 16)[:, None],
                length=np.full((refs, 1), 16, "u4"),
            ),
        )
        for part in range(parts)
    ]
    return lambda: int(np.concatenate(arrays, axis=0).manifest.nrefs)


def _virtualizarr_concatenate(parts: int, refs: int) -> Callable[[], int]:
    from virtualizarr.manifests import ChunkManifest, ManifestArray
    from virtualizarr.manifests.utils import create_v3_array_metadata

    metadata = create_v3_array_metadata(
        shape=(refs, 4),
        data_type=np.dtype("f4"),
        chunk_shape=(1, 4),
        fill_value=0.0,
        codecs=[{"name": "bytes", "configuration": {"endian": "little"}}],
        dimension_names=("t", "x"),
    )
    arrays = []
    for part in range(parts):
        paths = np.full((refs, 1), f"file:///archive/of/a/model/run/file_{part:05d}.nc")
        manifest = ChunkManifest.from_arrays(
            paths=paths.astype(np.dtypes.StringDType()),
            offsets=(np.arange(refs, dtype="u8") * 16)[:, None],
            lengths=np.full((refs, 1), 16, "u8"),
        )
        arrays.append(ManifestArray(metadata=metadata, chunkmanifest=manifest))
    return lambda: int(np.concatenate(arrays, axis=0).manifest._paths.size)


DATASETS = {
    "zarrchive": _zarrchive_datasets,
    "VirtualiZarr": _virtualizarr_datasets,
    "kerchunk": _kerchunk_datasets,
}
MANY = {
    "zarrchive": _zarrchive_many,
    "VirtualiZarr": _virtualizarr_many,
    "kerchunk": _kerchunk_many,
    "xarray (netCDF4)": _xarray_many,
}
TREE = {
    "zarrchive": _zarrchive_tree,
    "VirtualiZarr": _virtualizarr_tree,
    "kerchunk": _kerchunk_datasets,
}
CONCATENATE = {"zarrchive": _zarrchive_concatenate, "VirtualiZarr": _virtualizarr_concatenate}
