"""Filters become Zarr codecs, skipped filters are left out, unknown ones are named."""

from __future__ import annotations

import struct

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


def test_filters_of_plugins(plugin_file) -> None:
    group = read_group(plugin_file)
    seen: dict[str, set[str]] = {}
    with h5py.File(plugin_file) as file:
        for path, array in group.walk_arrays():
            _, kind, case, name = path.split("/")
            if name != "stored" or not case.startswith(("0-", "1-")) or case.endswith("6x7x8"):
                continue  # of the rest, the codecs alone are tested
            # Optional filters skip what they cannot make smaller, chunk by chunk.
            assert array.manifest.nrefs == array.manifest.nstored
            assert values_of(array).tobytes() == _native(file[kind][case]["values"]), path
            seen.setdefault(kind, set()).update(_codecs(array))
    ours = {
        **{kind: "zarrchive.blosc2" for kind in seen if kind.startswith("blosc2")},
        **{kind: "zarrchive.zfp" for kind in seen if kind.startswith("zfp")},
        **{kind: "zarrchive.lz4" for kind in seen if kind.startswith("lz4")},
        **{kind: "zarrchive.bitshuffle" for kind in seen if kind.startswith("bitshuffle")},
        "blosc snappy": "zarrchive.blosc",
        "blosc snappy bits": "zarrchive.blosc",
    }
    assert len(seen) == 30
    for kind, codecs in seen.items():
        assert codecs - {"zarrchive.unless_raw"} <= {
            ours.get(kind, ""),
            "blosc",
            "zstd",
            "numcodecs.bz2",
        }
        assert codecs


def _native(dataset) -> bytes:
    values = dataset[...]
    return values.astype(values.dtype.newbyteorder("=")).tobytes()


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
    assert list(group.groups[name].arrays) == ["values"]
    path = f"/without codec/{name}/stored"
    (problem,) = [p for p in group.all_problems() if p.variable == path]
    assert problem.code == "hdf5-filter"
    assert f"{label}: no Zarr codec undoes it" in problem.what
    assert "loadable_variables" in problem.hint


def test_what_h5py_can_decode_can_be_inlined(plugin_file) -> None:
    assert hdf5plugin.FILTERS  # imported so that h5py can decode it
    path = "without codec/sz3/stored"
    (problem,) = [p for p in read_group(plugin_file).all_problems() if p.variable == f"/{path}"]
    assert "h5py can decode it" in problem.hint
    group = read_group(plugin_file, group="without codec/sz3", inline=frozenset({"stored"}))
    array = group.arrays["stored"]
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
