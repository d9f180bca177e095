"""Files beside one another along several dimensions, judged by xarray's own order of them."""

from __future__ import annotations

from itertools import product

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from zarrchive import check, open_virtual_mfdataset
from zarrchive.combine.grid import nested


def write(path, **starts: tuple[int, int]) -> str:
    """Write a tile: for each dimension, the first of its places and their number."""
    with netCDF4.Dataset(path, "w") as file:
        for dim, (start, size) in starts.items():
            file.createDimension(dim, abs(size))
            places = start + np.arange(size) if size > 0 else start - np.arange(-size)
            file.createVariable(dim, "i4", (dim,))[:] = places
        shape = tuple(abs(size) for _, size in starts.values())
        made = file.createVariable(
            "h", "f4", tuple(starts), zlib=True, chunksizes=(1,) * len(shape)
        )
        made[:] = np.arange(np.prod(shape)).reshape(shape) + sum(
            start for start, _ in starts.values()
        )
    return str(path)


@settings(max_examples=15)
@given(data=st.data())
def test_full_grids_are_found_in_any_order(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("grid")
    dims = data.draw(st.sampled_from([("y", "x"), ("time", "level"), ("z", "y", "x")]))
    falls = data.draw(st.booleans())
    lengths = {
        dim: data.draw(st.lists(st.integers(1, 2), min_size=2, max_size=3 if len(dims) < 3 else 2))
        for dim in dims
    }
    tiles = {
        dim: [(int(start), n) for start, n in zip(np.cumsum([0, *sizes]), sizes, strict=False)]
        for dim, sizes in lengths.items()
    }
    if falls:
        tiles[dims[0]] = [(100 - start, -n) for start, n in tiles[dims[0]]]
    places = list(product(*tiles.values()))
    names = data.draw(st.permutations(range(len(places))))
    paths = [
        write(folder / f"{name}.nc", **dict(zip(dims, place, strict=True)))
        for name, place in zip(names, places, strict=True)
    ]
    report = check(paths)
    plan = report.plan
    assert report.fits, str(report)
    assert {dim for dim, _ in plan.grid} == set(dims)
    assert dict(plan.grid) == {dim: len(found) for dim, found in tiles.items()}
    opened = [xr.open_dataset(path, engine="netcdf4").load() for path in plan.files]
    counts = [count for _, count in plan.grid]
    found = xr.combine_nested(nested(opened, counts), concat_dim=list(plan.along))
    expected = xr.combine_by_coords(opened)
    if falls and any(n > -2 for _, n in tiles[dims[0]]):
        found, expected = found.sortby(dims[0]), expected.sortby(dims[0])
    xr.testing.assert_equal(found, expected)


@pytest.mark.parametrize("differs", [True, False])
@pytest.mark.parametrize("loaded", [True, False])
def test_what_lacks_a_dimension_is_compared_along_it(tmp_path, differs, loaded) -> None:
    """Of the rows of tiles, one file stands for all: nobody may find that out by himself."""
    for row, column in product(range(2), range(3)):
        path = write(tmp_path / f"{row}{column}.nc", y=(2 * row, 2), x=(3 * column, 3))
        with netCDF4.Dataset(path, "a") as file:
            odd = 1 if differs and (row, column) == (1, 2) else 0
            file.createVariable("mask", "i4", ("y",))[:] = [row, odd]
    report = check(str(tmp_path))
    assert len(report.plan.grid) == 2
    assert [(p.code, p.variable) for p in report.problems] == (
        [("combine-values", "/mask")] if differs else []
    )
    names = {"loadable_variables": ["x", "y", "mask"]} if loaded else {}
    whole = open_virtual_mfdataset(str(tmp_path), **names)
    said = [(p.code, p.variable) for p in whole.virtual.problems]
    if not loaded:
        assert said == [("combine-not-compared", "mask")]
    else:
        assert said == ([("combine-hidden", "mask")] if differs else [])


@pytest.mark.parametrize("missing", [0, 3])
def test_a_tile_that_is_missing_makes_no_grid(tmp_path, missing) -> None:
    places = list(product([(0, 2), (2, 2)], [(0, 3), (3, 3)]))
    paths = [
        write(tmp_path / f"{number}.nc", y=y, x=x)
        for number, (y, x) in enumerate(places)
        if number != missing
    ]
    report = check(paths)
    assert report.plan.grid == ()
    assert not report.fits


def test_a_dimension_that_is_chosen_is_the_only_one(tmp_path) -> None:
    places = product([(0, 2), (2, 2)], [(0, 3), (3, 3)])
    for number, (y, x) in enumerate(places):
        write(tmp_path / f"{number}.nc", y=y, x=x)
    report = check(str(tmp_path), concat_dim="y")
    assert report.plan.grid == ()
    assert not report.fits
