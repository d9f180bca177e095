"""Dimension names: those of scales, of netCDF, and made-up ones; one size for each name."""

from __future__ import annotations

import h5py
import netCDF4
import numpy as np
import pytest

from zarrchive.manifests.values import values_of


def _names(group, *variables):
    return [group.arrays[name].metadata.dimension_names for name in variables]


@pytest.fixture
def netcdf(sample):
    def make():
        return netCDF4.Dataset(sample.path, "w")

    return make


def test_scales_of_netcdf(sample, netcdf) -> None:
    with netcdf() as file:
        file.createDimension("t", None)
        file.createDimension("x", 3)
        file.createVariable("t", "f8", ("t",))[:] = [1, 2]
        file.createVariable("v", "f8", ("t", "x"))[:] = np.ones((2, 3))
    group = sample.checked()
    assert list(group.arrays) == ["t", "v"]
    assert _names(group, "t", "v") == [("t",), ("t", "x")]


def test_scales_of_parents_keep_their_own_name(sample, netcdf) -> None:
    with netcdf() as file:
        file.createDimension("t", 2)
        file.createVariable("t", "f8", ("t",))[:] = [1, 2]
        inner = file.createGroup("a").createGroup("b")
        inner.createDimension("z", 4)
        inner.createVariable("v", "f8", ("t", "z"))[:] = np.ones((2, 4))
    group = sample.checked()
    assert _names(group.groups["a"].groups["b"], "v") == [("t", "z")]
    alone = sample.read(group="/a/b")
    assert _names(alone, "v") == [("t", "z")]
    assert not alone.groups


@pytest.mark.parametrize("dims", [("lat", "lon"), ("lon", "lat")])
def test_coordinate_of_two_dimensions_called_like_one(sample, netcdf, dims) -> None:
    with netcdf() as file:
        file.createDimension("lat", 3)
        file.createDimension("lon", 4)
        shape = tuple(len(file.dimensions[name]) for name in dims)
        file.createVariable("lat", "f8", dims)[:] = np.arange(12.0).reshape(shape)
        file.createVariable("v", "f8", ("lat", "lon"))[:] = np.zeros((3, 4))
    group = sample.read()
    assert sorted(group.arrays) == ["lat", "v"]
    assert _names(group, "lat", "v") == [dims, ("lat", "lon")]
    assert values_of(group.arrays["lat"]).shape == shape
    assert group.all_problems() == ()


def test_character_coordinate(sample, netcdf) -> None:
    with netcdf() as file:
        file.createDimension("station", 2)
        file.createDimension("strlen", 3)
        names = file.createVariable("station", "S1", ("station", "strlen"))
        names[:] = np.array([list("abc"), list("de ")], "S1")
        file.createVariable("v", "f8", ("station",))[:] = [1, 2]
    group = sample.checked()
    assert _names(group, "station", "v") == [("station", "strlen"), ("station",)]


def test_variable_called_like_a_dimension_that_is_not_its_own(sample, netcdf) -> None:
    with netcdf() as file:
        file.createDimension("x", 3)
        file.createDimension("y", 4)
        file.createVariable("x", "f8", ("y",))[:] = [1, 2, 3, 4]
        file.createVariable("v", "f8", ("x",))[:] = [1, 2, 3]
    group = sample.read()
    assert _names(group, "x", "v") == [("y",), ("x",)]
    assert values_of(group.arrays["x"]).tolist() == [1, 2, 3, 4]


def test_several_scales_on_one_dimension(sample) -> None:
    with sample.writing() as file:
        for name in ("a", "b"):
            file[name] = np.arange(3.0)
            file[name].make_scale()
        file["v"] = np.ones(3)
        file["v"].dims[0].attach_scale(file["b"])
        file["v"].dims[0].attach_scale(file["a"])
    group = sample.checked()
    (problem,) = group.all_problems()
    assert _names(group, "v") == [("b",)]
    assert (problem.code, problem.variable) == ("hdf5-several-scales", "/v")
    assert problem.severity == "warning"


def test_scale_of_another_length(sample) -> None:
    with sample.writing() as file:
        file["a"] = np.arange(2.0)
        file["a"].make_scale()
        file["v"] = np.ones(3)
        file["v"].dims[0].attach_scale(file["a"])
    group = sample.checked()
    (problem,) = group.all_problems()
    assert _names(group, "a", "v") == [("a",), ("phony_dim_0",)]
    assert problem.code == "hdf5-scale-length"


def test_made_up_names_have_one_size_each(sample) -> None:
    with sample.writing() as file:
        file["a"] = np.ones((20, 30))
        file["b"] = np.ones((7, 3, 20))
        file["c"] = np.ones((20, 20))
        file["g/d"] = np.ones((5, 20))
    group = sample.checked()
    names = _names(group, "a", "b", "c")
    assert names == [
        ("phony_dim_0", "phony_dim_1"),
        ("phony_dim_2", "phony_dim_3", "phony_dim_0"),
        ("phony_dim_0", "phony_dim_4"),
    ]
    assert _names(group.groups["g"], "d") == [("phony_dim_0", "phony_dim_1")]


def test_made_up_names_avoid_names_in_use(sample) -> None:
    with sample.writing() as file:
        file["phony_dim_0"] = np.ones(3)
    assert _names(sample.checked(), "phony_dim_0") == [("phony_dim_1",)]


def test_one_name_with_two_sizes_in_one_group(sample, netcdf) -> None:
    with netcdf() as file:
        file.createDimension("x", 3)
        inner = file.createGroup("g")
        outer = inner.createVariable("outer", "f8", ("x",))
        outer[:] = [1, 2, 3]
        inner.createDimension("x", 5)
        inner.createVariable("own", "f8", ("x",))[:] = np.ones(5)
    group = sample.checked().groups["g"]
    assert _names(group, "outer", "own") == [("x",), ("x_1",)]
    assert [p.code for p in group.problems] == ["hdf5-dimension-clash"]


def test_unlimited_dimension_has_one_length_as_netcdf_shows_it(sample, netcdf) -> None:
    with netcdf() as file:
        file.createDimension("t", None)
        file.createDimension("x", 2)
        file.createVariable("t", "f8", ("t",))
        file.createVariable("short", "i4", ("t", "x"), fill_value=-1)[:2] = [[1, 2], [3, 4]]
        file.createVariable("v", "f8", ("t",))[:] = np.ones(5)
    with netCDF4.Dataset(sample.path) as file:
        expected = {name: np.ma.filled(file[name][:]) for name in ("t", "short", "v")}
    group = sample.checked()
    for name, values in expected.items():
        assert values_of(group.arrays[name]).tolist() == values.tolist(), name
    assert {p.code for p in group.all_problems()} == {"hdf5-unlimited-length"}


def test_unlimited_dimension_that_is_not_the_first(sample, netcdf) -> None:
    """netCDF-C itself mixes up the rows here; HDF5 does not."""
    with netcdf() as file:
        file.createDimension("t", None)
        file.createDimension("x", 2)
        file.createVariable("short", "i4", ("x", "t"), fill_value=-1)[:, :2] = [[1, 2], [3, 4]]
        file.createVariable("v", "f8", ("t",))[:] = np.ones(3)
    group = sample.checked()
    assert values_of(group.arrays["short"]).tolist() == [[1, 2, -1], [3, 4, -1]]


def test_damaged_list_of_dimensions_costs_only_the_names(sample) -> None:
    with sample.writing() as file:
        file["v"] = np.ones(3)
        file["v"].attrs["DIMENSION_LIST"] = "nonsense"
    group = sample.checked()
    assert _names(group, "v") == [("phony_dim_0",)]
    assert [p.code for p in group.all_problems()] == ["hdf5-dimension-list"]


def test_reference_to_a_deleted_scale(sample) -> None:
    with sample.writing() as file:
        file["a"] = np.arange(3.0)
        file["a"].make_scale()
        file["v"] = np.ones(3)
        file["v"].dims[0].attach_scale(file["a"])
        del file["a"]
    group = sample.checked()
    assert len(_names(group, "v")[0]) == 1


def test_every_group_of_a_deep_file_resolves_its_dimensions(sample, netcdf) -> None:
    with netcdf() as file:
        file.createDimension("t", 2)
        node = file
        for number in range(20):
            node = node.createGroup(f"g{number}")
            node.createVariable("v", "f8", ("t",))[:] = [1, 2]
    for path, node in sample.checked().walk():
        if path != "/":
            assert _names(node, "v") == [("t",)]


def test_scale_of_h5py_without_netcdf(sample) -> None:
    with sample.writing() as file:
        file["lon"] = np.arange(4.0)
        file["lon"].make_scale("longitude")
        file["v"] = np.ones((2, 4))
        file["v"].dims[1].attach_scale(file["lon"])
        file["v"].dims[0].label = "row"
    assert _names(sample.checked(), "lon", "v") == [("lon",), ("phony_dim_0", "lon")]
    assert h5py.File(sample.path).attrs.keys() == set()
