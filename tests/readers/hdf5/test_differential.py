"""Whole files against h5py: names, types, attributes, every byte range, and values."""

from __future__ import annotations

from dataclasses import replace

import hdf5plugin
import netCDF4
import pytest
import xarray as xr
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import zarrchive
from zarrchive.location import open_source
from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.testing.conformance import arrays_of
from zarrchive.testing.hdf5.atlas import ATLAS, SIGNATURES
from zarrchive.testing.hdf5.drawing import file_recipes
from zarrchive.testing.hdf5.judge import judge
from zarrchive.testing.hdf5.library import library
from zarrchive.testing.hdf5.netcdf4 import netcdf_recipes
from zarrchive.testing.sources import MemorySource


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("differential") / "file.h5"


@pytest.fixture(autouse=True, scope="module")
def plugins() -> None:
    """Let h5py, the judge, decode everything; netCDF4 makes it find plug-ins that fail."""
    hdf5plugin.register()


def read(path, *, is_remote: bool = False, **options):
    source = MemorySource(path.read_bytes(), str(path)) if is_remote else open_source(path)
    with source:
        return HDF5Reader().read(source, **options)


@pytest.mark.parametrize("name", ATLAS)
def test_each_structure_of_the_format(path, name) -> None:
    ATLAS[name].write(path)
    local, remote = read(path), read(path, is_remote=True)
    assert judge(path, local, most_chunks=12).findings == []
    assert plain(without_other_files(local)) == plain(without_other_files(remote))


@pytest.mark.skipif(library() is None, reason="this h5py has no library of its own")
def test_the_atlas_has_all_structures(path) -> None:
    missing = set(SIGNATURES)
    for recipe in ATLAS.values():
        recipe.write(path)
        data = path.read_bytes()
        missing = {signature for signature in missing if signature not in data}
    assert missing == set()


@given(
    recipe=file_recipes(),
    is_remote=st.booleans(),
    inline=st.sampled_from([frozenset(), frozenset(), None, frozenset({"a", "0", "größe"})]),
)
def test_drawn_files(path, recipe, is_remote, inline) -> None:
    write(recipe, path)
    group = read(path, is_remote=is_remote, inline=inline)
    assert judge(path, group, most_chunks=16).findings == []


@given(recipe=netcdf_recipes(), is_remote=st.booleans())
def test_drawn_netcdf4_files(path, recipe, is_remote) -> None:
    recipe.write(path)
    group = read(path, is_remote=is_remote)
    assert judge(path, group).findings == []
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_always_mask(False)
        arrays = arrays_of(group)
        for name, variable in variables(file, ""):
            array = arrays.pop(name)
            assert array.metadata.dimension_names == variable.dimensions, name
            assert array.shape == variable.shape, name
            if not is_short_along_several(variable):
                assert values_of(array).tolist() == decoded(variable[...]), name
        assert arrays == {}


@given(recipe=netcdf_recipes())
def test_xarray_sees_the_same_dataset(path, recipe) -> None:
    recipe.write(path)
    virtual = zarrchive.open_virtual_dataset(path).virtual.open().load()
    try:
        direct = xr.open_dataset(path, engine="netcdf4")
    except ValueError:  # a scalar variable may be called like a dimension; xarray has no such
        return
    with direct, netCDF4.Dataset(path) as file:
        odd = [n for n, v in file.variables.items() if is_short_along_several(v)]
        xr.testing.assert_identical(virtual.drop_vars(odd), direct.load().drop_vars(odd))


def is_short_along_several(variable) -> bool:
    """Whether netCDF-C 4.9 may show random bytes: what is short along several dimensions."""
    dims = variable.get_dims() if hasattr(variable, "get_dims") else ()
    return sum(dim.isunlimited() for dim in dims) > 1


def without_other_files(group):
    """Leave out what other files hold, which bytes in memory have not beside them."""
    arrays = {name: array for name, array in group.arrays.items() if name != "external"}
    problems = [one for one in group.problems if one.variable != "/external"]
    return replace(group, arrays=arrays, problems=tuple(problems))


@settings(max_examples=settings().max_examples // 3)
@given(recipe=file_recipes())
def test_trees_hold_every_variable(path, recipe) -> None:
    write(recipe, path)
    arrays = arrays_of(read(path))
    tree = zarrchive.open_virtual_datatree(path, loadable_variables=[])
    found = {
        f"{node.path.rstrip('/')}/{name}": variable
        for node in tree.subtree
        for name, variable in node.dataset.variables.items()
    }
    assert {name: (v.shape, v.dtype) for name, v in found.items()} == {
        name: (array.shape, array.dtype) for name, array in arrays.items()
    }
    assert {p.variable for p in read(path).all_problems()} <= {
        p.variable for p in tree.virtual.problems
    }


def write(recipe, path) -> None:
    try:
        recipe.write(path)
    except (OSError, ValueError, RuntimeError, KeyError):  # HDF5 has limits that only writing shows
        reject()


def plain(group):
    """Return a hierarchy without the identity of the file, and without the words of Problems."""
    return {
        path: (
            [(p.variable, p.code, p.severity) for p in node.problems],
            str(dict(node.attributes)),
            [(name, str(array.metadata), columns(array)) for name, array in node.arrays.items()],
        )
        for path, node in group.walk()
    }


def columns(array):
    manifest = array.manifest
    return [manifest.inlined, *(column.tolist() for column in manifest.stored())]


def variables(group, above):
    for name, variable in group.variables.items():
        yield f"{above}/{name}", variable
    for name, below in group.groups.items():
        yield from variables(below, f"{above}/{name}")


def decoded(values):
    return values.tolist() if hasattr(values, "tolist") else values
