"""How long an archive of many small files takes, and how much memory, in a process of its own.

python archive.py [COUNT] [FOLDER] [--processes]

100 000 files of 17 kB by default, which are kept; with --processes they are read in as many
processes as there are processors.
"""

from __future__ import annotations

import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import netCDF4
import numpy as np

import zarrchive

_CACHE = Path.home() / ".cache" / "zarrchive-benchmarks" / "archive"
_DIMENSIONS = ("time", "lat", "lon")


def _write(folder: Path, day: int) -> str:
    """Write one day of two packed and compressed variables on a grid of 10 by 20."""
    path = folder / f"{day:06d}.nc"
    if path.exists():
        return str(path)
    values = np.random.default_rng(day).integers(0, 300, (2, 1, 10, 20))
    unfinished = path.with_suffix(".unfinished")
    with netCDF4.Dataset(unfinished, "w") as file:
        for name, size in zip(_DIMENSIONS, (None, 10, 20), strict=True):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",), chunksizes=(1,))
        time.units, time[:] = "days since 1850-01-01", float(day)
        file.createVariable("lat", "f4", ("lat",))[:] = np.arange(10)
        file.createVariable("lon", "f4", ("lon",))[:] = np.arange(20)
        for name, content in zip(("t2m", "precip"), values, strict=True):
            variable = file.createVariable(
                name, "i2", _DIMENSIONS, zlib=True, chunksizes=(1, 10, 20), fill_value=-1
            )
            variable.setncatts({"units": "1", "scale_factor": 0.1})
            variable.set_auto_maskandscale(False)
            variable[:] = content
    unfinished.replace(path)
    return str(path)


def main() -> None:
    """Write what is missing, open all of it, compare a sample with netCDF4, and print figures."""
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    count = int(given[0]) if given else 100_000
    folder = Path(given[1]) if len(given) > 1 else _CACHE
    executor: Any = "processes" if "--processes" in sys.argv else None
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        paths = list(pool.map(partial(_write, folder), range(count), chunksize=500))
    start = perf_counter()
    whole = zarrchive.open_virtual_mfdataset(paths, executor=executor, progress=False)
    seconds = perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lazy = whole.virtual.open()
    for day in sorted({0, count // 2, count - 1}):
        with netCDF4.Dataset(paths[day]) as file:
            np.testing.assert_allclose(lazy.t2m[day].values, file["t2m"][0].filled(np.nan))
    manifest = whole.t2m.data.manifest
    print(f"{count} files in {seconds:.1f} s, {most:.0f} MiB at most")
    print(f"{whole.virtual.nrefs} references of {manifest.nbytes / manifest.nrefs:.0f} bytes")


if __name__ == "__main__":
    main()
