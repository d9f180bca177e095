"""Hierarchical files as one tree, judged by xarray group by group."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest
import xarray as xr

from zarrchive import CombineError, ManifestArray, open_virtual_mfdatatree


@pytest.fixture
def volume(tmp_path):
    """Make a file with a root, a group that varies, and a grid that does not."""

    def make(name, start, *, n=2, grid=(1.0, 2.0), extra=(), fixed=3, chunk=1, zlib=False):
        path = tmp_path / f"{name}.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.title = name
            file.createDimension("time", None)
            time = file.createVariable("time", "i4", ("time",))
            time.units = "days since 2000-01-01"
            time[:] = start + np.arange(n)
            for sweep in ("s0", "s1"):
                group = file.createGroup(sweep)
                values = group.createVariable("v", "f4", ("time",), chunksizes=(chunk,), zlib=zlib)
                values[:] = start + np.arange(n)
            site = file.createGroup("site")
            site.createDimension("x", len(grid))
            site.createVariable("x", "f8", ("x",))[:] = grid
            site.createVariable("fixed", "i4", ())[:] = fixed
            inner = site.createGroup("deeper")
            inner.createVariable("w", "i2", ("x",))[:] = np.arange(len(grid))
            for one in extra:
                file.createGroup(one)
        return str(path)

    return make


def codes(tree):
    return {problem.variable: problem.code for problem in tree.virtual.problems}


def opened(paths, path):
    return [xr.open_dataset(one, group=path, engine="netcdf4").load() for one in paths]


def test_each_group_equals_what_xarray_joins(volume):
    paths = [volume("b", 2, n=3), volume("a", 0)]
    tree = open_virtual_mfdatatree(paths)
    assert isinstance(tree["s0/v"].data, ManifestArray)
    assert codes(tree) == {"/site/deeper/w": "combine-not-compared"}
    lazy = tree.virtual.open()
    times = xr.concat(opened(reversed(paths), "/"), "time", combine_attrs="override")
    xr.testing.assert_equal(lazy.to_dataset().load(), times)
    for path in ("s0", "s1"):
        joined = xr.concat(opened(reversed(paths), path), "time")
        xr.testing.assert_equal(lazy[path].to_dataset(inherit=False).load(), joined)
    site = opened(paths[:1], "site")[0]
    xr.testing.assert_identical(lazy["site"].to_dataset(inherit=False).load(), site)
    np.testing.assert_array_equal(lazy["site/deeper/w"], [0, 1])


def test_a_new_dimension_in_every_group(volume, tmp_path):
    paths = [volume("a", 0), volume("b", 0)]
    tree = open_virtual_mfdatatree(paths, combine="nested", concat_dim="member")
    assert tree["s1/v"].sizes == {"member": 2, "time": 2}
    assert tree["site/deeper/w"].sizes == {"member": 2, "x": 2}
    tree.virtual.to_kerchunk(str(tmp_path / "tree.json"))
    storage = {"fo": str(tmp_path / "tree.json")}
    again = xr.open_datatree("reference://", engine="zarr", storage_options=storage)
    np.testing.assert_array_equal(again["s1/v"], tree.virtual.open()["s1/v"])


def test_an_existing_dimension_joins_only_the_groups_that_have_it(volume):
    paths = [volume("a", 0), volume("b", 2)]
    tree = open_virtual_mfdatatree(paths, combine="nested", concat_dim="time")
    assert tree["s0/v"].sizes == {"time": 4}
    assert tree["site"].to_dataset(inherit=False).sizes == {"x": 2}
    assert codes(tree) == {"/site/deeper/w": "combine-not-compared"}


def test_what_differs_in_a_group_that_is_taken_once_is_said(volume):
    paths = [volume("a", 0), volume("b", 2, fixed=4)]
    tree = open_virtual_mfdatatree(paths)
    assert codes(tree)["/site/fixed"] == "combine-hidden"
    (problem,) = (one for one in tree.virtual.problems if one.variable == "/site/fixed")
    assert paths[1] in str(problem)


def test_a_coordinate_that_differs_where_nothing_is_joined_is_an_error(volume):
    paths = [volume("a", 0), volume("b", 2, grid=(1.0, 2.5))]
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdatatree(paths, combine="nested", concat_dim="time")
    (problem,) = caught.value.problems
    assert (problem.code, problem.where, problem.variable) == (
        "combine-coordinate",
        paths[1],
        "/site/x",
    )
    assert "from 1.0 to 2.0" in problem.what
    assert "from 1.0 to 2.5" in problem.what


def test_a_group_that_is_missing_once_is_named(volume):
    paths = [volume("a", 0, extra=("more",)), volume("b", 2), volume("c", 4, extra=("more",))]
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdatatree(paths)
    (problem,) = caught.value.problems
    assert (problem.code, problem.where, problem.variable) == (
        "combine-missing-group",
        paths[1],
        "/more",
    )
    assert "2 of 3 files" in problem.what


def test_a_variable_that_does_not_fit_is_named_by_its_path(volume, tmp_path):
    paths = [volume("a", 0), volume("b", 2)]
    with netCDF4.Dataset(paths[1], "a") as file:
        file["s1"]["v"].scale_factor = 2.0
    with pytest.raises(CombineError) as caught:
        open_virtual_mfdatatree(paths)
    assert {problem.variable for problem in caught.value.problems} == {"/s1/v"}
    assert "scale_factor" in str(caught.value)


def test_a_group_that_does_not_fit_is_repaired(volume):
    paths = [volume("a", 0), volume("b", 2, chunk=2), volume("c", 4)]
    tree = open_virtual_mfdatatree(paths)  # uncompressed: cut to fit
    assert tree["s0/v"].data.manifest.nrefs == 6
    paths = [
        volume("a", 0, zlib=True),
        volume("b", 2, chunk=2, zlib=True),
        volume("c", 4, zlib=True),
    ]
    for options in ({}, {"combine": "nested", "concat_dim": "time"}):
        with pytest.raises(CombineError, match="chunks"):
            open_virtual_mfdatatree(paths, **options)
        tree = open_virtual_mfdatatree(paths, on_problem="repair", **options)
        assert codes(tree)["/s0/v"] == codes(tree)["/s1/v"] == "combine-repaired"
        joined = xr.concat(opened(paths, "s1"), "time")
        lazy = tree.virtual.open()["s1"].to_dataset(inherit=False).load()
        xr.testing.assert_equal(lazy, joined)


def test_one_file_is_its_tree(volume):
    tree = open_virtual_mfdatatree(volume("a", 0))
    assert sorted(tree.groups) == ["/", "/s0", "/s1", "/site", "/site/deeper"]


def test_preprocess_and_skipping(volume, tmp_path):
    paths = [volume("a", 0), volume("b", 2)]
    (tmp_path / "page.nc").write_text("<html>")
    tree = open_virtual_mfdatatree(
        [*paths, str(tmp_path / "page.nc")],
        on_problem="skip",
        preprocess=lambda one: one.drop_nodes(["s0"]),
    )
    assert "s0" not in tree.children
    assert tree.virtual.problems[0].where.endswith("page.nc")
