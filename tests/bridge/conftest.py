"""netCDF4 files as people have them, made by the netCDF4 library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import netCDF4
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def rich_file(tmp_path: Path) -> str:
    """One file with most of what CF and netCDF4 have."""
    path = tmp_path / "rich file #1.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.title, file.version, file.levels = "rich", np.int16(3), np.array([1.0, 2.0], "f4")
        for name, size in {"time": None, "y": 4, "x": 5, "nv": 2, "letters": 3, "label": 2}.items():
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar, time.bounds = "hours since 2001-02-03", "standard", "time_bnds"
        time[:] = [0.1, 6.7, 12.25]
        file.createVariable("time_bnds", "f8", ("time", "nv"))[:] = [[0, 1], [6, 7], [12, 13]]
        y = file.createVariable("y", "i2", ("y",))
        y.scale_factor, y.add_offset = 0.1, -10.0
        y[:] = [-10.0, -9.9, -9.8, -9.7]
        file.createVariable("label", str, ("label",))[:] = np.array(["a", "bcé"], dtype=object)
        lon = file.createVariable("lon", "f4", ("y", "x"))
        lon.units = "degrees_east"
        lon[:] = np.arange(20).reshape(4, 5)
        t = file.createVariable("t", "i2", ("time", "y", "x"), zlib=True, chunksizes=(1, 4, 5))
        t.scale_factor, t.missing_value = np.float32(0.5), np.int16(-99)
        t.units, t.coordinates = "K", "lon height"
        t[:] = np.arange(60).reshape(3, 4, 5)
        file.createVariable("height", "f8", ())[:] = 2.0
        f = file.createVariable("f", "f4", ("y", "x"), fill_value=-1.0)
        f[:] = np.where(np.arange(20).reshape(4, 5) == 3, -1, 0)
        file.createVariable("name", "S1", ("label", "letters"))[:] = netCDF4.stringtochar(
            np.array(["ab", "cde"], "S3")
        )
        flags = file.createVariable("flags", "u1", ("x",))
        flags.flag_values = np.array([0, 1], "u1")
        flags[:] = [0, 1, 0, 1, 0]
        delay = file.createVariable("delay", "i4", ("x",))
        delay.units = "days"
        delay[:] = 7
    return str(path)


@pytest.fixture
def daily(tmp_path: Path) -> Callable[..., str]:
    """Make a small file of a series; everything about it can be changed."""

    def make(
        name: str,
        start: int,
        *,
        n: int = 2,
        units: str = "days since 2000-01-01",
        scale: float = 0.5,
        lat: object = (10.0, 20.0, 30.0),
        variables: tuple[str, ...] = ("t", "q"),
        run: int = 7,
        calendar: str = "standard",
    ) -> str:
        path = tmp_path / f"{name}.nc"
        with netCDF4.Dataset(path, "w") as file:
            lats = np.asarray(lat)
            file.createDimension("time", None)
            file.createDimension("lat", lats.size)
            time = file.createVariable("time", "i4", ("time",))
            time.units, time.calendar = units, calendar
            time[:] = start + np.arange(n)
            file.createVariable("lat", "f8", ("lat",))[:] = lats
            file.createVariable("run", "i4", ())[:] = run
            for one in variables:
                v = file.createVariable(one, "i2", ("time", "lat"), chunksizes=(1, lats.size))
                v.scale_factor, v.coordinates = scale, "run"
                v[:] = scale * (start * 10 + np.arange(n * lats.size).reshape(n, lats.size))
        return str(path)

    return make
