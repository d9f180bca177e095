"""Values, types, dimensions and attributes are those that the netCDF library reads."""

from __future__ import annotations

import netCDF4
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location import open_source
from zarrchive.manifests._zarr import same_but_attributes
from zarrchive.manifests.values import values_of
from zarrchive.readers.netcdf3 import NetCDF3Reader
from zarrchive.readers.open import read_source
from zarrchive.testing.netcdf3_files import recipes
from zarrchive.testing.sources import MemorySource


@given(
    recipe=recipes(),
    inline=st.sampled_from([frozenset(), None, frozenset({"v", "w x", "time"})]),
    largest=st.sampled_from([None, 1, 8, 100]),
)
def test_everything_is_as_the_library_reads_it(tmp_path_factory, recipe, inline, largest) -> None:
    path = tmp_path_factory.mktemp("drawn") / "file.nc"
    recipe.write(path)
    reader = NetCDF3Reader(contiguous_chunk_nbytes=largest)
    with open_source(path) as source:
        group = read_source(source, reader=reader, inline=inline)
    assert group.problems == ()
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        assert set(group.arrays) == set(file.variables)
        same_attributes(group.attributes, file)
        for name, array in group.arrays.items():
            expected = file[name]
            assert array.metadata.dimension_names == expected.dimensions
            assert array.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
            same_attributes(array.attributes, expected)
            assert bits(values_of(array)) == bits(np.asarray(expected[...]))
    remote = read_source(MemorySource(path.read_bytes()), reader=reader, inline=inline)
    for name, array in remote.arrays.items():
        local = group.arrays[name]
        assert same_but_attributes(array.metadata, local.metadata)
        assert array.manifest.grid_shape == local.manifest.grid_shape
        assert array.manifest.inlined == local.manifest.inlined


@given(recipe=recipes(), name=st.sampled_from(["v", "time", "d0"]))
def test_what_is_asked_for_is_held(tmp_path_factory, recipe, name) -> None:
    path = tmp_path_factory.mktemp("drawn") / "file.nc"
    recipe.write(path)
    with open_source(path) as source:
        group = read_source(source, inline=frozenset({name}))
    for found, array in group.arrays.items():
        assert not (array.manifest.nrefs if found == name else array.manifest.ninlined)


def bits(values):
    """Return values, bit by bit, in the byte order of the machine."""
    return (values.shape, values.astype(values.dtype.newbyteorder("=")).tobytes())


def same_attributes(found, source) -> None:
    assert list(found) == source.ncattrs()
    for name, value in found.items():
        expected = source.getncattr(name)
        if isinstance(expected, bytes):  # a _FillValue of characters
            expected = expected.decode()
        assert np.asarray(value).dtype.kind == np.asarray(expected).dtype.kind
        np.testing.assert_array_equal(value, expected)
        if not isinstance(value, str):
            assert value.dtype == np.asarray(expected).dtype
