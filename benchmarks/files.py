"""The files that the benchmarks read, written once by h5py and netCDF4 into a cache folder."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py
import netCDF4
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["chunked_file", "classic_files", "daily_files", "grouped_file", "netcdf_file"]

_AHEAD = 3
_VARIABLES = ("t2m", "d2m", "msl", "u10", "v10", "tp", "sst", "skt")


@contextmanager
def _being_written(path: Path) -> Iterator[Path]:
    """Give a name to write under, and the right name to what was written whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    yield unfinished
    unfinished.replace(path)


def daily_files(folder: Path, count: int) -> list[str]:
    """Write `count` daily files: 8 packed variables of (4, 36, 72), a chunk a step, attributes."""
    paths = [folder / "daily" / f"day_{day:04d}.nc" for day in range(count)]
    for day, path in enumerate(paths):
        if not path.exists():
            with _being_written(path) as unfinished:
                _daily_file(unfinished, day)
    return [str(path) for path in paths]


def classic_files(folder: Path, count: int) -> list[str]:
    """Write the same files in the format of netCDF-3, which has neither chunks nor filters."""
    paths = [folder / "classic" / f"day_{day:04d}.nc" for day in range(count)]
    for day, path in enumerate(paths):
        if not path.exists():
            with _being_written(path) as unfinished:
                _daily_file(unfinished, day, "NETCDF3_64BIT_OFFSET")
    return [str(path) for path in paths]


def _daily_file(path: Path, day: int, form: Any = "NETCDF4") -> None:
    generator = np.random.default_rng(day)
    with netCDF4.Dataset(path, "w", format=form) as file:
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
            variable = _packed(file, name, (1, 36, 72), ("time", "latitude", "longitude"))
            variable[:] = generator.integers(-300, 300, (4, 36, 72), dtype="i2")


def _packed(file: Any, name: str, chunks: tuple[int, ...], dims: tuple[str, ...]) -> Any:
    variable = file.createVariable(
        name,
        "i2",
        dims,
        zlib=file.data_model == "NETCDF4",
        chunksizes=chunks if file.data_model == "NETCDF4" else None,
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
    return variable


def netcdf_file(folder: Path, variables: int, steps: int) -> str:
    """Write `variables` variables, a chunk a step, interleaved: the metadata are scattered.

    With 20 variables of 2000 steps it has about 140 MB.
    """
    path = folder / f"scattered_{variables}x{steps}.nc"
    if path.exists():
        return str(path)
    generator = np.random.default_rng(0)
    with _being_written(path) as unfinished, netCDF4.Dataset(unfinished, "w") as file:
        file.setncatts({"Conventions": "CF-1.8", "title": "fields", "history": "x" * 200})
        for name, size in (("time", None), ("latitude", 36), ("longitude", 72)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",), chunksizes=(1024,))
        time.setncatts({"units": "hours since 1990-01-01", "calendar": "standard"})
        latitude = file.createVariable("latitude", "f4", ("latitude",))
        latitude.units, latitude[:] = "degrees_north", np.linspace(87.5, -87.5, 36)
        longitude = file.createVariable("longitude", "f4", ("longitude",))
        longitude.units, longitude[:] = "degrees_east", np.arange(0, 360, 5)
        dims = ("time", "latitude", "longitude")
        made = [_packed(file, f"v{number:02d}", (1, 36, 72), dims) for number in range(variables)]
        time[:] = 6.0 * np.arange(steps)
        # Each variable is some steps ahead of the next: nodes of their indexes never are together.
        order = [(step + _AHEAD * at, step, at) for step in range(steps) for at in range(variables)]
        for _, step, at in sorted(order):
            made[at][step] = generator.integers(-300, 300, (36, 72), dtype="i2")
    return str(path)


def grouped_file(folder: Path, groups: int) -> str:
    """Write `groups` groups of 4 chunked datasets with dimension scales and attributes."""
    path = folder / f"groups_{groups}.nc"
    if path.exists():
        return str(path)
    with _being_written(path) as unfinished, netCDF4.Dataset(unfinished, "w") as file:
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


def chunked_file(folder: Path, chunks: int, *, index: str) -> str:
    """Write one dataset of `chunks` chunks of one byte, in a square grid.

    `index` is ``btree`` (version 1, as netCDF4 writes) or ``fixed-array``.
    """
    path = folder / f"{index}_{chunks}.h5"
    side = round(chunks**0.5)
    if not path.exists():
        libver = "earliest" if index == "btree" else "v110"
        with _being_written(path) as unfinished, h5py.File(unfinished, "w", libver=libver) as file:
            data = file.create_dataset("v", (side, side), "u1", chunks=(1, 1))
            data.attrs["units"] = "K"
            data[...] = np.arange(side * side, dtype="u1").reshape(side, side)
    return str(path)
