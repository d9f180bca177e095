"""Ordinary files are read without h5py, which is imported only when something is left to it."""

from __future__ import annotations

import logging
import subprocess
import sys

import netCDF4
import numpy as np
import pytest

from zarrchive.location import open_source
from zarrchive.readers.hdf5.opened import opened
from zarrchive.testing.hdf5.atlas import ATLAS
from zarrchive.testing.hdf5.library import library

READ = """
import sys
sys.modules["h5py"] = None
import zarrchive
dataset = zarrchive.open_virtual_dataset(sys.argv[1])
assert not dataset.virtual.problems, dataset.virtual.problems
print(dict(dataset.sizes), dataset.time.values[-1], *dataset["name"].attrs)
"""


def test_h5py_is_not_needed(tmp_path) -> None:
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        time = file.createVariable("time", "f8", ("time",), zlib=True)
        time.units = "days since 2000-01-01"
        time[:] = np.arange(100)
        name = file.createVariable("name", str, ("time",))
        name[:] = np.array([f"day {n}" for n in range(100)], dtype=object)
        for number in range(20):
            name.setncattr(f"a{number:02d}", "x" * 100)
        file.createVariable("x", "f4", ("time",), chunksizes=(7,))[:] = 1
    command = [sys.executable, "-c", READ, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{'time': 100} 2000-04-09T00:00:00.000000000 a00 a01")


def test_what_is_left_to_h5py_is_said(sample, caplog) -> None:
    with sample.writing() as file:
        file["x"] = [1]
    with caplog.at_level(logging.INFO, logger="zarrchive"), open_source(sample.path) as source:
        with opened(source, None) as file:
            file.leave("/x", "it is of a kind that only HDF5 knows")
        assert "1 objects were left to h5py, the first is /x: it is of a kind" in caplog.text


@pytest.mark.skipif(library() is None, reason="this h5py has no library of its own")
def test_filtered_links_are_read_here(sample, caplog) -> None:
    ATLAS["links, dense and filtered"].write(sample.path)
    with caplog.at_level(logging.INFO, logger="zarrchive"):
        found = sample.checked()
    assert found.all_problems() == ()
    assert "left to h5py" not in caplog.text
