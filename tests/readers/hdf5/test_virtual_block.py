"""Mappings are parsed as h5py understands them; damaged lists are an error, at once."""

from __future__ import annotations

from struct import pack

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st
from numcodecs.jenkins import jenkins_lookup3

from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Damaged, NotUnderstood, Trouble
from zarrchive.readers.hdf5.selections import (
    UNLIMITED,
    Everything,
    Irregular,
    Regular,
    parse_selection,
)
from zarrchive.readers.hdf5.virtual_block import _parsed

_LIBVERS = ["v110", "v112", "v114", "latest"]


def _space(extent, slabs, limits=None) -> h5s.SpaceID:
    """Return a selection, the union of `slabs` (start, count, stride, block)."""
    space = h5s.create_simple(extent, limits or extent)
    for number, (start, count, stride, block) in enumerate(slabs):
        space.select_hyperslab(
            start, count, stride, block, op=h5s.SELECT_OR if number else h5s.SELECT_SET
        )
    return space


def _heap_object(image: bytes, version: int) -> bytes:
    """Return the list of mappings in the image of a file: its checksum is right."""
    at = image.find(b"GCOL")
    assert at > 0
    start = at + 32  # header of the collection, then that of its first object
    length = int.from_bytes(image[at + 24 : at + 32], "little")
    data = image[start : start + length]
    assert data[0] <= version
    return data


def _written(libver, pairs, shape, max_shape=None) -> tuple[bytes, h5p.PropDCID]:
    plist = h5p.create(h5p.DATASET_CREATE)
    for virtual, file, path, source in pairs:
        plist.set_virtual(virtual, file, path, source)
    with h5py.File(
        "any", "w", driver="core", backing_store=False, libver=("v110", libver)
    ) as opened:
        space = h5s.create_simple(shape, max_shape or shape)
        made = h5d.create(opened.id, b"x", h5t.NATIVE_INT64, space, plist)
        opened.flush()
        return opened.id.get_file_image(), made.get_create_plist()


def _agrees(found, space, shape) -> None:
    """Compare a selection with all that h5py tells of it."""
    kind = space.get_select_type()
    if isinstance(found, Everything):
        assert kind == h5s.SEL_ALL
    elif isinstance(found, Regular):
        assert kind == h5s.SEL_HYPERSLABS
        assert space.is_regular_hyperslab()
        axes = zip(*space.get_regular_hyperslab(), strict=True)
        for (start, stride, count, block), theirs in zip(found.axes, axes, strict=True):
            # A single run is the same whichever way it is cut into blocks.
            if count == theirs[2]:
                assert (start, count, block) == (theirs[0], theirs[2], theirs[3])
                assert count == 1 or stride == theirs[1]
            else:
                assert (start, count * block) == (theirs[0], theirs[2] * theirs[3])
    else:
        assert not space.is_regular_hyperslab()
        mine, theirs = np.zeros(shape, bool), np.zeros(shape, bool)
        for first, end in zip(found.first, found.end, strict=True):
            mine[tuple(map(slice, first, end))] = True
        for first, last in space.get_select_hyper_blocklist():
            theirs[tuple(map(slice, first, last + 1))] = True
        assert (mine == theirs).all()


@st.composite
def _selections(draw, shape) -> h5s.SpaceID:
    if draw(st.integers(0, 4)) == 0:
        return h5s.create_simple(shape)
    slabs = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        slab = []
        for size in shape:
            block = draw(st.integers(1, size))
            stride = draw(st.integers(block, size))
            count = draw(st.integers(1, 1 + (size - block) // stride))
            start = draw(st.integers(0, size - (count - 1) * stride - block))
            slab.append((start, count, stride, block))
        slabs.append(tuple(zip(*slab, strict=True)))
    return _space(shape, slabs)


@given(data=st.data())
def test_selections_agree_with_h5py(data) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    selections = data.draw(st.lists(_selections(shape), min_size=1, max_size=4))
    names = data.draw(st.lists(st.sampled_from([b".", b"a.h5", b"b"]), min_size=4, max_size=4))
    libver = data.draw(st.sampled_from(_LIBVERS))
    pairs = [(one, name, b"d" + name, one) for one, name in zip(selections, names, strict=False)]
    image, plist = _written(libver, pairs, shape)
    found = _parsed(_heap_object(image, 1), 8)
    assert len(found) == plist.get_virtual_count()
    for number, pattern in enumerate(found):
        assert pattern.names == (
            plist.get_virtual_filename(number),
            plist.get_virtual_dsetname(number),
        )
        _agrees(pattern.virtual, plist.get_virtual_vspace(number), shape)
        source = plist.get_virtual_srcspace(number)
        if source.get_select_type() != h5s.SEL_ALL or isinstance(pattern.source, Everything):
            _agrees(pattern.source, source, shape)


@pytest.mark.parametrize("libver", _LIBVERS)
@pytest.mark.parametrize("by", ["count", "block"])
def test_unlimited_selections(libver, by) -> None:
    limits = (4, h5s.UNLIMITED)
    slab = ((1, 2), (1, h5s.UNLIMITED), (3, 5), (2, 4))
    if by == "block":
        slab = ((1, 2), (1, 1), None, (2, h5s.UNLIMITED))
    space = _space((4, 9), [slab], limits)
    image, _ = _written(libver, [(space, b"a", b"d", space)], (4, 9), limits)
    (pattern,) = _parsed(_heap_object(image, 1), 8)
    start, _, count, block = pattern.virtual.axes[1]
    assert start == 2
    assert (count, block) == ((UNLIMITED, 4) if by == "count" else (1, UNLIMITED))
    assert pattern.virtual.unlimited_axis == pattern.source.unlimited_axis == 1


def test_names_that_are_shared() -> None:
    everything = _space((4,), [((0,), (1,), None, (4,))])
    pairs = [
        (everything, file, path, everything)
        for file, path in [(b"long name.h5", b"d"), (b"long name.h5", b"e"), (b".", b"d")]
    ]
    image, _ = _written("latest", pairs, (4,))
    found = _parsed(_heap_object(image, 1), 8)
    assert [p.names for p in found] == [("long name.h5", "d"), ("long name.h5", "e"), (".", "d")]


_EVERYTHING = pack("<IIII", 3, 1, 0, 0)


def _list(*entries: bytes, version: int = 0, count: int | None = None) -> bytes:
    body = bytes([version]) + pack("<Q", len(entries) if count is None else count)
    body += b"".join(entries)
    return body + pack("<I", jenkins_lookup3(body, 0))


def _hyperslab_3(flags: int, width: int, *numbers: int, rank: int = 1) -> bytes:
    head = pack("<IIBBI", 2, 3, flags, width, rank)
    return head + b"".join(n.to_bytes(width, "little") for n in numbers)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", Damaged, "structure of 0"),
        (_list(version=2), Damaged, "version 2"),
        (_list(count=2**40), Damaged, "bytes"),
        (_list(b"n" * 40), Damaged, "no end"),
        (_list(b"a\0d\0" + _EVERYTHING * 2)[:-1] + b"?", Damaged, "checksum"),
        (_list(b"a\0d\0" + pack("<IIII", 9, 1, 0, 0) * 2), Damaged, "kind 9"),
        (_list(b"a\0d\0" + pack("<IIII", 3, 2, 0, 0) * 2), Damaged, "version 2"),
        (_list(b"a\0d\0" + pack("<IIII", 1, 1, 0, 0) * 2), NotUnderstood, "single elements"),
        (_list(b"a\0d\0" + pack("<IIII", 2, 4, 0, 0) * 2), Damaged, "version 4"),
        (_list(b"a\0d\0" + _hyperslab_3(1, 3, *[1] * 40)), Damaged, "numbers of 3 bytes"),
        (_list(b"a\0d\0" + _hyperslab_3(1, 8, *[1] * 40, rank=0)), Damaged, "0 dimensions"),
        (_list(b"a\0d\0" + _hyperslab_3(1, 8, *[1] * 40, rank=33)), Damaged, "33 dimensions"),
        (_list(b"a\0d\0" + _hyperslab_3(1, 2, *[1] * 40, rank=32)), Damaged, "cut off"),
        (_list(b"a\0d\0" + _hyperslab_3(1, 8, 0, 0, 1, 1) * 2), Damaged, "stride 0"),
        (_list(b"a\0d\0" + _hyperslab_3(0, 8, 2**50, 1, 1) * 2), Damaged, "cut off"),
        (_list(b"a\0d\0" + _hyperslab_3(0, 8, 1, 5, 4) * 2), Damaged, "before they begin"),
        (
            _list(b"\1" + bytes(8) + b"d\0" + _EVERYTHING * 2, version=1),
            Damaged,
            "the name of mapping 0",
        ),
    ],
)
def test_damage_is_said_in_words(data, error, words) -> None:
    with pytest.raises(error, match=words):
        _parsed(data, 8)


@given(data=st.binary(max_size=120), kind=st.integers(0, 4), version=st.integers(0, 4))
def test_random_bytes_are_a_selection_or_an_error(data, kind, version) -> None:
    try:
        found, end = parse_selection(pack("<II", kind, version) + data, 0)
    except (Trouble, *PARSE_ERRORS):
        return
    assert end <= 8 + len(data) or isinstance(found, Everything | Irregular)
