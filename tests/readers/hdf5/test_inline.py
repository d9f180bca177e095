"""Values that were asked for are inlined: by name, or those of dimension coordinates."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest

from zarrchive.manifests.values import values_of


@pytest.fixture
def written(sample):
    with netCDF4.Dataset(sample.path, "w") as file:
        file.createDimension("t", 2)
        file.createDimension("x", 3)
        file.createVariable("t", ">f8", ("t",), zlib=True, endian="big")[:] = [1, 2]
        file.createVariable("v", "f4", ("t", "x"), zlib=True)[:] = np.ones((2, 3))
        inner = file.createGroup("g")
        inner.createVariable("t", "f8", ("t",))[:] = [3, 4]
        inner.createVariable("x", "f8", ("t",))[:] = [5, 6]
    return sample


def _inlined(group) -> list[str]:
    return sorted(
        f"{path.rstrip('/')}/{name}"
        for path, node in group.walk()
        for name, array in node.arrays.items()
        if array.manifest.ninlined
    )


def test_nothing_unless_asked(written) -> None:
    assert _inlined(written.checked()) == []


def test_by_name_in_every_group(written) -> None:
    group = written.checked(inline=frozenset({"x", "v"}))
    assert _inlined(group) == ["/g/x", "/v"]


def test_dimension_coordinates(written) -> None:
    group = written.checked(inline=None)
    assert _inlined(group) == ["/g/t", "/t"]
    array = group.arrays["t"]
    assert array.dtype == np.dtype(">f8")
    assert array.chunk_shape == array.shape
    assert [codec["name"] for codec in array.metadata.to_dict()["codecs"]] == ["bytes"]


def test_dimension_coordinates_below_a_group(written) -> None:
    assert _inlined(written.read(group="g", inline=None)) == ["/t"]


def test_too_much_to_inline_stays_referenced(sample) -> None:
    with sample.writing() as file:
        file.create_dataset("x", (2**40,), "f8", chunks=(2**20,))
        file.create_dataset("y", (2**24,), "f8", chunks=(2**24,), compression="gzip")[0] = 1
    group = sample.read(inline=frozenset({"x", "y"}))
    assert group.all_problems() == ()
    assert group.arrays["x"].manifest.nstored == 0
    assert group.arrays["y"].manifest.nrefs == 1


def test_hard_link_with_a_wanted_name(sample) -> None:
    with sample.writing() as file:
        file["a"] = [1, 2]
        file["b"] = file["a"]
    group = sample.checked(inline=frozenset({"b"}))
    assert _inlined(group) == ["/b"]
    assert values_of(group.arrays["a"]).tolist() == [1, 2]
