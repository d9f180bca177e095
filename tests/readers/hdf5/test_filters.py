"""Filters become Zarr codecs, skipped filters are left out, unknown ones are named."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from zarrchive.codecs.hdf5 import codec_document
from zarrchive.manifests import InlineChunk
from zarrchive.manifests.values import values_of
from zarrchive.readers.open import read_group

VALUES = np.arange(1, 61, dtype="i4").reshape(6, 10)


def _codecs(array) -> list[str]:
    return [codec["name"] for codec in array.metadata.to_dict()["codecs"]][1:]


@pytest.mark.parametrize(
    ("keywords", "names"),
    [
        ({"compression": "gzip"}, ["numcodecs.zlib"]),
        ({"compression": "gzip", "compression_opts": 0}, ["numcodecs.zlib"]),
        ({"shuffle": True, "compression": 9}, ["numcodecs.shuffle", "numcodecs.zlib"]),
        ({"fletcher32": True}, ["numcodecs.fletcher32"]),
        (
            {"shuffle": True, "compression": "gzip", "fletcher32": True},
            ["numcodecs.shuffle", "numcodecs.zlib", "numcodecs.fletcher32"],
        ),
    ],
    ids=lambda case: str(case) if isinstance(case, dict) else "",
)
@pytest.mark.parametrize("dtype", ["u1", ">f8", "c16"])
def test_pipelines(sample, keywords, names, dtype) -> None:
    with sample.writing() as file:
        file.create_dataset("x", data=VALUES.astype(dtype), chunks=(4, 3), **keywords)
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 8
    assert _codecs(array) == names


WRITE_WITH_PLUGINS = """
import sys, h5py, hdf5plugin, numpy as np
values = np.arange(6000, dtype="i4").reshape(60, 100)
made = {
    "zstd": hdf5plugin.Zstd(clevel=5),
    "zstd fast": hdf5plugin.Zstd(clevel=-3),
    **{f"blosc {n}": hdf5plugin.Blosc(cname=n) for n in "blosclz lz4 lz4hc zlib zstd".split()},
    "blosc no shuffle": hdf5plugin.Blosc(shuffle=hdf5plugin.Blosc.NOSHUFFLE),
    "blosc bit shuffle": hdf5plugin.Blosc(shuffle=hdf5plugin.Blosc.BITSHUFFLE),
    "lz4": hdf5plugin.LZ4(),
    "bitshuffle": hdf5plugin.Bitshuffle(),
    "bzip2": hdf5plugin.BZip2(),
    "blosc2": hdf5plugin.Blosc2(),
    "zfp": hdf5plugin.Zfp(reversible=True),
}
with h5py.File(sys.argv[1], "w") as file:
    for name, keywords in made.items():
        for code in ("i4", ">f8"):
            data = values.astype("f4") if name == "zfp" else values.astype(code)
            file.create_dataset(f"{name}/{code}", data=data, chunks=(40, 30), **keywords)
"""


@pytest.fixture(scope="module")
def plugin_file(tmp_path_factory):
    """A file written with plug-ins, in a process of its own.

    Importing netCDF4 makes HDF5 look for plug-ins in its package, where those of blosc fail.
    """
    path = tmp_path_factory.mktemp("plugins") / "file.h5"
    environment = {name: value for name, value in os.environ.items() if "HDF5" not in name}
    command = [sys.executable, "-c", WRITE_WITH_PLUGINS, path]
    subprocess.run(command, check=True, env=environment)
    return path


def test_filters_of_plugins(plugin_file) -> None:
    group = read_group(plugin_file)
    expected = np.arange(6000).reshape(60, 100)
    seen = 0
    for name, node in group.groups.items():
        for code, array in node.arrays.items():
            assert _codecs(array) == [name.split()[0]]
            # Blosc by itself skips what it cannot make smaller, chunk by chunk.
            assert array.manifest.nstored == 8
            assert array.manifest.nrefs > 0
            assert np.array_equal(values_of(array), expected), (name, code)
            seen += 1
    assert seen == 18


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("lz4", "lz4 (HDF5 filter 32004)"),
        ("bitshuffle", "bitshuffle (HDF5 filter 32008)"),
        ("bzip2", "bzip2 (HDF5 filter 307)"),
        ("blosc2", "blosc2 (HDF5 filter 32026)"),
        ("zfp", "zfp (HDF5 filter 32013)"),
    ],
)
def test_filters_without_a_codec_are_named(plugin_file, name, label) -> None:
    group = read_group(plugin_file, group=name)
    assert not group.arrays
    assert {p.variable for p in group.all_problems()} == {f"/{name}/i4", f"/{name}/>f8"}
    for problem in group.all_problems():
        assert problem.code == "hdf5-filter"
        assert label in problem.what
        assert "loadable_variables" in problem.hint


def test_compressor_of_blosc_that_numcodecs_has_not() -> None:
    with pytest.raises(ValueError, match="compressor number 3"):
        codec_document(32001, (2, 2, 4, 160, 5, 1, 3))


@pytest.mark.parametrize("length", [1, 2, 3, 5, 359, 360, 361, 721])
def test_fletcher32_of_odd_lengths(sample, length) -> None:
    """HDF5 adds in blocks of 360 words and pads an odd last byte."""
    values = np.random.default_rng(length).integers(0, 256, length).astype("u1")
    with sample.writing() as file:
        file.create_dataset("x", data=values, chunks=(length,), fletcher32=True)
    assert sample.checked().arrays["x"].manifest.nrefs == 1


@pytest.mark.parametrize(
    ("keywords", "name"),
    [
        ({"compression": "lzf"}, "lzf (HDF5 filter 32000)"),
        ({"scaleoffset": 2}, "scaleoffset (HDF5 filter 6)"),
        ({"compression": "szip"}, "szip (HDF5 filter 4)"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_what_h5py_can_decode_can_be_inlined(sample, keywords, name) -> None:
    with sample.writing() as file:
        try:
            file.create_dataset("x", data=np.zeros((60, 10), "i4"), chunks=(60, 10), **keywords)
        except (OSError, ValueError) as error:
            pytest.skip(f"h5py cannot write it: {error}")
        file["y"] = [1]
    group = sample.checked()
    (problem,) = group.all_problems()
    assert list(group.arrays) == ["y"]
    assert (problem.code, problem.variable) == ("hdf5-filter", "/x")
    assert name in problem.what
    assert "h5py can decode it" in problem.hint
    wanted = sample.checked(inline=frozenset({"x"}))
    assert wanted.arrays["x"].manifest.ninlined == 1


def test_filter_that_nobody_has(sample) -> None:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((4,))
    with sample.writing() as file:
        plist.set_shuffle()
        dataset = h5d.create(file.id, b"x", h5t.STD_I32LE, h5s.create_simple((4,)), plist)
        h5d.DatasetID.write_direct_chunk(dataset, (0,), bytes(16))
        address = file.id.links.get_info(b"x").u
    data = bytearray(sample.path.read_bytes())
    # Filter pipeline message, version 1: reserved bytes, then the id, name length and flags.
    at = data.index(struct.pack("<HHHH", 2, 8, 1, 1), address)
    struct.pack_into("<H", data, at, 700)
    sample.path.write_bytes(data)
    for inline in (frozenset(), frozenset({"x"})):
        (problem,) = sample.read(inline=inline).all_problems()
        assert problem.code == "hdf5-filter"
        assert "HDF5 filter 700" in problem.what
        assert "plug-in" in problem.hint


def _write_masked(dataset, masks: dict[int, int]) -> None:
    """Write chunks of 10 i4 with shuffle and gzip, skipping the filters of each one's mask."""
    for number in range(6):
        mask = masks.get(number, 0)
        data = VALUES[number].tobytes()
        if not mask & 1:
            data = np.frombuffer(data, "u1").reshape(10, 4).T.tobytes()
        if not mask & 2:
            data = zlib.compress(data)
        dataset.id.write_direct_chunk((number, 0), data, filter_mask=mask)


@pytest.mark.parametrize(
    ("mask", "names"),
    [(1, ["numcodecs.zlib"]), (2, ["numcodecs.shuffle"]), (3, [])],
    ids=["shuffle skipped", "gzip skipped", "all skipped"],
)
def test_the_same_mask_everywhere_shortens_the_codecs(sample, mask, names) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (6, 10), "i4", chunks=(1, 10), shuffle=True, compression=4)
        _write_masked(made, dict.fromkeys(range(6), mask))
    array = sample.checked().arrays["x"]
    assert _codecs(array) == names
    assert array.manifest.nrefs == 6


@pytest.mark.parametrize("mask", [1, 2, 3])
def test_odd_chunks_are_encoded_again_and_inlined(sample, mask) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (6, 10), "i4", chunks=(1, 10), shuffle=True, compression=4)
        _write_masked(made, {2: mask, 4: 3})
    array = sample.checked().arrays["x"]
    assert _codecs(array) == ["numcodecs.shuffle", "numcodecs.zlib"]
    assert (array.manifest.nrefs, array.manifest.ninlined) == (4, 2)
    assert isinstance(array.manifest[2, 0], InlineChunk)


def test_many_odd_chunks_are_a_problem(sample) -> None:
    big = np.zeros(2**19, "i4").tobytes()
    with sample.writing() as file:
        made = file.create_dataset("x", (3, 2**19), "i4", chunks=(1, 2**19), compression=4)
        made.id.write_direct_chunk((0, 0), zlib.compress(big))
        made.id.write_direct_chunk((1, 0), zlib.compress(big))
        made.id.write_direct_chunk((2, 0), big, filter_mask=1)
    (problem,) = sample.read().all_problems()
    assert problem.code == "hdf5-filter-mask"
    assert "1 of 3" in problem.what


def test_skipped_unknown_filter_does_not_matter(sample) -> None:
    """LZF skips chunks that it cannot make smaller; where it skipped all, they are raw."""
    values = np.random.default_rng(1).integers(0, 2**31, (4, 10)).astype("i4")
    with sample.writing() as file:
        file.create_dataset("x", data=values, chunks=(1, 10), compression="lzf")
    array = sample.checked().arrays["x"]
    assert _codecs(array) == []
    assert array.manifest.nrefs == 4


def _hdf5_library():
    """Return the HDF5 library of h5py by ctypes, for what h5py has no words for."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        name = line.split()[-1]
        if "h5py" in name and ("libhdf5-" in name or "libhdf5.so" in name):
            return ctypes.CDLL(name)
    pytest.skip("h5py's HDF5 library is not to be found")
    raise AssertionError


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_edges_that_were_not_filtered(sample, compression) -> None:
    library = _hdf5_library()
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((4, 4))
    plist.set_shuffle()
    if compression:
        plist.set_deflate(4)
    dont_filter_partial_chunks = 2
    library.H5Pset_chunk_opts.argtypes = [ctypes.c_int64, ctypes.c_uint]
    assert library.H5Pset_chunk_opts(plist.id, dont_filter_partial_chunks) >= 0
    with sample.writing(libver="latest") as file:
        space = h5s.create_simple((6, 10))
        dataset = h5d.create(file.id, b"x", h5t.STD_I32LE, space, plist)
        dataset.write(h5s.ALL, h5s.ALL, VALUES)
    array = sample.checked().arrays["x"]
    assert (array.manifest.nrefs, array.manifest.ninlined) == (4, 2)  # whole ones are fewer
    assert np.array_equal(values_of(array), VALUES)


def test_raw_chunk_of_a_wrong_size_is_a_problem(sample) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (8,), "i4", chunks=(8,))
        made.id.write_direct_chunk((0,), bytes(12))
    (problem,) = sample.read().all_problems()
    assert problem.code == "hdf5-damaged"


def test_damaged_odd_chunk_is_a_problem(sample) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (3, 10), "i4", chunks=(1, 10), shuffle=True, compression=4)
        good = zlib.compress(bytes(40))
        for number, (data, mask) in enumerate([(good, 0), (good, 0), (b"rubbish", 1)]):
            made.id.write_direct_chunk((number, 0), data, filter_mask=mask)
    (problem,) = sample.read().all_problems()
    assert (problem.code, problem.variable) == ("hdf5-damaged", "/x")
