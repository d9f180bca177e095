"""Groups that are alike are read as each of them is read alone: the same, or the same error."""

from __future__ import annotations

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
from zarrchive.readers.hdf5 import moulds, siblings
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5.alike import fill, structures
from zarrchive.testing.hdf5.mutations import base_of, mutate
from zarrchive.testing.hdf5.outcomes import outcome, without_h5py
from zarrchive.testing.hdf5_files import differences_from_h5py

N_GROUPS = 28


@pytest.fixture(autouse=True)
def _forgotten():
    moulds.forget()
    yield
    moulds.forget()


@contextmanager
def counting():
    """Count the groups that were read as others."""
    counts = [0]
    cast = siblings.Siblings._cast

    def counted(*arguments):
        found = cast(*arguments)
        counts[0] += found is not None
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(siblings.Siblings, "_cast", counted)
        yield counts


@contextmanager
def one_by_one():
    """Read all groups by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(siblings, "_FEW", 10**9)
        yield


def checked(path, **options):
    """Return how many groups were read as others, after comparing the file with itself."""
    moulds.forget()
    with one_by_one():
        expected = read_group(path, **options)
    moulds.forget()
    with counting() as counts:
        found = read_group(path, **options)
    assert found == expected
    assert list(found.groups) == list(expected.groups)
    if not options:
        assert differences_from_h5py(path, found) == []
    return counts[0]


@given(
    structure=structures(),
    other=structures(),
    odd=st.sets(st.integers(0, N_GROUPS - 1), max_size=3),
    inline=st.sampled_from([None, frozenset(), frozenset({"v0"})]),
)
def test_groups_are_read_as_each_alone(tmp_path_factory, structure, other, odd, inline) -> None:
    path = tmp_path_factory.mktemp("siblings") / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        for number in range(N_GROUPS):
            fill(file.createGroup(f"g{number:02d}"), other if number in odd else structure, number)
    checked(path)
    checked(path, inline=inline)


def sweep(group, number: int) -> None:
    """Write one sweep of a radar."""
    group.createDimension("azimuth", 12)
    group.createDimension("range", 20)
    group.setncattr("elevation", 0.5 * number)
    azimuth = group.createVariable("azimuth", "f4", ("azimuth",))
    azimuth[:] = np.arange(12) + number
    for name in ("DBZH", "VRADH"):
        variable = group.createVariable(name, "f4", ("azimuth", "range"), zlib=True)
        variable.units = "dBZ"
        variable[:] = np.random.default_rng(number).random((12, 20))


@pytest.fixture
def volume(tmp_path):
    path = tmp_path / "volume.nc"
    with netCDF4.Dataset(path, "w") as file:
        for number in range(40):
            sweep(file.createGroup(f"sweep_{number}"), number)
    return path


def test_groups_of_a_file_are_not_read_in_full(volume) -> None:
    assert checked(volume) >= 37  # one teaches the others, and the first has one attribute less


def test_values_are_those_of_each_group(volume) -> None:
    opened_here = zarrchive.open_virtual_datatree(volume).virtual.open()
    with xr.open_datatree(volume, engine="netcdf4") as expected:
        xr.testing.assert_identical(opened_here.load(), expected.load())


def test_attributes_are_not_shared_between_groups(tmp_path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        for number in range(30):
            file.create_group(f"g{number}").attrs["levels"] = np.arange(3)
    with counting() as counts:
        root = read_group(path)
    assert counts[0] == 29
    root.groups["g7"].attributes["levels"][0] = 99
    assert root.groups["g8"].attributes["levels"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
def test_every_kind_of_index_and_layout(tmp_path, libver) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=(libver, "latest")) as file:
        for number in range(30):
            group = file.create_group(f"tracks/track{number}/data")
            values = np.arange(60.0).reshape(6, 10) + number
            group.create_dataset("fixed", data=values, chunks=(2, 5))
            group.create_dataset("one", data=values, chunks=(6, 10), compression="gzip")
            group.create_dataset("grows", data=values, chunks=(2, 5), maxshape=(None, 10))
            group.create_dataset("both", data=values, chunks=(2, 5), maxshape=(None, None))
            group.create_dataset("run", data=values)
            group["text"] = np.bytes_(f"track {number:03d}")
            for one in range(12):
                group["fixed"].attrs[f"attribute{one}"] = f"{number:03d}"
    assert checked(path) == 29


def test_texts_that_are_in_heaps(tmp_path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        for number in range(30):
            group = file.create_group(f"g{number}")
            group["x"] = np.arange(5)
            group["x"].attrs["name"] = "x" * (1 if number == 3 else 2) + f"{number:03d}"
            group.attrs["names"] = [f"a{number:03d}", "b"]
    # A list of texts of each group is its own, as is a text of another length.
    assert checked(path) == 0
    with h5py.File(path, "w") as file:
        for number in range(30):
            group = file.create_group(f"g{number}")
            group["x"] = np.arange(5)
            group["x"].attrs["name"] = "x" * (1 if number == 3 else 2) + f"{number:03d}"
    assert checked(path) == 28


# What is not inside of one group alone


def entangled(path, change, *, n_cast: int | None = None) -> None:
    """Change a file of alike groups, and read it."""
    with h5py.File(path, "w") as file:
        for number in range(30):
            group = file.create_group(f"g{number:02d}")
            group["x"] = np.arange(5)
            group["x"].make_scale("x")
            group["v"] = np.arange(5.0) + number
            group["v"].dims[0].attach_scale(group["x"])
        change(file)
    found = checked(path)
    if n_cast is not None:
        assert found == n_cast


def test_soft_links_into_a_group(tmp_path) -> None:
    def link(file) -> None:
        file["a"] = h5py.SoftLink("/g07/v")
        file["z"] = h5py.SoftLink("/g08")

    entangled(tmp_path / "file.h5", link)


def test_hard_links_into_a_group(tmp_path) -> None:
    def link(file) -> None:
        file["a"] = file["g07/v"]
        file["z/inner"] = file["g08"]

    entangled(tmp_path / "file.h5", link)


def test_two_names_of_one_group(tmp_path) -> None:
    def link(file) -> None:
        file["again"] = file["g07"]

    entangled(tmp_path / "file.h5", link)


def test_groups_inside_of_themselves(tmp_path) -> None:
    def link(file) -> None:
        for name in list(file):
            file[name]["above"] = file["/"]

    entangled(tmp_path / "file.h5", link)


def test_groups_that_share_a_dataset(tmp_path) -> None:
    def link(file) -> None:
        shared = file.create_dataset("shared", data=np.arange(3))
        for name in list(file):
            if name != "shared":
                file[name]["shared"] = shared

    entangled(tmp_path / "file.h5", link)


def test_links_from_each_group_into_the_next(tmp_path) -> None:
    def link(file) -> None:
        names = list(file)
        for name, other in zip(names, names[1:] + names[:1], strict=True):
            file[name]["next"] = file[other]["v"]

    entangled(tmp_path / "file.h5", link)


def test_a_variable_elsewhere_along_the_scale_of_a_group(tmp_path) -> None:
    def attach(file) -> None:
        file["w"] = np.arange(5.0)
        file["w"].dims[0].attach_scale(file["g07/x"])

    entangled(tmp_path / "file.h5", attach)


def test_references_to_what_is_inside_of_a_group(tmp_path) -> None:
    def refer(file) -> None:
        file.create_dataset("refs", data=[file["g07/v"].ref], dtype=h5py.ref_dtype)

    entangled(tmp_path / "file.h5", refer)


def test_a_committed_type_that_groups_share(tmp_path) -> None:
    def commit(file) -> None:
        file["type"] = np.dtype("f4")
        for name in list(file):
            if name != "type":
                file[name].create_dataset("typed", shape=(4,), dtype=file["type"])

    entangled(tmp_path / "file.h5", commit, n_cast=29)


def members(path, *, odd=None) -> None:
    """Write an ensemble whose members share a grid."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("lat", 4), ("lon", 5)):
            file.createDimension(name, size)
            file.createVariable(name, "f4", (name,))[:] = np.arange(size)
        file.createDimension("bare", 3)
        for number in range(30):
            group = file.createGroup(f"member{number}")
            shape = ("lon", "lat") if number == odd else ("lat", "lon")
            group.createVariable("t", "f4", shape, zlib=True)[:] = number
            group.createVariable("n", "i2", ("bare",))[:] = number


def test_dimensions_that_groups_share(tmp_path) -> None:
    path = tmp_path / "file.nc"
    members(path)
    assert checked(path) == checked(path, inline=None) >= 28
    opened_here = zarrchive.open_virtual_datatree(path).virtual.open()
    with xr.open_datatree(path, engine="netcdf4") as expected:
        xr.testing.assert_identical(opened_here.load(), expected.load())
    members(path, odd=20)
    assert checked(path) >= 27


def test_dimensions_that_grow(tmp_path) -> None:
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        for number in range(30):
            variable = file.createGroup(f"station{number}").createVariable("t", "f4", ("time",))
            variable[: 3 + number % 2] = number
    checked(path)


def test_numbers_of_dimensions(tmp_path) -> None:
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        for number in range(30):
            sweep(file.createGroup(f"sweep_{number}"), number)
        file.createDimension("x", 3)
        file.createDimension("y", 4)
        file.createVariable("x", "f4", ("x", "y"))[:] = 1
    checked(path)
    with netCDF4.Dataset(path, "w") as file:
        for number in range(30):
            group = file.createGroup(f"g{number}")
            group.createDimension("x", 3)
            group.createDimension("y", 4)
            group.createVariable("x", "f4", ("x", "y"))[:] = number
    assert checked(path) == 0


def test_groups_that_share_a_datasets_name_with_a_group(tmp_path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        for number in range(60):
            if number % 2:
                file[f"n{number}"] = np.arange(number)
            else:
                file.create_group(f"n{number}")["x"] = np.arange(3)
    assert checked(path) == 29


def test_a_series_of_files_of_groups(tmp_path) -> None:
    paths = [tmp_path / f"{number}.nc" for number in range(4)]
    for path in paths:
        members(path)
    for path in [*paths, *paths]:
        found = read_group(path)
        assert differences_from_h5py(path, found) == []
    assert len(moulds._STORE.moulds) == 1


def test_two_kinds_of_groups(tmp_path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        for number in range(80):
            group = file.create_group(f"n{number}")
            group["x"] = np.arange(3 + number % 2)
    assert checked(path) == 78


# Damage

BASES = ("groups", "sweeps", "members")


def groups(path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(26):
            group = file.create_group(f"g{number:02d}")
            group.create_dataset("v", data=np.arange(8.0) + number, chunks=(4,))
            group["x"] = np.arange(5)
            group["v"].attrs["name"] = f"text {number:02d}"


def sweeps(path) -> None:
    with netCDF4.Dataset(path, "w") as file:
        for number in range(26):
            sweep(file.createGroup(f"g{number:02d}"), number)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Return what makes a damaged copy."""
    path = tmp_path_factory.mktemp("siblings") / "file.nc"

    @cache
    def base(name):
        {"groups": groups, "sweeps": sweeps, "members": members}[name](path)
        return base_of(path, name)

    return path, base


@settings(
    max_examples=5 * settings().max_examples,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(name=st.sampled_from(BASES), seed=st.integers(0, 2**64))
def test_damage_is_what_it_is_without_siblings(damaged, name, seed) -> None:
    path, base_named = damaged
    mutant = mutate(base_named(name), Random(seed))  # noqa: S311 - not a secret
    path.write_bytes(mutant.data)
    with without_h5py():
        moulds.forget()
        with one_by_one():
            expected = outcome(path)
        moulds.forget()
        assert outcome(path) == expected, mutant.steps
