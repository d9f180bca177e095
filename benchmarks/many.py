"""What each tool does with many files or arrays; every function returns what it made."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from tools import registry

import zarrchive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CONCATENATE", "MANY", "OPENED"]

warnings.filterwarnings("ignore")


def _kerchunk_one(path: str) -> dict[str, object]:
    from kerchunk.hdf import SingleHdf5ToZarr

    return SingleHdf5ToZarr(path, inline_threshold=0).translate()


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
        registry=registry(paths[0]),
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


def _zarrchive_arrays(parts: int, refs: int) -> list[zarrchive.ManifestArray]:
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
    return [
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


def _zarrchive_concatenate(parts: int, refs: int) -> Callable[[], int]:
    arrays = _zarrchive_arrays(parts, refs)
    return lambda: int(np.concatenate(arrays, axis=0).manifest.nrefs)


def _zarrchive_put_together(parts: int, refs: int) -> Callable[[], int]:
    """Ask for the columns as well, which are put together only then."""
    arrays = _zarrchive_arrays(parts, refs)
    return lambda: int(np.concatenate(arrays, axis=0).manifest.offset.size)


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


_CHEAPLY = {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
"""Options with which xarray compares as little as it can."""


def _zarrchive_opened(paths: Sequence[str]) -> Callable[[], int]:
    """Read files; combining them is what `open_virtual_mfdataset` does with what was read."""
    from zarrchive.bridge.alike import joined_at_once
    from zarrchive.bridge.garbage import fewer_collections
    from zarrchive.bridge.many_files import Opener
    from zarrchive.readers import read_group

    opener = Opener(
        kind=xr.Dataset,
        group=None,
        reader=None,
        loadable_variables=None,
        drop_variables=None,
        decode_times=None,
        storage_options=None,
    )
    files = {path: read_group(path, inline=None) for path in paths}

    def combine() -> int:
        with fewer_collections():
            return int(joined_at_once(files, opener, None).sizes["time"])

    return combine


def _zarrchive_by_xarray(paths: Sequence[str]) -> Callable[[], int]:
    datasets = [zarrchive.open_virtual_dataset(path) for path in paths]
    return lambda: int(xr.combine_by_coords(datasets, **_CHEAPLY).sizes["time"])


def _virtualizarr_opened(paths: Sequence[str]) -> Callable[[], int]:
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import HDFParser

    known = registry(paths[0])
    datasets = [
        open_virtual_dataset(f"file://{path}", registry=known, parser=HDFParser()) for path in paths
    ]
    return lambda: int(xr.combine_by_coords(datasets, **_CHEAPLY).sizes["time"])


OPENED = {
    "zarrchive": _zarrchive_opened,
    "zarrchive, xarray": _zarrchive_by_xarray,
    "VirtualiZarr": _virtualizarr_opened,
}
MANY = {
    "zarrchive": _zarrchive_many,
    "VirtualiZarr": _virtualizarr_many,
    "kerchunk": _kerchunk_many,
    "xarray (netCDF4)": _xarray_many,
}
CONCATENATE = {
    "zarrchive": _zarrchive_concatenate,
    "zarrchive, columns": _zarrchive_put_together,
    "VirtualiZarr": _virtualizarr_concatenate,
}
