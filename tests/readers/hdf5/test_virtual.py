"""Virtual datasets refer to the chunks of their sources, or say which mapping does not fit."""

from __future__ import annotations

import subprocess
import sys

import fsspec
import h5py
import numpy as np
import pytest
import zarr
from h5py import h5d, h5p, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st

import zarrchive
from zarrchive.location import SourceFile, open_source
from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5_files import differences_from_h5py
from zarrchive.testing.sources import MemorySource, web_server

_GZIP = {"chunks": (2, 4), "compression": "gzip", "shuffle": True}


class Folder:
    """A master file and its sources."""

    def __init__(self, path) -> None:
        self.path = path
        self.master = path / "master.h5"

    def source(self, name: str, values, dataset: str = "d", **keywords) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(target, "a") as file:
            file.create_dataset(dataset, data=values, **keywords)

    def virtual(self, layout, name: str = "x", **keywords) -> None:
        with h5py.File(self.master, "a", libver="latest") as file:
            file.create_virtual_dataset(name, layout, **keywords)

    def mapped(self, pairs, shape, max_shape=None, dtype=h5t.NATIVE_INT64, fill=None) -> None:
        """Make a virtual dataset of raw pairs of selections."""
        plist = h5p.create(h5p.DATASET_CREATE)
        if fill is not None:
            plist.set_fill_value(fill)
        for virtual, file, path, source in pairs:
            plist.set_virtual(virtual, file.encode(), path.encode(), source)
        with h5py.File(self.master, "a", libver="latest") as file:
            space = h5s.create_simple(shape, max_shape or shape)
            h5d.create(file.id, b"x", dtype, space, plist)

    def read(self, **options):
        return read_group(self.master, **options)

    def checked(self, **options):
        group = self.read(**options)
        assert differences_from_h5py(self.master, group) == []
        return group


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path / "run")


def _blocks(n: int, shape=(4, 8), dtype="i8") -> list[np.ndarray]:
    size = int(np.prod(shape))
    return [(np.arange(size) + 1000 * (k + 1)).reshape(shape).astype(dtype) for k in range(n)]


@pytest.mark.parametrize("keywords", [{}, {"chunks": (2, 4)}, _GZIP], ids=["raw", "chunks", "gzip"])
@pytest.mark.parametrize("how", ["stack", "stack behind", "join", "join sideways", "interleave"])
def test_blocks_of_other_files(folder, how, keywords) -> None:
    for number, values in enumerate(_blocks(3)):
        folder.source(f"{number}.h5", values, **keywords)
    layout = h5py.VirtualLayout(
        {
            "stack": (3, 4, 8),
            "stack behind": (4, 8, 3),
            "join": (12, 8),
            "join sideways": (4, 24),
            "interleave": (4, 3, 8),
        }[how],
        "i8",
    )
    for number in range(3):
        source = h5py.VirtualSource(f"{number}.h5", "d", (4, 8))
        if how == "stack":
            layout[number] = source
        elif how == "stack behind":
            layout[:, :, number] = source
        elif how == "join":
            layout[4 * number : 4 * number + 4] = source
        elif how == "join sideways":
            layout[:, 8 * number : 8 * number + 8] = source
        else:
            layout[:, number] = source
    folder.virtual(layout)
    array = folder.checked().arrays["x"]
    assert array.manifest.nrefs == array.manifest.size
    assert [file.url for file in array.manifest.files] == [
        str(folder.path / f"{number}.h5") for number in range(3)
    ]


def test_references_carry_the_identity_of_the_file_that_they_point_into(folder) -> None:
    (values,) = _blocks(1)
    folder.source("a.h5", values, **_GZIP)
    layout = h5py.VirtualLayout((4, 8), "i8")
    layout[:] = h5py.VirtualSource("a.h5", "d", (4, 8))
    folder.virtual(layout)
    (found,) = folder.read().arrays["x"].manifest.files
    with open_source(folder.path / "a.h5") as source:
        assert found == source.file
    assert isinstance(found, SourceFile)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_through_kerchunk_and_fsspec(folder, zarr_format) -> None:
    blocks = _blocks(3)
    for number, values in enumerate(blocks):
        folder.source(f"{number}.h5", values, **_GZIP)
    layout = h5py.VirtualLayout((3, 5, 8), "i8")
    for number in range(3):
        layout[number, :4] = h5py.VirtualSource(f"{number}.h5", "d", (4, 8))
    folder.virtual(layout, fillvalue=-7)
    with h5py.File(folder.master) as file:
        expected = file["x"][...]
    assert folder.checked().arrays["x"].manifest.nrefs == 12
    layout = h5py.VirtualLayout((4, 4, 8), "i8")
    for number in range(3):
        layout[number] = h5py.VirtualSource(f"{number}.h5", "d", (4, 8))
    folder.virtual(layout, "y", fillvalue=-7)
    group = folder.checked()
    assert group.arrays["y"].manifest.nrefs == 12
    target = folder.path / "refs.json"
    virtual = zarrchive.open_virtual_dataset(str(folder.master))
    virtual.virtual.to_kerchunk(target, zarr_format=zarr_format)
    system = fsspec.filesystem(
        "reference", fo=str(target), remote_protocol="file", asynchronous=True
    )
    store = zarr.storage.FsspecStore(system, read_only=True)
    opened = zarr.open_group(store, mode="r", zarr_format=zarr_format)
    np.testing.assert_array_equal(opened["x"][...], expected)
    np.testing.assert_array_equal(opened["y"][:3], np.stack(blocks))
    assert (opened["y"][3] == -7).all()


@pytest.mark.parametrize("keywords", [{}, _GZIP], ids=["raw", "gzip"])
def test_blocks_of_the_same_file(folder, keywords) -> None:
    for number, values in enumerate(_blocks(2)):
        folder.source("master.h5", values, f"d{number}", **keywords)
    layout = h5py.VirtualLayout((8, 8), "i8")
    for number in range(2):
        layout[4 * number : 4 * number + 4] = h5py.VirtualSource(".", f"d{number}", (4, 8))
    folder.virtual(layout)
    array = folder.checked().arrays["x"]
    assert array.manifest.nrefs == array.manifest.size
    assert [file.url for file in array.manifest.files] == [str(folder.master)]


def test_what_no_mapping_covers_is_the_fill_value(folder) -> None:
    (values,) = _blocks(1)
    folder.source("a.h5", values, chunks=(4, 4))
    layout = h5py.VirtualLayout((9, 10), "i8")
    layout[4:8, :8] = h5py.VirtualSource("a.h5", "d", (4, 8))
    folder.virtual(layout, fillvalue=-1)
    array = folder.checked().arrays["x"]
    assert array.chunk_shape == (4, 4)
    assert (array.manifest.nrefs, array.manifest.size) == (2, 9)
    assert array.metadata.fill_value == -1


def test_last_chunk_of_a_source_may_pass_its_end_only_at_the_end(folder) -> None:
    folder.source("a.h5", np.arange(10), chunks=(4,), maxshape=(None,))
    for name, shape in {"end": (14,), "middle": (20,)}.items():
        layout = h5py.VirtualLayout(shape, "i8")
        layout[4:14] = h5py.VirtualSource("a.h5", "d", (10,))
        folder.virtual(layout, name, fillvalue=-1)
    arrays = folder.checked().arrays
    assert arrays["end"].manifest.nrefs == 3
    assert arrays["middle"].manifest.nrefs == 0


@pytest.mark.parametrize("fill", [None, 5])
def test_unwritten_chunks_of_sources_read_as_the_fill_value_of_the_source(folder, fill) -> None:
    folder.path.mkdir()
    with h5py.File(folder.path / "a.h5", "w") as file:
        keywords = {"chunks": (10,), "fillvalue": fill}
        made = file.create_dataset("d", (40,), "i8", compression="gzip", **keywords)
        made[10:20] = np.arange(10)
        file.create_dataset("nothing", (40,), "i8", **keywords)
    layout = h5py.VirtualLayout((120,), "i8")
    layout[:40] = h5py.VirtualSource("a.h5", "d", (40,))
    layout[40:80] = h5py.VirtualSource("a.h5", "nothing", (40,))
    folder.virtual(layout, fillvalue=0)
    array = folder.checked().arrays["x"]
    assert array.manifest.nrefs == 1
    assert array.manifest.ninlined == (0 if fill is None else 7)


def test_chunks_that_skipped_filters_are_taken_along(folder) -> None:
    folder.path.mkdir()
    with h5py.File(folder.path / "a.h5", "w") as file:
        made = file.create_dataset("d", (30,), "i8", chunks=(10,), compression="gzip")
        made[...] = np.arange(30)
        made.id.write_direct_chunk((10,), np.arange(70, 80).tobytes(), filter_mask=1)
    layout = h5py.VirtualLayout((2, 30), "i8")
    layout[0] = layout[1] = h5py.VirtualSource("a.h5", "d", (30,))
    folder.virtual(layout)
    array = folder.checked().arrays["x"]
    assert (array.manifest.nrefs, array.manifest.ninlined) == (4, 2)


_UNLIMITED = h5s.UNLIMITED


def _hyperslab(extent, start, count, stride, block, limits=None) -> h5s.SpaceID:
    space = h5s.create_simple(extent, limits or extent)
    space.select_hyperslab(start, count, stride, block)
    return space


@pytest.mark.parametrize("stride", [4, 6])
def test_printf_names(folder, stride) -> None:
    for number, values in enumerate(_blocks(3)):
        folder.source(f"part-{number}%.h5", values, f"d{number}", chunks=(2, 8))
    limits = (_UNLIMITED, 8)
    virtual = _hyperslab((12, 8), (0, 0), (_UNLIMITED, 1), (stride, 1), (4, 8), limits)
    pair = (virtual, "part-%b%%.h5", "d%b", h5s.create_simple((4, 8)))
    folder.mapped([pair], (4, 8), limits, fill=np.array(-3, "i8"))
    array = folder.checked().arrays["x"]
    assert array.shape == (2 * stride + 4, 8)
    assert array.manifest.nrefs == 6


@pytest.mark.parametrize(
    ("missing", "words"),
    [(0, "part-0.h5: there is no such file"), (1, "though 'd' in 'part-2.h5' is"), (2, "")],
)
def test_missing_parts_of_a_series(folder, missing, words) -> None:
    for number, values in enumerate(_blocks(3)):
        if number != missing:
            folder.source(f"part-{number}.h5", values, chunks=(2, 8))
    limits = (_UNLIMITED, 8)
    virtual = _hyperslab((12, 8), (0, 0), (_UNLIMITED, 1), (4, 1), (4, 8), limits)
    folder.path.mkdir(exist_ok=True)
    folder.mapped([(virtual, "part-%b.h5", "d", h5s.create_simple((4, 8)))], (4, 8), limits)
    group = folder.checked()
    if not words:  # the last one cannot be missed
        assert group.arrays["x"].shape == (8, 8)
        return
    (problem,) = group.all_problems()
    assert problem.code == "hdf5-virtual-dataset"
    assert words in problem.what


@pytest.mark.parametrize("lengths", [(4, 6), (6, 4), (6, 0)])
@pytest.mark.parametrize("block", [1, 2])
def test_unlimited_sources_of_different_lengths(folder, lengths, block) -> None:
    limits = (_UNLIMITED, 8)
    pairs = []
    for number, length in enumerate(lengths):
        values = np.full((length, 8), number + 1)
        folder.source(f"{number}.h5", values, chunks=(block, 8), maxshape=(None, 8))
        count = [(_UNLIMITED, 1), (2 * block, 1), (block, 8)]
        virtual = _hyperslab((4, 8), (number * block, 0), *count, limits)
        own = [(_UNLIMITED, 1), (block, 1), (block, 8)]
        pairs.append((virtual, f"{number}.h5", "d", _hyperslab((4, 8), (0, 0), *own, limits)))
    folder.mapped(pairs, (4, 8), limits, fill=np.array(-1, "i8"))
    array = folder.checked().arrays["x"]
    assert array.manifest.nrefs == sum(lengths) // block


def test_fixed_mapping_before_an_unlimited_one(folder) -> None:
    folder.source("a.h5", _blocks(1)[0], chunks=(2, 8))
    folder.source("b.h5", np.zeros((0, 8), "i8"), chunks=(2, 8), maxshape=(None, 8))
    limits = (_UNLIMITED, 8)
    fixed = _hyperslab((8, 8), (2, 0), (1, 1), None, (4, 8), limits)
    count = [(_UNLIMITED, 1), (1, 1), (1, 8)]
    growing = _hyperslab((8, 8), (6, 0), *count, limits)
    source = _hyperslab((4, 8), (0, 0), *count, limits)
    pairs = [(fixed, "a.h5", "d", h5s.create_simple((4, 8))), (growing, "b.h5", "d", source)]
    folder.mapped(pairs, (6, 8), limits)
    assert folder.checked().arrays["x"].shape == (6, 8)


@pytest.mark.parametrize("by", ["count", "block"])
@pytest.mark.parametrize("keywords", [{"chunks": (2, 8)}, {"chunks": (1, 4)}])
def test_unlimited_selections(folder, by, keywords) -> None:
    (values,) = _blocks(1)
    folder.source("a.h5", values, maxshape=(None, 8), **keywords)
    limits = (_UNLIMITED, 8)
    pair = [(_UNLIMITED, 1), (1, 1), (1, 8)] if by == "count" else [(1, 1), None, (_UNLIMITED, 8)]
    virtual = _hyperslab((2, 8), (2, 0), *pair, limits)
    source = _hyperslab((2, 8), (0, 0), *pair, limits)
    folder.mapped([(virtual, "a.h5", "d", source)], (2, 8), limits)
    array = folder.checked().arrays["x"]
    assert array.shape == (6, 8)
    assert array.manifest.nrefs == array.manifest.size * 2 // 3


def test_selections_that_are_not_regular_are_held(folder) -> None:
    (values,) = _blocks(1)
    folder.source("a.h5", values)
    holes = _hyperslab((4, 8), (0, 0), (1, 1), None, (2, 2))
    holes.select_hyperslab((3, 4), (1, 1), None, (1, 4), op=h5s.SELECT_OR)
    line = _hyperslab((4, 8), (2, 0), (1, 1), None, (1, 8))
    for virtual, source in ((holes, line), (line, holes)):
        folder.master.unlink(missing_ok=True)
        folder.mapped([(virtual, "a.h5", "d", source)], (4, 8), fill=np.array(-1, "i8"))
        array = folder.checked().arrays["x"]
        assert array.manifest.ninlined == 1
        assert (values_of(array) > 0).sum() == 8


def test_elements_in_another_shape_are_held(folder) -> None:
    folder.source("a.h5", np.arange(32))
    pair = (h5s.create_simple((4, 8)), "a.h5", "d", h5s.create_simple((32,)))
    folder.mapped([pair], (4, 8))
    assert folder.checked().arrays["x"].manifest.ninlined == 1


@pytest.mark.parametrize(
    ("shape", "start"), [((600, 1000), 1), ((600, 1000), 50)], ids=["row", "half a chunk"]
)
def test_large_datasets_that_do_not_fit_name_the_mapping(folder, shape, start) -> None:
    values = np.arange(500_000).reshape(500, 1000)
    folder.source("a.h5", values, chunks=(100, 1000))
    layout = h5py.VirtualLayout(shape, "i8")
    layout[start : start + 500] = h5py.VirtualSource("a.h5", "d", (500, 1000))
    folder.virtual(layout)
    (problem,) = folder.read().all_problems()
    assert (problem.code, problem.variable) == ("hdf5-virtual-dataset", "/x")
    assert "mapping 0 (of 'd' in 'a.h5')" in problem.what
    assert f"elements {start} to {start + 500} are no whole chunks of 100" in problem.what
    wanted = folder.checked(inline=frozenset({"x"})).arrays["x"]
    assert wanted.manifest.ninlined == 1


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"chunks": (2, 8), "compression": "gzip"}, "in another way"),
        ({"chunks": (4, 8)}, "has chunks of (4, 8)"),
        ({"dtype": "i4"}, "type int32"),
        ({"dtype": ">i8"}, "type >i8"),
        ({"dtype": "u2"}, "type uint16"),
    ],
)
def test_sources_that_differ_are_held_or_named(folder, other, words) -> None:
    (values,) = _blocks(1)
    for n in (1, 5000):
        folder.source(f"a{n}.h5", np.tile(values, (n, 1)), chunks=(2, 8))
        folder.source(f"b{n}.h5", np.tile(values, (n, 1)), **other)
        layout = h5py.VirtualLayout((8 * n, 8), "i8")
        layout[: 4 * n] = h5py.VirtualSource(f"a{n}.h5", "d", (4 * n, 8))
        layout[4 * n :] = h5py.VirtualSource(f"b{n}.h5", "d", (4 * n, 8))
        folder.virtual(layout, f"x{n}")
    group = folder.checked()
    assert group.arrays["x1"].manifest.ninlined == 1
    (problem,) = group.all_problems()
    assert problem.variable == "/x5000"
    assert words in problem.what


def test_mappings_over_each_other(folder) -> None:
    for number, values in enumerate(_blocks(2)):
        folder.source(f"{number}.h5", values, chunks=(2, 8))
    layout = h5py.VirtualLayout((6, 8), "i8")
    layout[:4] = h5py.VirtualSource("0.h5", "d", (4, 8))
    layout[2:] = h5py.VirtualSource("1.h5", "d", (4, 8))
    folder.virtual(layout)
    (problem,) = folder.read().all_problems()
    assert "mapping 1 (of 'd' in '1.h5') lies over others" in problem.what


def _one(folder, name, path="d", shape=(4, 8)) -> None:
    layout = h5py.VirtualLayout(shape, "i8")
    layout[:] = h5py.VirtualSource(name, path, shape)
    folder.virtual(layout)


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("missing.h5", "d", "no such file"),
        ("a.h5", "missing", "no dataset 'missing'"),
        ("a.h5", "group", "is no dataset"),
        ("text.txt", "d", "text.txt"),
        (".", "missing", "no dataset 'missing'"),
    ],
)
def test_missing_sources_are_never_the_fill_value(folder, name, path, words, size) -> None:
    shape = (4, 8) if size == "small" else (4000, 80)
    folder.source("a.h5", np.zeros(shape), "group/d")
    (folder.path / "text.txt").write_text("no HDF5")
    _one(folder, name, path, shape)
    for wanted in (frozenset(), frozenset({"x"})):
        (problem,) = folder.read(inline=wanted).all_problems()
        assert (problem.code, problem.variable) == ("hdf5-virtual-dataset", "/x")
        assert words in problem.what
        assert problem.hint


@pytest.mark.parametrize("how", ["up", "absolute", "link", "link to a folder"])
def test_nothing_is_followed_out_of_the_folder(folder, how) -> None:
    secret = folder.path.parent / "elsewhere" / "secret.h5"
    secret.parent.mkdir()
    folder.path.mkdir()
    with h5py.File(secret, "w") as file:
        file["d"] = np.ones((4, 8), "i8")
    name = {"up": "../elsewhere/secret.h5", "absolute": str(secret), "link": "l.h5"}.get(how)
    if how == "link":
        (folder.path / "l.h5").symlink_to(secret)
    elif how == "link to a folder":
        (folder.path / "sub").symlink_to(secret.parent)
        name = "sub/secret.h5"
    _one(folder, name)
    for wanted in (frozenset(), frozenset({"x"})):
        group = folder.read(inline=wanted)
        (problem,) = group.all_problems()
        assert not group.arrays
        assert "outside of its folder" in problem.what
        assert name in problem.what


def test_names_inside_of_the_folder(folder) -> None:
    (values,) = _blocks(1)
    folder.source("sub/a.h5", values)
    (folder.path / "link.h5").symlink_to(folder.path / "sub" / "a.h5")
    for name in ("sub/../sub/./a.h5", str(folder.path / "sub" / "a.h5"), "link.h5"):
        folder.master.unlink(missing_ok=True)
        _one(folder, name)
        assert folder.checked().arrays["x"].manifest.nrefs == 1


def test_folder_that_was_moved(folder) -> None:
    (values,) = _blocks(1)
    folder.source("a.h5", values)
    _one(folder, str(folder.path / "a.h5"))
    moved = Folder(folder.path.rename(folder.path.with_name("moved")))
    array = moved.checked().arrays["x"]
    assert [file.url for file in array.manifest.files] == [str(moved.path / "a.h5")]


def test_master_behind_a_link(folder) -> None:
    (values,) = _blocks(1)
    folder.source("a.h5", values)
    _one(folder, "a.h5")
    link = folder.path.parent / "link.h5"
    link.symlink_to(folder.master)
    assert values_of(read_group(link).arrays["x"]).tolist() == values.tolist()


def test_virtual_datasets_of_virtual_datasets(folder) -> None:
    (values,) = _blocks(1)
    folder.source("sub/a.h5", values, **_GZIP)
    inner = Folder(folder.path / "sub")
    inner.master = inner.path / "inner.h5"
    _one(inner, "a.h5")
    _one(folder, "sub/inner.h5", "x")
    array = folder.checked().arrays["x"]
    assert array.manifest.nrefs == 4
    assert [file.url for file in array.manifest.files] == [str(inner.path / "a.h5")]


@pytest.mark.parametrize("large", [False, True])
def test_virtual_datasets_that_show_themselves(folder, large) -> None:
    shape = (4000, 80) if large else (4, 8)
    folder.path.mkdir()
    _one(folder, ".", "x", shape)
    (problem,) = folder.read().all_problems()
    assert "shows itself" in problem.what


def test_sources_with_problems_of_their_own(folder) -> None:
    folder.path.mkdir()
    with h5py.File(folder.path / "a.h5", "w") as file:
        made = file.create_dataset("d", (4000, 80), "i8", chunks=(1000, 80), compression="gzip")
        made[...] = np.arange(320_000).reshape(4000, 80)
        # Filtered and unfiltered chunks of one length, which nothing tells apart.
        for start, mask in ((0, 1), (1000, 1), (2000, 0), (3000, 0)):
            made.id.write_direct_chunk((start, 0), bytes(640_000), filter_mask=mask)
    _one(folder, "a.h5", shape=(4000, 80))
    (problem,) = folder.read().all_problems()
    assert f"{folder.path / 'a.h5'}: 2 of 4 chunks skipped other filters" in problem.what


def test_small_and_unusual_values_are_held(folder) -> None:
    folder.path.mkdir()
    partial = h5t.STD_I16LE.copy()
    partial.set_precision(12)
    with h5py.File(folder.path / "a.h5", "w") as file:
        file["text"] = np.array(["a", "bé", ""], dtype=object)
        file["compound"] = np.array([(1, 2.5), (3, 4)], [("a", "<i2"), ("b", ">f4")])
        file["float"] = np.array([1.0, 2, 3], "f4")
        h5d.create(file.id, b"twelve", partial, h5s.create_simple((3,)))
        file["twelve"][...] = [-2, 5, 2047]
        file["arrays"] = np.arange(6).reshape(3, 2)
    dtypes = {
        "text": h5py.string_dtype(),
        "compound": [("a", "<i2"), ("b", ">f4")],
        "float": ">f8",
        "twelve": "i2",
    }
    for name, dtype in dtypes.items():
        size = 2 if name == "compound" else 3
        layout = h5py.VirtualLayout((size + 1,), dtype)
        layout[:size] = h5py.VirtualSource("a.h5", name, (size,))
        folder.virtual(layout, name)
    arrays = folder.checked().arrays
    assert len(arrays) == 4
    assert {array.manifest.nrefs for array in arrays.values()} == {0}


def test_values_that_would_be_changed_are_a_problem(folder) -> None:
    folder.source("a.h5", np.array([1.5, 70000]))
    layout = h5py.VirtualLayout((2,), "i2")
    layout[:] = h5py.VirtualSource("a.h5", "d", (2,))
    folder.virtual(layout)
    (problem,) = folder.read().all_problems()
    assert "type float64 as int16" in problem.what


def test_scalars_and_nothing(folder) -> None:
    folder.source("a.h5", np.int64(7))
    for shape in ((), (0, 3)):
        folder.master.unlink(missing_ok=True)
        space = h5s.create(h5s.SCALAR) if not shape else h5s.create_simple(shape)
        if shape:
            folder.mapped([], shape)
        else:
            layout = h5py.VirtualLayout((1,), "i8")
            layout[0] = h5py.VirtualSource("a.h5", "d", ())
            del space
            folder.virtual(layout)
        folder.checked()


def test_the_hdf5_library_is_never_asked(folder) -> None:
    """It crashes on damaged lists of mappings, and follows names anywhere."""
    (values,) = _blocks(1)
    folder.source("a.h5", values, **_GZIP)
    layout = h5py.VirtualLayout((8, 8), "i8")
    layout[:4] = layout[4:] = h5py.VirtualSource("a.h5", "d", (4, 8))
    folder.virtual(layout)
    raw = str(folder.path / "raw.bin")
    with h5py.File(folder.master, "a") as file:
        file.create_dataset("external", data=values, external=[(raw, 0, 256)])
    script = (
        "import sys; sys.modules['h5py'] = None\n"
        "from zarrchive.readers.open import read_group\n"
        "arrays = read_group(sys.argv[1]).arrays\n"
        "print({name: array.manifest.nrefs for name, array in arrays.items()})"
    )
    command = [sys.executable, "-c", script, str(folder.master)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "{'external': 1, 'x': 8}"


def test_remote_sources(folder) -> None:
    blocks = _blocks(2)
    for number, values in enumerate(blocks):
        folder.source(f"{number} of 2.h5", values, **_GZIP)
    layout = h5py.VirtualLayout((8, 8), "i8")
    for number in range(2):
        name = f"/some/where/{number} of 2.h5"
        layout[4 * number : 4 * number + 4] = h5py.VirtualSource(name, "d", (4, 8))
    folder.virtual(layout)
    files = {f"runs/{path.name}": path.read_bytes() for path in folder.path.iterdir()}
    with web_server(files) as server:
        array = read_group(f"{server.url}runs/master.h5").arrays["x"]
        assert array.manifest.nrefs == 8
        urls = [file.url for file in array.manifest.files]
        assert urls == [f"{server.url}runs/{number}%20of%202.h5" for number in range(2)]
        np.testing.assert_array_equal(values_of(array), np.concatenate(blocks))
        del server.files["runs/1 of 2.h5"]
        (problem,) = read_group(f"{server.url}runs/master.h5").all_problems()
        assert "1%20of%202.h5" in problem.what


def test_sources_that_have_no_folder(folder) -> None:
    (values,) = _blocks(1)
    folder.source("a.h5", values)
    _one(folder, "a.h5")
    (problem,) = HDF5Reader().read(MemorySource(folder.master.read_bytes())).all_problems()
    assert "cannot be reached" in problem.what


@st.composite
def _tilings(draw: st.DrawFn) -> dict:
    """Virtual datasets of up to three sources, cut and placed in any way."""
    rank = draw(st.integers(1, 2))
    shape = tuple(draw(st.integers(1, 12)) for _ in range(rank))
    mappings = []
    for _ in range(draw(st.integers(1, 3))):
        source_shape = tuple(draw(st.integers(1, 8)) for _ in range(rank))
        slabs = []
        for size, source_size in zip(shape, source_shape, strict=True):
            length = draw(st.integers(1, min(size, source_size)))
            steps = (
                [
                    draw(st.integers(1, max(1, (n - 1) // max(1, length - 1))))
                    for n in (size, source_size)
                ]
                if length > 1
                else [1, 1]
            )
            starts = [
                draw(st.integers(0, n - (length - 1) * step - 1))
                for n, step in zip((size, source_size), steps, strict=True)
            ]
            slabs.append(
                [slice(a, a + (length - 1) * s + 1, s) for a, s in zip(starts, steps, strict=True)]
            )
        chunks = None
        if draw(st.booleans()):
            chunks = tuple(draw(st.integers(1, n)) for n in source_shape)
        mappings.append((source_shape, slabs, chunks, draw(st.booleans())))
    return {"shape": shape, "mappings": mappings, "fill": draw(st.sampled_from([b"", b"no"]))}


@given(recipe=_tilings())
def test_values_equal_h5py_however_they_are_cut(recipe, tmp_path_factory) -> None:
    folder = Folder(tmp_path_factory.mktemp("law"))
    # Elements that are large enough for a reference each.
    layout = h5py.VirtualLayout(recipe["shape"], "S32")
    for number, (shape, slabs, chunks, is_encoded) in enumerate(recipe["mappings"]):
        values = np.arange(int(np.prod(shape))).reshape(shape) + 1000 * number
        keywords = {"chunks": chunks, "compression": "gzip"} if chunks and is_encoded else {}
        keywords = keywords or {"chunks": chunks}
        folder.source(f"{number}.h5", values.astype("S32"), **keywords)
        source = h5py.VirtualSource(f"{number}.h5", "d", shape)
        mine, theirs = (tuple(side) for side in zip(*slabs, strict=True))
        layout[mine] = source[theirs]
    folder.virtual(layout, fillvalue=recipe["fill"])
    group = folder.checked()
    assert all("lies over others" in problem.what for problem in group.all_problems())
