"""Hierarchical files that are alike are joined at once: as group by group, or not at all."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive import open_virtual_mfdatatree
from zarrchive.bridge import mfdatatree
from zarrchive.bridge.notes import notes_of
from zarrchive.errors import ZarrchiveError


def write(path, start: int, n: int, change: str = "") -> str:
    """Write a file of a series: groups that inherit the time, have their own, or have none."""
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"title": "series", "history": f"made for {start}"})
        file.createDimension("time", None)
        file.createDimension("x", 3)
        _times(file, "time", start, n)
        file.createVariable("x", "f4", ("x",))[:] = [10, 20, 30]
        for name in ("inherits", "inherits/deeper"):
            group = file.createGroup(name)
            group.step = start if name == "inherits" else 0
            values = group.createVariable("v", "i2", ("time", "x"), zlib=True, chunksizes=(1, 3))
            values.units = "K"
            values[:] = start * 10 + np.arange(n * 3).reshape(n, 3)
        own = file.createGroup("own")
        own.createDimension("day", n)
        _times(own, "day", start * 2, n)
        own.createVariable("w", "f4", ("day",), chunksizes=(1,))[:] = np.arange(n)
        own.createVariable("number", "i4", ())[:] = 7
        site = file.createGroup("site")
        site.createVariable("height", "f4", ("x",))[:] = [1, 2, 3]
        site.createGroup("empty")
        if change:
            CHANGES[change](file)
    return str(path)


def _times(group, name: str, start: int, n: int) -> None:
    time = group.createVariable(name, "i4", (name,))
    time.units = "days since 2000-01-01"
    time[:] = start + np.arange(n)


def _inner_time(file) -> None:
    group = file["inherits"]
    group.createDimension("time", len(file.dimensions["time"]))
    _times(group, "time", 1000, len(file.dimensions["time"]))


def _backwards(file) -> None:
    day = file["own"]["day"]
    day[:] = -1000 * int(day[0]) - np.arange(len(day))[::-1]


CHANGES = {
    "attributes": lambda file: file["inherits"].setncattr("step", 99),
    "a group more": lambda file: file.createGroup("more"),
    "another number": lambda file: file["own"]["number"].__setitem__(..., 8),
    "another height": lambda file: file["site"]["height"].__setitem__(0, 5),
    "another grid": lambda file: file["x"].__setitem__(0, 11),
    "units": lambda file: file["inherits/deeper"]["v"].setncattr("units", "degC"),
    "what it stands for": lambda file: file["own"]["w"].setncattr("standard_name", "altitude"),
    "scale": lambda file: file["inherits"]["v"].setncattr("scale_factor", 0.5),
    "a time of its own": _inner_time,
    "other days": lambda file: file["own"]["day"].__setitem__(0, 5000),
    "days in reverse": _backwards,
    "times in reverse": lambda file: file["time"].__setitem__(0, 5000),
    "no time": lambda file: file["time"].setncattr("units", "metres"),
    "a variable more": lambda file: file["site"].createVariable("more", "f4", ("time",)),
}
AT_ONCE = {"", "attributes", "another height"}
"""What changes no value, and what nobody compares."""


@pytest.fixture
def at_once(monkeypatch):
    """Take note of what joining at once returned."""
    results = []
    real = mfdatatree.tree_joined_at_once

    def noted(*arguments):
        results.append(real(*arguments))
        return results[-1]

    monkeypatch.setattr(mfdatatree, "tree_joined_at_once", noted)
    return results


def outcome(paths, **options):
    """Return what becomes of files; an error as its words."""
    try:
        return open_virtual_mfdatatree(paths, **options)
    except ZarrchiveError as error:
        return [(problem.code, problem.what) for problem in error.problems]


def assert_alike(found: xr.DataTree, expected: xr.DataTree) -> None:
    xr.testing.assert_identical(found.virtual.open().load(), expected.virtual.open().load())
    assert [node.path for node in found.subtree] == [node.path for node in expected.subtree]
    for mine, theirs in zip(found.subtree, expected.subtree, strict=True):
        assert mine.encoding.keys() == theirs.encoding.keys()
        assert mine.encoding.get("source") == theirs.encoding.get("source")
        assert set(notes_of(mine).problems) == set(notes_of(theirs).problems)
        assert list(mine.variables) == list(theirs.variables)
        assert mine.indexes.keys() == theirs.indexes.keys()
        for name, index in mine.indexes.items():
            assert index.equals(theirs.indexes[name])
            assert index.dtype == theirs.indexes[name].dtype
        assert notes_of(mine).shadowed.keys() == notes_of(theirs).shadowed.keys()


@given(st.data(), st.sampled_from(["", *CHANGES]))
def test_at_once_is_as_group_by_group(tmp_path_factory, data, change: str) -> None:
    folder = tmp_path_factory.mktemp("series")
    lengths = data.draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    odd = data.draw(st.integers(0, len(lengths) - 1))
    starts = np.cumsum([0, *lengths])
    paths = [
        write(folder / f"{number}.nc", int(starts[number]), n, change if number == odd else "")
        for number, n in enumerate(lengths)
    ]
    paths = data.draw(st.permutations(paths))
    options = {"drop_variables": data.draw(st.sampled_from([None, "v", "/own/w"]))}
    options["group"] = data.draw(st.sampled_from([None, "inherits", "own"]))
    if data.draw(st.booleans()):
        options |= {"combine": "nested", "concat_dim": data.draw(st.sampled_from(["time", "x"]))}
    found = outcome(paths, **options)
    expected = outcome(paths, preprocess=lambda tree: tree, **options)
    assert isinstance(found, xr.DataTree) == isinstance(expected, xr.DataTree)
    if isinstance(expected, xr.DataTree):
        assert_alike(found, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("change", ["", *CHANGES])
def test_only_files_that_are_alike_are_joined_at_once(tmp_path, at_once, change: str) -> None:
    paths = [write(tmp_path / "b.nc", 2, 3, change), write(tmp_path / "a.nc", 0, 2)]
    found = outcome(paths)
    (result,) = at_once
    assert (result is not None) == (change in AT_ONCE)
    if result is not None:
        assert found["inherits/deeper/v"].sizes == {"time": 5, "x": 3}
        assert found["own/w"].sizes == {"day": 5}
        assert found.attrs["history"] == "made for 0"
        assert found["inherits"].attrs["step"] == 0


def test_one_order_for_all_groups(tmp_path, at_once) -> None:
    """Days that fall from file to file while times rise go the long way, each in its order."""
    paths = [
        write(tmp_path / "a.nc", 0, 2, "days in reverse"),
        write(tmp_path / "b.nc", 2, 2, "days in reverse"),
    ]
    found = outcome(paths)
    assert at_once == [None]
    assert list(found["own/day"].values) == sorted(found["own/day"].values)
    assert list(found["time"].values) == sorted(found["time"].values)
