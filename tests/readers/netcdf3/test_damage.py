"""Damaged files: a Problem, or what the netCDF library reads; never anything else."""

from __future__ import annotations

import random
import struct

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zarrchive.errors import FormatError
from zarrchive.location import open_source
from zarrchive.manifests.values import values_of
from zarrchive.readers.open import read_source
from zarrchive.testing.netcdf3_files import judged, recipes, told

COPIES = 50
EXAMPLES = max(5, settings().max_examples // 6)  # each is a file, and a process that judges


def made(path, **options):
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        for name, length in {"t": None, "y": 20, "x": 3}.items():
            file.createDimension(name, length)
        for name, dimensions in {
            "a": ("y",),
            "b": ("y", "x"),
            "c": ("t", "x"),
            "t": ("t",),
        }.items():
            variable = file.createVariable(name, "f4", dimensions, **options)
            shape = [4 if size == 0 else size for size in variable.shape]
            variable[...] = np.arange(np.prod(shape)).reshape(shape)
    arrays = read(path, inline=frozenset()).arrays.values()
    ends = [one.offset + one.length for array in arrays for _, one in array.manifest.entries()]
    return bytearray(path.read_bytes()[: max(ends)])  # the library leaves more behind them


def read(path, inline=None):
    with open_source(path) as source:
        return read_source(source, inline=inline)


def refusal(path):
    with pytest.raises(FormatError) as caught:
        read(path)
    assert caught.value.problem.where == str(path)
    assert caught.value.problem.hint
    return caught.value.problem


def test_a_file_that_was_cut_off_names_what_is_lost(tmp_path) -> None:
    path = tmp_path / "a.nc"
    whole = made(path)
    path.write_bytes(whole[:-10])
    group = read(path)
    assert set(group.arrays) == {"a", "b"}
    assert {p.code for p in group.problems} == {"netcdf3-truncated"}
    assert {p.variable for p in group.problems} == {"/c", "/t"}
    assert all("3 of 4 records are there" in p.what for p in group.problems)


@pytest.mark.parametrize("kept", range(0, 400, 7))
def test_any_length(tmp_path, kept) -> None:
    path = tmp_path / "a.nc"
    whole = made(path)
    path.write_bytes(whole[:kept])
    try:
        group = read(path)
    except FormatError:
        return
    assert {p.variable[1:] for p in group.problems} | set(group.arrays) == {"a", "b", "c", "t"}


def test_a_variable_that_begins_in_the_header(tmp_path) -> None:
    path = tmp_path / "a.nc"
    whole = made(path)
    begin = struct.pack(">I", begin_of(path, "a"))
    at = whole.index(begin)
    whole[at : at + 4] = struct.pack(">I", 40)
    path.write_bytes(whole)
    assert "its header goes on" in refusal(path).what
    assert judged([path]) == {str(path): None}


def test_a_dimension_that_grew(tmp_path) -> None:
    path = tmp_path / "a.nc"
    whole = made(path)
    at = whole.index(b"y\0\0\0") + 4
    whole[at : at + 4] = struct.pack(">I", 25)
    path.write_bytes(whole)
    assert "begins at byte" in refusal(path).what
    assert judged([path]) == {str(path): None}


@pytest.mark.parametrize("n_records", [5, 2**20, 2**31, 2**32 - 2])
def test_records_that_are_not_there(tmp_path, n_records) -> None:
    path = tmp_path / "a.nc"
    whole = made(path)
    whole[4:8] = struct.pack(">I", n_records)
    path.write_bytes(whole)
    group = read(path)
    assert set(group.arrays) == {"a", "b"}
    assert {p.variable for p in group.problems} == {"/c", "/t"}


@pytest.mark.parametrize("count", [2**16, 2**31 - 1, 2**32 - 1])
def test_counts_that_no_file_has_room_for(tmp_path, count) -> None:
    path = tmp_path / "a.nc"
    whole = made(path)
    whole[12:16] = struct.pack(">I", count)  # of dimensions
    path.write_bytes(whole + bytes(2**20))
    refusal(path)


def test_a_header_of_zeros_is_read_quickly(tmp_path) -> None:
    path = tmp_path / "a.nc"
    with path.open("wb") as file:
        file.write(b"CDF\x02" + struct.pack(">III", 0, 10, 2**24))
        file.truncate(2**30)
    assert "name is empty" in refusal(path).what


def test_groups_are_refused(tmp_path) -> None:
    path = tmp_path / "a.nc"
    made(path)
    with open_source(path) as source, pytest.raises(FormatError, match="no groups"):
        read_source(source, group="/inner")


def test_names_and_texts_that_are_not_utf8(tmp_path) -> None:
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("gr_", 2)
        file.createVariable("gr_", "i2", ("gr_",)).long_name = "Gr_sse"
    data = path.read_bytes().replace(b"gr_", b"gr\xf6").replace(b"Gr_sse", b"Gr\xf6sse")
    path.write_bytes(data)
    group = read(path)
    assert group.arrays["grö"].attributes["long_name"] == "Grösse"
    assert group.arrays["grö"].metadata.dimension_names == ("grö",)
    assert {p.severity for p in group.problems} == {"warning"}


@settings(max_examples=EXAMPLES)
@given(recipe=recipes(), seed=st.integers(0, 2**32))
def test_damaged_copies_are_read_as_the_library_reads_them(tmp_path_factory, recipe, seed) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    recipe.write(folder / "whole")
    whole, chance = (folder / "whole").read_bytes(), random.Random(seed)  # noqa: S311 - no secret
    paths = [folder / str(n) for n in range(COPIES)]
    for path in paths:
        path.write_bytes(damaged(whole, chance))
    by_library = judged(paths)
    for path in paths:
        try:
            group = read(path)
        except FormatError:
            continue
        values = {name: values_of(array) for name, array in group.arrays.items()}
        ours = told(group, {name: native(array) for name, array in values.items()})
        theirs = by_library.get(str(path), ours)
        assert theirs is not None or group.problems
        if theirs is None or any("of another" in p.what for p in group.problems):
            continue  # the library knows two dimensions or variables by one name
        refused = {p.variable[1:] for p in group.problems if p.severity == "error"}
        assert set(ours) | refused >= set(theirs)
        for name in set(ours) & set(theirs):
            assert ours[name] == theirs[name]


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """Return a copy of which a few bytes, mostly of the header, are others."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(4, max(5, min(len(data), 400)))
        data[at] = chance.choice([0, 1, 2, 255, data[at] ^ 1 << chance.randrange(8)])
    return bytes(data)


def native(values: np.ndarray) -> bytes:
    return values.astype(values.dtype.newbyteorder("=")).tobytes()


def begin_of(path, name) -> int:
    group = read(path, inline=frozenset())
    ((_, entry),) = group.arrays[name].manifest.entries()
    return entry.offset
