"""Filters become Zarr codecs, skipped filters are left out, unknown ones are named."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

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
    "blosc snappy": hdf5plugin.Blosc(cname="snappy"),
    "bitshuffle zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "bitshuffle alone": hdf5plugin.Bitshuffle(cname="none"),
    "blosc2": hdf5plugin.Blosc2(),
    "zfp": hdf5plugin.Zfp(reversible=True),
    "lz4 checked": {"fletcher32": True, **hdf5plugin.LZ4()},
    "blosc2 checked": {"fletcher32": True, "shuffle": True, **hdf5plugin.Blosc2()},
}
without_codec = {
    "sz": hdf5plugin.SZ(absolute=0.001),
    "sz3": hdf5plugin.SZ3(absolute=0.001),
    "sperr": hdf5plugin.Sperr(rate=32),
}
with h5py.File(sys.argv[1], "w") as file:
    for name, keywords in made.items():
        for code in ("i4", ">f8"):
            data = values.astype("f4") if name == "zfp" else values.astype(code)
            file.create_dataset(f"{name}/{code}", data=data, chunks=(40, 30), **keywords)
    for name, keywords in without_codec.items():
        data = values.astype("f4")
        file.create_dataset(f"without codec/{name}", data=data, chunks=(40, 30), **keywords)
"""


@pytest.fixture(scope="module")
def plugin_file(tmp_path_factory):
    """A file written with plug-ins, in a process of its own.

    Importing netCDF4 makes HDF5 look for plug-ins in its package, where those of blosc fail.
    """
    path = tmp_path_factory.mktemp("plugins") / "file.h5"
    environment = {name: value for name, value in os.environ.items() if "HDF5" not in name}
    command = [sys.executable, "-c", WRITE_WITH_PLUGINS, path]
    subprocess.run(command, check=True, timeout=60, env=environment)
    return path


def test_filters_of_plugins(plugin_file) -> None:
    group = read_group(plugin_file)
    expected = np.arange(6000).reshape(60, 100)
    seen: dict[str, list[str]] = {}
    for name, node in group.groups.items():
        for code, array in node.arrays.items():
            # Blosc by itself skips what it cannot make smaller, chunk by chunk.
            assert array.manifest.nstored == 8
            assert array.manifest.nrefs > 0
            assert np.array_equal(values_of(array), expected), (name, code)
            seen[name] = _codecs(array)
    assert seen == {
        "zstd": ["zstd"],
        "zstd fast": ["zstd"],
        **{f"blosc {n}": ["blosc"] for n in ("blosclz", "lz4", "lz4hc", "zlib", "zstd")},
        "blosc no shuffle": ["blosc"],
        "blosc bit shuffle": ["blosc"],
        "blosc snappy": ["zarrchive.blosc"],
        "lz4": ["zarrchive.lz4"],
        "lz4 checked": ["zarrchive.lz4", "numcodecs.fletcher32"],
        "bitshuffle": ["zarrchive.bitshuffle"],
        "bitshuffle zstd": ["zarrchive.bitshuffle"],
        "bitshuffle alone": ["zarrchive.bitshuffle"],
        "bzip2": ["numcodecs.bz2"],
        "blosc2": ["zarrchive.blosc2"],
        "blosc2 checked": ["numcodecs.shuffle", "zarrchive.blosc2", "numcodecs.fletcher32"],
        "zfp": ["zarrchive.zfp"],
    }


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("sz", "sz (HDF5 filter 32017)"),
        ("sz3", "sz3 (HDF5 filter 32024)"),
        ("sperr", "sperr (HDF5 filter 32028)"),
    ],
)
def test_filters_without_a_codec_are_named(plugin_file, name, label) -> None:
    group = read_group(plugin_file, group="without codec")
    assert not group.arrays
    (problem,) = [p for p in group.all_problems() if p.variable == f"/without codec/{name}"]
    assert problem.code == "hdf5-filter"
    assert f"{label}: no Zarr codec undoes it" in problem.what
    assert "loadable_variables" in problem.hint


def test_what_h5py_can_decode_can_be_inlined(plugin_file) -> None:
    assert hdf5plugin.FILTERS  # imported so that h5py can decode it
    path = "without codec/sz3"
    (problem,) = [p for p in read_group(plugin_file).all_problems() if p.variable == f"/{path}"]
    assert "h5py can decode it" in problem.hint
    group = read_group(plugin_file, group="without codec", inline=frozenset({"sz3"}))
    array = group.arrays["sz3"]
    assert array.manifest.ninlined == 1
    with h5py.File(plugin_file) as file:
        assert np.array_equal(values_of(array), file[path][...])


@pytest.mark.parametrize("length", [1, 2, 3, 5, 359, 360, 361, 721])
def test_fletcher32_of_odd_lengths(sample, length) -> None:
    """HDF5 adds in blocks of 360 words and pads an odd last byte."""
    values = np.random.default_rng(length).integers(0, 256, length).astype("u1")
    with sample.writing() as file:
        file.create_dataset("x", data=values, chunks=(length,), fletcher32=True)
    assert sample.checked().arrays["x"].manifest.nrefs == 1


@pytest.mark.parametrize(
    ("keywords", "names"),
    [
        ({"compression": "lzf"}, ["zarrchive.lzf"]),
        (
            {"compression": "lzf", "shuffle": True, "fletcher32": True},
            ["numcodecs.shuffle", "zarrchive.lzf", "numcodecs.fletcher32"],
        ),
        ({"compression": "szip"}, ["zarrchive.szip"]),
        ({"scaleoffset": 0}, ["zarrchive.scaleoffset"]),
        (
            {"scaleoffset": 0, "shuffle": True, "compression": "lzf"},
            ["zarrchive.scaleoffset", "zarrchive.shuffle", "zarrchive.lzf"],
        ),
    ],
    ids=lambda case: str(case) if isinstance(case, dict) else "",
)
def test_filters_that_h5py_brings(sample, keywords, names) -> None:
    values = (np.arange(6000) // 50).astype("i4").reshape(60, 100)
    with sample.writing() as file:
        file.create_dataset("x", data=values, chunks=(40, 30), **keywords)
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 8
    assert _codecs(array) == names


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


def test_raw_chunk_of_a_wrong_size_is_a_problem(sample) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (8,), "i4", chunks=(8,))
        made.id.write_direct_chunk((0,), bytes(12))
    (problem,) = sample.read().all_problems()
    assert problem.code == "hdf5-damaged"
