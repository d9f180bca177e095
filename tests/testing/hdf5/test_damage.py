"""Checksums are HDF5's, mutations are what they say, and a worker survives its child."""

from __future__ import annotations

import os
import re
import signal
from random import Random

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.testing.hdf5.atlas import ATLAS
from zarrchive.testing.hdf5.checksums import checked_blocks, checksum, repair
from zarrchive.testing.hdf5.mutations import base_of, changes, mutate
from zarrchive.testing.hdf5.worker import Worker

WITH_CHECKSUM = rb"OHDR|OCHK|FRHP|FHDB|FHIB|FSHD|FSSE|BTHD|BTIN|BTLF|SMTB|SMLI"
WITH_CHECKSUM += rb"|EAHD|EAIB|EASB|EADB|FAHD|FADB"


def write(name, path):
    ATLAS[name].write(path)
    return path


def test_checksum_is_lookup3() -> None:
    """The values are those of the author's own test program."""
    assert checksum(b"") == 0xDEADBEEF
    assert checksum(b"Four score and seven years ago") == 0x17770551


@pytest.mark.parametrize(
    "name",
    [
        *("attributes, dense", "links, dense and filtered", "indexes", "fixed array, paged"),
        *("extensible array, paged", "shared messages, in a B-tree", "free space, page"),
        "4 and 4 bytes, latest",
    ],
)
def test_every_checksum_is_found(tmp_path, name) -> None:
    data = write(name, tmp_path / "file.h5").read_bytes()
    found = {block.start for block in checked_blocks(data)}
    assert {match.start() for match in re.finditer(WITH_CHECKSUM, data)} <= found
    assert 0 in found  # the superblock


def test_a_repaired_change_reaches_the_reader(tmp_path) -> None:
    path = write("links, compact", tmp_path / "file.h5")
    data = bytearray(path.read_bytes())
    at = data.find(b"contiguous")
    data[at : at + 1] = b"C"
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(data)
    with h5py.File(damaged) as file, pytest.raises((RuntimeError, KeyError, OSError)):
        list(file)
    repair(data, checked_blocks(path.read_bytes()), [(at, 1)])
    damaged.write_bytes(data)
    with h5py.File(damaged) as file:
        assert "Contiguous" in list(file)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("damage") / "file.h5"
    return base_of(write("indexes", path), "indexes")


def test_values_are_no_metadata(base, tmp_path) -> None:
    path = write("indexes", tmp_path / "file.h5")
    with h5py.File(path) as file:
        infos = []
        file["B-tree 2"].id.chunk_iter(infos.append)
    for info in infos:
        ends = [(start, start + length) for start, length in base.metadata]
        assert not any(a < info.byte_offset + info.size and b > info.byte_offset for a, b in ends)


@given(seed=st.integers(0, 2**64))
def test_mutations_repeat_and_change_something(base, seed) -> None:
    mutant = mutate(base, Random(seed))  # noqa: S311 - not a secret
    assert mutant == mutate(base, Random(seed))  # noqa: S311
    assert mutant.steps


@given(
    before=st.binary(max_size=2000),
    edits=st.dictionaries(st.integers(0, 1999), st.integers(0, 255)),
)
def test_changes_are_all_and_only_what_differs(before, edits) -> None:
    after = bytearray(before)
    for at, value in edits.items():
        if at < len(after):
            after[at] = value
    named = {at for start, length in changes(before, after) for at in range(start, start + length)}
    assert named == {at for at, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}


def test_worker_goes_on_after_the_death_of_its_child(tmp_path) -> None:
    path = write("storage", tmp_path / "file.h5")
    with Worker() as worker:
        first = worker.examine(path)
        assert (first.status, first.findings) == ("compared", [])
        assert first.counts["equal"] == 12
        os.kill(worker.pid, signal.SIGSEGV)
        assert worker.examine(path).status in {"crash in start", "compared"}
        assert worker.examine(path).counts == first.counts
        assert worker.n_started == 2


def test_worker_ends_what_takes_too_long(tmp_path) -> None:
    path = write("storage", tmp_path / "file.h5")
    with Worker(seconds=3) as worker:
        assert worker.examine(path).status == "compared"
        os.kill(worker.pid, signal.SIGSTOP)
        assert worker.examine(path).status == "timeout in start"
        assert not worker.is_running
