"""Virtual trees: laws over random hierarchies, then files judged by xarray itself."""

from __future__ import annotations

import pickle
import time

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive import ManifestArray, ManifestGroup, open_virtual_datatree
from zarrchive.bridge import from_datatree, to_datatree
from zarrchive.bridge.inline_values import inline_array
from zarrchive.manifests.values import values_of

DIMS = st.sampled_from(["x", "y"])


@st.composite
def variables(draw):
    """A variable of any rank up to 2, often named like a dimension, with values of its own."""
    name = draw(st.sampled_from(["x", "y", "v", "w"]))
    dims = draw(st.lists(DIMS, max_size=2))
    shape = [draw(st.integers(0, 3)) for _ in dims]
    start = draw(st.integers(0, 2))
    values = start + np.arange(int(np.prod(shape))).reshape(shape)
    return name, inline_array(values, name=name, dims=dims, attributes={"start": start})


def hierarchies():
    arrays = st.lists(variables(), max_size=4).map(dict)
    leaf = arrays.map(lambda found: ManifestGroup(arrays=found))
    return st.recursive(
        leaf,
        lambda below: st.builds(
            ManifestGroup,
            arrays=arrays,
            groups=st.dictionaries(st.sampled_from(["a", "b"]), below, max_size=2),
        ),
        max_leaves=6,
    )


@given(hierarchies())
def test_every_hierarchy_fits_into_a_tree_and_comes_back(group):
    tree = to_datatree(group)
    back = dict(from_datatree(tree).walk_arrays())
    given_arrays = dict(group.walk_arrays())
    assert back.keys() == given_arrays.keys()
    for path, array in given_arrays.items():
        np.testing.assert_array_equal(values_of(back[path]), values_of(array))
        assert back[path].attributes["start"] == array.attributes["start"]
    changed = {p.variable for p in tree.virtual.problems}
    for path, array in given_arrays.items():
        if back[path].metadata.dimension_names != array.metadata.dimension_names:
            assert path.rpartition("/")[0] in {one.rpartition("/")[0] for one in changed}


@given(hierarchies())
def test_what_a_node_shows_is_what_its_group_holds(group):
    tree = to_datatree(group)
    for path, below in group.walk():
        dataset = tree[path].to_dataset() if path != "/" else tree.to_dataset()
        for name, array in below.arrays.items():
            shown = dataset[name].data
            shown = values_of(shown) if isinstance(shown, ManifestArray) else shown
            np.testing.assert_array_equal(shown, values_of(array))
        for name, index in dataset.xindexes.items():
            np.testing.assert_array_equal(index.to_pandas_index(), dataset[name].values)


@pytest.fixture
def radar_file(tmp_path):
    path = tmp_path / "radar.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.title = "sweeps"
        file.createDimension("time", 2)
        file.createVariable("time", "f8", ("time",))[:] = [1, 2]
        file["time"].units = "days since 2000-01-01"
        for number, rays in enumerate((3, 4)):
            sweep = file.createGroup(f"sweep_{number}")
            sweep.number = number
            sweep.createDimension("azimuth", rays)
            sweep.createVariable("azimuth", "f4", ("azimuth",))[:] = np.arange(rays)
            v = sweep.createVariable("dbz", "i2", ("time", "azimuth"), zlib=True)
            v.scale_factor = 0.1
            v[:] = 0.1 * np.arange(2 * rays).reshape(2, rays)
            sweep.createGroup("quality").createVariable("flag", "u1", ("azimuth",))[:] = 1
    return str(path)


def test_equals_what_xarray_reads_itself(radar_file):
    tree = open_virtual_datatree(radar_file)
    assert tree.virtual.problems == ()
    with xr.open_datatree(radar_file, engine="netcdf4") as expected:
        xr.testing.assert_identical(tree.virtual.open(), expected)
    again = pickle.loads(pickle.dumps(tree))
    assert again.identical(tree)


def test_begins_at_a_group_and_drops_by_path(radar_file):
    tree = open_virtual_datatree(
        radar_file, group="sweep_1", drop_variables=["/sweep_1/quality/flag"]
    )
    assert set(tree.children) == {"quality"}
    assert not tree["quality"].data_vars
    assert tree.attrs["number"] == 1
    everywhere = open_virtual_datatree(radar_file, loadable_variables=["dbz"])
    assert all(isinstance(everywhere[f"sweep_{n}/dbz"].data, np.ndarray) for n in range(2))


@pytest.fixture
def conflicting_file(tmp_path):
    """Legal in netCDF4: groups define `time` anew, with another size or other values."""
    path = tmp_path / "conflict.nc"
    with netCDF4.Dataset(path, "w") as file:
        for group, values in (
            (file, [1, 2, 3]),
            (file.createGroup("a"), [7, 8]),
            (file.createGroup("b"), [4, 5, 6]),
            (file.createGroup("c"), [1, 2, 3]),
        ):
            group.createDimension("time", len(values))
            group.createVariable("time", "i4", ("time",))[:] = values
            group["time"].of = group.path
            group.createVariable("v", "f4", ("time",))[:] = values
        file["a"].createGroup("deep").createVariable("w", "f4", ("time",))[:] = [1, 2]
    return str(path)  # fmt: skip


def test_a_hierarchy_that_xarray_cannot_hold_opens_all_the_same(conflicting_file):
    with pytest.raises(ValueError, match="not aligned"):
        xr.open_datatree(conflicting_file, engine="netcdf4")
    tree = open_virtual_datatree(conflicting_file)
    opened = tree.virtual.open()
    for shown in (tree, opened):
        assert shown["a/time"].dims == shown["a/v"].dims == ("time_a",)
        assert shown["a/deep/w"].dims == ("time_a",)
        assert shown["b/v"].dims == ("time",)
        assert "time" not in shown.to_dataset().xindexes
        assert "time" in shown["b"].to_dataset().xindexes
    with netCDF4.Dataset(conflicting_file) as file:
        for path in ("time", "v", "a/time", "a/v", "a/deep/w", "b/time", "b/v", "c/time", "c/v"):
            np.testing.assert_array_equal(opened[path].values, file[path][:], path)
            if path.endswith("time"):
                assert opened[path].attrs["of"] == file[path].of
    problems = {(p.code, p.variable) for p in tree.virtual.problems}
    assert problems == {
        ("dimension-renamed", "/a/time"),
        ("dimension-renamed", "/a/deep/time"),
        ("coordinate-not-inherited", "/a/time"),
        ("coordinate-not-inherited", "/b/time"),
    }
    renamed = tree.virtual.problems[0]
    assert "2" in renamed.what
    assert "3" in renamed.what
    assert renamed.where == conflicting_file


def test_a_coordinate_that_a_group_shares_is_not_lost(tmp_path):
    path = str(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 2)
        for group in (file, file.createGroup("a")):
            group.createVariable("x", "f4", ("x",))[:] = [1, 2]
            group["x"].of = group.path
    tree = open_virtual_datatree(path)
    assert tree.virtual.problems == ()
    arrays = dict(from_datatree(tree).walk_arrays())
    assert {p: array.attributes["of"] for p, array in arrays.items()} == {"/x": "/", "/a/x": "/a"}


@pytest.mark.parametrize("nested", [False, True], ids=["side by side", "nested"])
def test_many_groups_in_linear_time(nested):
    def hierarchy(count):
        values = inline_array(np.arange(3.0), name="x", dims=["x"], attributes={})
        group = ManifestGroup(arrays={"x": values})
        if not nested:
            return ManifestGroup(groups={f"g{n}": group for n in range(count)})
        for _ in range(count):
            group = ManifestGroup(arrays={"v": values}, groups={"g": group})
        return group

    count = 300 if nested else 2000
    start = time.process_time()
    tree = to_datatree(hierarchy(count))
    assert len(list(from_datatree(tree).walk())) == count + 1
    assert time.process_time() - start < 30
