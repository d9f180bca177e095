"""Attributes that differ between files: what numbers stand for, units, and all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np
import pytest

from zarrchive import CombineError, check, open_virtual_mfdataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    """Make three files of which the last has other attributes."""

    def make(
        usual: dict[str, Any], odd: dict[str, Any], *, of: str = "kind", zlib: bool = True
    ) -> list[str]:
        paths = []
        for number in range(3):
            paths.append(str(tmp_path / f"{number}.nc"))
            with netCDF4.Dataset(paths[-1], "w") as file:
                file.createDimension("time", None)
                file.createDimension("x", 2)
                time = file.createVariable("time", "i4", ("time",))
                time.units = "days since 2000-01-01"
                time[:] = 3 * number + np.arange(3)
                kind = file.createVariable("kind", "i1", ("time",), zlib=zlib, chunksizes=(3,))
                kind[:] = [0, 1, 2]
                file.createVariable("fixed", "f4", ("x",))[:] = [1, 2]
                file[of].setncatts(odd if number == 2 else usual)
        return paths

    return make


WATER = {"flag_values": np.array([0, 1, 2], "i1"), "flag_meanings": "water ice land"}


@pytest.mark.parametrize(
    ("usual", "odd", "words"),
    [
        (WATER, {**WATER, "flag_meanings": "land water ice"}, "land water ice"),
        (WATER, {**WATER, "flag_values": np.array([1, 2, 3], "i1")}, "[1, 2, 3]"),
        ({"cell_methods": "time: mean"}, {"cell_methods": "time: maximum"}, "time: maximum"),
        ({}, {"standard_name": "sea_ice_area_fraction"}, "sea_ice_area_fraction"),
    ],
)
def test_what_numbers_stand_for_is_a_warning(files, usual, odd, words) -> None:
    paths = files(usual, odd)
    report = check(paths)
    assert report.fits
    (problem,) = report.problems
    assert (problem.code, problem.variable, problem.where) == ("combine-meaning", "/kind", paths[2])
    assert words in problem.what
    whole = open_virtual_mfdataset(paths)
    (problem,) = (one for one in whole.virtual.problems if one.code == "combine-meaning")
    assert (problem.variable, problem.where) == ("kind", paths[2])
    assert words in problem.what
    assert problem.severity == "warning"
    assert whole.virtual.open()["kind"].values.tolist() == [0, 1, 2] * 3


def test_other_units_are_an_error_where_files_are_joined(files) -> None:
    paths = files({"units": "m"}, {"units": "km"})
    report = check(paths)
    assert not report.fits
    assert {problem.code for problem in report.problems} == {"combine-units"}
    with pytest.raises(CombineError, match=r"attribute units is 'm' in .* but 'km'"):
        open_virtual_mfdataset(paths)


def test_other_units_of_what_is_taken_once_are_a_warning(files) -> None:
    paths = files({"units": "m"}, {"units": "km"}, of="fixed")
    report = check(paths)
    assert report.fits
    assert {problem.code for problem in report.problems} == {"combine-units"}
    open_virtual_mfdataset(paths)


def test_all_other_attributes_are_named(files) -> None:
    paths = files(
        {"long_name": "a", "comment": "b", "valid_max": np.int8(2)},
        {"long_name": "c", "valid_max": np.int16(2), "source": "d"},
    )
    (problem,) = check(paths).problems
    assert problem.code == "combine-attributes"
    assert problem.severity == "warning"
    assert problem.what.endswith("are kept: /kind@comment, /kind@long_name, /kind@source")


def test_another_projection_is_a_warning(files) -> None:
    paths = files(
        {"grid_mapping_name": "transverse_mercator", "longitude_of_central_meridian": 9.0},
        {"grid_mapping_name": "transverse_mercator", "longitude_of_central_meridian": 15.0},
        of="fixed",
    )
    (problem,) = check(paths).problems
    assert (problem.code, problem.variable) == ("combine-meaning", "/fixed")
    assert "longitude_of_central_meridian=15.0" in problem.what
    found = open_virtual_mfdataset(paths).virtual.problems
    (problem,) = (one for one in found if one.code == "combine-meaning")
    assert "'longitude_of_central_meridian' of 'fixed' is 15.0" in problem.what
