"""Attributes by their raw messages: the names that h5py lists, the values that it reads."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from h5py import h5g
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location import open_source
from zarrchive.readers import read_group
from zarrchive.readers.hdf5.attribute_messages import read_attribute_messages
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.object_header import read_header
from zarrchive.readers.hdf5.opened import opened

if TYPE_CHECKING:
    from pathlib import Path

VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(np.int32),
    st.floats(width=32).map(np.float32),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=300),
    st.binary(min_size=1, max_size=20).map(lambda raw: np.bytes_(raw.hex())),
    st.lists(st.integers(0, 255), min_size=2, max_size=60).map(lambda n: np.array(n, ">u2")),
    st.just(np.array(["vlen", "text"], dtype=object)),
)
FILES = itertools.count()


def listed(path: Path) -> list[tuple[bytes, bytes | None]]:
    """List name and, where its bytes alone tell the value, message of each attribute of ``v``."""
    with open_source(path) as source, opened(source, None) as file:
        with h5py.File(path) as direct:
            low, high = h5g.get_objinfo(direct["v"].id).objno
        messages = run(read_header(file.superblock, low | high << 32), file.data)
        found = run(read_attribute_messages(file.superblock, messages), file.data)
    return [(one.name, one.body) for one in found]


def check(path: Path, expected: dict[str, Any]) -> None:
    for _ in range(2):  # the second time, values come from what was seen
        found = read_group(path).arrays["v"].attributes
        assert set(found) == set(expected)
        with h5py.File(path) as direct:
            for name in expected:
                truth = direct["v"].attrs[name]
                truth = truth.decode() if isinstance(truth, bytes) else truth
                np.testing.assert_array_equal(found[name], truth)


@given(
    attributes=st.dictionaries(
        st.text("abcdefgh_", min_size=1, max_size=12).map("n{}".format), VALUES, max_size=30
    ),
    libver=st.sampled_from(["earliest", "latest"]),
    user_block=st.sampled_from([0, 512]),
    track_order=st.booleans(),
)
def test_as_h5py_lists_and_reads_them(
    tmp_path_factory: pytest.TempPathFactory,
    attributes: dict[str, Any],
    libver: str,
    user_block: int,
    track_order: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    path = tmp_path_factory.getbasetemp() / f"attributes_{next(FILES)}.h5"
    with h5py.File(path, "w", libver=libver, userblock_size=user_block) as file:
        data = file.create_dataset("v", data=np.arange(3), track_order=track_order)
        for name, value in attributes.items():
            data.attrs[name] = value
    assert [name.decode() for name, _ in listed(path)] == sorted(attributes)
    check(path, attributes)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_dozen_attributes_in_a_heap_are_listed(tmp_path: Path, libver: str) -> None:
    path = tmp_path / "dense.h5"
    expected = {f"attribute_{n:02d}": np.float64(n) for n in range(12)}
    with h5py.File(path, "w", libver=libver) as file:
        file["v"] = np.arange(3)
        file["v"].attrs.update(expected)
    assert [name.decode() for name, body in listed(path) if body] == sorted(expected)
    check(path, expected)


@pytest.mark.parametrize("count", [300, 5000])
def test_deep_trees_and_heaps_of_many_blocks(tmp_path: Path, count: int) -> None:
    path = tmp_path / "many.h5"
    expected = {f"attribute_{n:04d}": np.int32(n) for n in range(count)}
    with h5py.File(path, "w", libver="latest") as file:
        file["v"] = np.arange(3)
        file["v"].attrs.update(expected)
    assert [name.decode() for name, _ in listed(path)] == sorted(expected)
    check(path, expected)


def test_huge_attributes(tmp_path: Path) -> None:
    """Those of more than 64 KiB lie outside of the blocks of the heap."""
    path = tmp_path / "huge.h5"
    expected = {f"h{n}": np.arange(9000 + n, dtype=np.float64) for n in range(3)}
    with h5py.File(path, "w", libver="latest") as file:
        file["v"] = np.arange(3)
        file["v"].attrs.update(expected)
    check(path, expected)


def test_what_was_seen_cannot_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["v"] = np.arange(3)
        file["v"].attrs["valid_range"] = np.array([1.0, 2.0])
    read_group(path).arrays["v"].attributes["valid_range"][:] = -1
    check(path, {"valid_range": np.array([1.0, 2.0])})


def test_text_in_the_heap_of_another_file_is_read_again(tmp_path: Path) -> None:
    # The two messages are the same bytes: both point to the first object of their file's heap.
    for word in ("one", "two"):
        path = tmp_path / f"{word}.h5"
        with h5py.File(path, "w") as file:
            file["v"] = np.arange(3)
            file["v"].attrs["word"] = word
        check(path, {"word": word})
