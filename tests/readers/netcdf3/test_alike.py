"""Files that list the same variables share what was made of them, and nothing else."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import zarrchive
from zarrchive.location import open_source
from zarrchive.manifests.values import values_of
from zarrchive.readers.netcdf3.header import read_header
from zarrchive.readers.open import read_source
from zarrchive.testing.netcdf3_files import FORMATS


def write(path, form, day, n_steps=4, history="made by hand", fill=-9, length=3):
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.history = history
        file.createDimension("time", None)
        file.createDimension("x", length)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 2000-01-01"
        made = file.createVariable("v", "i2", ("time", "x"), fill_value=fill)
        made.set_auto_maskandscale(False)
        # Everything is defined before anything is written, as by whoever writes a series.
        time[:] = day + np.arange(n_steps) / 4
        made[:] = np.arange(n_steps * length).reshape(n_steps, length) + day


def read(path, **options):
    with open_source(path) as source:
        return read_source(source, **options)


@pytest.mark.parametrize("form", FORMATS)
def test_variables_are_parsed_once(tmp_path, form) -> None:
    paths = [tmp_path / name for name in "abc"]
    for day, path in enumerate(paths):
        write(path, form, day, history=f"made on day {day}")
    headers = []
    for path in paths:
        with open_source(path) as source:
            headers.append(read_header(source)[0])
    assert len({id(header.variables) for header in headers}) == 1
    assert len({header.attributes[0].values for header in headers}) == 3


@given(
    form=st.sampled_from(FORMATS),
    changes=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "n_steps": st.integers(0, 5),
                "history": st.text("ab", max_size=9),
                "fill": st.integers(-9, 9),
                "length": st.integers(1, 4),
            },
        ),
        min_size=2,
        max_size=6,
    ),
    inline=st.sampled_from([None, frozenset(), frozenset({"v"})]),
)
def test_each_file_is_read_as_by_itself(tmp_path_factory, form, changes, inline) -> None:
    folder = tmp_path_factory.mktemp("alike")
    for day, change in enumerate(changes):
        path = folder / f"{day}.nc"
        write(path, form, day, **change)
        group = read(path, inline=inline)
        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            assert group.attributes["history"] == file.history
            for name, array in group.arrays.items():
                assert array.dtype.newbyteorder("=") == file[name].dtype.newbyteorder("=")
                np.testing.assert_array_equal(values_of(array), file[name][:])
                assert array.attributes.get("_FillValue") == getattr(file[name], "_FillValue", None)
            assert {one.url for one in group.arrays["v"].manifest.files} <= {str(path)}


def test_a_series_of_all_formats_is_one_dataset(tmp_path) -> None:
    paths = [tmp_path / f"{day}.nc" for day in range(6)]
    for day, path in enumerate(paths):
        write(path, FORMATS[day % 3], day)
    combined = zarrchive.open_virtual_mfdataset(paths)
    assert combined["v"].data.manifest.nrefs == 24
    with xr.open_mfdataset(paths, engine="netcdf4") as expected:
        xr.testing.assert_identical(combined.virtual.open().load(), expected.load())


def test_a_file_of_netcdf4_among_them_is_repaired(tmp_path) -> None:
    paths = [tmp_path / f"{day}.nc" for day in range(4)]
    for day, path in enumerate(paths):
        write(path, "NETCDF4" if day == 2 else "NETCDF3_CLASSIC", day)
    with pytest.raises(zarrchive.ZarrchiveError, match="data type is >i2"):
        zarrchive.open_virtual_mfdataset(paths)
    combined = zarrchive.open_virtual_mfdataset(paths, on_problem="repair")
    assert combined["v"].data.manifest.nrefs == 12
    with xr.open_mfdataset(paths, engine="netcdf4") as expected:
        xr.testing.assert_identical(combined.virtual.open().load(), expected.load())
