"""Files that are alike are read as each of them is read alone: the same, or the same error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from random import Random

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import zarrchive
from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5 import moulds
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5.alike import structures, write
from zarrchive.testing.hdf5.atlas import ATLAS
from zarrchive.testing.hdf5.mutations import base_of, mutate
from zarrchive.testing.hdf5.outcomes import outcome, without_h5py
from zarrchive.testing.hdf5_files import differences_from_h5py


@pytest.fixture(autouse=True)
def _forgotten():
    moulds.forget()
    yield
    moulds.forget()


@contextmanager
def counting():
    """Count the files that were read as others."""
    counts = [0]
    cast = moulds.cast

    def counted(*arguments):
        found = cast(*arguments)
        counts[0] += found is not None
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moulds, "cast", counted)
        yield counts


def alone(path, **options):
    """Read a file of which nothing is known."""
    moulds.forget()
    return read_group(path, **options)


def checked(paths, **options):
    """Read a series; return how many were read as others, after comparing each with itself."""
    expected = [alone(path, **options) for path in paths]
    moulds.forget()
    with counting() as counts:
        found = [read_group(path, **options) for path in paths]
    for one, other, path in zip(found, expected, paths, strict=True):
        assert one == other, path
        if options == {}:
            assert differences_from_h5py(path, one) == []
    return counts[0]


@given(structure=structures(), inline=st.sampled_from([None, frozenset(), frozenset({"v0"})]))
def test_series_are_read_as_each_file_alone(tmp_path_factory, structure, inline) -> None:
    folder = tmp_path_factory.mktemp("series")
    paths = [folder / f"{seed}.nc" for seed in range(5)]
    for seed, path in enumerate(paths):
        write(path, structure, seed)
    checked(paths, inline=inline)


def daily(path, day: int, **attributes) -> None:
    """Write a file as many archives have them."""
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"title": "daily", "history": f"written on day {day:03d}"})
        for name, size in (("time", None), ("lat", 4), ("lon", 6)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 2000-01-01"
        time[:] = [day]
        file.createVariable("lat", "f4", ("lat",))[:] = np.arange(4)
        file.createVariable("lon", "f4", ("lon",))[:] = np.arange(6)
        for name in ("t", "p", "q"):
            variable = file.createVariable(name, "f4", ("time", "lat", "lon"), zlib=True)
            variable.setncatts({"units": "K", "valid": np.array([0, 1 + day]), **attributes})
            variable[0] = np.random.default_rng(day).random((4, 6))


@pytest.fixture
def series(tmp_path):
    paths = [tmp_path / f"{day:02d}.nc" for day in range(8)]
    for day, path in enumerate(paths):
        daily(path, day)
    return paths


def test_files_of_a_series_are_not_read_in_full(series) -> None:
    assert checked(series) == checked(series, inline=None) == len(series) - 2


def test_values_are_those_of_the_files(series) -> None:
    for path in series:
        with xr.open_dataset(path) as expected:
            opened_here = zarrchive.open_virtual_dataset(path).virtual.open()
            xr.testing.assert_identical(opened_here.load(), expected.load())


def test_series_with_other_attributes_are_one(series) -> None:
    joined = zarrchive.open_virtual_mfdataset(series)
    with counting() as counts:
        (read,) = [read_group(series[5], inline=None)]
    assert counts == [1]
    assert read.attributes["history"] == "written on day 005"
    assert read.arrays["t"].attributes["valid"].tolist() == [0, 6]
    assert joined.sizes["time"] == len(series)


def test_attributes_are_not_shared_between_files(series) -> None:
    first, second, third = (zarrchive.open_virtual_dataset(path) for path in series[2:5])
    for dataset in (first, second):
        dataset.attrs["title"] = "changed"
        dataset.t.attrs["units"] = "changed"
        dataset.t.attrs["valid"][:] = -1
    assert third.attrs["title"] == "daily"
    assert third.t.attrs["units"] == "K"
    assert third.t.attrs["valid"].tolist() == [0, 5]
    again = read_group(series[3])
    assert again.arrays["t"].attributes["valid"].tolist() == [0, 4]


def test_groups_are_read_by_their_path(tmp_path) -> None:
    paths = [tmp_path / f"{number}.h5" for number in range(5)]
    for number, path in enumerate(paths):
        with h5py.File(path, "w", libver="latest") as file:
            file["scale"] = np.arange(4) + number
            file["scale"].make_scale()
            group = file.create_group("a/b")
            group["x"] = np.arange(4) * number
            group["x"].dims[0].attach_scale(file["scale"])
    assert checked(paths, group="a/b") == 3
    assert checked(paths, group="/") == 3
    assert read_group(paths[4], group="a/b").arrays["x"].metadata.dimension_names == ("scale",)


@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
def test_every_kind_of_index_and_layout(tmp_path, libver) -> None:
    paths = [tmp_path / f"{number}.h5" for number in range(5)]
    for number, path in enumerate(paths):
        random = np.random.default_rng(number)
        with h5py.File(path, "w", libver=libver) as file:
            # Space that moves all that follows.
            file.create_dataset("filler", data=np.zeros(7 * number + 1, dtype="u1"))
            for name, options in {
                "contiguous": {},
                "chunks": {"chunks": (3, 2)},
                "gzip": {"chunks": (3, 2), "compression": "gzip"},
                "one": {"chunks": (5, 4), "compression": "gzip"},
                "grows": {"chunks": (3, 2), "maxshape": (None, 4)},
                "grows both": {"chunks": (3, 2), "maxshape": (None, None), "fletcher32": True},
            }.items():
                values = random.integers(0, 10 ** (1 + number), (5, 4))
                file.create_dataset(name, data=values, **options)
            file.create_dataset("nothing", (5, 4), "f4", chunks=(2, 2))
            file["scalar"] = number
            file["last"] = np.arange(3) + number
            del file["filler"]
    assert checked(paths) == 3


def test_texts_that_are_in_heaps(tmp_path) -> None:
    paths = [tmp_path / f"{number}.h5" for number in range(6)]
    for number, path in enumerate(paths):
        with h5py.File(path, "w") as file:
            file.attrs["history"] = f"written by run {number:03d}"
            file.attrs["title"] = "a series"
            file["x"] = np.arange(3) * number
            file["x"].attrs["comment"] = f"of run {number}, \u00e9"
            file["x"].attrs["several"] = ["a", "b" if number < 5 else "c"]
    assert checked(paths) == 3
    for number, path in enumerate(paths):
        group = read_group(path)
        assert group.attributes == {"history": f"written by run {number:03d}", "title": "a series"}
        assert group.arrays["x"].attributes["comment"] == f"of run {number}, \u00e9"


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_variables_that_are_texts(tmp_path, libver) -> None:
    paths = [tmp_path / f"{number}.h5" for number in range(7)]
    text = h5py.string_dtype()
    for number, path in enumerate(paths):
        with h5py.File(path, "w", libver=libver) as file:
            file["names"] = [f"station {number}", "é" * number, ""]
            file["one"] = f"run {number}"
            chunked = file.create_dataset("chunked", (9,), text, chunks=(2,), compression="gzip")
            chunked[: 5 + number % 3] = [f"{one}" * number for one in range(5 + number % 3)]
            file.create_dataset("never", (4,), text)
    assert checked(paths) == checked(paths, inline=None) == 5
    for number, path in enumerate(paths):
        arrays = read_group(path).arrays
        assert values_of(arrays["names"]).tolist() == [f"station {number}", "é" * number, ""]
        assert values_of(arrays["one"])[()] == f"run {number}"
    # Fill values are in heaps, too; h5py cannot read these files.
    for fills, expected in ((["none"] * 7, 5), ([f"none {number}" for number in range(7)], 0)):
        for path, fill in zip(paths, fills, strict=True):
            with h5py.File(path, "w", libver=libver) as file:
                file.create_dataset("d", (4,), text, fillvalue=fill, chunks=(2,))
                file["d"][0] = "a"
        assert checked(paths, inline=None) == expected
        for path, fill in zip(paths, fills, strict=True):
            assert values_of(read_group(path).arrays["d"]).tolist() == ["a", fill, fill, fill]


def test_files_that_are_mapped(tmp_path) -> None:
    paths = [tmp_path / f"{number}.h5" for number in range(4)]
    for number, path in enumerate(paths):
        with h5py.File(path, "w") as file:
            values = np.random.default_rng(number).integers(0, 1000, (200, 1000))
            file.create_dataset("x", data=values, chunks=(10, 1000), compression="gzip")
            file["y"] = np.random.default_rng(number).random(200_000)
    assert checked(paths) == 2


def test_a_dimension_that_another_scale_gives(tmp_path) -> None:
    paths = [tmp_path / f"{number}.h5" for number in range(5)]
    for number, path in enumerate(paths):
        with h5py.File(path, "w") as file:
            for name in ("first", "other"):
                file[name] = np.arange(4)
                file[name].make_scale()
            file["x"] = np.arange(4)
            file["x"].dims[0].attach_scale(file["other" if number == 3 else "first"])
    assert checked(paths) == 2
    found = [read_group(path).arrays["x"].metadata.dimension_names for path in paths]
    assert found == [("first",)] * 3 + [("other",), ("first",)]


def test_problems_name_each_file(tmp_path) -> None:
    paths = [tmp_path / f"{number}.nc" for number in range(4)]
    for number, path in enumerate(paths):
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("x", 3)
            file.createVariable("__private", "f4", ("x",))[:] = number
    assert checked(paths) == 2
    for path in paths:
        (problem,) = read_group(path).problems
        assert str(path) in problem.where


def test_a_file_that_differs_among_many(series, tmp_path) -> None:
    odd = tmp_path / "odd.nc"
    daily(odd, 3, units="degC", standard_name="air_temperature")
    paths = [*series[:4], odd, *series[4:]]
    assert checked(paths) == len(series) - 2
    assert read_group(odd).arrays["t"].attributes["units"] == "degC"


def test_what_does_not_fit_any_more_is_forgotten(series, tmp_path) -> None:
    for path in series:
        read_group(path)
    others = [tmp_path / f"other {number}.nc" for number in range(70)]
    for number, path in enumerate(others):
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("x", number + 1)
            file.createVariable("v", "f4", ("x",))[:] = 1
    for path in others:
        read_group(path)
    with counting() as counts:
        read_group(series[0])
    assert counts == [0]


def test_many_threads_read_two_series(series, tmp_path) -> None:
    others = [tmp_path / f"other {number}.nc" for number in range(8)]
    for number, path in enumerate(others):
        daily(path, number, standard_name="air_temperature")
    paths = [path for pair in zip(series, others, strict=True) for path in pair] * 4
    expected = {path: alone(path) for path in paths}
    moulds.forget()
    with ThreadPoolExecutor(8) as pool, counting() as counts:
        found = list(pool.map(read_group, paths))
    assert counts[0] > len(paths) // 2
    assert all(one == expected[path] for path, one in zip(paths, found, strict=True))


# Damage

BASES = ("series", "B-tree 1", "B-tree 1, deep", "indexes", "fixed array, paged", "B-tree 2, deep")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Return what makes a damaged copy, and the moulds of the file that is whole."""
    path = tmp_path_factory.mktemp("moulds") / "file.nc"

    @cache
    def base(name):
        daily(path, 1) if name == "series" else ATLAS[name].write(path)
        moulds.forget()
        for _ in range(2):
            read_group(path, inline=None)
        return base_of(path, name), moulds._STORE.moulds

    return path, base


@settings(
    max_examples=10 * settings().max_examples,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(name=st.sampled_from(BASES), seed=st.integers(0, 2**64))
def test_damage_is_what_it_is_without_moulds(damaged, name, seed) -> None:
    path, base_named = damaged
    with without_h5py():
        base, known = base_named(name)
        assert len(known) == 1
        mutant = mutate(base, Random(seed))  # noqa: S311 - not a secret
        path.write_bytes(mutant.data)
        moulds.forget()
        expected = outcome(path)
        moulds.forget()
        moulds._STORE.moulds = known
        for one in known:
            one.misses = 0
        assert outcome(path) == expected, mutant.steps
