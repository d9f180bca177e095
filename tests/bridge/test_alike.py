"""Files that are alike are joined at once: the same as file by file, or not at all."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive import open_virtual_dataset, open_virtual_mfdataset
from zarrchive.bridge.alike import series_of
from zarrchive.bridge.notes import notes_of
from zarrchive.errors import ZarrchiveError
from zarrchive.readers import read_group


def write(path, start: int, n: int, change: str = "") -> str:
    """Write one file of a series, with at most one thing that is not as in the others."""
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"title": "series", "history": "made"})
        file.createDimension("time", None)
        file.createDimension("lat", 3)
        times = start + np.arange(n, dtype="f8")
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 2000-01-01", "standard"
        time[:] = times
        lat = file.createVariable("lat", "f4", ("lat",))
        lat[:] = [10, 20, 30]
        run = file.createVariable("run", "i4", ())
        run[:] = 7
        mask = file.createVariable("mask", "i1", ("lat",))
        mask[:] = [1, 0, 1]
        t = file.createVariable(
            "t", "i2", ("time", "lat"), zlib=True, chunksizes=(1, 3), fill_value=-9
        )
        t.setncatts({"scale_factor": 0.5, "units": "K", "coordinates": "run"})
        t.set_auto_maskandscale(False)
        t[:] = start * 10 + np.arange(n * 3).reshape(n, 3)
        if change:
            CHANGES[change](file)
    return str(path)


def _attribute(variable: str, name: str, value: object):
    return lambda file: file[variable].setncattr(name, value)


def _values(variable: str, values: object):
    def change(file) -> None:
        file[variable][:] = values

    return change


def _more(file) -> None:
    file.createVariable("more", "f4", ("time", "lat"))[:] = 1


CHANGES = {
    "history": lambda file: file.setncattr("history", "made again"),
    "a comment": _attribute("t", "comment", "checked"),
    "units": _attribute("t", "units", "degC"),
    "scale": _attribute("t", "scale_factor", 0.25),
    "a coordinate more": _attribute("t", "coordinates", "run mask"),
    "another projection": _attribute("run", "grid_mapping_name", "mercator"),
    "what it stands for": _attribute("t", "cell_methods", "time: maximum"),
    "coordinates of all": lambda file: file.setncattr("coordinates", "mask"),
    "time units": _attribute("time", "units", "days since 2001-01-01"),
    "calendar": _attribute("time", "calendar", "noleap"),
    "a grid beside": _values("lat", [10, 20, 31]),
    "another run": _values("run", 8),
    "another mask": _values("mask", [1, 1, 1]),
    "times that go back": lambda file: file["time"].__setitem__(0, file["time"][0] + 50),
    "time that is missing": _values("time", np.nan),
    "a variable more": _more,
}
AT_ONCE = {"", "history", "a comment", "another mask"}
"""What changes no value, and what nobody compares."""


def outcome(paths, **options):
    """Return what becomes of files; an error as its words."""
    try:
        return open_virtual_mfdataset(paths, **options)
    except ZarrchiveError as error:
        return [(problem.code, problem.what) for problem in error.problems]


@given(st.data(), st.sampled_from(["", *CHANGES]))
def test_at_once_is_as_file_by_file(tmp_path_factory, data, change: str) -> None:
    folder = tmp_path_factory.mktemp("series")
    lengths = data.draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    odd = data.draw(st.integers(0, len(lengths) - 1))
    starts = np.cumsum([0, *lengths])
    paths = [
        write(folder / f"{number}.nc", int(starts[number]), n, change if number == odd else "")
        for number, n in enumerate(lengths)
    ]
    paths = data.draw(st.permutations(paths))
    options = {"drop_variables": data.draw(st.sampled_from([None, "mask"]))}
    if data.draw(st.booleans()):
        options |= {"combine": "nested", "concat_dim": data.draw(st.sampled_from(["time", "lat"]))}
    found = outcome(paths, **options)
    expected = outcome(paths, preprocess=lambda ds: ds, **options)
    assert isinstance(found, xr.Dataset) == isinstance(expected, xr.Dataset)
    if not isinstance(expected, xr.Dataset):
        assert found == expected
        return
    xr.testing.assert_identical(found.virtual.open().load(), expected.virtual.open().load())
    assert list(found.variables) == list(expected.variables)
    assert found.indexes["time"].equals(expected.indexes["time"])
    assert found.indexes["time"].dtype == expected.indexes["time"].dtype
    assert set(notes_of(found).problems) == set(notes_of(expected).problems)
    assert found.encoding.keys() == expected.encoding.keys()


@pytest.mark.parametrize("change", ["", *CHANGES])
def test_only_files_that_are_alike_are_joined_at_once(tmp_path, change: str) -> None:
    write(tmp_path / "a.nc", 0, 2)
    write(tmp_path / "b.nc", 2, 3, change)
    groups = {path: read_group(path, inline=None) for path in map(str, tmp_path.glob("*.nc"))}
    series = series_of(groups)
    assert (series is not None) == (change in AT_ONCE)
    if series is not None:
        assert series.dim == "time"
        assert series.first.endswith("a.nc")
        assert series.joined.attributes["history"] == "made"
        assert series.joined.arrays["t"].shape == (5, 3)


def test_one_file_is_no_series_and_attributes_are_those_of_the_first_in_order(tmp_path) -> None:
    later = write(tmp_path / "a.nc", 5, 2, "history")
    first = write(tmp_path / "b.nc", 0, 2)
    assert series_of({later: read_group(later, inline=None)}) is None
    whole = open_virtual_mfdataset([later, first])
    assert whole.attrs == open_virtual_dataset(first).attrs
    assert "source" not in whole.encoding


def test_a_variable_longer_than_its_coordinate_in_one_file_is_not_shifted(tmp_path) -> None:
    """The sums of the lengths agree, what belongs together does not."""
    paths = []
    for name, n_coordinate, n_values, start in (("a", 2, 3, 0), ("b", 3, 2, 2)):
        paths.append(str(tmp_path / f"{name}.nc"))
        with netCDF4.Dataset(paths[-1], "w") as file:
            file.createDimension("time", n_coordinate)
            file.createDimension("other", n_values)
            file.createVariable("time", "i4", ("time",))[:] = start + np.arange(n_coordinate)
            file.createVariable("t", "f4", ("other",), chunksizes=(1,))[:] = 1
    groups = {path: read_group(path, inline=None) for path in paths}
    renamed = {
        path: type(group)(arrays={name: _along_time(array) for name, array in group.arrays.items()})
        for path, group in groups.items()
    }
    assert series_of(renamed) is None


def _along_time(array):
    from zarrchive.manifests._zarr import changed_metadata

    metadata = changed_metadata(array.metadata, dimension_names=("time",))
    return array.replaced(metadata, array.manifest)
