"""Real files: every dataset equals h5py's, is a netCDF dimension, or has a Problem."""

from __future__ import annotations

import hdf5plugin
import netCDF4
import pytest

from zarrchive.errors import FormatError
from zarrchive.manifests.values import values_of
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5_files import differences_from_h5py

assert hdf5plugin.FILTERS  # imported so that h5py, the judge, can decode everything


def test_every_dataset_of_every_file(data_folder) -> None:
    found, different, arrays, problems = 0, [], 0, []
    for path in sorted(data_folder.rglob("*")):
        if not path.is_file() or path.read_bytes()[:8] != b"\x89HDF\r\n\x1a\n":
            continue
        found += 1
        group = read_group(path)
        different += [f"{path.name}: {text}" for text in differences_from_h5py(path, group)]
        arrays += sum(len(node.arrays) for _, node in group.walk())
        problems += [p for p in group.all_problems() if p.severity == "error"]
    print(f"{found} files, {arrays} arrays, {len(problems)} variables refused")  # noqa: T201 - for the log
    assert different == []
    assert arrays > 10 * len(problems)


def test_netcdf_shows_the_same_shapes_and_dimensions(data_folder) -> None:
    """Along unlimited dimensions HDF5 has other shapes than netCDF."""
    compared = 0
    paths = [path for path in sorted(data_folder.rglob("*.nc")) if "linked" not in path.name]
    for path in paths:  # netCDF-C calls a dimension with several links by the last of them
        try:
            group = read_group(path)
        except FormatError:
            continue
        with netCDF4.Dataset(path) as file:
            for name, variable in file.variables.items():
                if name not in group.arrays:
                    continue
                array = group.arrays[name]
                assert array.shape == variable.shape, (path, name)
                assert array.metadata.dimension_names == variable.dimensions, (path, name)
                compared += 1
    if not compared:
        pytest.skip("no netCDF4 files here")


def test_values_where_netcdf_shows_more_than_hdf5(data_folder) -> None:
    paths = sorted(data_folder.rglob("Z__C_RJTD*.nc"))
    if not paths:
        pytest.skip("no such file here")
    group = read_group(paths[0])
    with netCDF4.Dataset(paths[0]) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        got = values_of(group.arrays["time_coverage_start"])
        assert got.tolist() == file["time_coverage_start"][...].tolist()
