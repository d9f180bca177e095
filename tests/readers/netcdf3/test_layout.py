"""Where values lie: records that are filled up or not, files beyond 4 GiB, unknown lengths."""

from __future__ import annotations

import struct

import netCDF4
import numpy as np
import pytest

from zarrchive.location import open_source
from zarrchive.manifests.values import values_of
from zarrchive.readers.open import read_source
from zarrchive.testing.netcdf3_files import FORMATS
from zarrchive.testing.sources import CountingSource, MemorySource

RECORDS_OF = {
    "NETCDF3_CLASSIC": (4, 4),
    "NETCDF3_64BIT_OFFSET": (4, 4),
    "NETCDF3_64BIT_DATA": (4, 8),
}
"""First byte and length of the number of records."""


def write(path, form, variables, lengths, **attributes):
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.setncatts(attributes)
        for name, length in lengths.items():
            file.createDimension(name, length)
        for name, (dimensions, _) in variables.items():
            file.createVariable(name, variables[name][1].dtype, dimensions)
        for name, (_, values) in variables.items():
            file[name][...] = values


def read(path, **options):
    with open_source(path) as source:
        return read_source(source, **options)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", ["i1", "S1", "i2", "f8"])
def test_records_of_a_single_variable_are_not_filled_up(tmp_path, form, dtype) -> None:
    values = np.arange(15).reshape(5, 3).astype(dtype)
    path = tmp_path / "a.nc"
    write(path, form, {"x": (("t", "y"), values)}, {"t": None, "y": 3})
    array = read(path).arrays["x"]
    assert array.manifest.nrefs == 1  # they follow one another
    assert (values_of(array) == values).all()


@pytest.mark.parametrize("form", FORMATS)
def test_records_of_several_variables_are_filled_up(tmp_path, form) -> None:
    a, b = np.arange(15, dtype="i1").reshape(5, 3), np.arange(5, dtype="i2")
    path = tmp_path / "a.nc"
    write(path, form, {"a": (("t", "y"), a), "b": (("t",), b)}, {"t": None, "y": 3})
    group = read(path)
    assert group.arrays["a"].chunk_shape == (1, 3)
    assert (values_of(group.arrays["a"]) == a).all()
    assert (values_of(group.arrays["b"]) == b).all()


def end_of_values(path):
    """Return the byte behind the last value: the library leaves files longer than they must be."""
    arrays = read(path).arrays.values()
    return max(one.offset + one.length for array in arrays for _, one in array.manifest.entries())


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("lost", [0, 1, 2, 7, 8, 9])
def test_records_that_nobody_counted(tmp_path, form, lost) -> None:
    a, b = np.arange(15, dtype="i1").reshape(5, 3), np.arange(5, dtype="i2")
    path = tmp_path / "a.nc"
    write(path, form, {"a": (("t", "y"), a), "b": (("t",), b)}, {"t": None, "y": 3})
    start, length = RECORDS_OF[form]
    data = bytearray(path.read_bytes())[: end_of_values(path) + 2]
    data[start : start + length] = b"\xff" * length
    path.write_bytes(data[: len(data) - lost])
    group = read(path)
    # The last record ends with two bytes that fill it up.
    n = 5 if lost <= 2 else 4
    assert group.arrays["a"].shape == (n, 3)
    assert (values_of(group.arrays["a"]) == a[:n]).all()
    assert (values_of(group.arrays["b"]) == b[:n]).all()
    assert [p.code for p in group.problems] == ["netcdf3-oddity"] * (lost == 7)


@pytest.mark.parametrize("form", FORMATS)
def test_no_records(tmp_path, form) -> None:
    path = tmp_path / "a.nc"
    empty = np.zeros((0, 3), "i2")
    write(path, form, {"a": (("t", "y"), empty), "t": (("t",), empty[:, 0])}, {"t": None, "y": 3})
    for inline in (frozenset(), None, frozenset({"a"})):
        group = read(path, inline=inline)
        assert group.arrays["a"].shape == (0, 3)
        assert not group.arrays["a"].manifest.nstored
        assert values_of(group.arrays["a"]).shape == (0, 3)


@pytest.mark.parametrize("form", FORMATS[1:])
def test_values_beyond_four_gigabytes(tmp_path, form) -> None:
    path, far = tmp_path / "large.nc", 2**33
    variables = {"fixed": (("y",), np.arange(3.0)), "time": (("t",), np.arange(4, dtype="i2"))}
    write(path, form, variables, {"t": None, "y": 3})
    data = path.read_bytes()
    begins = [offsets_of(path, name)[0] for name in variables]
    with path.open("r+b") as file:  # the values move behind a hole
        for begin in begins:
            file.seek(data.index(struct.pack(">Q", begin)))
            file.write(struct.pack(">Q", begin + far))
        file.truncate(begins[0])
        file.seek(begins[0] + far)
        file.write(data[begins[0] :])
    assert min(map(min, (offsets_of(path, name) for name in variables))) > 2**32
    for group in (read(path), read(path, inline=frozenset(variables))):
        for name, (_, values) in variables.items():
            assert (values_of(group.arrays[name]) == values).all()
    with netCDF4.Dataset(path) as file:
        assert file["time"][:].tolist() == [0, 1, 2, 3]


def offsets_of(path, name):
    return [entry.offset for _, entry in read(path).arrays[name].manifest.entries()]


def test_large_values_are_cut_unasked(tmp_path) -> None:
    path = tmp_path / "a.nc"
    long = np.arange(9 * 2**20, dtype="i2").reshape(9, 2**20)
    variables = {"fixed": (("y", "x"), long), "t": (("t",), np.arange(2.0))}
    variables["records"] = ("t", "y", "x"), np.stack([long, long + 1])
    write(path, "NETCDF3_64BIT_OFFSET", variables, {"t": None, "y": 9, "x": 2**20})
    group = read(path)
    assert group.arrays["fixed"].chunk_shape == (3, 2**20)
    assert group.arrays["records"].chunk_shape == (1, 3, 2**20)
    for name in ("fixed", "records"):
        assert (values_of(group.arrays[name]) == variables[name][1]).all()


def test_a_long_header_takes_a_few_requests(tmp_path) -> None:
    path = tmp_path / "a.nc"
    write(
        path,
        "NETCDF3_CLASSIC",
        {"x": (("x",), np.arange(3.0))},
        {"x": 3},
        history="made by hand " * 20_000,
    )
    source = CountingSource(MemorySource(path.read_bytes()))
    group = read_source(source, inline=None)
    assert len(group.attributes["history"]) == 260_000
    assert values_of(group.arrays["x"]).tolist() == [0, 1, 2]
    assert source.batches <= 4
    assert sum(request.length for request in source.requests) < 2 * path.stat().st_size
