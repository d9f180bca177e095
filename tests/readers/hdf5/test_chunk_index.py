"""Chunks are where `read_direct_chunk` finds them, whatever index the file has."""

from __future__ import annotations

import zlib
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location import open_source
from zarrchive.readers.hdf5.chunks_by_h5py import chunks_by_h5py, library_misplaces_chunks
from zarrchive.readers.hdf5.facts import read_facts
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.layout_message import (
    BTREE_V1,
    BTREE_V2,
    EXTENSIBLE_ARRAY,
    FIXED_ARRAY,
    SINGLE_CHUNK,
)
from zarrchive.readers.hdf5.located_chunks import located_chunks
from zarrchive.readers.hdf5.opened import opened
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.scan import Scan
from zarrchive.readers.open import read_group


@st.composite
def growing_datasets(draw):
    """Shape, greatest shape, chunks and written region with one unlimited dimension, any of 4."""
    rank = draw(st.integers(1, 4))
    chunks = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    shape = tuple(draw(st.integers(1, 7)) for _ in range(rank))
    unlimited = draw(st.integers(0, rank - 1))
    limits = [max(n, c) + draw(st.integers(0, 4)) for n, c in zip(shape, chunks, strict=True)]
    max_shape = tuple(None if i == unlimited else n for i, n in enumerate(limits))
    region = tuple(
        slice(*sorted((draw(st.integers(0, n)), draw(st.integers(0, n))))) for n in shape
    )
    return shape, max_shape, chunks, region, draw(st.sampled_from(["v110", "latest"]))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("index") / "file.h5"


@given(made=growing_datasets(), user_block=st.sampled_from([0, 512]))
def test_each_chunk_holds_the_bytes_that_hdf5_finds_there(path, made, user_block) -> None:
    shape, max_shape, chunks, region, libver = made
    with h5py.File(path, "w", libver=libver, userblock_size=user_block) as file:
        dataset = file.create_dataset("x", shape, "u4", maxshape=max_shape, chunks=chunks)
        dataset[region] = np.arange(1, 1 + dataset[region].size).reshape(dataset[region].shape)
    data = path.read_bytes()
    array = read_group(path).arrays["x"]
    with h5py.File(path) as file:
        for index in np.ndindex(array.manifest.grid_shape):
            start = tuple(i * n for i, n in zip(index, chunks, strict=True))
            entry = array.manifest[index]
            try:
                _, expected = file["x"].id.read_direct_chunk(start)
            except (RuntimeError, OSError, MemoryError):  # how h5py says "not allocated"
                expected = None
            got = None if entry is None else data[entry.offset : entry.offset + entry.length]
            assert got == expected


def test_library_is_probed_rightly(tmp_path) -> None:
    """The probe agrees with a larger file of the affected kind."""
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("x", (6, 4), "u1", maxshape=(6, None), chunks=(2, 2))[...] = 1
    found = set()
    with h5py.File(path) as file:
        file["x"].id.chunk_iter(lambda info: found.add(tuple(info.chunk_offset)))
    right = {(i, j) for i in (0, 2, 4) for j in (0, 2)}
    assert library_misplaces_chunks() == (found != right)


@contextmanager
def facts_of(path, name="x"):
    """Open a file, and look at one dataset of its root group."""
    with open_source(path) as source, opened(source, None) as file:
        scan = Scan(file)
        run(scan.read_below(file.superblock.root, b"/"), file.data)
        address = run(scan.find(name.encode()), file.data)
        (facts,) = run(read_facts(file, [scan.by_address[address]]), file.data)
        yield facts
        assert file.left_to_h5py == []


INDEXES = pytest.mark.parametrize(
    ("libver", "max_shape", "index"),
    [
        ("earliest", (8, None), BTREE_V1),
        ("latest", (8, 6), FIXED_ARRAY),
        ("latest", (8, None), EXTENSIBLE_ARRAY),
        ("latest", (None, 6), EXTENSIBLE_ARRAY),
        ("latest", (None, None), BTREE_V2),
        ("latest", None, SINGLE_CHUNK),
    ],
    ids=["B-tree 1", "fixed array", "extensible", "extensible first", "B-tree 2", "single"],
)


@INDEXES
@pytest.mark.parametrize("attributes", [0, 40], ids=["plain", "header in several blocks"])
@pytest.mark.parametrize("user_block", [0, 512])
def test_layout_message(tmp_path, libver, max_shape, index, attributes, user_block):
    path = tmp_path / "file.h5"
    chunks = (2, 3) if max_shape else (8, 6)
    with h5py.File(path, "w", libver=libver, userblock_size=user_block) as file:
        made = file.create_dataset("x", (8, 6), "f4", maxshape=max_shape, chunks=chunks)
        made[...] = 1
        for number in range(attributes):
            made.attrs[f"a{number}"] = "x" * 100
    with facts_of(path) as facts:
        assert facts.layout.index == index
        assert facts.layout.chunk_shape == chunks
        assert facts.layout.element_size == 4
        assert not facts.layout.has_raw_edges


@INDEXES
def test_as_h5py_lists_them(tmp_path, libver, max_shape, index) -> None:
    path = tmp_path / "file.h5"
    chunks = (2, 3) if max_shape else (8, 6)
    with h5py.File(path, "w", libver=libver) as file:
        made = file.create_dataset(
            "x", (8, 6), "f4", maxshape=max_shape, chunks=chunks, compression="gzip"
        )
        made[2:6, 3:] = 1
    with facts_of(path) as facts:
        theirs = chunks_by_h5py(facts)
    if isinstance(theirs, Reason):
        assert (theirs.code, max_shape) == ("hdf5-index-untrusted", (8, None))
        return
    mine, theirs = listed(path)
    assert mine == theirs


@pytest.mark.parametrize("is_filtered", [False, True])
@pytest.mark.parametrize(
    ("max_shape", "libver"),
    [
        ((None, 3), "earliest"),
        ((None, 3), "latest"),
        ((3, None), "latest"),
        (None, "latest"),
        ((None, None), "latest"),
    ],
    ids=["B-tree 1", "extensible first", "extensible last", "fixed array", "B-tree 2"],
)
def test_large_indexes(tmp_path, max_shape, libver, is_filtered) -> None:
    """Pages, super blocks, trees of several levels; about half of the chunks are there."""
    path = tmp_path / "file.h5"
    shape = (3, 60_000) if max_shape == (3, None) else (60_000, 3)
    random = np.random.default_rng(1)
    written = np.sort(random.choice(180_000, 90_000, replace=False))
    # Whole pages of the arrays are never used.
    written = written[(written < 20_000) | (written > 70_000)]
    with h5py.File(path, "w", libver=libver) as file:
        made = file.create_dataset(
            "x",
            shape,
            "u1",
            chunks=(1, 1),
            maxshape=max_shape,
            compression="gzip" if is_filtered else None,
        )
        for position in written.tolist():
            start = divmod(position, shape[1])
            made.id.write_direct_chunk(start, bytes([position % 251]))
    data = np.frombuffer(path.read_bytes(), np.uint8)
    with facts_of(path) as facts:
        table = run(located_chunks(facts), facts.file.data)
    assert (table.positions() == written).all()
    assert (table.length == 1).all()
    assert (data[table.offset] == written % 251).all()


def listed(path):
    """Return position, byte, length and mask of each chunk, as listed here and by h5py."""
    with facts_of(path) as facts:
        tables = run(located_chunks(facts), facts.file.data), chunks_by_h5py(facts)
    return [
        list(
            zip(
                one.positions().tolist(),
                one.offset.tolist(),
                one.length.tolist(),
                one.masks.tolist(),
                strict=True,
            )
        )
        for one in tables
    ]


@pytest.mark.parametrize("written", [[], [0], [1023], [1024], [2599], [0, 2599]])
@pytest.mark.parametrize("is_filtered", [False, True])
def test_pages_that_nobody_wrote(tmp_path, written, is_filtered) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver="latest") as file:
        options = {"compression": "gzip"} if is_filtered else {}
        data = file.create_dataset("x", (2600,), "i4", chunks=(1,), **options)
        for place in written:
            data[place] = place + 1
    ours, theirs = listed(path)
    assert ours == theirs
    assert len(ours) == len(written)


@pytest.mark.parametrize("odd", [0, 70, 199])
def test_lengths_that_differ_in_one_chunk(tmp_path, odd) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("x", (200, 8), "u1", chunks=(1, 8), compression="gzip")
        for number in range(200):
            mask, chunk = (1, bytes(8)) if number == odd else (0, zlib.compress(bytes(8)))
            data.id.write_direct_chunk((number, 0), chunk, mask)
    ours, theirs = listed(path)
    assert ours == theirs
    assert len(ours) == 200


def test_endless_grids_cost_nothing(sample) -> None:
    huge = (10**6, 10**6)
    with sample.writing() as file:
        file.create_dataset("nothing", huge, "f4", chunks=(1, 1))
        file.create_dataset("one", huge, "f4", chunks=(1, 1))[5, 7] = 3
        file.create_dataset("text", huge, h5py.string_dtype(), chunks=(1, 1))[3, 3] = "a"
        file.create_dataset("contiguous", (10**15,), "f8")
    group = sample.read(inline=None)
    assert group.all_problems() == ()
    assert group.arrays["nothing"].manifest.size == 10**12
    assert [array.manifest.nstored for array in group.arrays.values()] == [0, 0, 1, 1]
    assert group.arrays["one"].manifest[5, 7].length == 4


def test_more_chunks_than_can_be_counted(sample) -> None:
    with sample.writing() as file:
        file.create_dataset("x", (2**62, 4), "f4", chunks=(1, 1))
        file["y"] = [1]
    group = sample.read()
    (problem,) = group.all_problems()
    assert list(group.arrays) == ["y"]
    assert problem.variable == "/x"
    assert str(2**64) in problem.what
