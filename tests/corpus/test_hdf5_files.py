"""Real HDF5 and netCDF4 files: exported as kerchunk JSON, read with xarray through fsspec.

The judges are h5py (stored values, every dataset) and xarray with h5netcdf (decoded values).
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin  # noqa: F401 - registers filters with HDF5
import numpy as np
import pytest
import xarray as xr

import zarrchive

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("ZARRCHIVE_DATA", ROOT.parent / "shared" / "data"))
FILES = sorted(p for p in FOLDER.rglob("*") if p.is_file() and h5py.is_hdf5(p))
RADAR = FOLDER / "openradar+open-radar-data"

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
needs_files = pytest.mark.skipif(not FILES, reason="no sample files; set ZARRCHIVE_DATA")
quiet = pytest.mark.filterwarnings("ignore")  # what xarray says about odd metadata is its own

FILES_SEEN: set[str] = set()
VARIABLES: Counter[str] = Counter()
PROBLEMS: Counter[str] = Counter()


def read_back(path: Path, **options: Any) -> xr.DataTree:
    storage = {"fo": str(path), "remote_protocol": "file"}
    return xr.open_datatree("reference://", engine="zarr", storage_options=storage, **options)


def datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield every dataset by path; a group that several links lead to is entered once."""
    pending, entered = [("", file)], set()
    while pending:
        above, group = pending.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in entered:
            continue
        entered.add(address)
        for name in group:
            member = group.get(name)
            if isinstance(member, h5py.Group):
                pending.append((f"{above}/{name}", member))
            elif isinstance(member, h5py.Dataset) and not is_pure_dimension(member):
                yield f"{above}/{name}", member


def is_pure_dimension(dataset: h5py.Dataset) -> bool:
    """Tell whether a dataset is only how netCDF stores the length of a dimension."""
    name = dataset.attrs.get("NAME", b"")
    text = name if isinstance(name, bytes) else str(name).encode()
    return text.startswith(b"This is a netCDF dimension but not a netCDF variable")


def variable_at(tree: xr.DataTree, path: str) -> xr.Variable | None:
    above, _, name = path.rpartition("/")
    try:
        return tree[above or "/"].dataset.variables.get(name)
    except KeyError:
        return None


def stored_values(dataset: h5py.Dataset, shape: tuple[int, ...]) -> np.ndarray:
    """Return what h5py reads, filled up to `shape`: a shared unlimited dimension is as long
    as the longest variable along it."""
    values = np.asarray(dataset[...])
    if h5py.check_string_dtype(dataset.dtype) and dataset.dtype.kind == "O":
        texts = [item.decode() if isinstance(item, bytes) else str(item) for item in values.flat]
        values = np.array(texts, dtype=object).reshape(values.shape)
    if values.shape == shape:
        return values
    assert None in dataset.maxshape
    whole = np.full(shape, dataset.fillvalue, dtype=values.dtype)
    whole[tuple(map(slice, values.shape))] = values
    return whole


def comparable(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind == "T" else array


@needs_files
@quiet
@every_file
def test_every_variable_is_equal_or_has_a_problem(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "references.json"
    tree = zarrchive.open_virtual_datatree(str(path), loadable_variables=[], decode_times=False)
    report = tree.virtual.to_kerchunk(str(output), on_problem="skip")
    back = read_back(output, decode_cf=False)
    problems = [*tree.virtual.problems, *report.problems]
    assert all(problem.where and problem.what and problem.hint for problem in problems)
    with h5py.File(path) as file:
        for name, dataset in datasets(file):
            variable = variable_at(back, name)
            if variable is None:
                codes = [p.code for p in problems if p.variable == name and p.severity == "error"]
                assert codes, f"{name} is missing, and no Problem says why"
                VARIABLES["with a Problem"] += 1
                PROBLEMS[codes[0]] += 1
                continue
            expected = stored_values(dataset, variable.shape)
            found = comparable(variable.values)
            np.testing.assert_array_equal(found, expected, err_msg=name)
            assert found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("="), name
            VARIABLES["equal"] += 1
    FILES_SEEN.add(path.name)


@needs_files
@quiet
@every_file
def test_decoded_values_are_those_of_xarray(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "references.json"
    zarrchive.open_virtual_datatree(str(path)).virtual.to_kerchunk(str(output), on_problem="skip")
    back = read_back(output)
    with xr.open_datatree(path, engine="h5netcdf", phony_dims="sort") as direct:
        for node in direct.subtree:
            for name, expected in node.dataset.variables.items():
                where = f"{node.path.rstrip('/')}/{name}"
                found = variable_at(back, where)
                if found is not None:
                    assert_alike(found, expected, where)
                    VARIABLES["equal after decoding"] += 1


def assert_alike(found: xr.Variable, expected: xr.Variable, where: str) -> None:
    # Phony names are numbered in other ways, and of several hard links to one scale
    # ("lat", "lat_hard") each library takes another for the name of the dimension.
    names = {str(dim).removesuffix("_hard") for dim in expected.dims}
    if not any(name.startswith("phony_dim") for name in names):
        assert set(found.dims) == names, where
    left, right = comparable(found.values), comparable(expected.values)
    if left.dtype == np.float64 and right.dtype == np.float32:
        # JSON has no single precision: xarray scales in double what it scales in single
        # precision when the attribute is read from HDF5.
        size = float(np.nanmax(np.abs(left), initial=0))
        np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-6 * size, err_msg=where)
        return
    np.testing.assert_array_equal(left, right, err_msg=where)


@needs_files
@quiet
@pytest.mark.parametrize("series", ["T_PAZA63", "T_PAZB63"])
def test_radar_volumes_combine_over_time_group_by_group(series: str, tmp_path: Path) -> None:
    paths = sorted(RADAR.glob(f"{series}*.h5"))
    assert len(paths) == 2
    trees = [zarrchive.open_virtual_datatree(str(path)) for path in paths]
    times = [np.datetime64(_time_of(tree), "ns") for tree in trees]

    def joined(*parts: xr.Dataset) -> xr.Dataset:
        if not parts[0].data_vars:
            return parts[0].drop_attrs()
        whole = xr.concat(parts, dim="time", combine_attrs="drop_conflicts")
        return whole.assign_coords(time=times)

    tree = xr.map_over_datasets(joined, *trees)
    output = tmp_path / "radar.json"
    report = tree.virtual.to_kerchunk(str(output))
    assert report.problems == ()
    back = read_back(output)
    compared = 0
    with h5py.File(paths[0]) as first, h5py.File(paths[1]) as second:
        for name, dataset in datasets(first):
            found = variable_at(back, name)
            assert found is not None
            assert found.dims[0] == "time"
            np.testing.assert_array_equal(found.values, np.stack([dataset[...], second[name][...]]))
            np.testing.assert_array_equal(back[name]["time"].values, times)
            compared += 1
    assert compared == report.nrefs / 2 > 0
    VARIABLES["equal in combined radar volumes"] += compared


def _time_of(tree: xr.DataTree) -> str:
    date, time = str(tree["what"].attrs["date"]), str(tree["what"].attrs["time"])
    return f"{date[:4]}-{date[4:6]}-{date[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}"


@needs_files
@quiet
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_files_with_different_variables_merge_into_one(zarr_format: Any, tmp_path: Path) -> None:
    paths = sorted(RADAR.glob("Z__C_RJTD_*.nc"))
    assert len(paths) == 3
    parts = [zarrchive.open_virtual_dataset(str(path)) for path in paths]
    whole = xr.merge(parts, compat="override", combine_attrs="drop_conflicts", join="exact")
    output = tmp_path / "merged.json"
    whole.virtual.to_kerchunk(str(output), zarr_format=zarr_format)
    back = read_back(output, decode_cf=False)
    decoded = read_back(output)
    seen: set[str] = set()
    for path in paths:
        with h5py.File(path) as file, xr.open_dataset(path, engine="h5netcdf") as direct:
            for name, dataset in datasets(file):
                if name in seen:
                    continue
                seen.add(name)
                found = variable_at(back, name)
                assert found is not None, name
                short = name.lstrip("/")
                if short not in whole.indexes:  # those were decoded, and are encoded anew
                    expected = stored_values(dataset, found.shape)
                    np.testing.assert_array_equal(found.values, expected, err_msg=name)
                assert_alike(decoded[short].variable, direct[short].variable, name)
                VARIABLES["equal in merged files"] += 1
    assert set(whole.variables) == {name.lstrip("/") for name in seen}


@needs_files
def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Print what the tests above have seen."""
    with capsys.disabled():
        lines = [f"{count:6} variables {what}" for what, count in VARIABLES.items()]
        lines += [f"{count:6} Problems {code}" for code, count in sorted(PROBLEMS.items())]
        report = "\n".join([f"{len(FILES_SEEN):6} of {len(FILES)} HDF5 files", *lines])
        os.write(1, f"\n{report}\n".encode())
    if len(FILES_SEEN) == len(FILES):
        assert VARIABLES["equal"] > 0
        assert VARIABLES["with a Problem"] < VARIABLES["equal"] / 10
