"""Files that do not fit, in groups of those that do; judged by xarray, group by group."""

from __future__ import annotations

import netCDF4
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import zarrchive
from zarrchive import CombineError, ManifestArray, check, open_virtual_split

ERAS = {
    "dtype": {"dtype": "f8"},
    "chunks": {"chunks": (1, 2, 6)},
    "codec": {"compression": "zstd"},
    "packing": {"attributes": {"scale_factor": 0.5}},
    "names": {"names": ("t2m", "more")},
    "lat": {"lat_shift": 1},
}


def by_xarray(paths) -> xr.Dataset:
    opened = [xr.open_dataset(path, engine="netcdf4").load() for path in paths]
    return xr.combine_by_coords(
        opened, data_vars="minimal", coords="minimal", compat="override", combine_attrs="override"
    )


@settings(max_examples=12)
@given(data=st.data())
def test_each_group_is_what_xarray_makes_of_its_files(tmp_path_factory, month, data) -> None:
    folder = tmp_path_factory.mktemp("eras")
    kinds = data.draw(
        st.lists(st.sampled_from([None, *ERAS]), min_size=2, max_size=5), label="kinds"
    )
    expected: dict[str | None, list[str]] = {}
    for number, kind in enumerate(kinds):
        path = folder / f"{number}.nc"
        month(path, first=2 * number, days=2, **ERAS.get(kind, {}))
        expected.setdefault(kind, []).append(str(path))
    report = check(str(folder / "*.nc"), concat_dim="time")
    assert report.groups == tuple(map(tuple, expected.values()))
    tree = open_virtual_split(str(folder), combine="nested", concat_dim="time")
    assert list(tree.children) == [f"part_{number + 1}" for number in range(len(expected))]
    lazy = tree.virtual.open()
    for node, paths in zip(lazy.children.values(), expected.values(), strict=True):
        xr.testing.assert_equal(node.to_dataset(inherit=False).load(), by_xarray(paths))
    said = [p for p in tree.virtual.problems if p.code == "combine-split"]
    assert len(said) == (len(expected) if len(expected) > 1 else 0)


def test_the_report_offers_it_and_problems_say_what_is_where(tmp_path, month) -> None:
    for number in range(4):
        odd = {"attributes": {"scale_factor": 0.5}} if number > 1 else {}
        month(tmp_path / f"{number}.nc", first=2 * number, days=2, **odd)
    report = check(str(tmp_path))
    assert "can do: Split into 2 groups of files that agree" in str(report)
    tree = open_virtual_split(str(tmp_path))
    assert isinstance(tree["part_1/t2m"].data, ManifestArray)
    first, second = (p for p in tree.virtual.problems if p.code == "combine-split")
    assert "the group part_1 holds 2 of 4 files (0.nc and 1 other)" in first.what
    assert "the group part_2 holds 2 of 4 files (2.nc and 1 other): the packing" in second.what
    path = tmp_path / "all.json"
    tree.virtual.to_kerchunk(str(path))
    again = xr.open_dataset(
        "reference://",
        engine="zarr",
        group="part_2",
        chunks=None,
        storage_options={"fo": str(path)},
    )
    expected = by_xarray([str(tmp_path / "2.nc"), str(tmp_path / "3.nc")])
    xr.testing.assert_equal(again.load(), expected)


def test_what_no_group_can_mend_is_an_error(tmp_path, month) -> None:
    """Files that overlap agree in everything but their order."""
    for number, first in enumerate((0, 0, 4)):
        month(tmp_path / f"{number}.nc", first=first, days=2)
    with pytest.raises(CombineError, match=r"more than once|begin"):
        open_virtual_split(str(tmp_path))


def test_bad_files_are_left_out_only_when_asked_to(tmp_path, month) -> None:
    for number in range(2):
        month(tmp_path / f"{number}.nc", first=2 * number, days=2)
    (tmp_path / "bad.nc").write_text("<html>")
    with pytest.raises(zarrchive.FormatError):
        open_virtual_split(str(tmp_path))
    tree = open_virtual_split(str(tmp_path), on_problem="skip")
    assert list(tree.children) == ["part_1"]
    assert [problem.code for problem in tree.virtual.problems] == ["format-not-data"]
    assert check(str(tmp_path)).groups == ((str(tmp_path / "0.nc"), str(tmp_path / "1.nc")),)


def test_hierarchies_keep_their_groups(tmp_path) -> None:
    for number in range(3):
        with netCDF4.Dataset(tmp_path / f"{number}.nc", "w") as file:
            for group in ("a", "b"):
                made = file.createGroup(group)
                made.createDimension("time", None)
                made.createVariable("time", "i4", ("time",))[:] = [number]
                dtype = "f8" if number == 2 and group == "b" else "f4"
                made.createVariable("t", dtype, ("time",))[:] = [number]
    tree = open_virtual_split(str(tmp_path), combine="nested", concat_dim="time")
    assert sorted(node.path for node in tree.subtree) == [
        "/", "/part_1", "/part_1/a", "/part_1/b", "/part_2", "/part_2/a", "/part_2/b",
    ]  # fmt: skip
    lazy = tree.virtual.open()
    assert lazy["part_1/b/t"].values.tolist() == [0, 1]
    assert lazy["part_2/b/t"].values.tolist() == [2]
