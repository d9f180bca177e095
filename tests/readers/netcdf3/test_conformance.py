"""NetCDF3Reader does what every reader must do."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest

from zarrchive.readers.netcdf3 import NetCDF3Reader
from zarrchive.testing.conformance import ReaderConformance
from zarrchive.testing.netcdf3_files import FORMATS


class TestNetCDF3Reader(ReaderConformance):
    most_requests = 2

    @pytest.fixture
    def reader(self):
        return NetCDF3Reader()

    @pytest.fixture(params=FORMATS)
    def sample(self, request, tmp_path):
        values = {
            "/fixed": np.arange(3000.0).reshape(3, 1000),
            "/records": np.arange(15, dtype=">i2").reshape(5, 3),
            "/time": np.arange(5, dtype=">f8"),
            "/scalar": np.float32(2.5),
        }
        path = tmp_path / "sample"
        with netCDF4.Dataset(path, "w", format=request.param) as file:
            for name, size in {"time": None, "y": 3, "x": 1000}.items():
                file.createDimension(name, size)
            dimensions = {"/fixed": ("y", "x"), "/records": ("time", "y"), "/time": ("time",)}
            for name, data in values.items():
                made = file.createVariable(name[1:], data.dtype.str[1:], dimensions.get(name, ()))
                made[...] = data
        return path.read_bytes(), values
