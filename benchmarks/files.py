"""The files that the benchmarks read, written by h5py and netCDF4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import netCDF4
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["chunked_file", "daily_files", "grouped_file"]

_VARIABLES = ("t2m", "d2m", "msl", "u10", "v10", "tp", "sst", "skt")


def daily_files(folder: Path, count: int) -> list[str]:
    """Write `count` daily files: 8 packed variables of (4, 36, 72), a chunk a step, attributes."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    paths = [folder / f"day_{day:04d}.nc" for day in range(count)]
    for day, path in enumerate(paths):
        if not path.exists():
            _daily_file(path, day, generator)
    return [str(path) for path in paths]


def _daily_file(path: Path, day: int, generator: np.random.Generator) -> None:
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"Conventions": "CF-1.8", "title": "daily fields", "institution": "none"})
        for name, size in (("time", None), ("latitude", 36), ("longitude", 72)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": "hours since 1990-01-01", "calendar": "standard"})
        time[:] = 24.0 * day + 6.0 * np.arange(4)
        latitude = file.createVariable("latitude", "f4", ("latitude",))
        latitude.units, latitude[:] = "degrees_north", np.linspace(87.5, -87.5, 36)
        longitude = file.createVariable("longitude", "f4", ("longitude",))
        longitude.units, longitude[:] = "degrees_east", np.arange(0, 360, 5)
        for name in _VARIABLES:
            variable = file.createVariable(
                name,
                "i2",
                ("time", "latitude", "longitude"),
                zlib=True,
                shuffle=True,
                chunksizes=(1, 36, 72),
                fill_value=-32767,
            )
            variable.setncatts(
                {
                    "units": "1",
                    "long_name": f"field {name}",
                    "scale_factor": 0.01,
                    "add_offset": 273.15,
                    "standard_name": name,
                    "cell_methods": "time: point",
                }
            )
            variable.set_auto_maskandscale(False)
            variable[:] = generator.integers(-300, 300, (4, 36, 72), dtype="i2")


def grouped_file(path: Path, groups: int) -> str:
    """Write `groups` groups of 4 chunked datasets with dimension scales and attributes."""
    if not path.exists():
        with netCDF4.Dataset(path, "w") as file:
            for number in range(groups):
                group = file.createGroup(f"sweep_{number:04d}")
                group.elevation = 0.5 * number
                group.createDimension("azimuth", 90)
                group.createDimension("range", 120)
                azimuth = group.createVariable("azimuth", "f4", ("azimuth",))
                azimuth[:] = np.arange(90) * 4.0
                for name in ("DBZH", "VRADH", "WRADH"):
                    variable = group.createVariable(
                        name, "f4", ("azimuth", "range"), zlib=True, chunksizes=(45, 120)
                    )
                    variable.units = "dBZ"
                    variable[:] = np.full((90, 120), number, "f4")
    return str(path)


def chunked_file(path: Path, chunks: int) -> str:
    """Write one gzip-compressed dataset of `chunks` chunks (B-tree v1, as netCDF4 writes)."""
    if not path.exists():
        with h5py.File(path, "w", libver="earliest") as file:
            data = file.create_dataset(
                "v", (chunks // 100, 100 * 4), "i4", chunks=(1, 4), compression="gzip"
            )
            payload = np.arange(data.shape[1], dtype="i4")
            for row in range(data.shape[0]):
                data[row] = payload + row
    return str(path)
