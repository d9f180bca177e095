"""Real netCDF classic files: exported as kerchunk JSON, read with xarray through fsspec.

The judges are the netCDF library (stored values) and xarray with it (decoded values).
"""

from __future__ import annotations

import os
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

import zarrchive

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("ZARRCHIVE_DATA", ROOT.parent / "shared" / "data"))


def is_classic(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in {b"CDF\x01", b"CDF\x02", b"CDF\x05"}


FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and is_classic(path))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
needs_files = pytest.mark.skipif(not FILES, reason="no sample files; set ZARRCHIVE_DATA")
quiet = pytest.mark.filterwarnings("ignore")  # what xarray says about odd metadata is its own


def read_back(path: Path, **options) -> xr.Dataset:
    storage = {"fo": str(path), "remote_protocol": "file"}
    return xr.open_dataset(
        "reference://", engine="zarr", storage_options=storage, consolidated=False, **options
    )


@needs_files
@quiet
@every_file
@pytest.mark.parametrize("form", [2, 3])
def test_every_variable_is_equal(path: Path, form: int, tmp_path: Path) -> None:
    output = tmp_path / "references.json"
    dataset = zarrchive.open_virtual_dataset(path, loadable_variables=[], decode_times=False)
    assert not dataset.virtual.problems
    dataset.virtual.to_kerchunk(output, zarr_format=form)
    back = read_back(output, decode_cf=False)
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        assert set(back.variables) == set(file.variables)
        for name, variable in file.variables.items():
            assert back[name].dims == variable.dimensions
            found, expected = back[name].values, np.asarray(variable[...])
            native = expected.dtype.newbyteorder("=")
            assert found.astype(native).tobytes() == expected.astype(native).tobytes(), name


@needs_files
@quiet
@every_file
def test_xarray_shows_the_same(path: Path) -> None:
    with xr.open_dataset(path, engine="netcdf4") as expected:
        virtual = zarrchive.open_virtual_dataset(path)
        xr.testing.assert_identical(virtual.virtual.open().load(), expected.load())
        with xr.open_dataset(path, engine="zarrchive") as found:
            xr.testing.assert_identical(found.load(), expected)
