"""Damaged files: a Problem of what is damaged or one error for the file, and nothing else."""

from __future__ import annotations

import fcntl
import tracemalloc

import h5py
import numpy as np
import pytest
from h5py import h5g

from zarrchive.errors import FormatError, LocationError
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5_files import differences_from_h5py
from zarrchive.testing.sources import FailingSource, MemorySource


@pytest.fixture
def healthy(sample):
    with sample.writing() as file:
        for number in range(3):
            made = file.create_dataset(
                f"g{number}/x",
                data=np.arange(200.0).reshape(20, 10),
                chunks=(5, 5),
                compression="gzip",
                shuffle=True,
            )
            made.attrs["units"] = "K"
    return sample


def test_dataset_that_looks_like_a_type_is_not_dropped(sample) -> None:
    with sample.writing(libver="earliest") as file:
        file["x"] = np.arange(5)
        header = h5g.get_objinfo(file["x"].id).objno[0]
    data = bytearray(sample.path.read_bytes())
    assert data[header + 16 : header + 18] == b"\x01\x00"  # the dataspace message
    data[header + 16] = 0
    sample.path.write_bytes(data)
    (problem,) = sample.read().all_problems()
    assert (problem.variable, problem.code) == ("/x", "hdf5-damaged")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated_file_is_one_error(healthy, kept) -> None:
    data = healthy.path.read_bytes()
    healthy.path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(FormatError) as caught:
        healthy.read()
    assert caught.value.problem.code == "hdf5-unreadable"
    assert str(int(len(data) * kept)) in caught.value.problem.what


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_never_go_further_than_a_problem(healthy, seed) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(healthy.path.read_bytes())
    for at in random.integers(8, len(data), 12):
        data[at] = random.integers(0, 256)
    healthy.path.write_bytes(data)
    try:
        problems = healthy.read().all_problems()
    except FormatError as error:
        problems = error.problems
    for problem in problems:
        assert problem.where == str(healthy.path)
        assert problem.hint


@pytest.mark.parametrize("start", [0.2, 0.5, 0.8])
def test_file_whose_rest_is_zeros(healthy, start) -> None:
    data = bytearray(healthy.path.read_bytes())
    at = int(len(data) * start)
    data[at:] = bytes(len(data) - at)
    healthy.path.write_bytes(data)
    try:
        group = healthy.read()
    except FormatError:
        return
    assert group.all_problems()


def test_damaged_variable_costs_no_other(sample) -> None:
    with sample.writing() as file:
        for name in ("a", "b", "c"):
            file.create_dataset(name, data=np.arange(10.0), chunks=(5,))
        address = file.id.links.get_info(b"b").u
    data = bytearray(sample.path.read_bytes())
    data[address : address + 16] = bytes(16)
    sample.path.write_bytes(data)
    group = read_group(sample.path)
    (problem,) = group.all_problems()
    assert sorted(group.arrays) == ["a", "c"]
    assert (problem.code, problem.variable) == ("hdf5-damaged", "/b")


@pytest.mark.parametrize("after", [0, 1, 2])
def test_lost_connection_is_no_damage(sample, after) -> None:
    with sample.writing() as file:
        for number in range(40):
            file[f"g{number}/x"] = np.zeros(2**15)
    source = FailingSource(MemorySource(sample.path.read_bytes()), after=after)
    with pytest.raises(LocationError) as caught:
        HDF5Reader().read(source)
    assert caught.value.problem.code == "test-failure"


def test_file_open_for_writing_elsewhere(sample) -> None:
    with sample.writing() as file:
        file["x"] = [1]
    with sample.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(FormatError) as caught:
            sample.read()
    assert caught.value.problem.code == "hdf5-unreadable"
    assert "still being written" in caught.value.problem.hint


def test_memory_and_path_give_the_same_group(healthy) -> None:
    local = healthy.read(inline=frozenset({"x"}))
    remote = HDF5Reader().read(MemorySource(healthy.path.read_bytes()), inline=frozenset({"x"}))
    for (path, here), (other, there) in zip(local.walk(), remote.walk(), strict=True):
        assert path == other
        for name, array in here.arrays.items():
            assert array.manifest == there.arrays[name].manifest
    assert differences_from_h5py(healthy.path, local) == []


def test_nothing_is_left_open(healthy) -> None:
    healthy.read()
    with h5py.File(healthy.path, "r+") as file:
        file["new"] = [1]


def test_an_attribute_of_more_texts_than_bytes_takes_no_memory(sample) -> None:
    with sample.writing() as file:
        file.attrs.create("many texts", ["a", "b", "c"], dtype=h5py.string_dtype())
    data = sample.path.read_bytes()
    name = data.index(b"many texts")
    length, greatest = (3).to_bytes(8, "little") * 2, (2**28).to_bytes(8, "little") * 2
    at = data.index(length, name)  # and the greatest length
    sample.path.write_bytes(data[:at] + greatest + data[at + 16 :])
    tracemalloc.start()
    try:
        found = read_group(sample.path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "268435456 elements take" in str(found.problems[0])
    assert peak < 50e6
